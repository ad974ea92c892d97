"""Starting and stopping, in this process and as the real program."""

import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete

from core.errors import SettingsError
from core.logs import Pseudonyms
from core.statistics import Scope
from data import database
from data.config import ROOT
from data.models import Stats
from data.statistics import counts_since
from misc.texts import load_texts
from tests.journeys.ferry import ID, VIDEO, Ferry

EN = load_texts()["en"]


def link(number: int) -> str:
    return f"https://www.tiktok.com/@a/video/73000000000000003{number:02}"


async def test_a_running_download_is_finished_before_the_stop(ferry: Ferry):
    ferry.video()
    ferry.site.latency_s = 0.5
    await ferry.start()
    ferry.world.say(ferry.ada, VIDEO)
    await ferry.until(lambda: ferry.home.reactions)
    assert await ferry.stop() is True
    assert len(ferry.videos()) == 1
    assert ferry.home.reactions == {}


async def test_what_waits_at_the_stop_is_served_by_the_next_start(ferry: Ferry):
    for n in range(4):
        ferry.video(link(n)[-19:])
    ferry.site.serves_files.clear()
    await ferry.start(LIMITS_ACTIVE_REQUESTS="1")
    crew = ferry.world.group(-1002)
    await ferry.say("hello")
    requests = [ferry.world.say(ferry.ada, link(n)) for n in range(3)]
    await ferry.until(lambda: ferry.home.reactions)
    ferry.world.say(ferry.ada, link(3), crew)
    await ferry.until(lambda: ferry.answers(crew))  # welcomed: the request waits
    await ferry.until(lambda: ferry.application and ferry.application.parts.jobs.count == 4)
    stopping = asyncio.ensure_future(ferry.stop())
    await ferry.until(lambda: ferry.application and ferry.application.parts.jobs._is_closing)
    ferry.site.serves_files.set()
    await stopping
    assert len(ferry.videos()) == 1
    assert ferry.videos(crew) == []
    await ferry.start()
    await ferry.until(lambda: len(ferry.videos()) == 3 and ferry.videos(crew))
    await ferry.settled()
    replies = [m["reply_to_message"]["message_id"] for m in ferry.videos()]
    assert replies == [m["message_id"] for m in requests]
    assert len(ferry.videos(crew)) == 1
    assert ferry.home.reactions == crew.reactions == {}
    assert EN["shutting_down"] not in ferry.texts() + ferry.texts(crew)


async def test_what_does_not_end_in_time_is_served_by_the_next_start(ferry: Ferry):
    post = ferry.video(file_trouble="stall")
    await ferry.start(RUN_DRAIN_S="0")
    ferry.world.say(ferry.ada, VIDEO)
    await ferry.until(lambda: [e for e in ferry.simulator.log if e.host.startswith("v16")])
    await ferry.stop()
    assert ferry.texts()[1:] == []
    post.file_trouble = ""
    await ferry.start()
    await ferry.until(ferry.videos)
    await ferry.settled()
    assert len(ferry.videos()) == 1
    assert ferry.home.reactions == {}


async def test_what_the_database_could_not_take_is_told_at_the_stop(
    ferry: Ferry, monkeypatch: pytest.MonkeyPatch
):
    async def refuse(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("services.ledger.store_requests", refuse)
    ferry.video(file_trouble="stall")
    await ferry.start(RUN_DRAIN_S="0")
    ferry.world.say(ferry.ada, VIDEO)
    await ferry.until(lambda: [e for e in ferry.simulator.log if e.host.startswith("v16")])
    await ferry.stop()
    assert ferry.texts()[-1] == EN["shutting_down"]
    assert list(ferry.home.reactions.values()) == ["😢"]


async def test_an_upload_that_the_stop_cuts_off_is_called_unknown(ferry: Ferry):
    """It may have arrived: asking to send the link again would bring the video twice."""
    ferry.video()
    await ferry.start(RUN_DRAIN_S="0")
    await ferry.say("hello")
    ferry.fail("sendVideo", "slow", seconds=0.5)
    ferry.world.say(ferry.ada, VIDEO)
    await ferry.until(lambda: not ferry.api.faults, "the upload at Telegram")
    await ferry.stop()
    assert ferry.texts()[-1] == EN["delivery_unknown"]
    assert EN["shutting_down"] not in ferry.texts()


async def test_what_was_sent_during_a_restart_is_served(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    await ferry.stop()
    ferry.world.say(ferry.ada, VIDEO)
    await ferry.start()
    await ferry.settled()
    assert len(ferry.videos()) == 1


async def test_a_second_poller_ends_the_first(ferry: Ferry, caplog: pytest.LogCaptureFixture):
    await ferry.start()
    assert ferry.application
    running = ferry._running
    assert running is not None
    import aiohttp

    async with aiohttp.ClientSession() as session:
        url = f"{ferry.simulator.address}/bot{ferry.simulator.token}/getUpdates"
        async with session.get(url) as response:
            assert response.status == 200
    assert await running is False
    assert "Another instance" in caplog.text
    ferry._running = None


async def test_the_heartbeat_follows_telegrams_answers(ferry: Ferry):
    heartbeat = ferry.folder / "heartbeat"
    await ferry.start()
    await ferry.say("hello")
    await ferry.until(heartbeat.exists, "a heartbeat")


async def test_a_wrong_token_is_a_wrong_setting(ferry: Ferry):
    with pytest.raises(SettingsError, match="BOT_TOKEN"):
        await ferry.start(BOT_TOKEN="43:somebody_elses")
    ferry._running = None


async def test_switches_that_are_off_at_botfather_are_reported(
    ferry: Ferry, caplog: pytest.LogCaptureFixture
):
    ferry.world.bot_user.update(can_join_groups=False, can_read_all_group_messages=False)
    with caplog.at_level(logging.WARNING):
        await ferry.start()
    assert "/setjoingroups" in caplog.text
    assert "/setprivacy" in caplog.text


async def test_commands_that_cannot_be_set_do_not_stop_the_start(ferry: Ferry):
    ferry.fail("setMyCommands", "500", times=99)
    await ferry.start()
    await ferry.say("hello")
    assert len(ferry.answers()) == 1


# --- the real program -------------------------------------------------------------------------


async def program(
    *arguments: str, folder: Path, **environment: str
) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
    """Start the real program; gives it and its environment."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'program.db'}",
        **environment,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "default",
        str(ROOT / "main.py"),
        *arguments,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return process, env


async def test_without_a_token_the_setting_and_the_demo_are_named(tmp_path: Path):
    process, _ = await program("run", folder=tmp_path)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"BOT_TOKEN" in errors
    assert b"make demo" in errors
    assert b"Traceback" not in errors


async def test_all_wrong_settings_stop_the_start_together(tmp_path: Path):
    process, _ = await program(
        "check", folder=tmp_path, LIMITS_ATTEMPTS="0", NETWORK_PROXY_FILE="/not/there"
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"LIMITS_ATTEMPTS" in errors
    assert b"NETWORK_PROXY_FILE" in errors


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "hunter2"])
async def test_a_wrong_database_address_stops_the_start_by_name(tmp_path: Path, url: str):
    process, _ = await program("check", folder=tmp_path, DATABASE_URL=url)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"DATABASE_URL" in errors
    assert b"hunter2" not in errors


@pytest.mark.parametrize("token", ["hunter2", "abc:hunter2", "1:hunter 2"])
async def test_what_is_no_token_is_a_wrong_setting(tmp_path: Path, token: str):
    process, _ = await program("run", folder=tmp_path, BOT_TOKEN=token)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"BOT_TOKEN" in errors
    assert b"hunter" not in errors


@pytest.mark.parametrize(
    "name", ["postgresql://u:hunter2@127.0.0.1:9/d", "sqlite:////proc/none/x.db", "missing"]
)
async def test_a_database_that_cannot_be_reached_is_said_without_a_traceback(
    tmp_path: Path, name: str, postgres_server: str
):
    url = postgres_server.replace("/postgres?", "/missing?") if name == "missing" else name
    process, _ = await program("check", folder=tmp_path, DATABASE_URL=url)
    output, errors = await process.communicate()
    assert process.returncode == 1
    assert b"failure  the database cannot be used" in output
    assert b"Traceback" not in output + errors
    assert b"hunter2" not in output + errors


@pytest.mark.parametrize("lean", ["true", "false"])
async def test_the_program_serves_and_ends_in_order_when_told(ferry: Ferry, lean: str):
    """Lean or stock aiogram, the real program does the whole job and exits with 0 on SIGTERM."""
    ferry.video()
    ferry.site.latency_s = 0.3
    process, _ = await program(
        "run",
        folder=ferry.folder,
        **{**ferry.simulator.bot_environment(ferry.folder), "BOT_LEAN_START": lean},
    )
    await ferry.until(lambda: ferry.api.pollers or process.returncode is not None, "a start")
    crew = ferry.world.group(-1002)
    crew.members[1001] = "creator"
    ferry.world.say(ferry.ada, "/lang", crew)
    await ferry.until(lambda: len(ferry.answers(crew)) == 2, "the menu")
    ferry.world.press(ferry.ada, ferry.answers(crew)[-1], "lang/hi")
    ferry.world.say(ferry.ada, VIDEO)
    await ferry.until(lambda: ferry.home.reactions)
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert len(ferry.videos()) == 1
    assert ferry.simulator.token.encode() not in errors
    assert b"Traceback" not in errors
    assert b"Warning" not in errors


@pytest.mark.parametrize("plain", [True, False])
async def test_the_log_has_one_line_for_each_request_and_no_chat_ids(ferry: Ferry, plain: bool):
    ferry.video()
    ferry.world.person(1_234_567_890, "Cy")
    form = {} if plain else {"RUN_LOG_FORMAT": "json", "RUN_LOG_CHAT_IDS": "true"}
    process, _ = await program(
        "run",
        folder=ferry.folder,
        **{**ferry.simulator.bot_environment(ferry.folder), **form},
    )
    await ferry.until(lambda: ferry.api.pollers or process.returncode is not None, "a start")
    cy, home = ferry.world.people[1_234_567_890], ferry.world.chats[1_234_567_890]
    ferry.world.say(cy, VIDEO)
    await ferry.until(lambda: ferry.videos(home), "the video")
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    lines = [line for line in errors.decode().splitlines() if "Request " in line]
    assert len(lines) == 1
    if plain:
        name = Pseudonyms(ferry.simulator.token).of(1_234_567_890)
        assert f"Request 1 for chat {name}: post of tiktok {ID}: fetched after " in lines[0]
        assert b"1234567890" not in errors
    else:
        line = json.loads(lines[0])
        assert (line["request"], line["outcome"], line["post"]) == (1, "fetched", ID)
        assert "for chat 1234567890: " in line["message"]


async def test_the_history_is_counted_anew_when_told(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say(VIDEO)
    await database.write(lambda db: db.execute(delete(Stats)))
    await ferry.stop()
    url = f"sqlite:///{ferry.folder / 'bot.db'}"
    process, _ = await program("recount", folder=ferry.folder, DATABASE_URL=url)
    output, errors = await process.communicate()
    assert (process.returncode, output) == (0, b"The history is counted anew.\n"), errors
    database.initialize_database_components(url)
    assert (await counts_since(None))[Scope.ALL].posts == 1
    await database.close()
