"""Convert downloaded audio for Telegram's player. Runs in worker processes, like media.video."""

from pathlib import Path
from typing import Final

import av

from media.encoding import extract_audio
from media.reading import open_media

#: FFmpeg's names of the containers that Telegram's player supports, and their file extensions.
#: Source: https://core.telegram.org/bots/api#sendaudio
_SUPPORTED: Final = (("mp3", ".mp3"), ("mp4", ".m4a"))


def make_native(path: Path) -> tuple[Path, int]:
    """Return the path of an MP3 or M4A file with the audio, and its duration in seconds.

    A file in one of these formats is only renamed to the right extension. From any other file, the
    audio is extracted to an M4A file beside it.

    Raises:
        PlatformChangedError: the file has no audio, or is damaged.
    """
    with open_media(path, "audio") as container:
        formats = set(container.format.name.split(","))
        has_video = bool(container.streams.video)
        seconds = round((container.duration or 0) / av.time_base)
    for name, extension in _SUPPORTED:
        if name in formats and not (has_video and name == "mp4"):
            return path.rename(path.with_suffix(extension)), seconds
    return extract_audio(path), seconds
