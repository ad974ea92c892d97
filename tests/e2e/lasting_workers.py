"""Worker processes for media files that go from test to test.

A worker takes about a second to start and to import FFmpeg and Pillow, which is longer than most
tests take; what it keeps from one call to the next, it keeps in the bot as well.
"""

from collections import defaultdict
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

#: Pools that no bot uses now, by what they were made with.
_idle: defaultdict[tuple[object, ...], list[ProcessPoolExecutor]] = defaultdict(list)


class LentExecutor:
    """Stands in for `ProcessPoolExecutor` where `media.worker_pool` makes one.

    Its processes go to the next bot once all calls have ended; otherwise they are killed, as in the
    program. What is no work on media files, such as the trial of a new yt-dlp, gets new ones.
    """

    def __init__(self, workers: int, **options: Any) -> None:
        self._make = partial(ProcessPoolExecutor, workers, **options)
        self._key = (workers, options["initargs"])
        self._pool: ProcessPoolExecutor | None = None
        self._is_lent = False
        self._calls: list[Future[Any]] = []

    def submit(self, run: Any, work: Any, arguments: Any) -> Future[Any]:
        """Start a call in one of the processes."""
        if self._pool is None:
            self._is_lent = getattr(work, "module", work.__module__).startswith("media.")
            has_one = self._is_lent and _idle[self._key]
            self._pool = _idle[self._key].pop() if has_one else self._make()
        call: Future[Any] = self._pool.submit(run, work, arguments)
        self._calls.append(call)
        return call

    @property
    def _processes(self) -> dict[int, Any]:
        """What has to be killed now."""
        if self._pool is None or self._is_healthy:
            return {}
        return dict(vars(self._pool)["_processes"] or {})

    @property
    def _is_healthy(self) -> bool:
        return self._is_lent and all(
            call.done()
            and (call.cancelled() or not isinstance(call.exception(), BrokenProcessPool))
            for call in self._calls
        )

    def shutdown(self, **options: Any) -> None:
        """Keep the processes for the next bot, or end them."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if self._is_healthy:
            _idle[self._key].append(pool)
        else:
            pool.shutdown(**options)


def end_workers() -> None:
    """End all processes."""
    for pools in _idle.values():
        for pool in pools:
            pool.shutdown()
    _idle.clear()
