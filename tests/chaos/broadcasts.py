"""Disturbances of a broadcast, of one process and of a fleet, while people ask."""

import asyncio
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from sqlalchemy import insert

from core.broadcasts import State
from data import database
from data.broadcasts import (
    add_content,
    change_broadcast,
    confirm_broadcast,
    new_draft,
    unknown_recipients,
)
from data.database import table_of
from data.models import Users
from simulator.telegram.world import Json
from tests.chaos import fleet
from tests.chaos.postgres import Postgres
from tests.chaos.stage import ADMIN, EN, History, Stage, Supervisor, chaos_s
from tests.forwarders import TcpForwarder

#: At 28 messages a second, this is a minute without any disturbance.
_RECIPIENTS: Final = 1_600
_BOT_ID: Final = 42
_TEXT: Final = "Big news"


class _Broadcast:
    """A confirmed broadcast of a stage, and its card."""

    def __init__(self, stage: Stage, db_url: str) -> None:
        self._stage = stage
        self._db_url = db_url
        self._number = 0
        self._people: Sequence[int] = []
        self._card: Json = {}

    async def prepare(self) -> None:
        """Register the recipients, and confirm the broadcast, before any process starts."""
        world = self._stage.simulator.world
        ada = world.person(ADMIN)
        source = world.post_unseen(ada.as_json(), world.chats[ADMIN], {"text": _TEXT})
        self._card = world.add_message(world.chats[ADMIN], {"text": "the card"})
        self._people = [world.person(10_000 + n, f"R{n}").id for n in range(_RECIPIENTS)]
        database.initialize_database_components(self._db_url)
        await database.init_db()
        await database.write(lambda db: db.execute(insert(table_of(Users)), self._rows()))
        self._number = await new_draft(_BOT_ID, ADMIN)
        await add_content(self._number, source["message_id"], None, None)
        await change_broadcast(self._number, State.DRAFT, card_id=self._card["message_id"])
        assert await confirm_broadcast(self._number)
        await database.close()

    def _rows(self) -> list[dict[str, object]]:
        plain = {"registered_at": 1_700_000_000, "lang": "en", "file_mode": False}
        none = {"ad_count": 0, "ad_cooldown": 0}
        return [{"user_id": person, **plain, **none} for person in self._people]

    @property
    def has_ended(self) -> bool:
        """Return True once the card says so."""
        return EN["broadcast_done"] in self._card["text"]

    async def wait(self, limit_s: float = 180) -> None:
        """Wait for its end."""
        deadline = time.monotonic() + limit_s
        while not self.has_ended and time.monotonic() < deadline:  # noqa: ASYNC110 - of a process
            await asyncio.sleep(0.5)

    async def history(self) -> History:
        """Return what became of the recipients; what is not said to be unknown is lost."""
        copies = {person: self._copies(person) for person in self._people}
        numbers = Counter(copies.values())
        database.initialize_database_components(self._db_url)
        unknown = set(await unknown_recipients(self._number, _RECIPIENTS))
        await database.close()
        missing = {person for person, number in copies.items() if not number}
        return History(
            asked=len(copies),
            answered=numbers[1],
            unknown=len(missing & unknown),
            lost=len(missing - unknown),
            twice=sum(times for number, times in numbers.items() if number > 1),
            stuck=int(not self._adds_up(len(unknown))),
        )

    def _adds_up(self, unknown: int) -> bool:
        """Return True if the card has the end, and the outcome of every recipient."""
        counts = [int(number) for number in re.findall(r": (\d+)", self._card["text"])]
        return self.has_ended and sum(counts) == _RECIPIENTS and counts[-1] == unknown

    def _copies(self, person: int) -> int:
        messages = self._stage.simulator.world.chats[person].messages.values()
        return sum(message.get("text") == _TEXT for message in messages)


async def broadcast(stage: Stage) -> str:
    """kill -9, SIGTERM, SIGSTOP and a locked SQLite database during a broadcast."""
    sent = _Broadcast(stage, stage.environment()["DATABASE_URL"])
    await sent.prepare()
    bot = Supervisor("bot", stage.folder / "bot", stage.environment(TELEGRAM_PACING="true"))
    await bot.start()

    async def lock() -> None:
        other = sqlite3.connect(stage.folder / "bot.db", isolation_level=None, timeout=30)
        other.execute("BEGIN IMMEDIATE")
        await stage.keep_asking(random.uniform(2, 12))
        other.execute("ROLLBACK")
        other.close()

    done = await _disturb(stage, sent, [*_signals(stage, lambda: bot), lock])
    await stage.settle()
    await bot.stop()
    stage.broadcast = await sent.history()
    return f"{_RECIPIENTS} recipients; {done}"


async def broadcast_fleet(stage: Stage) -> str:
    """Schedulers and the PostgreSQL of a fleet are disturbed in a broadcast; one is cut off."""
    with Postgres() as server:
        sent = _Broadcast(stage, server.url)
        await sent.prepare()
        forwarder = TcpForwarder(server.url)

        async def stop() -> None:
            await server.stop()
            await stage.keep_asking(random.uniform(1, 8))
            await server.start()

        async def freeze() -> None:
            server.freeze()
            await stage.keep_asking(random.uniform(1, 8))
            server.thaw()

        async def partition() -> None:
            random.choice([forwarder.freeze, forwarder.cut])()
            await stage.keep_asking(random.uniform(1, 9))
            forwarder.heal()

        async with forwarder.serving() as url:
            parts = {
                **fleet.USUAL,
                "scheduler1": {"RUN_ROLES": "scheduler", "DATABASE_URL": url},
            }
            async with fleet.running(stage, server, parts, TELEGRAM_PACING="true") as processes:
                both = [processes["scheduler"], processes["scheduler1"]]
                signals = _signals(stage, lambda: random.choice(both))
                done = await _disturb(stage, sent, [*signals, stop, freeze, partition])
        stage.broadcast = await sent.history()
    return f"{_RECIPIENTS} recipients; {done}"


async def _disturb(
    stage: Stage, sent: _Broadcast, disturbances: Sequence[Callable[[], Awaitable[None]]]
) -> str:
    """Disturb until nearly everybody has got it, then let it end; return what was done."""
    done: Counter[str] = Counter()
    deadline = time.monotonic() + 2 * chaos_s()
    while not sent.has_ended and time.monotonic() < deadline:
        await stage.keep_asking(random.uniform(2, 6), 0.5)
        disturb = random.choice(disturbances)
        done[disturb.__name__] += 1
        await disturb()
    await sent.wait()
    return ", ".join(f"{number} x {name}" for name, number in done.items())


def _signals(stage: Stage, pick: Callable[[], Supervisor]) -> list[Callable[[], Awaitable[None]]]:
    """Return what can be done to a process."""

    async def kill() -> None:
        pick().signal(signal.SIGKILL)

    async def restart() -> None:
        pick().signal(signal.SIGTERM)

    async def suspend() -> None:
        process = pick()
        process.signal(signal.SIGSTOP)
        await stage.keep_asking(random.uniform(1, 8), 0.5)
        process.signal(signal.SIGCONT)

    return [kill, kill, restart, suspend]
