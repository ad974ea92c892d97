"""`main.py maintenance` asks users to come back later and does nothing else."""

import asyncio
import signal

import pytest

from app import maintenance_mode
from data.config import load_settings
from misc.ui.texts import load_texts
from tests.e2e.bot_harness import VIDEO, BotHarness
from tests.e2e.inline_harness import InlineHarness
from tests.e2e.programs import program

TEXTS = load_texts()
#: A card that the bot has offered, and fills in once it is chosen.
OFFERED = {
    "type": "article",
    "id": "fetch/post",
    "input_message_content": {"message_text": "…"},
    "reply_markup": {"inline_keyboard": [[{"text": "⏳", "callback_data": "stats_noop"}]]},
}


async def test_users_get_the_maintenance_notice_and_groups_do_not(inline: InlineHarness):
    harness = inline.harness
    settings = load_settings(
        harness.folder / "none.ini",
        harness.folder / "none.env",
        {**harness.simulator.bot_environment(harness.folder), "TELEGRAM_PACING": "false"},
    )
    running = asyncio.create_task(maintenance_mode.run(settings))
    bo = harness.world.person(1002, "Bo", language_code="uk")
    for _ in range(3):
        harness.world.say(bo, VIDEO)
    harness.world.say(harness.ada, "/start")
    harness.world.say(bo, VIDEO, harness.world.group(-7_007, "Crew"))
    message = harness.world.add_message(harness.home, {"text": "an old one"})
    press = harness.world.press(harness.ada, message, "lang/uk")
    query = inline.mode.ask(bo, VIDEO)
    call = inline.mode.call(bo, inline.friends, VIDEO)
    inline.mode.answers["earlier"] = {"results": [OFFERED]}
    chosen = inline.mode.choose(bo, "earlier", "fetch/post", VIDEO, inline.friends)
    await harness.until(lambda: call in inline.mode.answers and query in inline.mode.answers)
    await harness.until(lambda: press in harness.world.query_answers and not harness.world.updates)
    told = TEXTS["uk"]["maintenance"]
    assert harness.texts(harness.world.chats[bo.id]) == [told]
    assert harness.texts()[-1] == TEXTS["en"]["maintenance"]
    assert harness.world.query_answers[press]["text"] == TEXTS["en"]["maintenance"]
    assert inline.mode.answers[query]["results"][0]["title"] == told
    assert inline.mode.answers[call]["text"] == told
    assert chosen["text"] == told
    assert harness.answers(harness.world.chats[-7_007]) == []
    assert list(harness.folder.glob("**/*.db")) == []
    # A second poller ends the polling, but not the process: a restart would end the other's.
    await harness.until(lambda: not harness.world.updates)
    harness.api.polls += 1
    polls = harness.api.polls
    await asyncio.sleep(1)
    assert (harness.api.polls, running.done()) == (polls, False)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_program_exits_with_0_on_sigterm(harness: BotHarness):
    process, _ = await program(
        "maintenance", folder=harness.folder, **harness.simulator.bot_environment(harness.folder)
    )
    await harness.until(lambda: harness.api.polls)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


@pytest.mark.parametrize("token", ["", "not a token", "42:AAAA"])
async def test_a_wrong_token_is_reported_by_setting_name(harness: BotHarness, token: str):
    environment = {**harness.simulator.bot_environment(harness.folder), "BOT_TOKEN": token}
    process, _ = await program("maintenance", folder=harness.folder, **environment)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"[bot] token (BOT_TOKEN)" in errors


@pytest.mark.parametrize("where", ["nothing listens", "another page", "502"])
async def test_an_unreachable_telegram_is_said_as_by_run(harness: BotHarness, where: str):
    environment = harness.simulator.bot_environment(harness.folder)
    if where == "nothing listens":
        environment["TELEGRAM_SERVER"] = "http://127.0.0.1:9"
    elif where == "another page":
        environment["TELEGRAM_SERVER"] = harness.simulator.address + "/file"
    else:
        harness.fail("getMe", "502", times=99)
    process, _ = await program("maintenance", folder=harness.folder, **environment)
    output, errors = await process.communicate()
    assert process.returncode == 1
    assert b"Telegram cannot be reached: " in output + errors
    assert b"Traceback" not in output + errors
