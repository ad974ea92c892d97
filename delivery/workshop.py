"""Worker processes for work on pictures: a broken file may cost a worker, never the bot."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from core.errors import BrokenPictureError

P = ParamSpec("P")
T = TypeVar("T")


class Workshop:
    """A few processes that are started at the first work and replaced when one dies."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of module level in a worker; arguments and result are pickled.

        Raises:
            BrokenPictureError: the worker died of it.
        """
        assert not kwargs
        pool = self._pool or self._start()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work, *args)
        except BrokenProcessPool as error:
            if self._pool is pool:
                self.close()
            raise BrokenPictureError("a worker died") from error

    def close(self) -> None:
        """End the workers; the next work starts new ones."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _start(self) -> ProcessPoolExecutor:
        # Spawned, because a copy of a process with threads may inherit locks that nobody opens.
        self._pool = ProcessPoolExecutor(
            self._workers, mp_context=multiprocessing.get_context("spawn")
        )
        return self._pool
