"""A long downtime: what came meanwhile is answered behind what comes now, and nothing is lost."""

import asyncio
import signal
import time

import pytest
from sqlalchemy import func, select

from data import database
from data.models import OldUpdates
from misc.ui.texts import load_texts
from simulator.telegram.world import Json, Person
from tests.e2e.bot_harness import BOTH_SOURCES, PATIENCE_S, VIDEO, BotHarness
from tests.e2e.programs import program

TEXTS = load_texts()
EN = TEXTS["en"]
HOUR_S = 3_600


def say_long_ago(harness: BotHarness, person: Person, text: str, seconds: int) -> Json:
    """Send a text with a date in the past."""
    return harness.world.say(person, text, date=int(time.time()) - seconds)


async def stored() -> int:
    query = select(func.count()).select_from(OldUpdates)
    return (await database.read(lambda db: db.execute(query).scalar())) or 0


@BOTH_SOURCES
async def test_who_writes_now_does_not_wait_for_the_backlog(harness: BotHarness):
    harness.video()
    people = [harness.world.person(10_000 + n, f"P{n}") for n in range(600)]
    for person in people:
        say_long_ago(harness, person, "hello", 600)
    harness.world.say(harness.ada, VIDEO)
    await harness.start(TELEGRAM_PACING="true")
    await harness.until(harness.videos, "the video")
    answered = sum(bool(harness.answers(harness.world.chats[p.id])) for p in people)
    # Telegram allows 30 a second. Behind the backlog, she would wait for at least 500 of them:
    # 100 updates are handled at a time.
    assert answered < 450
    assert await stored() > 100
    await harness.stop()
    # The next start, which Telegram would send nothing, goes on where this one was.
    await harness.start()
    await harness.settled()
    assert [len(harness.answers(harness.world.chats[p.id])) for p in people] == [1] * 600
    assert await stored() == 0


@BOTH_SOURCES
async def test_old_links_are_answered_or_explained(harness: BotHarness):
    harness.video()
    people = [harness.world.person(10_000 + n, f"P{n}") for n in range(120)]
    for number, person in enumerate(people):
        say_long_ago(harness, person, VIDEO, 600 if number % 2 else 5 * HOUR_S)
    await harness.start()
    await harness.settled()
    for number, person in enumerate(people):
        chat = harness.world.chats[person.id]
        assert len(harness.videos(chat)) == number % 2
        assert EN["too_old"] in harness.texts(chat) or number % 2


async def test_many_old_messages_of_one_chat_are_no_flood(harness: BotHarness):
    for _ in range(60):
        say_long_ago(harness, harness.ada, "hello", 600)
    await harness.start(LIMITS_SPAM_GUARD="true")
    await harness.settled()
    assert TEXTS("en", "spam_sender", count=1) not in harness.texts()


@pytest.mark.long
async def test_kills_in_the_middle_of_the_backlog_lose_and_repeat_nothing(harness: BotHarness):
    harness.video()
    people = [harness.world.person(10_000 + n, f"P{n}") for n in range(200)]
    for person in people:
        say_long_ago(harness, person, VIDEO, 600)
    environment = {
        **harness.simulator.bot_environment(harness.folder),
        "TELEGRAM_PACING": "false",
        "RUN_LOG_LEVEL": "ERROR",
        "RUN_LEASE_S": "2",
    }

    def answered() -> int:
        return sum(bool(harness.videos(harness.world.chats[person.id])) for person in people)

    for goal in (20, 80, 140):
        process, _ = await program("run", folder=harness.folder, **environment)
        await harness.until(lambda goal=goal: answered() >= goal, "answers")  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        await process.wait()
    process, _ = await program("run", folder=harness.folder, **environment)
    async with asyncio.timeout(PATIENCE_S):
        while any(not harness.answers(harness.world.chats[person.id]) for person in people):
            await harness.world.changed(0.2)
    await asyncio.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    videos = [len(harness.videos(harness.world.chats[person.id])) for person in people]
    # A file in flight at a kill may or may not have arrived; then its chat is told, not sent twice.
    assert max(videos) == 1
    assert videos.count(0) <= 3 * 8


@pytest.mark.parametrize("number", [1, 49])
async def test_after_a_short_downtime_nothing_is_set_aside(harness: BotHarness, number: int):
    for _ in range(number):
        say_long_ago(harness, harness.ada, "/mode", 600)
    await harness.start()
    await harness.until(lambda: not harness.world.updates)
    assert await stored() == 0
    await harness.settled()
    assert len(harness.answers()) >= number
