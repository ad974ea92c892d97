"""A downloaded sound as Telegram's player takes it. Runs in worker processes, like media.video."""

from pathlib import Path
from typing import Final

import av

from media.encoding import extract_audio
from media.video import opened

#: FFmpeg's names of containers that the player knows, and how their files are called.
_KNOWN: Final = (("mp3", ".mp3"), ("mp4", ".m4a"))


def make_native(path: Path) -> tuple[Path, int]:
    """Give a sound as MP3 or M4A, under its true name, and its length in seconds.

    It is the file itself if it is either, or an M4A made of it.

    Raises:
        PlatformChangedError: it is no sound.
    """
    with opened(path, "sound") as container:
        formats = set(container.format.name.split(","))
        has_pictures = bool(container.streams.video)
        seconds = round((container.duration or 0) / av.time_base)
    for name, extension in _KNOWN:
        if name in formats and not (has_pictures and name == "mp4"):
            return path.rename(path.with_suffix(extension)), seconds
    return extract_audio(path), seconds
