"""Live updates of yt-dlp with the real program: refused, switched, rolled back."""

import asyncio
import json
import os
import signal
import sqlite3
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from zipfile import ZipFile

import pytest

from core.errors import PlatformChangedError
from core.statistics import slot_of
from core.ytdlp_plan import Plan
from core.ytdlp_releases import YTDLP, Release
from data import database
from data.database import unix_now
from data.ytdlp_plan import change_plan, load_plan
from misc.ui.texts import load_texts
from platforms import reader_version
from tests.e2e.bot_harness import PATIENCE_S, VIDEO, BotHarness
from tests.e2e.programs import program
from tests.e2e.test_doctor import report_of_program
from tests.e2e.test_lifecycle import link
from tests.ytdlp_releases import DAY_S, FakeIndex, serving_index, ytdlp_wheel

EN = load_texts()["en"]
INSTALLED, _ = reader_version()
GOOD, BROKEN, YOUNG = "2099.1.1", "2099.2.2", "2099.3.3"
#: TikTok's extractor fails once there is a file, except for the post of the self-test.
BREAKS_LATER = """
import os
_real = TikTokBaseIE._extract_web_data_and_status
def _later(self, url, video_id, fatal=True):
    if os.path.exists(os.environ['HOME'] + '/broken') and not video_id.endswith('9001'):
        raise ExtractorError('changed')
    return _real(self, url, video_id, fatal)
TikTokBaseIE._extract_web_data_and_status = _later
"""


@pytest.fixture
async def index() -> AsyncIterator[FakeIndex]:
    """Serve an empty index."""
    async with serving_index() as index:
        yield index


def environment(harness: BotHarness, index: FakeIndex) -> dict[str, str]:
    return {
        **harness.simulator.bot_environment(harness.folder),
        "BOT_ADMINS": "1001",
        "YTDLP_UPDATE": "true",
        "YTDLP_INDEX_URL": index.url,
        "YTDLP_FOLDER": str(harness.folder / "yt-dlp"),
        "FILES_HEARTBEAT": str(harness.folder / "heartbeat"),
        "LIMITS_ATTEMPTS": "1",
        # A file is held back until a version is chosen, on a busy machine for longer.
        "LIMITS_STALL_S": "300",
        "NETWORK_BREAKER_FAILURES": "99",
        "TELEGRAM_PACING": "false",
        "RUN_LOG_FORMAT": "json",
        "LIMITS_SPAM_GUARD": "false",
    }


def said(harness: BotHarness, beginning: str) -> str | None:
    """Return the first of the bot's messages that begins so."""
    return next((text for text in harness.texts() if text.startswith(beginning)), None)


async def started(harness: BotHarness, times: int) -> None:
    """Wait until the program has started `times` times, and polls."""
    await harness.until(lambda: len(harness.calls("getMe")) == times, f"start {times}")
    polls = harness.api.polls
    await harness.until(lambda: harness.api.polls > polls, "getUpdates")


async def logged(process: Process, event: str) -> None:
    """Read a program's log until it has an event."""
    assert process.stderr
    async with asyncio.timeout(PATIENCE_S):
        async for line in process.stderr:
            if event.encode() in line:
                return
    raise AssertionError(f"the program has ended without {event}")


def add_outcomes(harness: BotHarness, at: int, outcome: str, number: int) -> None:
    """Let requests for TikTok have ended at a Unix time."""
    with closing(sqlite3.connect(harness.folder / "program.db")) as db, db:
        row = (slot_of(at), "tiktok", outcome, number)
        db.execute(
            "INSERT INTO outcomes (slot, platform, outcome, number) VALUES (?, ?, ?, ?)", row
        )


async def use_watched_release(harness: BotHarness) -> None:
    """Let the program use a release since an hour ago, before which TikTok worked well."""
    wheel = await asyncio.to_thread(ytdlp_wheel, harness.folder, GOOD)
    versions = harness.folder / "yt-dlp"
    with ZipFile(wheel) as archive:
        archive.extractall(versions / GOOD)
    (versions / "selected").write_text(GOOD)
    now = unix_now()
    release = Release(YTDLP, GOOD, wheel.name, "http://127.0.0.1/", "0" * 64, now - 4 * DAY_S)
    good_day = {"tiktok": (40, 0)}
    plan = replace(Plan().switched((release,), now - 3_600, good_day, {}), looked_at=now)
    database.initialize_database_components(f"sqlite:///{harness.folder / 'program.db'}")
    try:
        await database.init_db()
        assert await change_plan(Plan(), plan)
    finally:
        await database.close()


@pytest.mark.long
@pytest.mark.slow
async def test_a_broken_release_is_refused_a_good_one_used_and_taken_back_when_it_breaks(
    harness: BotHarness, index: FakeIndex
):
    """A request is in flight at each restart; every link is answered once."""
    harness.video()
    harness.site.serves_files.clear()
    folder = harness.folder
    # In threads, because an event loop of their own reads the sites.
    good = await asyncio.to_thread(ytdlp_wheel, folder, GOOD, {"extractor/tiktok.py": BREAKS_LATER})
    index.add(YTDLP, good)
    index.add(YTDLP, good, age_s=2 * DAY_S)["filename"] = good.name.replace(GOOD, YOUNG)
    failing = {"extractor/tiktok.py": "\nraise RuntimeError('broken')\n"}
    index.add(YTDLP, await asyncio.to_thread(ytdlp_wheel, folder, BROKEN, failing))
    process, _ = await program("run", folder=folder, **environment(harness, index))
    await started(harness, 1)
    add_outcomes(harness, unix_now() - 7_200, "fetched", 40)
    harness.world.say(harness.ada, "/start")
    harness.world.say(harness.ada, VIDEO)

    await harness.until(lambda: said(harness, "⚠️"), "the refusal")
    assert said(harness, "⚠️") == (
        f"⚠️ yt-dlp {BROKEN} isn't used: the self-test failed: RuntimeError: broken. "
        f"I'm staying with {INSTALLED}."
    )
    await harness.until(lambda: said(harness, f"⬆️ yt-dlp {GOOD}"), "the switch")
    assert harness.videos() == []
    harness.site.serves_files.set()
    await harness.until(harness.videos, "the video")
    await started(harness, 2)
    harness.world.say(harness.ada, "/admin")
    await harness.until(lambda: said(harness, "Admin menu"))
    harness.world.press(harness.ada, harness.answers()[-1], "admin/ytdlp")
    await harness.until(lambda: said(harness, f"yt-dlp {GOOD} is in use"), "the state")

    (folder / "broken").touch()
    for number in range(19):  # with the video, as many as are judged: later ones would not count
        harness.video(link(number)[-19:])
        harness.world.say(harness.ada, link(number))
    await harness.until(lambda: said(harness, "↩️"), "the roll-back")
    assert said(harness, "↩️") == (
        f"↩️ With yt-dlp {GOOD}, downloads from TikTok got worse: 5% worked, 100% before. "
        f"I'm going back to {INSTALLED}."
    )
    await started(harness, 3)
    assert not (folder / "yt-dlp/selected").exists()
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    assert process.returncode == 0
    # Beside the log, Python's own helper process may warn of what it frees at a restart.
    lines = [json.loads(line) for line in errors.decode().splitlines() if line.startswith("{")]
    events = [line["event"] for line in lines if "ytdlp" in str(line["event"])]
    assert events == [
        *("ytdlp_refused", "ytdlp_chosen", "ytdlp_restart", "ytdlp_rolled_back", "ytdlp_restart"),
    ]
    assert [line for line in lines if "traceback" in line] == []
    assert len(harness.videos()) == 1


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("is_cut_off", [False, True])
async def test_links_in_flight_at_a_roll_back_are_answered_once(
    harness: BotHarness, index: FakeIndex, is_cut_off: bool
):
    """One is being fetched when the restart begins, the other one is sent while nobody polls."""
    harness.video()
    harness.video(link(1)[-19:])
    harness.site.serves_files.clear()
    await use_watched_release(harness)
    settings = {**environment(harness, index), "RUN_DRAIN_S": "0" if is_cut_off else "120"}
    process, _ = await program("run", folder=harness.folder, **settings)
    await started(harness, 1)
    harness.world.say(harness.ada, "/start")
    first = harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: harness.home.reactions, "the request to run")
    add_outcomes(harness, unix_now(), PlatformChangedError.code, 20)
    await logged(process, "ytdlp_rolled_back")
    await logged(process, "queue_draining")
    second = harness.world.say(harness.ada, link(1))
    if not is_cut_off:
        harness.site.serves_files.set()
    await started(harness, 2)
    harness.site.serves_files.set()
    await harness.until(lambda: len(harness.videos()) == 2, "both videos")
    await harness.until(lambda: harness.home.reactions == {}, "the end of both requests")
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0

    assert said(harness, f"↩️ With yt-dlp {GOOD}")
    assert not (harness.folder / "yt-dlp/selected").exists()
    answered = [m["reply_to_message"] for m in harness.answers() if "reply_to_message" in m]
    assert sorted(m["message_id"] for m in answered) == [first["message_id"], second["message_id"]]
    # The first start answers the first link in time, or leaves it to the second start.
    each = ["getMe", "sendVideo"]
    expected = sorted(each * 2) if is_cut_off else each * 2
    assert [call.method for call in harness.calls(*each)] == expected


async def test_the_doctor_says_which_version_is_used_and_from_where(
    harness: BotHarness, index: FakeIndex
):
    versions = harness.folder / "yt-dlp"
    (versions / GOOD).mkdir(parents=True)
    (versions / "selected").write_text(GOOD)
    _, lines = await report_of_program(harness, **environment(harness, index))
    assert any(f"yt-dlp {INSTALLED}, " in line and "installed in /" in line for line in lines)
    assert any(f"{GOOD} is ignored: files are missing" in line for line in lines)
    assert any("attestations are" in line for line in lines)
    assert index.requested == []


@pytest.mark.parametrize("is_signalled", [True, False])
async def test_a_signal_during_the_end_before_a_new_start_makes_it_a_stop(
    harness: BotHarness, is_signalled: bool
):
    await harness.start()
    application = harness.application
    assert application
    assert not application.must_restart
    application.restart()
    if is_signalled:
        os.kill(os.getpid(), signal.SIGTERM)
    assert await harness.wait_stopped() is True
    assert application.must_restart is not is_signalled


async def test_a_process_that_is_stopping_does_not_start_anew(harness: BotHarness):
    """Its last requests may take a minute, and a version may be chosen meanwhile."""
    await harness.start()
    application = harness.application
    assert application
    application.stop()
    application.restart()
    assert await harness.wait_stopped() is True
    assert not application.must_restart


async def test_administrators_see_the_state_and_can_ask_for_the_newest_release(
    harness: BotHarness, index: FakeIndex
):
    """In this process: the index has no release that is newer."""
    index.files[YTDLP] = []
    await harness.start(**environment(harness, index))
    await harness.say("/admin")
    menu = harness.answers()[-1]
    await harness.press(menu, "admin/ytdlp")
    assert menu["text"].startswith(f"yt-dlp {INSTALLED} is in use.")
    ((button,), _) = menu["reply_markup"]["inline_keyboard"]
    answer = await harness.press(menu, button["callback_data"])
    assert answer["text"] == EN["admin_ytdlp_asked"]
    await harness.until(lambda: said(harness, f"✅ yt-dlp {INSTALLED} is the newest"), "the answer")
    await change_plan(await load_plan(), replace(await load_plan(), refused=(BROKEN,)))
    await harness.press(menu, "admin/ytdlp")
    assert "Last checked for updates: " in menu["text"]
    assert menu["text"].endswith(f"Not used: {BROKEN}")


async def test_without_the_setting_nothing_is_offered(harness: BotHarness):
    await harness.start(BOT_ADMINS="1001")
    await harness.say("/admin")
    menu = harness.answers()[-1]
    assert "yt-dlp" not in str(menu["reply_markup"])
    answer = await harness.press(menu, "admin/ytdlp")
    assert answer["text"] == EN["button_expired"]
