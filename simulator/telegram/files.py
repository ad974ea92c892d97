"""The files that Telegram holds: kept on disk, named by file ids that belong to one bot."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
from PIL import Image


@dataclass(slots=True)
class Upload:
    """A file that came in with a request."""

    path: Path
    name: str
    content_type: str
    size: int


@dataclass(slots=True)
class StoredFile:
    """A file that has an id."""

    file_id: str
    unique_id: str
    #: "video", "animation", "photo", "document", "audio" or "thumbnail".
    kind: str
    path: Path
    name: str
    size: int
    #: What the file really holds, pixels and seconds; 0 when it is no picture or video.
    width: int = 0
    height: int = 0
    duration: int = 0
    codec: str = ""
    #: Of a video: what keeps it from playing everywhere, or from playing while it loads.
    trouble: str = ""
    has_sound: bool = False
    #: The object in the first message with it; what is sent by its id looks the same.
    shown: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give the fields that all file objects share."""
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
        """Give a path for an upload."""
        return self.folder / f"upload-{next(self._numbers)}"

    def keep(self, upload: Upload, kind: str) -> StoredFile:
        """Give an uploaded file its id, after a look inside."""
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
    """Tell whether the index of an MP4 comes before its content."""
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
