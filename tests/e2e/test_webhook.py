"""Updates by webhook: nothing is lost or served twice, whatever fails on the way."""

import asyncio
import io
import json
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web

from core.errors import SettingsError, StorageError
from core.webhook import SECRET_HEADER, derive_secret
from data.key_values import set_value
from data.requests import store_requests
from misc.ui.texts import load_texts
from simulator.telegram.world import Json, Person
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.e2e.programs import program
from tests.e2e.test_polling import until_readyz
from tests.e2e.test_stuck_database import locked, own_postgres
from tests.postgres import signal_server

__all__ = ["own_postgres"]

EN = load_texts()["en"]
SECRET = "hunter2-hunter2-hunter2"

IN_WEBHOOK_MODE = pytest.mark.parametrize("harness", ["webhook"], indirect=True)


class Poster:
    """Sends requests to the bot's webhook, as Telegram or somebody else does."""

    def __init__(self, harness: BotHarness) -> None:
        self.url = f"http://127.0.0.1:{harness.webhook_port}"
        self.headers = {
            SECRET_HEADER: derive_secret(harness.simulator.token),
            "Content-Type": "application/json",
        }

    async def send(
        self,
        body: bytes | Json,
        *,
        method: str = "POST",
        path: str = "/updates",
        **headers: str,
    ) -> aiohttp.ClientResponse:
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, self.url + path, data=data, headers={**self.headers, **headers}
            ) as response,
        ):
            assert await response.read() == b""
            return response


def update(harness: BotHarness, text: str, update_id: int = 7) -> Json:
    """Return an update with a message of Ada that Telegram itself does not deliver."""
    message = harness.world.say(harness.ada, text)
    harness.world.updates.clear()
    return {"update_id": update_id, "message": message}


async def start_in_vain(harness: BotHarness, **environment: str) -> None:
    """Start the bot, and wait for its end if it does not end at once."""
    await harness.start(**environment)
    await harness.wait_stopped()


@pytest.fixture
async def poster(harness: BotHarness) -> Poster:
    return Poster(harness)


# --- requests -------------------------------------------------------------------------------------


@IN_WEBHOOK_MODE
@pytest.mark.parametrize(
    ("status", "options"),
    [
        (401, {SECRET_HEADER: "not-the-secret"}),
        (401, {SECRET_HEADER: ""}),
        (401, {SECRET_HEADER: "geheim-ä"}),
        (404, {"path": "/"}),
        (404, {"path": "/updates/"}),
        (404, {"path": "/readyz", SECRET_HEADER: ""}),
        (405, {"method": "GET"}),
        (405, {"method": "PUT", SECRET_HEADER: ""}),
        (415, {"Content-Type": "text/plain"}),
    ],
)
async def test_a_request_that_is_not_telegrams_is_refused_without_a_word(
    harness: BotHarness, poster: Poster, status: int, options: dict[str, Any]
):
    await harness.start()
    response = await poster.send(update(harness, "/start"), **options)
    assert response.status == status
    assert "aiohttp" not in str(response.headers)
    await harness.settled()
    assert harness.answers() == []


@IN_WEBHOOK_MODE
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (413, b'{"update_id": 7, "message": "' + b"x" * (1 << 20) + b'"}'),
        (400, b""),
        (400, b'{"update_id": 7'),
        (400, b"\xff\x00a private sentence"),
        (400, b"[" * 100_000),
        (400, b"[]"),
        (400, b'{"message": {}}'),
        (400, b'{"update_id": "7"}'),
        (400, b'{"update_id": true}'),
    ],
)
async def test_a_body_without_an_update_is_refused_and_not_logged(
    harness: BotHarness,
    poster: Poster,
    caplog: pytest.LogCaptureFixture,
    status: int,
    body: bytes,
):
    await harness.start()
    assert (await poster.send(body)).status == status
    assert "a private sentence" not in caplog.text
    assert "Traceback" not in caplog.text
    await harness.say("/start")
    assert len(harness.answers()) == 1


@pytest.mark.unreadable_updates
@IN_WEBHOOK_MODE
async def test_an_update_that_cannot_be_read_is_counted_and_not_repeated(
    harness: BotHarness, caplog: pytest.LogCaptureFixture
):
    harness.video()
    await harness.start()
    harness.world.push("message", {"message_id": 5, "text": "a private sentence"})
    harness.world.push("tomorrow", {"mood": "a private sentence"})
    harness.world.push("message", {"message_id": 5, "chat": "a private sentence"})
    harness.api.webhook.allowed_updates = set()  # a later Bot API's default
    await harness.say(VIDEO, forward_origin={"type": "planet", "mood": "a private sentence"})
    assert len(harness.videos()) == 1
    assert [delivery.status for delivery in harness.api.webhook.deliveries] == [200] * 4
    assert harness.application
    parts = harness.application.container.metrics.unreadable_updates.parts
    assert {"message.date", "message.forward_origin", "tomorrow"} >= parts >= {"message.date"}
    assert "a private sentence" not in caplog.text


@IN_WEBHOOK_MODE
async def test_the_same_update_twice_is_one_request(harness: BotHarness, poster: Poster):
    harness.video()
    await harness.start()
    twice = update(harness, VIDEO)
    answers = await asyncio.gather(*(poster.send(twice) for _ in range(5)))
    answers.append(await poster.send(twice))
    assert [answer.status for answer in answers] == [200] * 6
    await harness.settled()
    await harness.stop()
    await harness.start()
    assert (await poster.send(twice)).status == 200  # only the database knows it now
    await harness.settled()
    assert len(harness.videos()) == 1


@IN_WEBHOOK_MODE
async def test_the_messages_of_a_chat_are_answered_in_order(harness: BotHarness):
    ids = [f"73000000000000008{number:02}" for number in range(12)]
    for post_id in ids:
        harness.video(post_id)
    links = [f"https://www.tiktok.com/@a/video/{post_id}" for post_id in ids]
    people = [harness.world.person(3_000 + n, f"Person {n}") for n in range(5)]
    await harness.start()
    said = {
        person.id: [harness.world.say(person, link)["message_id"] for link in links]
        for person in people
    }
    await harness.settled()
    for person in people:
        videos = harness.videos(harness.world.chats[person.id])
        assert [v["reply_to_message"]["message_id"] for v in videos] == said[person.id]
    assert harness.api.webhook.most_in_flight <= len(people)


# --- the database ---------------------------------------------------------------------------------


@IN_WEBHOOK_MODE
async def test_without_the_database_telegram_keeps_the_updates(
    harness: BotHarness, poster: Poster, unused_tcp_port: int
):
    harness.video()
    harness.api.webhook.backoff_scale = 0.1
    await harness.start(WATCH_PORT=str(unused_tcp_port))
    await harness.say("/start")
    before = len(harness.answers())
    async with locked(harness.folder / "bot.db"):
        message = harness.world.say(harness.ada, VIDEO)
        harness.world.say(harness.ada, "/help")
        await harness.until(
            lambda: [d.status for d in harness.api.webhook.deliveries].count(503) > 1
        )
        assert len(harness.world.updates) == 2
        assert len(harness.answers()) == before
        answer = await poster.send(update_of(message))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    await harness.settled()
    assert len(harness.videos()) == 1
    assert len([text for text in harness.texts() if text == harness.texts()[-1]]) == 1
    info = harness.api.webhook.info()
    assert info["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"


@IN_WEBHOOK_MODE
async def test_a_frozen_postgresql_server_costs_no_update(
    harness: BotHarness, own_postgres: tuple[str, int]
):
    url, pid = own_postgres
    harness.video()
    harness.api.webhook.backoff_scale = 0.1
    await harness.start(DATABASE_URL=url, RUN_LEASE_S="4")
    await harness.say("/start")
    await asyncio.sleep(1.1)  # the database counts as available for a second
    signal_server(pid, signal.SIGSTOP)
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: [d.status for d in harness.api.webhook.deliveries].count(503) > 1)
    assert harness.videos() == []
    signal_server(pid, signal.SIGCONT)
    await harness.until(harness.videos, "the video")
    await harness.settled()
    assert len(harness.videos()) == 1
    await harness.stop()


def update_of(message: Json) -> Json:
    return {"update_id": 99, "message": message}


@IN_WEBHOOK_MODE
async def test_a_database_that_fails_in_the_middle_costs_no_request(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    failures = 2

    async def fail_twice(*arguments: Any) -> list[int | None]:
        nonlocal failures
        if failures:
            failures -= 1
            raise StorageError("no space left")
        return await store_requests(*arguments)

    monkeypatch.setattr("services.requests.store.store_requests", fail_twice)
    harness.video()
    harness.api.webhook.backoff_scale = 0.1
    await harness.start()
    await harness.say(VIDEO)
    assert [d.status for d in harness.api.webhook.deliveries] == [503, 503, 200]
    assert len(harness.videos()) == 1
    assert len(harness.answers()) == 2  # and the welcome
    # A press that could not be stored works as well.
    failures = 2
    video = harness.videos()[0]
    await harness.press(video, f"sound/tiktok/{ID}")
    assert len([m for m in harness.answers() if "audio" in m]) == 1


# --- kills and restarts ---------------------------------------------------------------------------


class Relay:
    """Passes requests on to the bot; may lose the answer to one, after the bot has given it."""

    def __init__(self, port: int) -> None:
        self.target = f"http://127.0.0.1:{port}"
        #: Called instead of passing a successful answer on.
        self.lose: Callable[[], None] | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/updates", self._pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as self._session:
            try:
                yield f"http://127.0.0.1:{runner.addresses[0][1]}/updates"
            finally:
                await runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._session.post(
            f"{self.target}/updates", data=body, headers=request.headers
        ) as answer:
            status = answer.status
        if status == 200 and self.lose:
            lose, self.lose = self.lose, None
            lose()
            assert request.transport
            request.transport.abort()
        return web.Response(status=status)


def program_environment(harness: BotHarness) -> dict[str, str]:
    return {
        **harness.simulator.bot_environment(harness.folder),
        **harness.updates_environment(),
        "TELEGRAM_PACING": "false",
        "LIMITS_SPAM_GUARD": "false",
        "LIMITS_PATIENCE_S": "600",
        "RUN_LEASE_S": "2",
        "RUN_LOG_LEVEL": "ERROR",
    }


@IN_WEBHOOK_MODE
async def test_a_kill_between_the_commit_and_the_answer_repeats_nothing(harness: BotHarness):
    harness.video()
    harness.api.webhook.backoff_scale = 0.1
    relay = Relay(harness.webhook_port)
    async with relay.serving() as url:
        environment = {**program_environment(harness), "WEBHOOK_URL": url}
        first, _ = await program("run", folder=harness.folder, **environment)
        await harness.until(lambda: harness.api.webhook.url, "the webhook")
        relay.lose = first.kill
        harness.world.say(harness.ada, VIDEO)
        await first.wait()
        assert len(harness.world.updates) == 1  # Telegram does not know that it was accepted
        second, _ = await program("run", folder=harness.folder, **environment)
        await harness.until(lambda: not harness.world.updates and harness.videos(), "the video")
        second.terminate()
        assert await second.wait() == 0
    assert len(harness.videos()) == 1
    assert EN["delivery_unknown"] not in harness.texts()


def served_updates(harness: BotHarness) -> int:
    return [delivery.status for delivery in harness.api.webhook.deliveries].count(200)


@pytest.mark.long
@IN_WEBHOOK_MODE
async def test_restarts_under_load_lose_nothing(harness: BotHarness):
    harness.api.webhook.backoff_scale = 0.1
    people = [harness.world.person(4_000 + n, f"Person {n}") for n in range(20)]
    environment = program_environment(harness)
    process, _ = await program("run", folder=harness.folder, **environment)
    await harness.until(lambda: harness.api.webhook.url, "the webhook")

    async def ask(each: Sequence[Person], post_id: str) -> None:
        for person in each:
            harness.world.say(person, f"https://www.tiktok.com/@a/video/{post_id}")
            await asyncio.sleep(0.03)

    for number, stop in enumerate(("terminate", "kill", "terminate")):
        post_id = f"{ID[:-1]}{number}"  # the same post would be sent once
        harness.video(post_id)
        served = served_updates(harness)
        asking = asyncio.ensure_future(ask(people, post_id))
        await harness.until(lambda served=served: served_updates(harness) > served + 5)  # type: ignore[misc]
        getattr(process, stop)()
        code = await process.wait()
        assert stop == "kill" or code == 0
        process, _ = await program("run", folder=harness.folder, **environment)
        await asking
    chats = [harness.world.chats[person.id] for person in people]

    def missing() -> list[int]:
        # A file in flight at the kill may or may not have arrived; then the chat is told.
        return [
            3 - len(harness.videos(chat)) - harness.texts(chat).count(EN["delivery_unknown"])
            for chat in chats
        ]

    await harness.until(lambda: max(missing()) <= 0, "all answers")
    process.terminate()
    assert await process.wait() == 0
    # What was in flight and arrived is there beside the notice, but nothing is there twice.
    for chat in chats:
        asked = [video["reply_to_message"]["message_id"] for video in harness.videos(chat)]
        assert len(asked) == len(set(asked))


@IN_WEBHOOK_MODE
async def test_a_stopping_bot_finishes_what_it_has_accepted_and_refuses_the_rest(
    harness: BotHarness, poster: Poster
):
    harness.video()
    harness.api.webhook.backoff_scale = 0.1
    harness.site.serves_files.clear()
    await harness.start()
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: harness.home.reactions)
    stopping = asyncio.ensure_future(harness.stop())
    await asyncio.sleep(0)
    bob = harness.world.person(1002, "Bob")
    harness.world.say(bob, VIDEO)
    await harness.until(
        lambda: 503 in [delivery.status for delivery in harness.api.webhook.deliveries]
    )
    harness.site.serves_files.set()
    await stopping
    assert len(harness.videos()) == 1
    await harness.start()
    await harness.settled()
    assert len(harness.videos(harness.world.chats[bob.id])) == 1
    assert len(harness.videos()) == 1


# --- setting and removing -------------------------------------------------------------------------


@IN_WEBHOOK_MODE
async def test_the_webhook_is_set_only_when_it_differs(harness: BotHarness):
    async def look(times: int = 1, **environment: str) -> None:
        """Start, let the bot look at its webhook as often as that, and stop it."""
        before = len(harness.calls("getWebhookInfo"))
        await harness.start(**environment)
        looked = "the bot to look at its webhook"
        await harness.until(lambda: len(harness.calls("getWebhookInfo")) >= before + times, looked)
        await harness.stop()

    await look(2)  # once more after it was set
    (first,) = harness.calls("setWebhook")
    assert first.params["secret_token"] == derive_secret(harness.simulator.token)
    assert "message" in first.params["allowed_updates"]
    assert "drop_pending_updates" not in first.params
    await look()
    assert len(harness.calls("setWebhook")) == 1
    for changed in ({"WEBHOOK_SECRET": SECRET}, {"WEBHOOK_MAX_CONNECTIONS": "7"}):
        await look(2, **changed)
    assert len(harness.calls("setWebhook")) == 3
    assert harness.calls("setWebhook")[-1].params["max_connections"] == 7
    assert harness.calls("deleteWebhook") == []


@IN_WEBHOOK_MODE
async def test_the_own_secret_lets_updates_in(harness: BotHarness):
    await harness.start(WEBHOOK_SECRET=SECRET)
    await harness.say("/start")
    assert len(harness.answers()) == 1


@IN_WEBHOOK_MODE
async def test_switching_back_and_forth_loses_no_pending_update(harness: BotHarness):
    harness.video()
    for number, updates in enumerate(("poll", "webhook", "poll", "webhook"), start=1):
        harness.updates = updates
        harness.world.say(harness.ada, VIDEO)  # while the bot is stopped
        await harness.start()
        await harness.settled()
        assert len(harness.videos()) == number
        await harness.stop()
    assert len(harness.calls("deleteWebhook")) == 1
    assert harness.calls("deleteWebhook")[0].params.get("drop_pending_updates") in {None, False}


@pytest.mark.parametrize("harness", ["poll", "webhook"], indirect=True)
async def test_the_webhook_of_another_program_is_left_alone(harness: BotHarness):
    harness.api.webhook.set({"url": "https://example.org/other"}, None)
    with pytest.raises(SettingsError, match="deleteWebhook"):
        await start_in_vain(harness)
    assert harness.api.webhook.url == "https://example.org/other"


@IN_WEBHOOK_MODE
async def test_a_new_address_replaces_the_old_one(harness: BotHarness):
    await harness.start()
    await harness.stop()
    address = f"http://127.0.0.1:{harness.webhook_port}/elsewhere"
    await harness.start(WEBHOOK_URL=address)
    await harness.say("/start")
    assert harness.api.webhook.url == address
    assert len(harness.answers()) == 1


@IN_WEBHOOK_MODE
async def test_a_webhook_whose_setting_was_not_confirmed_is_ones_own(harness: BotHarness):
    await harness.start()
    await harness.until(lambda: harness.api.webhook.url, "the webhook to be set")
    await harness.stop()
    address = f"http://127.0.0.1:{harness.webhook_port}"
    harness.fail("setWebhook", "lost", times=9)
    await harness.start(WEBHOOK_URL=f"{address}/second")
    await harness.until(lambda: harness.api.webhook.url.endswith("/second"), "Telegram to set it")
    await harness.stop()
    harness.api.faults.clear()
    await harness.start(WEBHOOK_URL=f"{address}/third")
    await harness.say("/start")
    assert harness.api.webhook.url == f"{address}/third"


async def test_a_poller_makes_way_for_the_webhook_of_its_database(
    harness: BotHarness, unused_tcp_port: int
):
    """A supervisor would restart it, and it would remove the webhook that has just been set."""
    await harness.start(WATCH_PORT=str(unused_tcp_port))
    bot_id = harness.world.bot_user["id"]
    url = "https://example.org/updates"
    await set_value(f"webhook/{bot_id}", json.dumps({"url": url, "fingerprint": ""}))
    harness.api.webhook.set({"url": url}, None)
    harness.world.say(harness.ada, "hello")  # ends the long poll
    status, _ = await until_readyz(unused_tcp_port, "receives the updates by webhook")
    assert status == 503
    assert harness.api.webhook.url == url
    assert await harness.stop() is True


@IN_WEBHOOK_MODE
async def test_telegrams_refusal_of_the_address_is_told(harness: BotHarness):
    harness.api.webhook.is_local = False
    with pytest.raises(SettingsError, match=r"\[webhook\] url .*HTTPS URL must be provided"):
        await start_in_vain(harness)


@IN_WEBHOOK_MODE
async def test_a_port_in_use_is_named(harness: BotHarness):
    with pytest.raises(SettingsError, match=r"WATCH_PORT.*\[webhook\]"):
        await start_in_vain(harness, WATCH_PORT=str(harness.webhook_port))
    with (
        socket.create_server(("127.0.0.1", harness.webhook_port)),
        pytest.raises(SettingsError, match="WEBHOOK_PORT"),
    ):
        await start_in_vain(harness)


@IN_WEBHOOK_MODE
async def test_a_start_while_telegram_answers_nothing_goes_on_by_itself(harness: BotHarness):
    harness.fail("setWebhook", "500")
    harness.fail("getWebhookInfo", "cut")
    await harness.start()
    await harness.say("/start")
    assert len(harness.answers()) == 1


# --- certificates ---------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[Path, Path, ssl.SSLContext]:
    """Write a certificate for 127.0.0.1 and its key; return both, and what trusts it."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key = folder / "chain.pem", folder / "key.pem"
    issued.cert_chain_pems[0].write_to_path(chain)
    authority.cert_pem.write_to_path(chain, append=True)
    issued.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return chain, key, context


@IN_WEBHOOK_MODE
async def test_a_certificate_of_ones_own_is_shown_and_sent_to_telegram(harness: BotHarness):
    chain, key, _ = certificate(harness.folder)
    await harness.start(
        WEBHOOK_URL=f"https://127.0.0.1:{harness.webhook_port}/updates",
        WEBHOOK_CERTIFICATE=str(chain),
        WEBHOOK_KEY=str(key),
    )
    await harness.say("/start")
    assert len(harness.answers()) == 1
    assert harness.api.webhook.info()["has_custom_certificate"]
    assert list(harness.calls("setWebhook")[0].uploads.values()) == [chain.stat().st_size]


@IN_WEBHOOK_MODE
async def test_a_certificate_of_a_public_authority_is_not_sent(harness: BotHarness):
    chain, key, context = certificate(harness.folder)
    url = f"https://127.0.0.1:{harness.webhook_port}"
    await harness.start(
        WEBHOOK_URL=f"{url}/updates",
        WEBHOOK_CERTIFICATE=str(chain),
        WEBHOOK_KEY=str(key),
        WEBHOOK_UPLOAD_CERTIFICATE="false",
    )
    async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as response:
        assert response.status == 404
    assert harness.calls("setWebhook")[0].uploads == {}


@IN_WEBHOOK_MODE
async def test_a_key_that_does_not_fit_is_named(harness: BotHarness):
    chain, _, _ = certificate(harness.folder)
    other = harness.folder / "other"
    other.mkdir()
    _, key, _ = certificate(other)
    with pytest.raises(SettingsError, match="WEBHOOK_KEY"):
        await harness.start(WEBHOOK_CERTIFICATE=str(chain), WEBHOOK_KEY=str(key))


# --- monitoring -----------------------------------------------------------------------------------


@IN_WEBHOOK_MODE
async def test_readyz_and_metrics_say_how_deliveries_go(
    harness: BotHarness, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.webhook.LOOK_S", 0.1)
    await harness.start(WATCH_PORT=str(unused_tcp_port))
    await harness.say("/start")
    # The first look of the bot may have seen the update on its way.
    status, text = await until_readyz(unused_tcp_port, "pending updates: 0")
    assert (status, text) == (200, "ready\npending updates: 0\n")
    harness.api.webhook.url += "/elsewhere"
    harness.world.say(harness.ada, "/help")
    failure = "Wrong response from the webhook: 404 Not Found"
    status, _ = await until_readyz(
        unused_tcp_port, "another address", "pending updates: 1", failure
    )
    assert status == 503
    metrics = await read_metrics(unused_tcp_port)
    assert "clipferry_webhook_pending 1.0" in metrics
    assert 'clipferry_webhook_failed_at{message="Wrong response from the webhook: 404' in metrics
    assert 'clipferry_webhook_requests_total{status="200"} 1.0' in metrics
    harness.api.webhook.url = ""
    harness.world.updates.clear()
    await until_readyz(unused_tcp_port, "removed")


async def read_metrics(port: int) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        return await response.text()


# --- maintenance ----------------------------------------------------------------------------------


@IN_WEBHOOK_MODE
async def test_maintenance_mode_answers_by_webhook_and_leaves_the_next_start_nothing_to_repair(
    harness: BotHarness,
):
    await harness.start()
    await harness.stop()
    environment = program_environment(harness)
    process, _ = await program("maintenance", folder=harness.folder, **environment)
    harness.world.say(harness.ada, "hello")
    await harness.until(lambda: EN["maintenance"] in harness.texts(), "the notice")
    await harness.until(lambda: not harness.world.updates)
    process.terminate()
    assert await process.wait() == 0
    await harness.start()
    await harness.until(lambda: "my_chat_member" in harness.api.webhook.allowed_updates)
