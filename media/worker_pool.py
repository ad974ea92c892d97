"""Pool of worker processes for media files: a malicious file can crash a worker, not the bot."""

import asyncio
import multiprocessing
import os
import resource
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final, ParamSpec, TypeVar

from core.errors import BrokenFileError, MediaTimeoutError
from media.worker_call import run_in_worker

P = ParamSpec("P")
T = TypeVar("T")

#: Nice value of the workers: other processes, the bot's event loop included, have priority.
_NICENESS: Final = 10


class WorkerPool:
    """A pool of processes, started at first use and replaced if a worker crashes."""

    def __init__(
        self,
        workers: int,
        *,
        limit_s: float,
        memory_mb: int,
        crashed: Callable[[], None] = lambda: None,
    ) -> None:
        """Build the pool without starting processes.

        `limit_s` is the time limit of one call, in seconds; `memory_mb` limits the memory of one
        worker. `crashed` is called when a worker has crashed.
        """
        self._workers = workers
        self._limit_s = limit_s
        self._memory_mb = memory_mb
        self._crashed = crashed
        # A call waits here for a free worker, so that its time limit does not include the wait.
        self._free = asyncio.Semaphore(workers)
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a module-level function in a worker and return its result.

        Arguments and result are pickled. Keyword arguments are not supported.

        Raises:
            BrokenFileError: the call crashed its worker twice, or needed too much memory.
            SpoolError: the disk is full.
            MediaTimeoutError: the call exceeded the time limit; its worker was killed.
        """
        assert not kwargs
        async with self._free:
            try:
                return await self._run(work, *args)
            except BrokenProcessPool:
                self._crashed()
                # Another call may have crashed the shared pool, so this one is repeated in its own.
                single = WorkerPool(1, limit_s=self._limit_s, memory_mb=self._memory_mb)
            try:
                return await single._run(work, *args)
            except BrokenProcessPool as error:
                self._crashed()
                raise BrokenFileError("the worker process crashed") from error
            finally:
                single.close()

    def close(self) -> None:
        """Kill the workers. The next call starts new ones."""
        if self._pool:
            pool, self._pool = self._pool, None
            # Killed, because abandoned calls would delay the exit of the program.
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *args: object) -> T:
        pool = self._pool or self._start()
        try:
            async with asyncio.timeout(self._limit_s):
                return await asyncio.get_running_loop().run_in_executor(
                    pool, run_in_worker, work, args
                )
        except (BrokenProcessPool, TimeoutError, asyncio.CancelledError) as error:
            if self._pool is pool:
                self.close()
            if isinstance(error, TimeoutError):
                raise MediaTimeoutError(f"over {self._limit_s} s") from error
            raise

    def _start(self) -> ProcessPoolExecutor:
        # Spawned, because forking a process with threads can copy locks that are never released.
        self._pool = ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_init_worker,
            initargs=(self._memory_mb,),
        )
        return self._pool


def _init_worker(memory_mb: int) -> None:
    """Limit the worker's memory and priority, and make it exit if the bot is killed."""
    # The limit counts what the process has allocated, not the libraries that it has mapped.
    limit = memory_mb * 1_000_000
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    os.nice(_NICENESS)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)
