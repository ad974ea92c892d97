"""`main.py check`: what a start needs, one by one, safe to be shown to anybody."""

from pathlib import Path

import pytest

from platforms import reader_version
from simulator.telegram.world import Chat
from tests.e2e.bot_harness import BotHarness
from tests.e2e.inline_harness import ON, STORAGE, InlineHarness
from tests.e2e.test_lifecycle import program


async def report(harness: BotHarness, **environment: str) -> tuple[int | None, list[str]]:
    """Run the check; gives its exit code and its lines. It says no secret."""
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


async def test_when_all_is_well_every_line_is_ok(inline: InlineHarness):
    harness = inline.harness
    file = cookies(harness.folder, expires=2_000_000_000)
    code, lines = await report(harness, NETWORK_COOKIES_FILE=file, **ON)
    assert code == 0
    # How old yt-dlp may be depends on the day on which this is run.
    assert [line for line in lines if not line.startswith("ok ") and "yt-dlp" not in line] == []
    version, _ = reader_version()
    for part in (
        "database",
        "sites",
        "MB are free",
        version,
        "proxy 1",
        "@clipferry",
        "inline",
        "guest",
        "1 cookies, 0",
        "storage_chat takes",
    ):
        assert any(part in line for line in lines), part


async def test_what_is_wrong_is_said_with_what_to_do(inline: InlineHarness):
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
    assert code == 0  # the bot would start
    warnings = [line for line in lines if line.startswith("warning ") and "yt-dlp" not in line]
    for part in (
        "/setjoingroups",
        "guest mode: off",
        "proxy 1 does not answer",
        "export them anew",
        "make room",
        "storage_chat",
    ):
        assert any(part in line for line in warnings), part
    assert len(warnings) == 6


@pytest.mark.parametrize("token", ["", "hunter2", "42:AAAAAA"])
async def test_without_a_token_that_telegram_knows_it_fails(harness: BotHarness, token: str):
    code, lines = await report(harness, BOT_TOKEN=token)
    assert code == 1
    failures = [line for line in lines if line.startswith("failure ")]
    assert len(failures) == 1
    assert "token" in failures[0]


async def test_ads_that_cannot_be_read_are_a_failure(harness: BotHarness):
    file = harness.folder / "ads.json"
    file.write_text('[{"name": "tea"}]')
    code, lines = await report(harness, ADS_FILE=str(file))
    assert code == 1
    failures = [line for line in lines if line.startswith("failure ")]
    assert [line.split(": ")[1] for line in failures] == ["0/link", "0/text", "0/button"]
