"""A worker that was stopped for longer than its lease sends nothing after it goes on."""

import asyncio
import random
import signal
from contextlib import suppress

import asyncpg
import pytest

from simulator.telegram.world import Json
from tests.e2e.bot_harness import ID, PATIENCE_S, BotHarness
from tests.e2e.programs import program

ROUNDS, PEOPLE = 2, 8
_OPEN = "SELECT count(*) FROM requests WHERE finished_at IS NULL"


class Fleet:
    """Two processes of one database: one polls, the other takes over."""

    def __init__(self, harness: BotHarness, db_url: str, database: asyncpg.Connection) -> None:
        self._harness = harness
        self._db_url = db_url
        self._database = database
        self._started = 0
        self.processes: list[asyncio.subprocess.Process] = []

    async def start_one(self) -> None:
        """Start a process, and wait until it has a lease."""
        self._started += 1
        folder = self._harness.folder / f"process-{self._started}"
        folder.mkdir()
        environment = {
            **self._harness.simulator.bot_environment(folder),
            "DATABASE_URL": self._db_url,
            "FILES_HEARTBEAT": str(folder / "heartbeat"),
            "LIMITS_SPAM_GUARD": "false",
            "LIMITS_PATIENCE_S": "600",
            "RUN_LEASE_S": "6",  # a busy machine may hold a process up for half as long
            "RUN_DRAIN_S": "5",
            "RUN_LOG_LEVEL": "ERROR",
        }
        process, _ = await program("run", folder=folder, **environment)
        self.processes.append(process)
        async with asyncio.timeout(PATIENCE_S):
            while await self._leases() < len(self.processes):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def until_all_ended(self) -> None:
        """Wait until no request is open."""
        async with asyncio.timeout(PATIENCE_S):
            while await self._database.fetchval(_OPEN):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def _leases(self) -> int:
        try:
            return int(await self._database.fetchval("SELECT count(*) FROM workers"))
        except asyncpg.UndefinedTableError:
            return 0


@pytest.mark.long
async def test_a_stopped_worker_sends_nothing_afterwards(harness: BotHarness, new_postgres: str):
    harness.api.latency_s = harness.site.latency_s = 0.1
    database = await asyncpg.connect(new_postgres)
    fleet = Fleet(harness, new_postgres, database)
    try:
        await fleet.start_one()
        for number in range(ROUNDS):
            await fleet.start_one()
            await stop_and_continue(harness, fleet, number)
    finally:
        for process in fleet.processes:
            process.kill()
            await process.wait()
        await database.close()


async def stop_and_continue(harness: BotHarness, fleet: Fleet, number: int) -> None:
    """Stop the polling process amid its requests; the other one answers them before it goes on."""
    polling = fleet.processes.pop(0)
    asked: dict[int, Json] = {}
    for n in range(PEOPLE):
        post_id = f"{ID[:-3]}{number}{n:02}"  # never one that is sent by its file id at once
        harness.video(post_id)
        person = harness.world.person(3_000 + 100 * number + n, f"P{n}")
        link = f"https://www.tiktok.com/@a/video/{post_id}"
        asked[person.id] = harness.world.say(person, link)
    await harness.until(
        lambda: any(harness.world.chats[chat_id].reactions for chat_id in asked), "a first reaction"
    )
    await asyncio.sleep(random.uniform(0, 0.8))
    polling.send_signal(signal.SIGSTOP)
    await harness.until(
        lambda: all(answers(harness, message) for message in asked.values()), "every answer"
    )
    # What had arrived of the stopped process has no confirmation: the other one says so.
    await fleet.until_all_ended()
    before = {chat_id: answers(harness, message) for chat_id, message in asked.items()}
    polling.send_signal(signal.SIGCONT)
    with suppress(TimeoutError):
        # It ends, because another process polls now.
        async with asyncio.timeout(10):
            await polling.communicate()
    if polling.returncode is None:
        polling.kill()
        await polling.wait()
    for chat_id, message in asked.items():
        assert answers(harness, message) == before[chat_id]
        assert sum("video" in answer for answer in before[chat_id]) <= 1


def answers(harness: BotHarness, message: Json) -> list[Json]:
    """Return what the bot has sent as a reply to a message."""
    chat = harness.world.chats[message["chat"]["id"]]
    return [
        reply
        for reply in list(chat.messages.values())
        if reply.get("reply_to_message", {}).get("message_id") == message["message_id"]
    ]
