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
    #: "video", "animation", "photo", "document", "audio" or "thumbnail".
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
        elif kind in {"video", "animation"}:
            _measure_video(file)
        elif kind == "audio":
            _measure_sound(file)
        self.by_id[file.file_id] = file
        return file


def _measure_picture(file: StoredFile) -> None:
    try:
        with Image.open(file.path) as image:
            file.width, file.height = image.size
            file.codec = (image.format or "").lower()
    except OSError:
        return


def _measure_video(file: StoredFile) -> None:
    try:
        with av.open(str(file.path)) as container:
            if container.streams.video:
                context = container.streams.video[0].codec_context
                file.width, file.height = context.width, context.height
                frame = next(container.decode(video=0))
                if frame.rotation % 180:
                    file.width, file.height = file.height, file.width
                file.codec = context.name
                file.has_sound = bool(container.streams.audio)
                if file.codec not in {"h264", "hevc"} or "mp4" not in container.format.name:
                    file.trouble = f"{file.codec} in {container.format.name}"
                elif not _starts_with_index(file.path):
                    file.trouble = "no fast start"
            if container.duration:
                file.duration = round(container.duration / av.time_base)
    except (av.FFmpegError, StopIteration):
        return


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
                file.duration = round(container.duration / av.time_base)
    except av.FFmpegError:
        return
