"""The request store: of two processes, only one has a request, and none is lost."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest

from core.errors import RequestTakenOverError
from core.media import Link
from core.request import Progress, Request
from data.requests import Claim, OpenRequest
from services.requests.store import RequestStore, StoredRequest
from tests.fakes import make_request
from tests.interleavings.explorer import INTERLEAVINGS, choice, explore, invariant

MODULE = "services.requests.store"


def request(chat_id: int) -> Request:
    link = Link("x", "https://x.com/i/status/1", "1")
    return make_request(link=link, chat_id=chat_id, message_id=1, asked_at=0)


@dataclass
class Row:
    update_id: int
    request: Request
    owner: str | None
    epoch: int = 0
    outcomes: list[str] = field(default_factory=list)


class Database:
    """Requests and leases, as `data.requests` keeps them: every call is atomic, after a step."""

    def __init__(self) -> None:
        self.now = 0
        self.rows: list[Row] = []
        self.leases: dict[str, int] = {}

    def is_consistent(self) -> bool:
        return all(len(row.outcomes) <= 1 for row in self.rows)

    def is_alive(self, owner: str | None) -> bool:
        return owner is not None and self.leases.get(owner, -1) >= self.now

    async def renew_lease(self, owner: str, seconds: int) -> bool:
        await asyncio.sleep(0)
        self.leases[owner] = self.now + seconds
        return not any(self.is_alive(other) for other in self.leases if other != owner)

    async def store_requests(
        self, _bot_id: int, update_id: int, requests: Sequence[Request], owner: str
    ) -> list[int | None]:
        await asyncio.sleep(0)
        if any(row.update_id == update_id for row in self.rows):
            return [None for _ in requests]
        start = len(self.rows)
        self.rows += [Row(update_id, one, owner) for one in requests]
        return list(range(start, len(self.rows)))

    async def take_over(
        self, _bot_id: int, owner: str, _room: int, _skipped: Collection[int], _picked: set[int]
    ) -> list[OpenRequest]:
        await asyncio.sleep(0)
        found = []
        for number, row in enumerate(self.rows):
            if not row.outcomes and row.owner != owner and not self.is_alive(row.owner):
                row.owner, row.epoch = owner, row.epoch + 1
                found.append(OpenRequest(number, row.epoch, row.request, Progress(), 0))
        return found

    async def finish_request(self, claim: Claim, _progress: Progress, outcome: str) -> None:
        await asyncio.sleep(0)
        row = self.rows[claim.row]
        if (row.owner, row.epoch) != (claim.owner, claim.epoch):
            raise RequestTakenOverError
        row.outcomes.append(outcome)
        row.owner = None

    async def hand_back(self, owner: str) -> int:
        await asyncio.sleep(0)
        mine = [row for row in self.rows if row.owner == owner and not row.outcomes]
        for row in mine:
            row.owner, row.epoch = None, row.epoch + 1
        self.leases.pop(owner, None)
        return len(mine)


async def serve(requests: Sequence[StoredRequest]) -> None:
    for stored in requests:
        await asyncio.sleep(0)
        await stored.finish("delivered")


async def leaves_early(database: Database, store: RequestStore) -> None:
    """Accept two updates, answer the first one, then stop in order or crash."""
    entered = [await store.enter(update_id, [request(update_id)]) for update_id in (1, 2)]
    await serve(entered[0])
    if choice([True, False]):
        await store.hand_back(60)
    else:
        database.now += 120  # its lease ends


async def takes_over(store: RequestStore) -> None:
    await serve(await store.enter(choice([1, 3]), [request(3)]))
    for _ in range(choice([1, 2])):
        await serve(await store.take_over(9))


async def accepts_more(store: RequestStore) -> None:
    for update_id in (4, 5):
        await serve(await store.enter(update_id, [request(update_id)] * 2))


def assert_answered_once(database: Database) -> None:
    by_update = Counter(row.update_id for row in database.rows)
    assert by_update[4] == by_update[5] == 2
    assert all(by_update[update_id] == 1 for update_id in by_update.keys() - {4, 5})
    assert all(row.outcomes == ["delivered"] for row in database.rows)


def test_two_processes_share_requests_without_losing_or_doubling_one(
    monkeypatch: pytest.MonkeyPatch,
):
    async def scenario() -> None:
        database = Database()
        for name in ("renew_lease", "store_requests", "take_over", "finish_request", "hand_back"):
            monkeypatch.setattr(f"{MODULE}.{name}", getattr(database, name))
        monkeypatch.setattr(f"{MODULE}.time.monotonic", lambda: database.now)
        invariant(database.is_consistent, "answered once at most")
        first, second = RequestStore(1, lease_s=60), RequestStore(1, lease_s=60)
        await asyncio.gather(
            leaves_early(database, first),
            takes_over(second),
            accepts_more(second),
            second.beat(),
        )
        for _ in range(2):  # at first it may find that its own lease has run out
            await serve(await second.take_over(9))
        assert_answered_once(database)

    assert explore(scenario) >= INTERLEAVINGS
