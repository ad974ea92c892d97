"""The file-id cache: a post is fetched once at a time, and no request waits forever."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from core.cached_post import CachedPost, CacheKey
from core.chat_queue import Lane
from core.errors import ClipferryError, NotAvailableError
from core.media import Access, Clip, Link, Post, RemoteFile
from core.progress import WorkProgress
from core.request import Request
from services.requests.context import Toolkit
from services.requests.file_id_cache import FileIdCache, MadeFiles
from services.requests.slots import Slots
from services.requests.store import RequestStore
from tests.fakes import make_request
from tests.interleavings.explorer import INTERLEAVINGS, choice, explore, invariant

POST = Post("x", "1", "https://x.com/i/status/1", Access(proxy="direct"), items=(Clip(()),))
LINK = Link("x", POST.url, "1")
FILES = (RemoteFile("video", "id"),)


@dataclass
class World:
    """A database, a site and a chat, each answering after a step."""

    cached: dict[CacheKey, CachedPost] = field(default_factory=dict)
    fetching: int = 0
    fetches: int = 0
    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    async def find(self, key: CacheKey) -> CachedPost | None:
        await asyncio.sleep(0)
        return self.cached.get(key)

    async def store(self, key: CacheKey, post: CachedPost) -> None:
        await asyncio.sleep(0)
        self.cached[key] = CachedPost(post.post, post.files, post.is_processed, 1, 2**40)

    async def make(self, _context: Any) -> MadeFiles:
        self.fetching += 1
        self.fetches += 1
        try:
            await asyncio.sleep(0)
            if choice([True, True, False]):
                return MadeFiles(POST, FILES, is_processed=False, items=1, chat_id=1)
            raise NotAvailableError
        finally:
            self.fetching -= 1

    async def send(self, *_: Any) -> tuple[RemoteFile, ...]:
        await asyncio.sleep(0)
        self.sent += 1
        return FILES


class Fetcher:
    def known(self, link: Link) -> Link:
        return link


class Store:
    """Claims fetches for the only process."""

    async def begin_flight(self, key: CacheKey) -> bool:
        await asyncio.sleep(0)
        return True

    async def end_flight(self, key: CacheKey) -> None:
        await asyncio.sleep(0)


class Metrics:
    def took(self, stage: str, seconds: float) -> None:
        pass


class Status:
    async def accepted(self) -> None:
        await asyncio.sleep(0)


REQUEST = make_request(inline_id="each gets its own answer")


class Stored:
    async def begin(self) -> None:
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Target:
    chat_id: int
    thread_id: None = None


@dataclass(frozen=True)
class Context:
    target: Target
    link: Link = LINK
    status: Status = field(default_factory=Status)
    stored: Stored = field(default_factory=Stored)
    work: WorkProgress = field(default_factory=WorkProgress)
    begun_at: float = 0.0
    request: Request = REQUEST

    @property
    def lane(self) -> Lane:
        return Lane(self.target.chat_id, self.target.chat_id)


@dataclass
class Tools:
    sender: World
    slots: Slots
    fetcher: Fetcher = field(default_factory=Fetcher)
    metrics: Metrics = field(default_factory=Metrics)


def test_a_post_is_fetched_once_at_a_time_and_nobody_waits_forever(
    monkeypatch: pytest.MonkeyPatch,
):
    module = "services.requests.file_id_cache"

    async def scenario() -> None:
        world = World()
        monkeypatch.setattr(f"{module}.find_cached", world.find)
        monkeypatch.setattr(f"{module}.store_cached", world.store)
        invariant(lambda: world.fetching <= 1, "one fetch at a time")
        toolkit = cast("Toolkit", Tools(world, Slots(2)))
        cache = FileIdCache(toolkit, cast("RequestStore", Store()), bot_id=1)

        async def ask(chat_id: int) -> None:
            context = cast("Any", Context(Target(chat_id)))
            try:
                await cache.deliver(context, "media/best", world.make, lambda *_: cast("Any", None))
                world.outcomes["delivered"] += 1
            except ClipferryError:
                world.outcomes["failed"] += 1

        tasks = [asyncio.create_task(ask(chat_id)) for chat_id in range(4)]
        for _ in range(choice([0, 1, 3, 6])):
            await asyncio.sleep(0)
        tasks[choice([0, 1, 2, 3])].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        cancelled = sum(task.cancelled() for task in tasks)
        assert world.outcomes.total() + cancelled == 4
        await ask(9)  # nothing is left behind that a later request would wait for
        assert world.outcomes.total() + cancelled == 5
        assert world.sent <= world.outcomes["delivered"] + cancelled

    assert explore(scenario) >= INTERLEAVINGS
