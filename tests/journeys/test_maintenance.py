"""`main.py maintenance`: everybody is asked to come back later; nothing else happens."""

import asyncio
import signal

import pytest

from data.config import load
from handlers import maintenance
from handlers.maintenance import Told
from misc.texts import load_texts
from tests.journeys.ferry import VIDEO, Ferry
from tests.journeys.inline_ferry import InlineFerry
from tests.journeys.test_lifecycle import program

TEXTS = load_texts()


async def test_people_are_told_and_groups_are_left_in_peace(inline: InlineFerry):
    ferry = inline.ferry
    settings = load(
        ferry.folder / "none.ini",
        ferry.folder / "none.env",
        {**ferry.simulator.bot_environment(ferry.folder), "TELEGRAM_PACING": "false"},
    )
    running = asyncio.create_task(maintenance.run(settings))
    bo = ferry.world.person(1002, "Bo", language_code="uk")
    for _ in range(3):
        ferry.world.say(bo, VIDEO)
    ferry.world.say(ferry.ada, "/start")
    ferry.world.say(bo, VIDEO, ferry.world.group(-7_007, "Crew"))
    message = ferry.world.add_message(ferry.home, {"text": "an old one"})
    press = ferry.world.press(ferry.ada, message, "lang/uk")
    query = inline.mode.ask(bo, VIDEO)
    call = inline.mode.call(bo, inline.friends, VIDEO)
    await ferry.until(lambda: call in inline.mode.answers and query in inline.mode.answers)
    await ferry.until(lambda: press in ferry.world.query_answers and not ferry.world.updates)
    told = TEXTS["uk"]["maintenance"]
    assert ferry.texts(ferry.world.chats[bo.id]) == [told]
    assert ferry.texts()[-1] == TEXTS["en"]["maintenance"]
    assert ferry.world.query_answers[press]["text"] == TEXTS["en"]["maintenance"]
    assert inline.mode.answers[query]["results"][0]["title"] == told
    assert inline.mode.answers[call]["text"] == told
    assert ferry.answers(ferry.world.chats[-7_007]) == []
    assert list(ferry.folder.glob("**/*.db")) == []
    # Somebody else begins to poll: this one gives way.
    ferry.api.pollers += 1
    assert not await asyncio.wait_for(running, 20)


async def test_the_program_ends_in_order(ferry: Ferry):
    process, _ = await program(
        "maintenance", folder=ferry.folder, **ferry.simulator.bot_environment(ferry.folder)
    )
    await ferry.until(lambda: ferry.api.pollers)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


@pytest.mark.parametrize("token", ["", "not a token", "42:AAAA"])
async def test_a_wrong_token_is_named(ferry: Ferry, token: str):
    environment = {**ferry.simulator.bot_environment(ferry.folder), "BOT_TOKEN": token}
    process, _ = await program("maintenance", folder=ferry.folder, **environment)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"[bot] token (BOT_TOKEN)" in errors


def test_who_goes_on_writing_is_told_once_a_minute():
    now = 0.0
    told = Told(lambda: now)
    assert told.is_due(1)
    assert not told.is_due(1)
    assert told.is_due(2)
    now = 61
    assert told.is_due(1)
    for chat in range(3, 10_100):
        told.is_due(chat)
    assert told.is_due(2)  # forgotten, to bound the memory
