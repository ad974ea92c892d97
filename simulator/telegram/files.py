"""Store uploaded files on disk under file ids that belong to one bot."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
from PIL import Image


@dataclass(slots=True)
class Upload:
    """A file received with a request; size in bytes."""

    path: Path
    name: str
    content_type: str
    size: int


@dataclass(slots=True)
class StoredFile:
    """A stored file with its file id."""

    file_id: str
    unique_id: str
    #: "video", "animation", "live_photo", "photo", "document", "audio" or "thumbnail".
    kind: str
    path: Path
    name: str
    size: int
    #: Measured properties, in pixels and seconds; 0 if the file is not a picture or video.
    width: int = 0
    height: int = 0
    duration: int = 0
    codec: str = ""
    #: Reason why a video does not play on every client or cannot be streamed; empty if it can.
    trouble: str = ""
    has_sound: bool = False
    #: Media object of the first message with this file; later messages by file id repeat it.
    shown: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the fields that all file objects share."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": self.size,
        }


class FileStore:
    """All files of one bot."""

    def __init__(self, folder: Path, bot_id: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._bot_id = bot_id
        self._numbers = itertools.count(1)
        self.by_id: dict[str, StoredFile] = {}

    def new_path(self) -> Path:
        """Return a new path for an upload."""
        return self.folder / f"upload-{next(self._numbers)}"

    def keep(self, upload: Upload, kind: str) -> StoredFile:
        """Measure an uploaded file and store it under a new file id."""
        number = next(self._numbers)
        file = StoredFile(
            file_id=f"{kind}-{self._bot_id}-{number:06}",
            unique_id=f"u{number:06}",
            kind=kind,
            path=upload.path,
            name=upload.name,
            size=upload.size,
        )
        if kind in {"photo", "thumbnail"}:
            _measure_picture(file)
        elif kind in {"video", "animation", "live_photo"}:
            _measure_video(file)
        elif kind == "audio":
            _measure_sound(file)
        self.by_id[file.file_id] = file
        return file


def _measure_picture(file: StoredFile) -> None:
    """Measure a picture that can be decoded completely; Telegram takes no CMYK."""
    try:
        with Image.open(file.path) as image:
            image.load()
            if image.mode != "CMYK":
                file.width, file.height = image.size
                file.codec = (image.format or "").lower()
    except (OSError, SyntaxError):
        return


def _measure_video(file: StoredFile) -> None:
    try:
        with av.open(str(file.path)) as container:
            if container.streams.video:
                stream = container.streams.video[0]
                frame = next(container.decode(stream))
                # Apps show pixels of a plausible shape as they are declared in the file.
                aspect = float(stream.sample_aspect_ratio or 1)
                file.width = round(frame.width * (aspect if 0.1 < aspect < 10 else 1))
                file.height = frame.height
                if frame.rotation % 180:
                    file.width, file.height = file.height, file.width
                file.codec = stream.codec_context.name
                file.has_sound = bool(container.streams.audio)
                file.trouble = _trouble(file, container, frame)
            if container.duration:
                # Zero means unknown to the apps.
                file.duration = max(round(container.duration / av.time_base), 1)
    except (av.FFmpegError, StopIteration):
        return


def _trouble(file: StoredFile, container: Any, frame: Any) -> str:
    """Return why a video does not play on every client or cannot be streamed, or ""."""
    video = container.streams.video[0].codec_context
    sounds = [stream.codec_context.name for stream in container.streams.audio]
    is_hdr = int(frame.color_trc) in {16, 18} or int(frame.color_primaries) == 9
    troubles = {
        f"{file.codec} in {container.format.name}": file.codec not in {"h264", "hevc"}
        or "mp4" not in container.format.name,
        # Apple's players refuse hev1; Android's and browsers' refuse QuickTime.
        f"the tag {video.codec_tag}": video.codec_tag not in {"avc1", "hvc1"},
        "QuickTime": container.metadata.get("major_brand", "").startswith("qt"),
        f"audio in {sounds}": bool(set(sounds) - {"aac", "mp3", "mp3float"}),
        f"H.264 in {video.pix_fmt}": file.codec == "h264"
        and video.pix_fmt not in {"yuv420p", "yuvj420p"},
        "HDR in H.264": file.codec == "h264" and is_hdr,
        "no fast start": not _starts_with_index(file.path),
        "fragments": b"moof" in _top_level_kinds(file.path),
    }
    return next((trouble for trouble, is_so in troubles.items() if is_so), "")


def _top_level_kinds(path: Path) -> set[bytes]:
    """Return the kinds of an MP4's boxes (ISO 14496-12, 4.2)."""
    kinds = set()
    with path.open("rb") as file:
        while len(head := file.read(16)) >= 8:
            size = int.from_bytes(head[:4], "big")
            if size == 1:
                size = int.from_bytes(head[8:], "big")
            kinds.add(head[4:8])
            if size < 8:
                break
            file.seek(size - len(head), 1)
    return kinds


def _starts_with_index(path: Path) -> bool:
    """Return True if an MP4's index comes before its media data."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8 and head[4:] != b"mdat":
            if head[4:] == b"moov":
                return True
            file.seek(int.from_bytes(head[:4], "big") - 8, 1)
    return False


def _measure_sound(file: StoredFile) -> None:
    try:
        with av.open(str(file.path)) as container:
            if container.streams.audio:
                file.codec = container.streams.audio[0].codec_context.name
            if container.duration:
                # Zero means unknown to the apps.
                file.duration = max(round(container.duration / av.time_base), 1)
    except av.FFmpegError:
        return
