"""What machines are told by HTTP, and administrators by themselves: each trouble once, and its end once."""

import socket
from typing import Any

import aiohttp
import pytest

from app.container import build
from core.errors import MediaDeletedError, PlatformChangedError, SettingsError, StorageError
from data import database
from data.db_service import add_video, create_user
from data.key_values import compare_and_set, read_value
from data.statistics import outcomes_since
from misc.ui.texts import load_texts
from services.alarms import Alarms
from services.metrics import LOOKED_AT, Metrics
from tests.e2e.bot_harness import VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def ask(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_health_and_metrics(harness: BotHarness):
    port = free_port()
    harness.video()
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
        'clipferry_stage_seconds_count{stage="send"} 1.0',
        'clipferry_requests_now{state="running"} 0.0',
        'clipferry_spool_bytes{what="used"} 0.0',
        "clipferry_database_busy 0.0",
    ):
        assert line in text.splitlines(), line
    await harness.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(port, "/healthz")


async def test_who_cannot_work_says_why(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    port = free_port()
    await harness.start(WATCH_PORT=str(port))
    monkeypatch.setattr("app.health_server._STALE_S", -1)

    async def broken(_work: Any) -> None:
        raise StorageError("gone")

    monkeypatch.setattr("data.key_values.read", broken)
    status, text = await ask(port, "/readyz")
    assert status == 503
    assert text == "Telegram has not answered for two minutes\nthe database does not answer\n"
    assert (await ask(port, "/healthz"))[0] == 200


async def test_a_port_that_is_taken_stops_the_start(harness: BotHarness):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            await harness.start(WATCH_PORT=str(port))
    assert caught.value.mistakes[0].startswith(f"[watch] port (WATCH_PORT): 127.0.0.1:{port}: ")
    harness._running = None
    await database.close()


async def test_how_requests_end_survives_a_bad_minute(db: str, monkeypatch: pytest.MonkeyPatch):
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


# --- alarms --------------------------------------------------------------------------------------


class Ringing:
    """Writes down what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, str | int]]] = []

    async def notify(self, key: str, **facts: str | int) -> None:
        assert TEXTS("en", key, **facts)
        self.said.append((key, facts))


async def alarms_of(harness: BotHarness, **environment: str) -> tuple[Alarms, Ringing, Metrics]:
    """Start a bot, and give alarms that ring here."""
    await harness.start(**environment)
    assert harness.application
    container = harness.application.container
    ringing = Ringing()
    alarms = Alarms(
        ringing, container.metrics, container.fetcher, container.spool, container.alarms._thresholds
    )
    return alarms, ringing, container.metrics


async def test_a_site_that_fails_is_reported_once_and_so_is_its_recovery(harness: BotHarness):
    alarms, ringing, metrics = await alarms_of(harness)
    for _ in range(LOOKED_AT - 1):
        metrics.refused("tiktok", PlatformChangedError("x"))
    await alarms.look_at_sites()
    assert ringing.said == []  # too few to tell
    # What is no fault of the site's does not count, nor what Telegram has.
    for _ in range(50):
        metrics.refused("tiktok", MediaDeletedError("x"))
        metrics.delivered("tiktok", is_known=True)
    metrics.delivered("tiktok", is_known=False)
    await alarms.look_at_sites()
    await alarms.look_at_sites()
    assert ringing.said == [("alarm_site", {"site": "TikTok", "percent": 95})]
    for _ in range(12):
        metrics.delivered("tiktok", is_known=False)
    await alarms.look_at_sites()
    assert len(ringing.said) == 1  # better, but not well
    for _ in range(4):
        metrics.delivered("tiktok", is_known=False)
    await alarms.look_at_sites()
    await alarms.look_at_sites()
    assert ringing.said[1:] == [("alarm_site_over", {"site": "TikTok"})]


async def test_quiet_is_reported_twice_and_then_its_end(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    alarms, ringing, _ = await alarms_of(harness, WATCH_QUIET_MINUTES="5")
    moment = [1_800_000_000]
    monkeypatch.setattr(database, "clock", lambda: moment[0])
    await alarms.listen()
    await create_user(5, "en")
    await add_video(5, "link", is_images=False)
    for minutes in (4, 1, 3, 2, 60):
        moment[0] += minutes * 60
        await alarms.listen()
    keys = [("alarm_quiet", {"minutes": 5}), ("alarm_quiet", {"minutes": 10})]
    assert ringing.said == keys
    await add_video(5, "link", is_images=False)
    await alarms.listen()
    await alarms.listen()
    assert ringing.said[2:] == [("alarm_quiet_over", {"minutes": 0})]


async def test_a_canary_tells_when_a_site_cannot_be_read(harness: BotHarness):
    post = harness.video()
    env = {"WATCH_CANARIES": VIDEO, "BOT_ADMINS": "1001", "LIMITS_ATTEMPTS": "1"}
    alarms, ringing, _ = await alarms_of(harness, **env)
    await alarms.try_canaries()
    assert ringing.said == []
    post.page_trouble = "503"
    await alarms.try_canaries()
    await alarms.try_canaries()
    post.page_trouble = ""
    await alarms.try_canaries()
    error = {"site": "TikTok", "error": "PlatformUnreachableError"}
    assert ringing.said == [("alarm_canary", error), ("alarm_canary_over", {"site": "TikTok"})]
    assert list(harness.folder.glob("spool/**/canary*")) == []


async def test_administrators_are_told_in_their_languages(harness: BotHarness):
    await harness.start(BOT_ADMINS="1001,1002")
    bo = harness.world.person(1002, "Bo", language_code="ru")
    await harness.say("/start")
    await harness.say("/start", bo)
    harness.fail("sendMessage", "403", chat_id=1001)
    assert harness.application
    await harness.application.container.alarms._notifier.notify("alarm_quiet_over")
    assert EN["alarm_quiet_over"] not in harness.texts()
    assert harness.texts(harness.world.chats[1002])[-1] == TEXTS["ru"]["alarm_quiet_over"]


async def test_a_canary_of_an_unknown_site_stops_the_start(harness: BotHarness):
    await harness.start()
    assert harness.application
    settings = harness.application._settings
    watch = settings.watch.model_copy(update={"canaries": ("https://example.org/x", VIDEO)})
    with pytest.raises(SettingsError, match=r"example\.org"):
        build(settings.model_copy(update={"watch": watch}))


async def test_a_note_is_changed_by_one_only(db: str):
    assert await compare_and_set("a", None, "1")
    assert not await compare_and_set("a", None, "2")
    assert not await compare_and_set("a", "0", "2")
    assert await compare_and_set("a", "1", "2")
    assert await read_value("a") == "2"
    assert not await compare_and_set("a", "1", None)
    assert await compare_and_set("a", "2", None)
    assert await read_value("a") is None
    assert await compare_and_set("a", None, None)
