"""A downloaded sound named by what it holds. Runs in worker processes."""

from pathlib import Path

import av

from core.errors import PlatformChangedError


def with_true_name(path: Path) -> tuple[Path, int]:
    """Rename a sound to .mp3 or .m4a, whatever it really is; give the new path and its seconds.

    Raises:
        PlatformChangedError: it is neither, or no sound at all.
    """
    try:
        with av.open(str(path)) as container:
            formats = set(container.format.name.split(","))
            has_sound = bool(container.streams.audio)
            seconds = round((container.duration or 0) / av.time_base)
    except av.FFmpegError as error:
        raise PlatformChangedError(f"the file is no sound ({type(error).__name__})") from error
    for name, extension in (("mp3", "mp3"), ("mp4", "m4a")):
        if name in formats and has_sound:
            return path.rename(path.with_suffix(f".{extension}")), seconds
    raise PlatformChangedError(f"a sound in {container.format.name}")
