"""Worker processes for work on files: a broken file may cost a worker, never the bot."""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final, ParamSpec, TypeVar

from core.errors import BrokenFileError, MediaTimeoutError

P = ParamSpec("P")
T = TypeVar("T")

#: Our work gives way to the machine's other work, the bot's own loop first of all.
_NICENESS: Final = 10


class WorkerPool:
    """A few processes that are started at the first work and replaced when one dies."""

    def __init__(self, workers: int, *, limit_s: float) -> None:
        self._workers = workers
        self._limit_s = limit_s
        # Work is handed over only when a worker is free, so that its time is its own.
        self._free = asyncio.Semaphore(workers)
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of module level in a worker; arguments and result are pickled.

        Raises:
            BrokenFileError: a worker died of it, twice.
            FileOverdueError: it took longer than it may; its worker was ended.
        """
        assert not kwargs
        async with self._free:
            try:
                return await self._run(work, *args)
            except BrokenProcessPool:
                # Another's work may have ended the workers, so this one is tried by itself.
                alone = WorkerPool(1, limit_s=self._limit_s)
            try:
                return await alone._run(work, *args)
            except BrokenProcessPool as error:
                raise BrokenFileError("a worker died") from error
            finally:
                alone.close()

    def close(self) -> None:
        """End the workers; the next work starts new ones."""
        if self._pool:
            pool, self._pool = self._pool, None
            # Work that nobody waits for any more would hold up the end of the program.
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *args: object) -> T:
        pool = self._pool or self._start()
        try:
            async with asyncio.timeout(self._limit_s):
                return await asyncio.get_running_loop().run_in_executor(pool, work, *args)
        except (BrokenProcessPool, TimeoutError, asyncio.CancelledError) as error:
            if self._pool is pool:
                self.close()
            if isinstance(error, TimeoutError):
                raise MediaTimeoutError(f"over {self._limit_s} s") from error
            raise

    def _start(self) -> ProcessPoolExecutor:
        # Spawned, because a copy of a process with threads may inherit locks that nobody opens.
        self._pool = ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_settle_in,
        )
        return self._pool


def _settle_in() -> None:
    """Prepare a worker: it gives way to others, and ends when the bot is killed."""
    os.nice(_NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)
