"""Who polls: other instances, other processes of the same database, webhooks, revoked tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from core.errors import SettingsError
from data import database
from data.elections import claim_polling
from data.workers import forget_worker, renew_lease
from simulator.server import Simulator
from tests.e2e.bot_harness import PATIENCE_S, VIDEO, BotHarness

#: Longer than any pause between two calls of getUpdates in these tests, in seconds.
LONG_S = 1.0


@asynccontextmanager
async def readiness(port: int) -> AsyncIterator[tuple[int, str]]:
    """Yield status and text of /readyz."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/readyz") as response,
    ):
        yield response.status, await response.text()


async def until_readyz(port: int, *parts: str) -> tuple[int, str]:
    """Wait until /readyz is served and has all parts; return its status and text."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(aiohttp.ClientConnectorError):
                async with readiness(port) as (status, text):
                    if all(part in text for part in parts):
                        return status, text
            await asyncio.sleep(0.1)


def end_poll(harness: BotHarness) -> None:
    """End the call of getUpdates that waits for something to happen."""
    harness.world.say(harness.ada, "hello")


async def poll(simulator: Simulator) -> int:
    """Poll once as another instance, and return the status."""
    url = f"{simulator.address}/bot{simulator.token}/getUpdates"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status


async def test_another_instance_ends_the_polling_but_not_the_process(
    harness: BotHarness, unused_tcp_port: int, caplog: pytest.LogCaptureFixture
):
    await harness.start(BOT_ADMINS="1001", WATCH_PORT=str(unused_tcp_port))
    await harness.say("hello")
    assert await poll(harness.simulator) == 200
    polls = harness.api.polls
    await harness.until(lambda: any("Another instance" in text for text in harness.texts()))
    await asyncio.sleep(LONG_S)
    assert harness.api.polls == polls  # the other one polls in peace
    assert "Polling ends: another instance" in caplog.text
    async with readiness(unused_tcp_port) as (status, text):
        assert status == 503
        assert "another instance polls with the same token" in text
    assert len([text for text in harness.texts() if "Another instance" in text]) == 1
    assert await harness.stop() is True


async def test_running_requests_end_although_another_instance_polls(harness: BotHarness):
    harness.video()
    harness.site.file_latency_s = 0.5
    await harness.start()
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: harness.home.reactions)
    await poll(harness.simulator)
    await harness.until(harness.videos, "the video")


async def test_a_webhook_is_named_with_the_way_to_remove_it(harness: BotHarness):
    harness.fail("getUpdates", "webhook", times=99, skip=1)
    await harness.start()
    end_poll(harness)
    with pytest.raises(SettingsError, match="deleteWebhook"):
        await harness.wait_stopped()


async def test_a_token_that_is_revoked_in_mid_run_ends_the_program(harness: BotHarness):
    await harness.start()
    await harness.say("hello")
    harness.fail("getUpdates", "401", times=99)
    end_poll(harness)
    with pytest.raises(SettingsError, match="the token is wrong or revoked"):
        await harness.wait_stopped()


async def test_a_process_of_the_same_database_stands_by_and_takes_over(
    harness: BotHarness, unused_tcp_port: int
):
    harness.video()
    database.initialize_database_components(f"sqlite:///{harness.folder / 'bot.db'}")
    await database.init_db()
    await renew_lease("the other", 300)
    bot_id = int(harness.simulator.token.partition(":")[0])
    assert await claim_polling(bot_id, "the other")
    polls = harness.api.polls
    starting = asyncio.create_task(harness.start(WATCH_PORT=str(unused_tcp_port)))
    status, _ = await until_readyz(unused_tcp_port, "another process with this database polls")
    assert status == 503
    assert harness.api.polls == polls
    await forget_worker("the other")
    await starting
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    async with readiness(unused_tcp_port) as (status, text):
        assert (status, text) == (200, "ready\n")


async def test_a_process_that_has_lost_the_lease_ends_for_a_restart(harness: BotHarness):
    await harness.start(RUN_LEASE_S="2")
    application = harness.application
    assert application
    await harness.say("hello")
    await renew_lease("the other", 300)
    await forget_worker(application.container.request_store.name)
    async with asyncio.timeout(PATIENCE_S):
        while not await claim_polling(application.container.bot.id, "the other"):
            # The process has renewed its lease in between, as it does every half a second.
            await forget_worker(application.container.request_store.name)
    stopping = asyncio.ensure_future(harness.wait_stopped())
    while not stopping.done():  # the answer about the lease counts for a third of its time
        end_poll(harness)
        await asyncio.wait([stopping], timeout=0.3)
    assert await stopping is False
