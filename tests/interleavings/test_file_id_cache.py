"""The file-id cache: a post is fetched once at a time, and no request waits forever."""

import asyncio
from collections import Counter
from contextlib import suppress
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
from tests.interleavings.explorer import (
    FEW_INTERLEAVINGS,
    INTERLEAVINGS,
    choice,
    explore,
    invariant,
)

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


@dataclass
class Store:
    """Claims fetches for a process; all of them share the claims."""

    name: str = "the only one"
    claims: dict[CacheKey, str] = field(default_factory=dict)

    async def begin_flight(self, key: CacheKey) -> bool:
        """Claim a fetch; like a write of the database, it is done even if the caller is gone."""
        is_ours = self.claims.setdefault(key, self.name) == self.name
        await asyncio.sleep(0)
        return is_ours

    async def end_flight(self, key: CacheKey) -> None:
        await asyncio.sleep(0)
        if self.claims.get(key) == self.name:
            del self.claims[key]


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
    message_id: int = 1


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


def test_two_processes_fetch_a_post_once_at_a_time_and_leave_no_claim(
    monkeypatch: pytest.MonkeyPatch,
):
    module = "services.requests.file_id_cache"

    async def scenario() -> None:
        world, claims = World(), dict[CacheKey, str]()
        monkeypatch.setattr(f"{module}.find_cached", world.find)
        monkeypatch.setattr(f"{module}.store_cached", world.store)
        invariant(lambda: world.fetching <= 1, "one fetch at a time")
        caches = [
            FileIdCache(
                cast("Toolkit", Tools(world, Slots(2))),
                cast("RequestStore", Store(name, claims)),
                bot_id=1,
            )
            for name in ("first", "second")
        ]

        async def ask(cache: FileIdCache, chat_id: int) -> None:
            context = cast("Any", Context(Target(chat_id)))
            with suppress(ClipferryError):
                await cache.deliver(context, "media/best", world.make, lambda *_: cast("Any", None))

        tasks = [asyncio.create_task(ask(caches[n % 2], n)) for n in range(4)]
        for victim in (choice([0, 2]), choice([1, 3])):
            for _ in range(choice([0, 1, 2, 3, 5])):
                await asyncio.sleep(0)
            tasks[victim].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert claims == {}
        for cache in caches:  # neither waits for the other
            await ask(cache, 9)

    assert explore(scenario, 1_500) >= FEW_INTERLEAVINGS
