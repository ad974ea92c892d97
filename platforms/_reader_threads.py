"""Threads that read pages, and the limits of one read.

The threads are daemons, because a thread that waits for the network must never delay the exit of
the program. A read that nobody waits for any more ends at its next chunk of data.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from core.errors import (
    ClipferryError,
    PlatformChangedError,
    PlatformUnreachableError,
    UnreadablePageError,
)
from platforms._reader_cache import ReaderCache

T = TypeVar("T")

#: Limit for one page, on the wire and after decompression. TikTok's pages have 0.5 MB, Instagram's
#: 1 MB, the largest script of YouTube's player 2.6 MB.
MAX_PAGE_BYTES: Final = 4_000_000
#: Limit for all pages of one read together.
_MAX_READ_BYTES: Final = 16_000_000
#: Limit for the requests of one read, redirects included.
_MAX_REQUESTS: Final = 40
#: Limits for the structure of a page: parsed JSON needs up to 72 bytes for an object or a list, and
#: 60 for a value. Real pages stay below a third of both.
_MAX_CONTAINERS: Final = 200_000
_MAX_VALUES: Final = 500_000
#: Limit for searching all pages of one read with patterns, in seconds of the processor.
MAX_SEARCH_S: Final = 5.0


class PageRead:
    """One read of a post: what it may still use. Shared by the event loop and the thread."""

    def __init__(self, budget_s: float) -> None:
        self._ends_at = time.monotonic() + budget_s
        self._bytes_left = _MAX_READ_BYTES
        self._requests_left = _MAX_REQUESTS
        self._is_abandoned = False
        #: Why the read cannot go on; None if it can.
        self.failure: ClipferryError | None = None
        #: How long pages may still be searched, in seconds.
        self.search_s_left = MAX_SEARCH_S

    def abandon(self) -> None:
        """End the read: nobody waits for its result."""
        self._is_abandoned = True

    def start_request(self) -> None:
        """Count a request.

        Raises:
            PlatformError: the read has used its time or its requests, or was abandoned.
            UnreadablePageError: a page took too long to search.
        """
        self._requests_left -= 1
        if self._requests_left < 0:
            self.failure = PlatformChangedError("a post needs too many requests")
        self._raise_if_over()

    def start_search(self) -> float:
        """Return how long the next search may take, in seconds.

        Raises:
            PlatformError: the read has used its time, or was abandoned.
            UnreadablePageError: the pages took too long to search.
        """
        if self.search_s_left <= 0:
            self.too_slow()
        self._raise_if_over()
        return self.search_s_left

    def too_slow(self) -> UnreadablePageError:
        """End the read, because its pages take too long to search; return the error."""
        self.failure = UnreadablePageError(f"over {MAX_SEARCH_S} s")
        return self.failure

    def _raise_if_over(self) -> None:
        if self._is_abandoned or self.seconds_left() <= 0:
            self.failure = PlatformUnreachableError("the time for reading the post is over")
        if self.failure:
            raise self.failure

    def seconds_left(self) -> float:
        """Return the time that is left for the read, in seconds."""
        return self._ends_at - time.monotonic()

    def may_continue(self, page_bytes: int, chunk_bytes: int) -> bool:
        """Return True if a page of `page_bytes` so far may get longer; else set `failure`."""
        self._bytes_left -= chunk_bytes
        if page_bytes > MAX_PAGE_BYTES or self._bytes_left < 0:
            self.failure = PlatformChangedError("the page is too large")
        elif self._is_abandoned or self.seconds_left() <= 0:
            self.failure = PlatformUnreachableError("the time for reading the post is over")
        return self.failure is None

    def accepts(self, page: bytes | bytearray) -> bool:
        """Return False, and set `failure`, if the page as JSON would need too much memory."""
        if (
            page.count(b"{") + page.count(b"[") > _MAX_CONTAINERS
            or page.count(b",") + page.count(b":") > _MAX_VALUES
        ):
            self.failure = PlatformChangedError("the page has too many values")
        return self.failure is None


class ReaderThreads:
    """Runs reads in threads, a limited number at a time."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._running: set[PageRead] = set()
        #: What the extractors of all reads remember.
        self.cache = ReaderCache()

    async def run(self, work: Callable[[PageRead], T], budget_s: float) -> T:
        """Run `work` in a thread and return its result; abandon the read if cancelled.

        `budget_s` limits the read, in seconds, without the wait for a free thread.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        read, done = PageRead(budget_s), loop.create_future()
        self._running.add(read)

        def finish(deliver: Callable[[], None]) -> None:
            # Only now the thread is free, even if the caller has left long ago.
            self._running.discard(read)
            self._free.release()
            if not done.done():
                deliver()

        def run() -> None:
            deliver: Callable[[], None]
            try:
                result = work(read)
            except BaseException as error:  # noqa: BLE001 - raised again in the caller of run()
                failure = error
                deliver = lambda: done.set_exception(failure)  # noqa: E731 - its type is declared
            else:
                deliver = lambda: done.set_result(result)  # noqa: E731
            with suppress(RuntimeError):  # the event loop is closed: the program ends
                loop.call_soon_threadsafe(finish, deliver)

        try:
            # Its log lines belong to the same request.
            context = contextvars.copy_context()
            threading.Thread(
                target=context.run, args=(run,), name="page-reader", daemon=True
            ).start()
        except RuntimeError as error:  # the system allows no further thread
            finish(lambda: None)
            raise PlatformUnreachableError("no thread for reading the page") from error
        try:
            outcome: T = await done
            return outcome
        finally:
            read.abandon()

    def close(self) -> None:
        """Abandon all running reads. Their threads are not awaited."""
        for read in self._running:
            read.abandon()
