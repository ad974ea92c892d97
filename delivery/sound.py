"""A downloaded sound named by what it holds."""

import asyncio
from concurrent.futures import Executor
from pathlib import Path

import av

from core.errors import PlatformChangedError


async def with_true_name(path: Path, executor: Executor) -> Path:
    """Rename a sound to .mp3 or .m4a, whatever it really is; give the new path.

    Raises:
        PlatformChangedError: it is neither, or no sound at all.
    """
    return await asyncio.get_running_loop().run_in_executor(executor, _with_true_name, path)


def _with_true_name(path: Path) -> Path:
    try:
        with av.open(str(path)) as container:
            formats = set(container.format.name.split(","))
            has_sound = bool(container.streams.audio)
    except av.FFmpegError as error:
        raise PlatformChangedError(f"the file is no sound ({type(error).__name__})") from error
    for name, extension in (("mp3", "mp3"), ("mp4", "m4a")):
        if name in formats and has_sound:
            return path.rename(path.with_suffix(f".{extension}"))
    raise PlatformChangedError(f"a sound in {container.format.name}")
