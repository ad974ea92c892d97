"""Start and stop, in this process and as the real program."""

import asyncio
import json
import logging
import os
import re
import shutil
import signal
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete

from app.stop_time import StopTime
from core.errors import SettingsError, StorageError
from core.pseudonyms import Pseudonyms
from core.statistics import Scope
from data import database
from data.key_values import read_value, set_value
from data.lifespan import database_lifespan
from data.models import Stats
from data.statistics import counts_since
from misc.ui.texts import load_texts
from tests.e2e.bot_harness import ID, PATIENCE_S, VIDEO, BotHarness
from tests.e2e.programs import program
from tests.postgres import folder_of_tools

EN = load_texts()["en"]


def link(number: int) -> str:
    return f"https://www.tiktok.com/@a/video/73000000000000003{number:02}"


async def test_a_running_request_is_finished_before_the_stop(harness: BotHarness):
    harness.video()
    harness.site.serves_files.clear()
    await harness.start()
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: harness.home.reactions)
    stopping = asyncio.ensure_future(harness.stop())
    await asyncio.sleep(0)
    harness.site.serves_files.set()
    assert await stopping is True
    assert len(harness.videos()) == 1
    assert harness.home.reactions == {}


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [getattr(record, "event", "") for record in caplog.records]


async def test_running_requests_are_drained_at_once_although_the_process_cannot_resign(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    may_answer = asyncio.Event()

    async def resign(*_: object) -> None:
        await may_answer.wait()

    monkeypatch.setattr("app.election.resign", resign)
    monkeypatch.setattr("app.application.RELEASE_S", PATIENCE_S)
    harness.video()
    harness.site.serves_files.clear()
    with caplog.at_level(logging.INFO):
        await harness.start()
        harness.world.say(harness.ada, VIDEO)
        await harness.until(lambda: harness.home.reactions)
        stopping = asyncio.ensure_future(harness.stop())
        await harness.until(lambda: "queue_draining" in events(caplog))
    harness.site.serves_files.set()
    await harness.until(harness.videos)
    may_answer.set()
    assert await stopping is True


async def test_a_stop_comes_to_its_end_whatever_hangs(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    now = [0.0]

    async def resign(*_: object) -> None:
        now[0] = 83.9  # a tenth of a second is left for handing back
        await asyncio.Event().wait()

    async def hand_back(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("app.application.StopTime", partial(StopTime, clock=lambda: now[0]))
    monkeypatch.setattr("app.application.RELEASE_S", 0.01)
    monkeypatch.setattr("app.election.resign", resign)
    monkeypatch.setattr("services.requests.store.hand_back", hand_back)
    await harness.start(RUN_DRAIN_S="60")
    await harness.say("hello")
    async with asyncio.timeout(PATIENCE_S):
        assert await harness.stop() is True
    assert {record.getMessage() for record in caplog.records} >= {
        "The stop did not wait for resigning",
        "The stop did not wait for handing requests back",
    }


async def test_waiting_requests_are_served_after_a_restart(harness: BotHarness):
    for n in range(4):
        harness.video(link(n)[-19:])
    harness.site.serves_files.clear()
    await harness.start(LIMITS_ACTIVE_REQUESTS="1")
    crew = harness.world.group(-1002)
    await harness.say("hello")
    requests = [harness.world.say(harness.ada, link(n)) for n in range(3)]
    await harness.until(lambda: harness.home.reactions)
    harness.world.say(harness.ada, link(3), crew)
    # The welcome shows that the request is queued
    await harness.until(lambda: harness.answers(crew))
    await harness.until(
        lambda: harness.application and harness.application.container.request_queue.count == 4
    )
    stopping = asyncio.ensure_future(harness.stop())
    # The waiting requests leave the queue, the running one stays.
    await harness.until(
        lambda: harness.application and harness.application.container.request_queue.count == 1
    )
    harness.site.serves_files.set()
    await stopping
    assert len(harness.videos()) == 1
    assert harness.videos(crew) == []
    await harness.start()
    await harness.until(lambda: len(harness.videos()) == 3 and harness.videos(crew))
    await harness.settled()
    replies = [m["reply_to_message"]["message_id"] for m in harness.videos()]
    assert replies == [m["message_id"] for m in requests]
    assert len(harness.videos(crew)) == 1
    assert harness.home.reactions == crew.reactions == {}
    assert EN["shutting_down"] not in harness.texts() + harness.texts(crew)


async def test_a_request_cut_off_by_the_stop_is_served_after_a_restart(harness: BotHarness):
    post = harness.video(file_trouble="stall")
    await harness.start(RUN_DRAIN_S="0")
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: [e for e in harness.simulator.log if e.host.startswith("v16")])
    await harness.stop()
    assert harness.texts()[1:] == []
    post.file_trouble = ""
    await harness.start()
    await harness.until(harness.videos)
    await harness.settled()
    assert len(harness.videos()) == 1
    assert harness.home.reactions == {}


async def test_requests_that_could_not_be_stored_are_reported_at_shutdown(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    async def refuse(*_: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr("services.requests.store.store_requests", refuse)
    harness.video(file_trouble="stall")
    await harness.start(RUN_DRAIN_S="0")
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: [e for e in harness.simulator.log if e.host.startswith("v16")])
    await harness.stop()
    assert harness.texts()[-1] == EN["shutting_down"]
    assert list(harness.home.reactions.values()) == ["😢"]


async def test_an_upload_cut_off_by_the_stop_is_reported_as_unknown(harness: BotHarness):
    """The video may have arrived; a request to send the link again could deliver it twice."""
    harness.video()
    await harness.start(RUN_DRAIN_S="0")
    await harness.say("hello")
    harness.fail("sendVideo", "slow", seconds=PATIENCE_S)
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: not harness.api.faults, "the upload at Telegram")
    await harness.stop()
    assert EN["delivery_unknown"] in harness.texts()
    assert EN["shutting_down"] not in harness.texts()


async def test_a_message_sent_while_the_bot_is_stopped_is_served(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("hello")
    await harness.stop()
    harness.world.say(harness.ada, VIDEO)
    await harness.start()
    await harness.settled()
    assert len(harness.videos()) == 1


async def test_the_heartbeat_file_appears_after_the_first_poll(harness: BotHarness):
    heartbeat = harness.folder / "heartbeat"
    await harness.start()
    await harness.say("hello")
    await harness.until(heartbeat.exists, "a heartbeat")


async def test_a_wrong_token_is_a_settings_error(harness: BotHarness):
    with pytest.raises(SettingsError, match="BOT_TOKEN"):
        await harness.start(BOT_TOKEN="43:somebody_elses")


async def test_botfather_switches_that_are_off_are_logged(
    harness: BotHarness, caplog: pytest.LogCaptureFixture
):
    harness.world.bot_user.update(can_join_groups=False, can_read_all_group_messages=False)
    with caplog.at_level(logging.WARNING):
        await harness.start()
    assert "/setjoingroups" in caplog.text
    assert "/setprivacy" in caplog.text


async def test_a_failing_set_my_commands_does_not_stop_the_start(harness: BotHarness):
    harness.new_database = None
    harness.fail("setMyCommands", "500", times=99)
    await harness.start()
    await harness.say("hello")
    assert len(harness.answers()) == 1


# --- the real program -----------------------------------------------------------------------------


async def test_without_a_token_the_error_names_the_setting_and_the_demo(tmp_path: Path):
    process, _ = await program("run", folder=tmp_path, BOT_TOKEN="")
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"BOT_TOKEN" in errors
    assert b"make demo" in errors
    assert b"Traceback" not in errors


async def test_all_wrong_settings_are_reported_together(tmp_path: Path):
    process, _ = await program(
        "check",
        folder=tmp_path,
        LIMITS_ATTEMPTS="0",
        LIMITS_ACTIVE_REQUEST="3",
        NETWORK_PROXY_FILE="/not/there",
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"LIMITS_ATTEMPTS" in errors
    assert b"LIMITS_ACTIVE_REQUEST is not a setting, did you mean" in errors
    assert b"NETWORK_PROXY_FILE" in errors


@pytest.mark.parametrize(
    ("command", "needs_token"), [("run", True), ("doctor", True), ("migrate", False)]
)
async def test_an_empty_token_is_reported_with_the_other_mistakes(
    tmp_path: Path, command: str, needs_token: bool
):
    environment = {"LIMITS_ATTEMPTS": "0", "TOKEN": "hunter2", "BOT_TOKEN": ""}
    process, _ = await program(command, folder=tmp_path, **environment)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"LIMITS_ATTEMPTS" in errors
    assert (b"\n  [bot] token (BOT_TOKEN) is empty: ask " in errors) == needs_token
    assert (b"\n  TOKEN is not a setting, did you mean BOT_TOKEN?" in errors) == needs_token
    assert b"hunter2" not in errors


async def test_a_token_under_another_name_is_named_by_run_and_doctor(harness: BotHarness):
    hint = b"TOKEN is not a setting, did you mean BOT_TOKEN?"
    environment = harness.simulator.bot_environment(harness.folder) | {"BOT_TOKEN": "", "TOKEN": ""}
    run, _ = await program("run", folder=harness.folder, **environment)
    doctor, _ = await program("doctor", folder=harness.folder, **environment)
    (_, errors), (output, _) = await run.communicate(), await doctor.communicate()
    assert (run.returncode, doctor.returncode) == (2, 1)
    assert hint in errors
    assert b"failure  " + hint in output


@pytest.mark.parametrize("command", ["run", "maintenance"])
async def test_why_there_is_no_start_is_said_to_people_and_to_what_collects_a_json_log(
    tmp_path: Path, command: str
):
    environment = {
        "RUN_LOG_FORMAT": "json",
        "LIMITS_ATTEMPTS": "0",
        "BOT_TOKN": "hunter2",
        "BOT_TOKEN": "",
    }
    process, _ = await program(command, folder=tmp_path, **environment)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"hunter2" not in errors
    first, *mistakes, last = errors.decode().splitlines()
    line = json.loads(last)
    assert (line["event"], line["level"]) == ("invalid_settings", "ERROR")
    assert (first, len(mistakes)) == ("Invalid settings:", 3)
    assert line["message"] == f"{first} {'; '.join(map(str.strip, mistakes))}"


async def test_a_database_that_cannot_be_used_is_a_line_of_a_json_log(tmp_path: Path):
    path = tmp_path / "program.db"
    path.write_text("no database")
    environment = {"RUN_LOG_FORMAT": "json", "BOT_TOKEN": "1:x", "FILES_HEARTBEAT": f"{tmp_path}/h"}
    process, _ = await program("run", folder=tmp_path, **environment)
    _, errors = await process.communicate()
    assert process.returncode == 1
    sentence, last = errors.decode().splitlines()[-2:]
    line = json.loads(last)
    assert (line["event"], line["message"]) == ("database_unusable", sentence)
    assert sentence.startswith("The database cannot be used: ")
    assert sentence.endswith(f"file is not a database ({path})")


@pytest.mark.parametrize(
    ("command", "form"), [("migrate", "json"), ("run", "text"), ("run", "yaml")]
)
async def test_only_a_json_log_gets_a_line_of_its_own(tmp_path: Path, command: str, form: str):
    process, _ = await program(
        command, folder=tmp_path, RUN_LOG_FORMAT=form, LIMITS_ATTEMPTS="0", BOT_TOKEN="1:x"
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.startswith(b"Invalid settings:\n")
    assert errors.count(b"LIMITS_ATTEMPTS") == 1


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "hunter2"])
async def test_an_invalid_database_url_is_reported_by_setting_name(tmp_path: Path, url: str):
    process, _ = await program("check", folder=tmp_path, DATABASE_URL=url)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"DATABASE_URL" in errors
    assert b"hunter2" not in errors


@pytest.mark.parametrize("token", ["hunter2", "abc:hunter2", "1:hunter 2"])
async def test_a_malformed_token_is_a_settings_error(tmp_path: Path, token: str):
    process, _ = await program("run", folder=tmp_path, BOT_TOKEN=token)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"BOT_TOKEN" in errors
    assert b"hunter" not in errors


@pytest.mark.parametrize(
    "name", ["postgresql://u:hunter2@127.0.0.1:9/d", "sqlite:////dev/null/x.db", "missing"]
)
async def test_an_unreachable_database_is_reported_without_a_traceback(
    tmp_path: Path, name: str, postgres_server: str
):
    url = postgres_server.replace("/postgres?", "/missing?") if name == "missing" else name
    process, _ = await program("check", folder=tmp_path, DATABASE_URL=url)
    output, errors = await process.communicate()
    assert process.returncode == 1
    assert b"failure  database: it cannot be used" in output
    assert b"Traceback" not in output + errors
    assert b"hunter2" not in output + errors


@pytest.mark.parametrize("lean", ["true", "false"])
async def test_the_program_serves_requests_and_exits_with_0_on_sigterm(
    harness: BotHarness, lean: str
):
    """The test runs with lean and with stock aiogram."""
    harness.video()
    harness.site.latency_s = 0.3
    process, _ = await program(
        "run",
        folder=harness.folder,
        **{**harness.simulator.bot_environment(harness.folder), "BOT_LEAN_START": lean},
    )
    await harness.until(
        lambda: harness.api.polls or process.returncode is not None, "the first getUpdates"
    )
    crew = harness.world.group(-1002)
    crew.members[1001] = "creator"
    harness.world.say(harness.ada, "/lang", crew)
    await harness.until(lambda: len(harness.answers(crew)) == 2, "the menu")
    harness.world.press(harness.ada, harness.answers(crew)[-1], "lang/hi")
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: harness.home.reactions)
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert len(harness.videos()) == 1
    assert harness.simulator.token.encode() not in errors
    assert b"Traceback" not in errors
    assert b"Warning" not in errors


@pytest.mark.parametrize("plain", [True, False])
async def test_the_log_has_one_line_per_request_and_no_chat_ids(harness: BotHarness, plain: bool):
    harness.video()
    harness.world.person(1_234_567_890, "Cy")
    form = {} if plain else {"RUN_LOG_FORMAT": "json", "RUN_LOG_CHAT_IDS": "true"}
    process, _ = await program(
        "run",
        folder=harness.folder,
        **{**harness.simulator.bot_environment(harness.folder), **form},
    )
    await harness.until(
        lambda: harness.api.polls or process.returncode is not None, "the first getUpdates"
    )
    cy, home = harness.world.people[1_234_567_890], harness.world.chats[1_234_567_890]
    harness.world.say(cy, VIDEO)
    await harness.until(lambda: harness.videos(home), "the video")
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    lines = [line for line in errors.decode().splitlines() if "Request " in line]
    assert len(lines) == 1
    if plain:
        name = Pseudonyms(harness.simulator.token).of(1_234_567_890)
        assert f"Request 1 for chat {name}: post of tiktok {ID}: fetched after " in lines[0]
        assert b"1234567890" not in errors
    else:
        line = json.loads(lines[0])
        assert (line["request"], line["outcome"], line["post"]) == (1, "fetched", ID)
        assert "for chat 1234567890: " in line["message"]


async def test_every_line_has_stable_fields_and_the_lines_of_a_request_its_id(harness: BotHarness):
    harness.video()
    harness.site.short_links["ZMdemo001"] = "https://www.tiktok.com/tag/ferry"
    harness.fail("sendVideo", "429", seconds=1)
    process, _ = await program(
        "run",
        folder=harness.folder,
        **harness.simulator.bot_environment(harness.folder),
        RUN_LOG_FORMAT="json",
        LIMITS_ACTIVE_REQUEST="3",
    )
    await harness.until(
        lambda: harness.api.polls or process.returncode is not None, "the first getUpdates"
    )
    harness.world.say(harness.ada, VIDEO)
    await harness.until(harness.videos, "the video")
    harness.world.say(harness.ada, "https://vm.tiktok.com/ZMdemo001/")
    await harness.until(lambda: EN["link_tag"] in harness.texts(), "the explanation")
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    lines = [json.loads(line) for line in errors.decode().splitlines()]
    stable = ["time", "level", "logger", "event", "request", "message"]
    assert [line for line in lines if list(line)[:6] != stable] == []
    assert {line["logger"] for line in lines} & {
        "aiogram.event",
        "alembic.runtime.migration",
    } == set()
    by_event = {line["event"]: line for line in lines}
    assert by_event["telegram_rate_limited"]["request"] == 1
    assert by_event["bot_started"]["request"] is None
    assert "LIMITS_ACTIVE_REQUESTS?" in by_event["unknown_variable"]["message"]
    refused = by_event["request_ended"]  # the last one: somebody's bad link is no warning
    assert (refused["level"], refused["outcome"], refused["post"]) == ("INFO", "TagPageError", None)
    assert "post of tiktok (a short link): TagPageError" in refused["message"]


async def test_recount_rebuilds_the_statistics(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    await database.write(lambda db: db.execute(delete(Stats)))
    await harness.stop()
    url = f"sqlite:///{harness.folder / 'bot.db'}"
    process, _ = await program("recount", folder=harness.folder, DATABASE_URL=url)
    output, errors = await process.communicate()
    assert (process.returncode, output) == (
        0,
        b"Rebuilt the statistics from the download history.\n",
    ), errors
    database.initialize_database_components(url)
    assert (await counts_since(None))[Scope.ALL].posts == 1
    await database.close()


async def test_recount_creates_no_database(tmp_path: Path):
    """In a wrong folder, it would say that all is well."""
    file = tmp_path / "var" / "bot.db"
    process, _ = await program("recount", folder=tmp_path, DATABASE_URL=f"sqlite:///{file}")
    output, errors = await process.communicate()
    assert (process.returncode, output) == (1, b"")
    assert errors.decode() == f"The database cannot be used: there is no database {file}\n"
    assert not file.parent.exists()


async def test_commands_for_the_database_do_not_wait_for_the_library_of_telegram(tmp_path: Path):
    """It takes five times as long to load as the rest."""
    backup = str(tmp_path / "backup.db")
    settings = {
        "FILES_HEARTBEAT": str(tmp_path / "heartbeat"),
        "PYTHONPROFILEIMPORTTIME": "1",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}",
    }
    for arguments in (["migrate"], ["backup", backup], ["restore", backup], ["recount"]):
        process, _ = await program(*arguments, folder=tmp_path, **settings)
        _, errors = await process.communicate()
        assert process.returncode == 0, errors
        assert b" sqlalchemy" in errors
        assert b" aiogram" not in errors


@pytest.mark.long
async def test_backup_and_restore_on_the_command_line(harness: BotHarness, new_postgres: str):
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    environment = {
        "DATABASE_URL": f"sqlite:///{harness.folder / 'bot.db'}",
        "FILES_HEARTBEAT": str(harness.folder / "heartbeat"),
    }
    file = str(harness.folder / "backup.db")

    async def call(*arguments: str, **more: str) -> tuple[int | None, str]:
        process, _ = await program(*arguments, folder=harness.folder, **{**environment, **more})
        output, errors = await process.communicate()
        assert b"Traceback" not in errors
        return process.returncode, (output + errors).decode()

    assert await call("backup", file) == (0, f"Copied the database to {file}.\n")
    code, text = await call("backup", file)
    assert (code, text) == (
        2,
        f"The backup has failed: {file} exists already: choose another name\n",
    )
    assert await call("backup", f"{file}/b") == (
        2,
        f"The backup has failed: cannot create {file}/b: Not a directory\n",
    )
    missing = harness.folder / "missing" / "b"
    assert await call("backup", str(missing)) == (
        2,
        f"The backup has failed: cannot create {missing}: No such file or directory\n",
    )
    code, text = await call("backup", f"{file}-env", DATABASE_URI="postgresql://u@127.0.0.1:9/d")
    assert (code, "Warning: DATABASE_URI" in text, "DATABASE_URL" in text) == (0, True, True)
    code, text = await call("restore", file)
    assert (code, "the bot is running: stop it first" in text) == (1, True)
    await harness.stop()
    for wrong in (("backup",), ("restore",)):
        code, text = await call(*wrong)
        assert (code, "FILE" in text) == (2, True)
    postgres = "postgresql://u@127.0.0.1:9/d"
    code, text = await call("backup", f"{file}2", DATABASE_URL=postgres)
    assert (code, "pg_dump" in text) == (1, True)
    code, text = await call("restore", file, DATABASE_URL=new_postgres)
    assert (code, "Restored" in text) == (0, True)
    assert re.search(r"^videos +1 rows$", text, re.MULTILINE)
    code, text = await call("restore", f"{file}3")
    assert (code, text) == (
        2,
        "The restore has failed, and the database is as it was: "
        f"cannot read {file}3: No such file or directory\n",
    )
    Path(f"{file}4").write_bytes(Path(file).read_bytes()[:100_000])
    code, text = await call("restore", f"{file}4")
    assert (code, "the database is as it was: " in text, "is damaged" in text) == (2, True, True)
    shutil.copy(file, f"{file}5")
    with closing(sqlite3.connect(f"{file}5")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    code, text = await call("restore", f"{file}5")
    assert (code, "a newer Clipferry has made" in text) == (2, True)
    code, text = await call("restore", "")
    assert (code, "argument file: is empty" in text) == (2, True)
    code, text = await call("restore", file)
    assert (code, "Restored. Chats: 1, last download: 20" in text) == (0, True)
    assert "bot.db.before-restore now" in text
    await harness.start()
    assert (await counts_since(None))[Scope.ALL].posts == 1
    await harness.say(VIDEO)


@pytest.mark.long
async def test_a_dump_of_postgresql_on_the_command_line(tmp_path: Path, new_postgres: str):
    path = f"{folder_of_tools()}{os.pathsep}{os.environ['PATH']}"
    heartbeat = str(tmp_path / "heartbeat")
    file = str(tmp_path / "backup.dump")

    async def call(*arguments: str) -> tuple[int | None, str]:
        process, _ = await program(
            *arguments,
            folder=tmp_path,
            DATABASE_URL=new_postgres,
            FILES_HEARTBEAT=heartbeat,
            PATH=path,
        )
        output, errors = await process.communicate()
        assert b"Traceback" not in errors
        return process.returncode, (output + errors).decode()

    async with database_lifespan(new_postgres):
        await set_value("a", "1")
    assert await call("backup", file) == (0, f"Copied the database to {file}.\n")
    assert await call("backup", file) == (
        2,
        f"The backup has failed: {file} exists already: choose another name\n",
    )
    async with database_lifespan(new_postgres):
        await set_value("a", "2")
    code, text = await call("restore", f"{file}2")
    assert (code, f"cannot read {file}2: No such file or directory" in text) == (2, True)
    Path(f"{file}3").write_text("hello")
    code, text = await call("restore", f"{file}3")
    assert (code, f"{file}3 is no backup of Clipferry" in text) == (2, True)
    Path(f"{file}4").write_bytes(Path(file).read_bytes()[:-2_000])
    code, text = await call("restore", f"{file}4")
    assert (code, f"cannot read {file}4: pg_restore has failed: " in text) == (2, True)
    assert await call("restore", file) == (0, "Restored. Chats: 0, last download: never.\n")
    async with database_lifespan(new_postgres):
        assert await read_value("a") == "1"


async def test_a_copied_database_with_a_foreign_log_is_refused_in_words(harness: BotHarness):
    path = harness.folder / "program.db"
    environment = {**harness.simulator.bot_environment(harness.folder), "RUN_LEASE_S": "2"}

    async def start() -> asyncio.subprocess.Process:
        polls = harness.api.polls
        process, _ = await program("run", folder=harness.folder, **environment)
        await harness.until(lambda: harness.api.polls > polls, "the first getUpdates")
        return process

    process = await start()
    process.send_signal(signal.SIGTERM)
    await process.wait()
    (harness.folder / "old.db").write_bytes(path.read_bytes())
    process = await start()
    process.kill()
    await process.wait()
    path.write_bytes((harness.folder / "old.db").read_bytes())
    process, _ = await program("run", folder=harness.folder, **environment)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"program.db-wal beside it belongs to another state" in errors
    assert b"main.py restore" in errors
