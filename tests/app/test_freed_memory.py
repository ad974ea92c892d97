"""Memory that was freed goes back to the system."""

import asyncio
import ctypes
import os
import sys
from pathlib import Path

import pytest

from app.freed_memory import return_freed_memory

#: Blocks that are too small for a mapping of their own, and how many: 200 MB.
_SIZE, _NUMBER = 100_000, 2_000


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _free_all_but_the_last() -> int:
    """Fill and free blocks in this thread's arena; return the last one, which holds its end."""
    malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
    malloc.restype, malloc.argtypes, free.argtypes = (
        ctypes.c_void_p,
        [ctypes.c_size_t],
        [ctypes.c_void_p],
    )
    blocks = [malloc(_SIZE) for _ in range(_NUMBER)]
    for block in blocks:
        ctypes.memset(block, 1, _SIZE)
    for block in blocks[:-1]:
        free(block)
    return int(blocks[-1])


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_what_a_thread_has_freed_goes_back_to_the_system():
    last = await asyncio.to_thread(_free_all_but_the_last)
    try:
        before = _rss_bytes()
        await return_freed_memory()
        assert _rss_bytes() < before - 100_000_000
    finally:
        ctypes.CDLL(None).free(ctypes.c_void_p(last))
