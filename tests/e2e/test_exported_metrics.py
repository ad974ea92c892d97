"""What the rules and the dashboard of deploy/ ask for is what the bot exports."""

from collections.abc import Mapping, Sequence

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.bot_harness import VIDEO, BotHarness
from tests.e2e.test_polling import until_readyz
from tests.e2e.test_webhook import IN_WEBHOOK_MODE
from tests.ports import free_port
from tests.promql import Question, panels, rules

#: Labels that Prometheus adds; the job's name is what docs/operating/monitoring.md asks for.
ADDED = {"job": "clipferry", "instance": "bot"}


async def scrape(port: int) -> list[Mapping[str, str]]:
    """Return the labels of every series of /metrics, as Prometheus stores them."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        families = text_string_to_metric_families(await response.text())
        samples = [sample for family in families for sample in family.samples]
    scraped = [{"__name__": each.name, **each.labels, **ADDED} for each in samples]
    return [*scraped, {"__name__": "up", **ADDED}]


def unexported(question: Question, exported: Sequence[Mapping[str, str]]) -> list[str]:
    """Return what an expression asks for and no series has, in words."""
    assert question.selectors, question
    wrong = []
    for selector in question.selectors:
        found = [series for series in exported if selector.finds(series)]
        absent = {label for label in question.labels if not any(label in each for each in found)}
        if not found:
            wrong.append(f"{question.name}: no series for {selector}")
        elif absent:
            wrong.append(f"{question.name}: {selector.metric} has no {sorted(absent)}")
    return wrong


def is_about_webhooks(question: Question) -> bool:
    """Return True for what only a bot that is called by Telegram can answer."""
    return any(selector.metric.startswith("clipferry_webhook_") for selector in question.selectors)


async def let_everything_happen(harness: BotHarness) -> None:
    """Let each metric have a series with each of its labels, some of them only for now."""
    harness.fail("getUpdates", "500")
    harness.fail("sendVideo", "429", seconds=1)
    harness.video()
    await harness.say(VIDEO)
    await harness.say(VIDEO)  # from the cache
    await harness.say("/start@another_bot")
    harness.world.push("message", {"message_id": 5})  # without a chat
    await harness.settled()
    await begin_broadcast(harness)
    failing = "7300000000000000002"
    harness.video(failing, page_trouble="503")
    await harness.say(f"https://www.tiktok.com/@ferry.demo/video/{failing}")


async def begin_broadcast(harness: BotHarness) -> None:
    """Begin a broadcast that cannot end soon."""
    harness.fail("copyMessage", "429", seconds=300)
    await harness.say("/admin")
    menu = harness.answers()[-1]
    await harness.press(menu, "admin/broadcasts")
    await harness.press(menu, "cast/new")
    await harness.say("Big news")
    card = harness.answers()[-1]
    await harness.press(card, "cast/1/send")
    await harness.press(card, "cast/1/yes")
    assert harness.application
    broadcasts = harness.application.container.broadcasts
    await harness.until(lambda: broadcasts.progress, "the broadcast to begin")


@pytest.mark.unreadable_updates
async def test_every_rule_and_panel_asks_for_what_the_bot_exports(harness: BotHarness):
    port = free_port()
    await harness.start(
        WATCH_PORT=str(port), BOT_ADMINS="1001", LIMITS_ATTEMPTS="1", NETWORK_BREAKER_FAILURES="1"
    )
    await let_everything_happen(harness)
    exported = await scrape(port)
    asked = [each for each in (*rules(), *panels()) if not is_about_webhooks(each)]
    assert len(asked) > 30
    assert [wrong for question in asked for wrong in unexported(question, exported)] == []


@IN_WEBHOOK_MODE
async def test_what_is_asked_about_webhooks_is_exported_by_a_bot_with_one(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.webhook.LOOK_S", 0.1)
    port = free_port()
    await harness.start(WATCH_PORT=str(port))
    harness.api.webhook.url += "/elsewhere"
    harness.world.say(harness.ada, "/help")
    asked = [each for each in (*rules(), *panels()) if is_about_webhooks(each)]
    assert asked
    await until_readyz(port, "pending updates: 1", "404")
    exported = await scrape(port)
    assert [wrong for question in asked for wrong in unexported(question, exported)] == []


@pytest.mark.parametrize(
    ("expression", "texts"),
    [
        ("sum by (way) (clipferry_way_rests) or vector(0)", "{{way}}"),
        ("sum by (route) (clipferry_way_resting) or vector(0)", "rests"),
        ("clipferry_way_resting or vector(0)", "{{route}}"),
        ('clipferry_way_resting{job="bot"} or vector(0)', "{{way}}"),
        ('clipferry_way_resting{route=~".+"} == 1', "{{ $labels.way }}"),
        ("clipferry_way_resting == 1", "{{ $labels.route }} rests"),
        ("clipferry_way_resting / on (way) clipferry_ways", "{{way}}"),
    ],
)
def test_a_wrong_name_is_found(expression: str, texts: str):
    exported = [{"__name__": "clipferry_way_resting", "way": "tiktok/page", **ADDED}]
    right = Question("right", "sum by (way) (clipferry_way_resting) or vector(0)", "{{way}}")
    assert unexported(right, exported) == []
    assert len(unexported(Question("wrong", expression, texts), exported)) == 1
