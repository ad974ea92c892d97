"""`main.py doctor` checks every prerequisite of a start, and prints no secrets."""

import asyncio
import errno
import os
import re
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiogram import Bot

from app.doctor.examination import examine
from app.doctor.finding import Finding
from data import database
from data.config import load_settings
from data.database import known_schemas
from platforms import reader_version
from simulator.telegram.world import Chat
from tests.e2e.bot_harness import VIDEO, BotHarness
from tests.e2e.inline_harness import ON, STORAGE, InlineHarness
from tests.e2e.programs import program
from tests.seed_tables import make_seed_database


async def report(harness: BotHarness, **environment: str) -> tuple[int, list[str]]:
    """Let the doctor look, in this process; return what `report_of_program` returns."""
    environment = {
        "DATABASE_URL": f"sqlite:///{harness.folder / 'program.db'}",
        **harness.simulator.bot_environment(harness.folder),
        **environment,
    }
    settings = load_settings(harness.folder / "none.ini", harness.folder / "none.env", environment)
    findings = [finding async for finding in examine(settings)]
    text = "\n".join(f"{finding.level:8} {finding.text}" for finding in findings)
    assert harness.simulator.token not in text
    assert "hunter2" not in text
    has_failed = any(finding.level == "failure" for finding in findings)
    return int(has_failed), text.splitlines()


async def report_of_program(
    harness: BotHarness, **environment: str
) -> tuple[int | None, list[str]]:
    """Run the doctor; return exit code and output lines; fail if a secret is printed."""
    process, _ = await program(
        "check",
        folder=harness.folder,
        **{**harness.simulator.bot_environment(harness.folder), **environment},
    )
    output, errors = await process.communicate()
    assert b"Traceback" not in errors
    assert harness.simulator.token.encode() not in output + errors
    assert b"hunter2" not in output + errors
    return process.returncode, output.decode().splitlines()


def cookies(folder: Path, *, expires: int) -> str:
    file = folder / "cookies.txt"
    file.write_text(
        "# Netscape HTTP Cookie File\n"
        f".instagram.com\tTRUE\t/\tTRUE\t{expires}\tsessionid\thunter2\n"
    )
    return str(file)


async def test_files_that_are_no_accounts_are_named_with_the_reason(harness: BotHarness):
    """Nothing else tells: a site then asks to sign in, as without an account."""
    folder = harness.folder / "identities"
    good = Path(cookies(harness.folder, expires=2_000_000_000)).read_text()
    files = {
        "instagram/anna.txt": good,
        "instagram/www.instagram.com_cookies.txt": good,  # what the browser's extension calls it
        "Instagram/anna.txt": good,
        "mixcloud/anna.txt": good,
        "instagram/bert.txt": '[{"name": "sessionid", "value": "hunter2"}]',
        "x/anna.txt": good,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    _, lines = await report(harness)
    found = dict(re.findall(rf"warning  {folder}/(\S+) is not used: (.*)", "\n".join(lines)))
    assert found.keys() == files.keys() - {"instagram/anna.txt"}
    assert found["Instagram/anna.txt"].endswith("is called Instagram")
    assert "such as anna.txt" in found["instagram/www.instagram.com_cookies.txt"]
    assert found["instagram/bert.txt"].startswith("it has no cookies of Instagram in Netscape")
    assert found["x/anna.txt"].startswith("it has no cookies of X")


async def test_a_correct_setup_reports_only_ok_lines(inline: InlineHarness):
    harness = inline.harness
    file = cookies(harness.folder, expires=2_000_000_000)
    board = harness.world.chats[-1008] = Chat(-1008, "channel", "Board")
    board.members[harness.world.bot_user["id"]] = "administrator"
    harness.video()
    code, lines = await report_of_program(
        harness,
        NETWORK_COOKIES_FILE=file,
        BOT_ADMINS="1001",
        BOT_JOIN_LOG_CHAT="1001",
        STATISTICS_BOARD_CHAT="-1008",
        WATCH_CANARIES=VIDEO,
        **ON,
    )
    assert code == 0
    # The line about yt-dlp's age depends on the date of the test run.
    assert [line for line in lines if not line.startswith("ok ") and "yt-dlp 2" not in line] == []
    version, _ = reader_version()
    for part in (
        "database",
        "sites",
        "MB free",
        version,
        "proxy 1",
        "@clipferry",
        "inline",
        "guest",
        "cookies: 1, expired: 0",
        "storage_chat accepts",
        "board_chat accepts",
        "join_log_chat accepts",
        "administrator 1 of [bot] admins has written",
        "canary of TikTok: readable",
        "the clock agrees",
        "file descriptors",
        "FFmpeg",
        "webhook: none, pending updates: 0",
        "exported 0 days ago",
    ):
        assert any(part in line for line in lines), part


async def test_every_problem_is_reported_with_its_remedy(inline: InlineHarness):
    harness = inline.harness
    harness.world.chats[STORAGE] = Chat(STORAGE, "channel", title="S", closed="bot was kicked")
    harness.world.bot_user.update(can_join_groups=False, supports_guest_queries=False)
    proxies = harness.folder / "dead.txt"
    proxies.write_text("http://user:hunter2@127.0.0.1:9\n")
    code, lines = await report_of_program(
        harness,
        NETWORK_PROXY_FILE=str(proxies),
        NETWORK_COOKIES_FILE=cookies(harness.folder, expires=1_000_000_000),
        FILES_SPOOL_MB="900000000",
        LIMITS_ACTIVE_REQUEST="3",
        BOT_ADMINS="4004",
        BOT_JOIN_LOG_CHAT="-1009",
        WATCH_CANARIES=VIDEO,
        SITES_ALLOWED="tiktok,youtube",
        HELPERS_POT_URL="http://127.0.0.1:9",
        PATH="/nowhere",
        **ON,
    )
    assert code == 0  # none of the problems prevents a start
    warnings = [line for line in lines if line.startswith("warning ") and "yt-dlp 2" not in line]
    for part in (
        "/setjoingroups",
        "guest mode: off",
        "proxy 1 does not respond",
        "export new cookies",
        "free disk space",
        "storage_chat",
        "LIMITS_ACTIVE_REQUEST is not a setting, did you mean LIMITS_ACTIVE_REQUESTS?",
        "administrator 1 of [bot] admins cannot be reached",
        "join_log_chat cannot be used",
        "canary of TikTok",
        "JavaScript runtime: none, YouTube needs deno or quickjs: `pip install -r requirements-yo",
        "yt-dlp-ejs is not installed",
        "PO tokens does not respond",
    ):
        assert any(part in line for line in warnings), part
    assert len(warnings) == 13


async def test_a_group_that_has_become_a_supergroup_is_named_with_its_new_id(
    harness: BotHarness,
):
    new_id = -1_000_000_000_700
    harness.world.group(-700).moved_to = harness.world.group(new_id).id
    _, lines = await report(
        harness,
        BOT_JOIN_LOG_CHAT="-700",
        STATISTICS_BOARD_CHAT="-700",
        INLINE_STORAGE_CHAT="-700",
        ACCESS_MODE="members",
        ACCESS_CHANNELS="-700",
        ACCESS_LISTED="-700,-701,-1000000000702,1001",
    )
    moved = [line for line in lines if f"write its new id into the setting, {new_id}" in line]
    assert all(line.startswith("warning ") for line in moved)
    assert len(moved) == 5
    for setting in ("join_log_chat", "board_chat", "storage_chat", "channels", "listed"):
        assert any(setting in line for line in moved), setting


@pytest.mark.parametrize("token", ["", "42:AAAAAA"])
async def test_a_token_unknown_to_telegram_is_a_failure(harness: BotHarness, token: str):
    code, lines = await report(harness, BOT_TOKEN=token)
    assert code == 1
    failures = [line for line in lines if line.startswith("failure ")]
    assert len(failures) == 1
    assert "token" in failures[0]


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("app.doctor.database.read_schema_state", "the database"),
        ("app.doctor.machine.shutil.disk_usage", "the disk"),
        ("app.doctor.sites.is_open", "proxy 1"),
        ("app.doctor.telegram.report_on", "the webhook"),
        ("app.doctor.examination.telegram_findings", "Telegram"),
    ],
)
async def test_a_check_with_an_unexpected_error_is_a_failure_and_the_others_go_on(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, broken: str, what: str
):
    async def fail_later(_: object) -> AsyncIterator[Finding]:
        yield Finding("ok", "the first part")
        raise KeyError("hunter2")

    def fail(*_: object) -> None:
        raise KeyError("hunter2")

    _, before = await report(harness)
    monkeypatch.setattr(broken, fail_later if "telegram_findings" in broken else fail)
    code, lines = await report(harness)
    assert code == 1
    (failure,) = [line for line in lines if line.startswith("failure ")]
    assert failure.startswith(f"failure  the check of {what} failed: KeyError in {__file__}, line ")
    if what == "Telegram":
        assert lines[-2:] == ["ok       the first part", failure]
    else:
        # The line of the check itself is another one; the others are there, to the last one.
        assert len(lines) == len(before)
        assert lines[-1] == before[-1]


async def test_an_unexpected_error_at_one_administrator_hides_no_other(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    get_chat = Bot.get_chat

    async def fail_once(bot: Bot, chat_id: int) -> object:
        if chat_id == 77:
            raise KeyError("hunter2")
        return await get_chat(bot, chat_id)

    monkeypatch.setattr(Bot, "get_chat", fail_once)
    _, lines = await report(harness, BOT_ADMINS="77,78")
    first, second = (line for line in lines if " of [bot] admins" in line)
    assert first.startswith("failure  the check of administrator 1 of [bot] admins failed: KeyErr")
    assert second.startswith("warning  administrator 2 of [bot] admins cannot be reached")


async def test_an_unreadable_disk_is_named_by_what_the_system_says(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), "/hunter2")

    monkeypatch.setattr("app.doctor.machine.shutil.disk_usage", fail)
    _, lines = await report(harness)
    expected = "failure  the check of the disk failed: Input/output error (OSError in "
    assert any(line.startswith(expected) for line in lines)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3_600, r"warning  the clock is 3\d{3} s behind Telegram's: synchronise it \(NTP\)"),
        (3_600, r"warning  the clock is 3\d{3} s ahead of Telegram's: synchronise it \(NTP\)"),
        (0, "ok       the clock agrees with Telegram's"),
    ],
)
async def test_a_wrong_clock_is_a_warning(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, seconds: int, expected: str
):
    clock = SimpleNamespace(time=lambda: time.time() + seconds)
    monkeypatch.setattr("app.doctor.telegram.time", clock)
    _, lines = await report(harness)
    (line,) = [line for line in lines if "the clock" in line]
    assert re.fullmatch(expected, line)


@pytest.mark.parametrize(
    ("is_open", "expected"),
    [
        (True, "ok       the direct connection reaches tiktok.com"),
        (False, "warning  the direct connection does not reach tiktok.com: check DNS and the "),
    ],
)
async def test_a_direct_connection_that_reaches_no_site_is_a_warning(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, is_open: bool, expected: str
):
    async def connect(proxy: Any, host: str) -> bool:
        assert (proxy.url, host) == (None, "tiktok.com")
        return is_open

    monkeypatch.setattr("app.doctor.sites.is_open", connect)
    _, lines = await report(harness, NETWORK_PROXY_FILE="", SITES_ALLOWED="tiktok")
    (line,) = [line for line in lines if "the direct connection" in line]
    assert line.startswith(expected)


@pytest.mark.parametrize(("kind", "status"), [("channel", "member"), ("supergroup", "left")])
async def test_a_board_that_the_bot_may_not_write_to_is_a_warning(
    harness: BotHarness, kind: str, status: str
):
    board = harness.world.chats[-1008] = Chat(-1008, kind, "Board")
    board.members[harness.world.bot_user["id"]] = status
    code, lines = await report(harness, STATISTICS_BOARD_CHAT="-1008")
    assert code == 0
    name = "the chat [statistics] board_chat"
    assert f"warning  {name}: give the bot the right to post there" in lines


async def test_an_invalid_ads_file_is_a_failure(harness: BotHarness):
    file = harness.folder / "ads.json"
    file.write_text('[{"name": "tea"}]')
    code, lines = await report(harness, ADS_FILE=str(file))
    assert code == 1
    failures = [line for line in lines if line.startswith("failure ")]
    assert [line.split(": ")[1] for line in failures] == ["0/link", "0/text", "0/button"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("administrator", "ok       the channel @news of [access] channels tells"),
        ("member", "make the bot an administrator"),
    ],
)
async def test_the_channels_of_the_members_are_checked(
    harness: BotHarness, status: str, expected: str
):
    channel = harness.world.chats[-1005] = Chat(-1005, "channel", "News", username="news")
    channel.members[harness.world.bot_user["id"]] = status
    code, lines = await report(harness, ACCESS_MODE="members", ACCESS_CHANNELS="@news,@gone")
    assert code == 0
    text = "\n".join(lines)
    assert " ".join(expected.split()) in " ".join(text.split())
    assert "@gone of [access] channels cannot be used" in text


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


async def test_the_doctor_creates_no_database(harness: BotHarness):
    newest = known_schemas()[-1]
    _, lines = await report(harness)
    assert f"ok       database: it is empty, the next start would create schema {newest}" in lines
    assert not (harness.folder / "program.db").exists()


async def test_the_doctor_changes_nothing_and_migrate_upgrades(harness: BotHarness):
    newest = known_schemas()[-1]
    process, _ = await program("migrate", folder=harness.folder)
    output, _ = await process.communicate()
    assert output.decode() == f"The database has schema {newest}; before it was none.\n"
    process, _ = await program("migrate", folder=harness.folder)
    output, _ = await process.communicate()
    assert output.decode() == f"The database has schema {newest} already.\n"
    old = known_schemas()[0]
    with closing(sqlite3.connect(harness.folder / "program.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (old,))
    harness.simulator.bot_environment(harness.folder)
    before = content_of(harness.folder)
    code, lines = await report_of_program(harness)
    assert code == 0
    upgrade = f"the next start would upgrade {old} → {newest}, back up first"
    assert f"warning  database: {upgrade}" in lines
    assert content_of(harness.folder) == before
    changing = {call.method for call in harness.api.calls if not call.method.startswith("get")}
    assert changing == set()


async def test_the_original_modules_tables_are_found_and_left_as_they_are(
    harness: BotHarness, db_url: str
):
    database.initialize_database_components(db_url)
    await make_seed_database(with_ads=True)
    await database.close()
    for _ in range(2):
        code, lines = await report(harness, DATABASE_URL=db_url)
        assert code == 0
        steps = f"the original module's tables → {known_schemas()[-1]}"
        assert f"warning  database: the next start would upgrade {steps}, back up first" in lines
    process, _ = await program("migrate", folder=harness.folder, DATABASE_URL=db_url)
    output, _ = await process.communicate()
    assert output.decode().endswith("; before it was the original module's.\n")


async def test_a_database_of_a_newer_version_is_a_failure(harness: BotHarness):
    with closing(sqlite3.connect(harness.folder / "program.db")) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    code, lines = await report_of_program(harness)
    assert code == 1
    assert any("a newer Clipferry has upgraded it" in line for line in lines)


async def test_a_revoked_token_an_absent_server_and_a_wrong_server_are_told_apart(
    harness: BotHarness,
):
    _, lines = await report(harness, BOT_TOKEN="42:AAAAAA")
    assert "failure  [bot] token (BOT_TOKEN): the token is wrong or revoked" in lines
    _, lines = await report(harness, TELEGRAM_SERVER="http://127.0.0.1:9")
    assert any(line.startswith("failure  Telegram cannot be reached: ") for line in lines)
    # Whatever answers there, it is no Bot API server.
    wrong = harness.simulator.address + "/file"
    _, lines = await report(harness, TELEGRAM_SERVER=wrong)
    failures = [line for line in lines if line.startswith("failure")]
    assert failures == [
        "failure  Telegram cannot be reached: the response is not that of a Bot API server"
    ]


async def test_what_was_found_is_printed_before_telegram_answers(harness: BotHarness):
    is_asked, is_over = asyncio.Event(), asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_asked.set()
        await is_over.wait()
        writer.close()

    environment = harness.simulator.bot_environment(harness.folder)
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        environment["TELEGRAM_SERVER"] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        process, _ = await program("doctor", folder=harness.folder, **environment)
        await is_asked.wait()
        process.send_signal(signal.SIGINT)
        output, errors = await process.communicate()
        is_over.set()
    assert process.returncode == 1
    assert b"ok       database: " in output
    assert b"ok       sites: " in output
    assert errors.endswith(b"Interrupted.\n")


async def test_old_cookies_are_a_warning(harness: BotHarness):
    file = cookies(harness.folder, expires=2_000_000_000)
    long_ago = time.time() - 200 * 86_400
    os.utime(file, (long_ago, long_ago))
    _, lines = await report(harness, NETWORK_COOKIES_FILE=file)
    assert any(line.startswith("warning  cookies: 1, expired: 0, exported 200") for line in lines)


@pytest.mark.parametrize(
    ("state", "level", "expected"),
    [
        ("unset", "ok", "not set yet"),
        ("set", "ok", "webhook: set to [webhook] url, pending updates: 0"),
        ("failing", "warning", "cannot deliver updates: Connection refused"),
        ("elsewhere", "warning", "another address"),
    ],
)
async def test_the_webhook_is_looked_at_and_not_changed(
    harness: BotHarness, state: str, level: str, expected: str
):
    harness.updates = "webhook"
    environment = harness.updates_environment()
    if state != "unset":
        url = environment["WEBHOOK_URL"] if state != "elsewhere" else "https://example.org/"
        harness.api.webhook.set({"url": url}, None)
    if state == "failing":
        harness.world.say(harness.ada, "hello")
        await harness.until(lambda: "last_error_message" in harness.api.webhook.info())
    before = harness.api.webhook.url
    code, lines = await report(harness, **environment)
    assert code == 0
    (line,) = [line for line in lines if "webhook: " in line]
    assert line.startswith(level)
    assert expected in line
    assert harness.api.webhook.url == before
    assert harness.calls("setWebhook", "deleteWebhook") == []


async def test_a_webhook_that_is_in_the_way_of_polling_is_a_warning(harness: BotHarness):
    harness.api.webhook.set({"url": "https://example.org/hunter2"}, None)
    code, lines = await report(harness)
    assert code == 0
    assert any(line.startswith("warning") and "a webhook is set" in line for line in lines)


async def test_a_certificate_that_cannot_be_used_is_a_failure(harness: BotHarness):
    harness.updates = "webhook"
    file = harness.folder / "certificate.pem"
    file.write_text("hunter2")
    code, lines = await report(
        harness,
        **harness.updates_environment(),
        WEBHOOK_CERTIFICATE=str(file),
        WEBHOOK_KEY=str(file),
    )
    assert code == 1
    assert any(line.startswith("failure") and "WEBHOOK_KEY" in line for line in lines)
