"""Two real processes on one PostgreSQL: who polls, and who does the periodic work."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from data import database
from misc.ui.texts import load_texts
from tests.e2e.bot_harness import BotHarness
from tests.e2e.programs import program

#: A process without a sign of life for longer than this is replaced, in seconds. A busy machine may
#: hold one up for half as long.
LEASE_S = 6
#: How long a process may take to replace a killed one, in seconds: the rest of its lease, which
#: counts whole seconds, and the two seconds after which a process that stands by looks again; five
#: times as much, because the machine is busy.
TAKE_OVER_S = 5 * (LEASE_S + 1 + 2)


class Processes:
    """Processes of one fleet, as on machines of their own."""

    def __init__(self, harness: BotHarness, db_url: str) -> None:
        self.harness = harness
        self.db_url = db_url
        self.running: list[asyncio.subprocess.Process] = []

    async def start(self) -> asyncio.subprocess.Process:
        """Start a process and wait until it polls, or stands by."""
        folder = self.harness.folder / f"machine {len(self.running)}"
        folder.mkdir()
        process, _ = await program(
            "run",
            folder=folder,
            **{
                **self.harness.simulator.bot_environment(folder),
                "DATABASE_URL": self.db_url,
                "LIMITS_SPAM_GUARD": "false",
                "RUN_ROLES": "receiver, worker, scheduler",
                "RUN_LEASE_S": str(LEASE_S),
                "RUN_LOG_LEVEL": "INFO",
            },
        )
        self.running.append(process)
        assert process.stderr
        while line := await process.stderr.readline():
            if b"Standing by" in line or b"Start polling" in line:
                break
        else:
            pytest.fail("it ended")
        return process

    async def scheduler(self) -> str:
        """Return the name of the elected worker; empty without one."""
        query = text("SELECT owner FROM elections WHERE name = 'scheduler/42'")
        return str(await database.read(lambda db: db.scalar(query)) or "")


@pytest.fixture
async def fleet(harness: BotHarness, new_postgres: str) -> AsyncIterator[Processes]:
    database.initialize_database_components(new_postgres)
    await database.init_db()
    fleet = Processes(harness, new_postgres)
    yield fleet
    for process in fleet.running:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.communicate()
    await database.close()


@pytest.mark.long
async def test_when_the_poller_is_killed_the_next_process_polls_and_schedules(
    fleet: Processes, harness: BotHarness
):
    first = await fleet.start()
    await harness.until(lambda: harness.api.polls)
    second = await fleet.start()
    harness.world.say(harness.ada, "/lang")
    await harness.until(lambda: answers(harness) == 1)
    elected = await fleet.scheduler()
    first.send_signal(signal.SIGKILL)
    await first.wait()
    harness.world.say(harness.ada, "/lang")
    async with asyncio.timeout(TAKE_OVER_S):
        await harness.until(lambda: answers(harness) == 2, "the second process")
        while True:
            if await fleet.scheduler() != elected:
                break
            await asyncio.sleep(0.1)
    assert second.returncode is None


async def test_a_poller_that_was_stopped_handles_nothing_that_another_one_has_handled(
    fleet: Processes, harness: BotHarness
):
    first = await fleet.start()
    await harness.until(lambda: harness.api.polls)
    await fleet.start()
    harness.world.say(harness.ada, "/lang")
    await harness.until(lambda: answers(harness) == 1)
    await harness.until(lambda: not harness.world.updates, "the acknowledgement")
    polls = harness.api.polls
    first.send_signal(signal.SIGSTOP)
    # Telegram delivers it to the stopped process, and again to the one that takes over.
    harness.world.say(harness.ada, "/lang")
    async with asyncio.timeout(TAKE_OVER_S):
        await harness.until(lambda: harness.api.polls > polls, "the other process")
    await harness.until(lambda: answers(harness) == 2)
    first.send_signal(signal.SIGCONT)
    _, log = await first.communicate()
    assert first.returncode == 1
    assert b"another process with this database has taken over" in log
    harness.world.say(harness.ada, "/lang")
    await harness.until(lambda: answers(harness) >= 3)
    assert answers(harness) == 3


def answers(harness: BotHarness) -> int:
    """Return how often /lang was answered."""
    return harness.texts().count(load_texts()["en"]["lang_prompt"])
