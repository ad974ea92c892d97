"""Returns freed memory to the system: the C library keeps much of it, in an arena of each thread.

Files, pages and TLS connections are handled in many threads. Of 87 MB that glibc had from the
system after an hour of light load, 53 MB were in use.
"""

import asyncio
import ctypes
from collections.abc import Callable
from typing import Any, Final

#: glibc's function; other C libraries have none, and keep less.
_TRIM: Final[Callable[[int], Any] | None] = getattr(ctypes.CDLL(None), "malloc_trim", None)


async def return_freed_memory() -> None:
    """Return all that can be returned. Other threads wait some milliseconds if they need memory."""
    if _TRIM:
        await asyncio.to_thread(_TRIM, 0)
