"""Health and metrics over HTTP, and alarms to administrators when trouble starts and ends."""

import os
import socket
import time
from functools import partial
from platform import python_version
from typing import Any

import aiohttp
import pytest

from core.errors import MediaDeletedError, PlatformChangedError, SettingsError, StorageError
from core.facts import Fact
from core.failures import LOOKED_AT
from core.version import VERSION
from data import database
from data.db_service import add_video, create_user
from data.key_values import compare_and_set, read_value
from data.scheduled_backups import BackupPlan
from data.statistics import outcomes_since
from misc.ui.admin_notifier import AdminNotifier
from misc.ui.texts import load_texts
from platforms import reader_version
from services.alarms import Alarms, AlarmThresholds, Change
from services.metrics import Metrics
from tests.e2e.bot_harness import VIDEO, BotHarness
from tests.e2e.programs import program
from tests.ports import free_port

TEXTS = load_texts()
EN = TEXTS["en"]
OTHER = "7300000000000000222"


async def ask(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


def number_in(metrics: str, name: str) -> float:
    """Return the value of a series of /metrics."""
    return next(
        float(line.removeprefix(name)) for line in metrics.splitlines() if line.startswith(name)
    )


async def test_the_wait_for_earlier_links_of_the_same_chat_counts(harness: BotHarness):
    """The second link starts once the first, whose file is held back, has ended."""
    port = free_port()
    harness.video()
    harness.video(OTHER)
    harness.site.serves_files.clear()
    await harness.start(WATCH_PORT=str(port))
    harness.world.say(harness.ada, VIDEO)
    harness.world.say(harness.ada, f"https://www.tiktok.com/@ferry.demo/video/{OTHER}")
    assert harness.application
    queue = harness.application.container.request_queue
    await harness.until(lambda: (queue.count, queue.running) == (2, 1), "the second to wait")
    began = time.monotonic()
    await harness.until(lambda: time.monotonic() > began + 0.4)
    harness.site.serves_files.set()
    await harness.settled()
    _, text = await ask(port, "/metrics")
    assert number_in(text, 'clipferry_stage_seconds_sum{stage="queue"}') > 0.4
    assert number_in(text, 'clipferry_stage_seconds_sum{stage="wait"}') > 0.4


async def test_health_and_metrics_are_served_over_http(harness: BotHarness):
    port = free_port()
    harness.video()
    harness.fail("sendVideo", "429", seconds=1)
    await harness.start(WATCH_PORT=str(port))
    await harness.say(VIDEO)
    await harness.say(VIDEO)
    await harness.say("https://www.tiktok.com/@ferry.demo/video/7300000000000000404")
    assert await ask(port, "/healthz") == (200, "alive\n")
    assert await ask(port, "/readyz") == (200, "ready\n")
    status, text = await ask(port, "/metrics")
    assert status == 200
    for line in (
        'clipferry_updates_total{kind="message"} 3.0',
        'clipferry_requests_total{outcome="fetched",platform="tiktok"} 1.0',
        'clipferry_requests_total{outcome="known",platform="tiktok"} 1.0',
        'clipferry_requests_total{outcome="MediaDeletedError",platform="tiktok"} 1.0',
        'clipferry_stage_seconds_count{stage="fetch"} 1.0',
        'clipferry_stage_seconds_count{stage="queue"} 3.0',
        'clipferry_stage_seconds_count{stage="send"} 1.0',
        'clipferry_requests_now{state="running"} 0.0',
        'clipferry_spool_bytes{what="used"} 0.0',
        'clipferry_telegram_errors_total{error="FloodError",method="sendVideo"} 1.0',
    ):
        assert line in text.splitlines(), line
    ytdlp, _ = reader_version()
    assert f'clipferry_build_info{{python="{python_version()}",version="{VERSION}",' in text
    assert f'ytdlp="{ytdlp}"' in text
    for name in (
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        'clipferry_bytes_total{direction="in"}',
        'clipferry_bytes_total{direction="out"}',
        "clipferry_event_loop_lag_seconds_count",
    ):
        assert number_in(text, name) > 0, name
    assert number_in(text, "clipferry_database_busy ") >= 0  # a periodic task may write just now
    await harness.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(port, "/healthz")


async def test_the_first_readyz_after_a_start_says_starting(harness: BotHarness):
    port = free_port()
    heartbeat = harness.folder / "heartbeat"
    heartbeat.touch()
    os.utime(heartbeat, (1_000_000_000, 1_000_000_000))  # of a process of long ago
    await harness.start(WATCH_PORT=str(port))
    assert await ask(port, "/readyz") == (503, "starting\n")
    await harness.say("hello")
    assert await ask(port, "/readyz") == (200, "ready\n")


async def test_readyz_reports_every_reason(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    port = free_port()
    await harness.start(WATCH_PORT=str(port))
    await harness.say("hello")
    monkeypatch.setattr("app.health_server.STALE_S", -1)

    async def broken(_work: Any) -> None:
        raise StorageError("gone")

    monkeypatch.setattr("data.key_values.write", broken)
    status, text = await ask(port, "/readyz")
    assert status == 503
    assert (
        text == "Telegram has not answered for two minutes\nthe database cannot be written: gone\n"
    )
    assert (await ask(port, "/healthz"))[0] == 200


async def test_a_port_in_use_is_a_settings_error(harness: BotHarness):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            await harness.start(WATCH_PORT=str(port))
    assert caught.value.mistakes[0].startswith(f"[watch] port (WATCH_PORT): 127.0.0.1:{port}: ")


async def test_an_address_that_is_not_there_yet_may_be_there_at_the_next_start(
    harness: BotHarness, unused_tcp_port: int
):
    """After a power cut the bot may start before the network: a supervisor must not give up."""
    environment = {
        **harness.simulator.bot_environment(harness.folder),
        "WATCH_HOST": "203.0.113.7",  # nobody's: RFC 5737
        "WATCH_PORT": str(unused_tcp_port),
    }
    process, _ = await program("run", folder=harness.folder, **environment)
    _, errors = await process.communicate()
    assert process.returncode == 1
    place = f"[watch] port (WATCH_PORT): 203.0.113.7:{unused_tcp_port}: "
    assert f"Cannot listen:\n  {place}" in errors.decode()


async def test_outcomes_are_kept_while_the_database_fails(db: str, monkeypatch: pytest.MonkeyPatch):
    async def broken(_outcomes: object) -> None:
        raise StorageError("gone")

    metrics = Metrics()
    metrics.delivered("tiktok", is_known=True)
    metrics.refused("tiktok", MediaDeletedError("x"))
    await metrics.write()
    metrics.refused("tiktok", MediaDeletedError("x"))
    with monkeypatch.context() as bad_minute:
        bad_minute.setattr("services.metrics.add_outcomes", broken)
        with pytest.raises(StorageError):
            await metrics.write()
    await metrics.write()
    await metrics.write()
    assert await outcomes_since(None) == [
        ("tiktok", "MediaDeletedError", 2),
        ("tiktok", "known", 1),
    ]


# --- alarms ---------------------------------------------------------------------------------------


class RecordingNotifier:
    """An admin notifier that records its messages."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Fact]]] = []

    async def notify(self, key: str, **facts: Fact) -> None:
        assert TEXTS("en", key, **facts)
        self.messages.append((key, facts))

    async def report(self, change: Change, key: str, **facts: Fact) -> bool:
        is_new = await change(lambda _: None)
        if is_new:
            await self.notify(key, **facts)
        return is_new


async def start_with_alarms(
    harness: BotHarness, **environment: str
) -> tuple[Alarms, RecordingNotifier, Metrics]:
    """Start the bot; return alarms, their recording notifier and the bot's metrics."""
    await harness.start(**environment)
    assert harness.application
    container = harness.application.container
    canary = container.fetcher.registry.find(VIDEO)
    assert canary
    notifier = RecordingNotifier()
    thresholds = AlarmThresholds(failing=0.5, quiet_s=300, canaries=(canary,))
    alarms = Alarms(notifier, container.metrics, container.fetcher, container.spool, thresholds)
    return alarms, notifier, container.metrics


async def test_a_failing_site_is_reported_once_and_so_is_its_recovery(harness: BotHarness):
    alarms, notifier, metrics = await start_with_alarms(harness)
    another = Metrics()  # of another process: the alarm is about the downloads of all

    async def check() -> None:
        await metrics.write()
        await another.write()
        await alarms.check_sites()

    for _ in range(LOOKED_AT - 1):
        metrics.refused("tiktok", PlatformChangedError("x"))
    await check()
    assert notifier.messages == []  # too few requests to judge
    # Errors of the post and cached posts do not count.
    for _ in range(50):
        metrics.refused("tiktok", MediaDeletedError("x"))
        metrics.delivered("tiktok", is_known=True)
    metrics.delivered("tiktok", is_known=False)
    await check()
    await check()
    assert notifier.messages == [("alarm_site", {"site": "TikTok", "percent": 95})]
    for _ in range(12):
        another.delivered("tiktok", is_known=False)
    await check()
    assert len(notifier.messages) == 1  # better, but still above the threshold
    for _ in range(4):
        metrics.delivered("tiktok", is_known=False)
    await check()
    await check()
    assert notifier.messages[1:] == [("alarm_site_over", {"site": "TikTok"})]


async def test_a_quiet_period_is_reported_twice_and_then_its_end(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    alarms, notifier, _ = await start_with_alarms(harness, WATCH_QUIET_MINUTES="5")
    moment = [1_800_000_000]
    monkeypatch.setattr(database, "clock", lambda: moment[0])
    await alarms.check_quiet()
    await create_user(5, "en")
    await add_video(5, "link", is_images=False)
    for minutes in (4, 1, 3, 2, 60):
        moment[0] += minutes * 60
        await alarms.check_quiet()
    keys = [("alarm_quiet", {"count": 5}), ("alarm_quiet", {"count": 10})]
    assert notifier.messages == keys
    await add_video(5, "link", is_images=False)
    await alarms.check_quiet()
    await alarms.check_quiet()
    assert notifier.messages[2:] == [("alarm_quiet_over", {"count": 0})]


async def test_a_failed_backup_is_reported_once_and_so_is_its_recovery(harness: BotHarness):
    """A backup is tried every five minutes; each failure stays in the log."""
    alarms, notifier, _ = await start_with_alarms(harness)
    folder = harness.folder / "backups"
    plan = BackupPlan(folder, interval_s=3_600, kept=2)
    make = partial(plan.follow, f"sqlite:///{harness.folder / 'bot.db'}")
    folder.touch()  # a file, where a folder should be
    for _ in range(2):
        with pytest.raises(StorageError, match="File exists"):
            await alarms.watch_backup(make)
    folder.unlink()
    for _ in range(2):
        await alarms.watch_backup(make)
    assert len(list(folder.iterdir())) == 1
    assert [key for key, _ in notifier.messages] == ["alarm_backup", "alarm_backup_over"]
    assert notifier.messages[0][1] == {"error": f"{folder}: File exists"}
    folder.rename(harness.folder / "elsewhere")
    folder.touch()
    with pytest.raises(StorageError):
        await alarms.watch_backup(make)
    assert [key for key, _ in notifier.messages[2:]] == ["alarm_backup"]


async def test_a_canary_reports_a_site_that_cannot_be_read(harness: BotHarness):
    post = harness.video()
    env = {"WATCH_CANARIES": VIDEO, "BOT_ADMINS": "1001", "LIMITS_ATTEMPTS": "1"}
    alarms, notifier, _ = await start_with_alarms(harness, **env)
    await alarms.check_canaries()
    assert notifier.messages == []
    post.page_trouble = "503"
    await alarms.check_canaries()
    await alarms.check_canaries()
    post.page_trouble = ""
    await alarms.check_canaries()
    error = {"site": "TikTok", "error": "PlatformUnreachableError"}
    assert notifier.messages == [("alarm_canary", error), ("alarm_canary_over", {"site": "TikTok"})]
    assert list(harness.folder.glob("spool/**/canary*")) == []


async def test_administrators_are_notified_in_their_languages(harness: BotHarness):
    await harness.start(BOT_ADMINS="1001,1002")
    bo = harness.world.person(1002, "Bo", language_code="ru")
    await harness.say("/start")
    await harness.say("/start", bo)
    harness.fail("sendMessage", "403", chat_id=1001)
    assert harness.application
    await AdminNotifier(
        harness.application.container.sender, TEXTS, frozenset({1001, 1002}), "process"
    ).notify("alarm_quiet_over")
    assert EN["alarm_quiet_over"] not in harness.texts()
    assert harness.texts(harness.world.chats[1002])[-1] == TEXTS["ru"]["alarm_quiet_over"]


async def test_a_canary_for_an_unknown_site_is_a_settings_error(harness: BotHarness):
    harness.overrides["watch"] = {"canaries": ("https://example.org/x", VIDEO)}
    with pytest.raises(SettingsError, match=r"example\.org"):
        await harness.start()


async def test_compare_and_set_changes_a_value_only_if_it_is_as_expected(db: str):
    assert await compare_and_set("a", None, "1")
    assert not await compare_and_set("a", None, "2")
    assert not await compare_and_set("a", "0", "2")
    assert await compare_and_set("a", "1", "2")
    assert await read_value("a") == "2"
    assert not await compare_and_set("a", "1", None)
    assert await compare_and_set("a", "2", None)
    assert await read_value("a") is None
    assert await compare_and_set("a", None, None)
