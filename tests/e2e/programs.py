"""The real program, in processes of its own."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

from data.config import ROOT

#: What `end_programs` has to look at, and the event loop of its test.
_started: list[tuple[asyncio.subprocess.Process, asyncio.AbstractEventLoop]] = []


async def program(
    *arguments: str, folder: Path, **environment: str
) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
    """Start `main.py`; return the process and its environment."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'program.db'}",
        **environment,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "default",
        str(ROOT / "main.py"),
        *arguments,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _started.append((process, asyncio.get_running_loop()))
    return process, env


async def end_programs() -> None:
    """Kill what a failed test has left running: it would slow down all tests after it."""
    while _started:
        process, loop = _started.pop()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            if loop is asyncio.get_running_loop():  # else its test has ended, as has its loop
                await process.communicate()
