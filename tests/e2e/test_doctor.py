"""`main.py doctor` checks every prerequisite of a start, and prints no secrets."""

from pathlib import Path

import pytest

from platforms import reader_version
from simulator.telegram.world import Chat
from tests.e2e.bot_harness import BotHarness
from tests.e2e.inline_harness import ON, STORAGE, InlineHarness
from tests.e2e.test_lifecycle import program


async def report(harness: BotHarness, **environment: str) -> tuple[int | None, list[str]]:
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


async def test_a_correct_setup_reports_only_ok_lines(inline: InlineHarness):
    harness = inline.harness
    file = cookies(harness.folder, expires=2_000_000_000)
    code, lines = await report(harness, NETWORK_COOKIES_FILE=file, **ON)
    assert code == 0
    # The line about yt-dlp's age depends on the date of the test run.
    assert [line for line in lines if not line.startswith("ok ") and "yt-dlp" not in line] == []
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
    ):
        assert any(part in line for line in lines), part


async def test_every_problem_is_reported_with_its_remedy(inline: InlineHarness):
    harness = inline.harness
    harness.world.chats[STORAGE] = Chat(STORAGE, "channel", title="S", closed="bot was kicked")
    harness.world.bot_user.update(can_join_groups=False, supports_guest_queries=False)
    proxies = harness.folder / "dead.txt"
    proxies.write_text("http://user:hunter2@127.0.0.1:9\n")
    code, lines = await report(
        harness,
        NETWORK_PROXY_FILE=str(proxies),
        NETWORK_COOKIES_FILE=cookies(harness.folder, expires=1_000_000_000),
        FILES_SPOOL_MB="900000000",
        **ON,
    )
    assert code == 0  # none of the problems prevents a start
    warnings = [line for line in lines if line.startswith("warning ") and "yt-dlp" not in line]
    for part in (
        "/setjoingroups",
        "guest mode: off",
        "proxy 1 does not respond",
        "export new cookies",
        "free disk space",
        "storage_chat",
    ):
        assert any(part in line for line in warnings), part
    assert len(warnings) == 6


@pytest.mark.parametrize("token", ["", "hunter2", "42:AAAAAA"])
async def test_a_token_unknown_to_telegram_is_a_failure(harness: BotHarness, token: str):
    code, lines = await report(harness, BOT_TOKEN=token)
    assert code == 1
    failures = [line for line in lines if line.startswith("failure ")]
    assert len(failures) == 1
    assert "token" in failures[0]


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
    harness.api.webhook.set({"url": "https://example.org/"}, None)
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
