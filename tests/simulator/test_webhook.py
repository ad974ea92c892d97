"""The simulator delivers by webhook as the real server does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.sites.proxy import Authority

PATIENCE_S = 60.0


class Bot:
    """A webhook that answers as the test wants, and the Bot API that it uses."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.world = simulator.world
        self.webhook = simulator.api.webhook
        self.received: list[dict[str, Any]] = []
        self.secrets: set[str | None] = set()
        self.running = 0
        self.most_running = 0
        #: Answers are held back until it is set.
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        #: Statuses of the next answers; afterwards all are 200.
        self.statuses: list[int] = []
        self.retry_after = ""
        self.body = ""
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        self.received.append(await request.json())
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await self.may_answer.wait()
        self.running -= 1
        status = self.statuses.pop(0) if self.statuses else 200
        headers = {"Retry-After": self.retry_after} if status != 200 and self.retry_after else {}
        return web.Response(status=status, text=self.body, headers=headers)

    async def call(self, method: str, **params: Any) -> tuple[int, Any]:
        url = f"{self.simulator.address}/bot{self.simulator.token}/{method}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=params) as response,
        ):
            body = await response.json()
            return response.status, body.get("result", body.get("description"))

    async def set(self, **params: Any) -> None:
        assert await self.call("setWebhook", url=self.url, **params) == (200, True)

    def say(self, person_id: int, text: str = "x") -> None:
        self.world.say(self.world.person(person_id, "Ada"), text)

    async def until_running(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.running < number:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def until_delivered(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.webhook.deliveries) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture
async def bot(samples: SampleStore, authority: Authority, tmp_path: Path) -> AsyncIterator[Bot]:
    simulator = Simulator(tmp_path, samples, authority)
    await simulator.start()
    simulator.api.webhook.is_local = True
    bot = Bot(simulator)
    app = web.Application()
    app.router.add_post("/updates", bot.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bot.url = f"http://127.0.0.1:{runner.addresses[0][1]}/updates"
    yield bot
    bot.may_answer.set()
    await simulator.stop()
    await runner.cleanup()


async def test_one_update_of_a_chat_is_in_flight_and_others_are_beside_it(bot: Bot):
    await bot.set(max_connections=3)
    bot.say(1)
    await bot.until_delivered(1)  # after a success there is more than one connection
    bot.may_answer.clear()
    for _ in range(2):
        for person_id in range(1, 6):
            bot.say(person_id)
    await bot.until_running(3)
    await asyncio.sleep(0.2)
    assert bot.running == 3
    assert len({update["message"]["chat"]["id"] for update in bot.received[1:]}) == 3
    bot.may_answer.set()
    await bot.until_delivered(11)
    assert (bot.most_running, bot.world.updates) == (3, [])
    ids = [update["update_id"] for update in bot.received if update["message"]["chat"]["id"] == 1]
    assert ids == sorted(ids)


async def test_without_a_success_there_is_one_connection(bot: Bot):
    bot.may_answer.clear()
    await bot.set()
    for person_id in range(1, 6):
        bot.say(person_id)
    await bot.until_running(1)
    await asyncio.sleep(0.3)
    assert bot.running == 1


async def test_failures_are_repeated_after_growing_delays_and_told(bot: Bot):
    bot.webhook.backoff_scale = 0.01
    bot.statuses = [500, 404, 503]
    await bot.set(secret_token="abc")
    bot.say(1)
    await bot.until_delivered(4)
    assert [delivery.status for delivery in bot.webhook.deliveries] == [500, 404, 503, 200]
    assert len({update["update_id"] for update in bot.received}) == 1
    assert bot.secrets == {"abc"}
    _, info = await bot.call("getWebhookInfo")
    message = "Wrong response from the webhook: 503 Service Unavailable"
    assert (info["last_error_message"], info["pending_update_count"]) == (message, 0)


async def test_retry_after_is_obeyed(bot: Bot):
    bot.webhook.backoff_scale = 0.01
    bot.statuses, bot.retry_after = [503], "3000"
    await bot.set()
    bot.say(1)
    await bot.until_delivered(1)
    bot.say(2)  # another chat does not wait
    await bot.until_delivered(2)
    await asyncio.sleep(0.2)
    assert [delivery.status for delivery in bot.webhook.deliveries] == [503, 200]
    _, info = await bot.call("getWebhookInfo")
    assert info["pending_update_count"] == 1


async def test_queries_expire_and_messages_do_not(bot: Bot):
    person = bot.world.person(1, "Ada")
    message = bot.world.say(person, "x")
    bot.simulator.api.methods.inline.ask(person, "x")
    bot.world.press(person, message, "x")
    assert (await bot.call("getWebhookInfo"))[1]["pending_update_count"] == 3
    bot.webhook.expiry_scale = 0.001
    await asyncio.sleep(0.3)
    await bot.set()
    await bot.until_delivered(1)
    await asyncio.sleep(0.2)
    assert ["message" in update for update in bot.received] == [True]


async def test_updates_that_are_not_wanted_are_not_delivered(bot: Bot):
    await bot.set(allowed_updates=["callback_query"])
    message = bot.world.say(bot.world.person(1, "Ada"), "x")
    bot.world.press(bot.world.person(1), message, "x")
    await bot.until_delivered(1)
    assert ["callback_query" in update for update in bot.received] == [True]
    assert (await bot.call("getWebhookInfo"))[1]["allowed_updates"] == ["callback_query"]


async def test_a_webhook_excludes_polling_until_it_is_removed(bot: Bot):
    await bot.set()
    code, text = await bot.call("getUpdates")
    assert (code, "while webhook is active" in text) == (409, True)
    assert await bot.call("deleteWebhook") == (200, True)
    assert (await bot.call("getWebhookInfo"))[1]["url"] == ""
    bot.say(1)
    assert len((await bot.call("getUpdates"))[1]) == 1


async def test_a_poll_that_waits_ends_when_a_webhook_is_set(bot: Bot):
    polling = asyncio.ensure_future(bot.call("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    await bot.set()
    assert (await polling)[0] == 409


@pytest.mark.parametrize("method", ["deleteWebhook", "setWebhook"])
async def test_pending_updates_stay_unless_they_are_to_be_dropped(bot: Bot, method: str):
    bot.say(1)
    url = {"url": ""} if method == "setWebhook" else {}
    assert await bot.call(method, **url) == (200, True)
    assert (await bot.call("getWebhookInfo"))[1]["pending_update_count"] == 1
    assert await bot.call(method, **url, drop_pending_updates=True) == (200, True)
    assert (await bot.call("getWebhookInfo"))[1]["pending_update_count"] == 0


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"url": "http://bot.example.org/"}, "HTTPS URL must be provided"),
        ({"url": "https://bot.example.org:8080/"}, "ports 80, 88, 443 or 8443"),
        ({"url": "https://127.0.0.1/"}, "reserved"),
        ({"url": "bot"}, "bad webhook"),
        ({"url": "https://bot.example.org/", "secret_token": "a b"}, "unallowed characters"),
        ({"url": "https://bot.example.org/", "secret_token": "a" * 257}, "too long"),
    ],
)
async def test_parameters_that_telegram_refuses_are_refused(
    bot: Bot, params: dict[str, Any], part: str
):
    bot.webhook.is_local = False
    code, text = await bot.call("setWebhook", **params)
    assert (code, part in text) == (400, True), text


async def test_a_method_in_the_answer_is_a_mistake(bot: Bot):
    bot.body = '{"method": "sendVideo"}'
    await bot.set()
    bot.say(1)
    await bot.until_delivered(1)
    assert bot.simulator.api.methods.violations != []
