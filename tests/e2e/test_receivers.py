"""Two receivers of a webhook behind a balancer: nothing is lost, and both know the same."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable

import pytest

from core.flood import SENDER
from misc.ui.texts import load_texts
from simulator.telegram.world import Json, Person
from tests.e2e.bot_harness import PATIENCE_S, BotHarness
from tests.e2e.test_fleet import EN, POSTS, SHORT_LEASE_S, Fleet, ask, replies
from tests.forwarders import Balancer, is_open
from tests.ports import free_port

TEXTS = load_texts()


class Receivers(Fleet):
    """A fleet with two receivers, a worker, and the balancer in front of the receivers."""

    def __init__(self, harness: BotHarness, db_url: str) -> None:
        super().__init__(harness, db_url)
        self._harness = harness
        self.ports = [free_port(), free_port()]
        self.balancer = Balancer(self.ports)
        self.url = ""

    async def start_receiver(self, number: int) -> None:
        await self.start(
            f"receiver{number}",
            "receiver",
            TELEGRAM_UPDATES="webhook",
            WEBHOOK_URL=self.url,
            WEBHOOK_PORT=str(self.ports[number]),
            BOT_ADMINS="1001",
            LIMITS_SPAM_GUARD="true",
            RUN_LEASE_S=SHORT_LEASE_S,
        )

    async def say(self, person: Person, text: str, times: int = 1) -> None:
        """Let a person write, and wait until the webhook has taken everything."""
        for _ in range(times):
            self._harness.world.say(person, text)
        await self.until(lambda: not self._harness.world.updates, f"{text} to be taken")

    async def flood(self, person: Person, is_warned: Callable[[], bool]) -> None:
        """Let a person write eleven times, and again if a busy machine took too long for that."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_warned():
                await self.say(person, "hello", 11)
                counted_until = time.monotonic() + SENDER[1]
                while not is_warned() and time.monotonic() < counted_until:
                    await self._harness.world.changed(0.1)

    async def press(self, person: Person, message: Json, data: str) -> str | None:
        """Let a person press a button; return the text that is shown."""
        query = self._harness.world.press(person, message, data)
        answers = self._harness.world.query_answers
        await self.until(lambda: query in answers, "the answer to a press")
        text: str | None = answers[query].get("text")
        return text


@pytest.fixture
async def receivers(harness: BotHarness, new_postgres: str) -> AsyncIterator[Receivers]:
    fleet = Receivers(harness, new_postgres)
    harness.api.webhook.backoff_scale = 0.1
    for post_id in POSTS:
        harness.video(post_id)
    async with fleet.balancer.serving() as url:
        fleet.url = f"{url}/updates"
        for number in range(2):
            await fleet.start_receiver(number)
        await fleet.start("worker", "worker, scheduler", RUN_LEASE_S=SHORT_LEASE_S)
        await fleet.until(lambda: harness.api.webhook.url and all(map(is_open, fleet.ports)))
        yield fleet
        for name in list(fleet.processes):
            await fleet.stop(name)


@pytest.mark.long
async def test_a_killed_receiver_costs_no_update_and_repeats_none(
    harness: BotHarness, receivers: Receivers
):
    people = [harness.world.person(2_000 + n, f"P{n}") for n in range(12)]
    asked: dict[int, list[int]] = {person.id: [] for person in people}

    def ask_all(post: str) -> None:
        for person in people:
            asked[person.id].append(ask(harness, person, post)["message_id"])

    def is_answered(times: int) -> bool:
        return all(len(replies(harness, person)) >= times for person in people)

    ask_all(POSTS[0])
    await receivers.until(lambda: is_answered(1), "the first answers")
    assert all(receivers.balancer.answered.values())
    ask_all(POSTS[1])
    await receivers.stop("receiver0", signal.SIGKILL)
    await receivers.until(lambda: is_answered(2), "the answers without one receiver")
    await receivers.start_receiver(0)
    await receivers.until(lambda: is_open(receivers.ports[0]))
    ask_all(POSTS[2])
    await receivers.until(lambda: is_answered(3), "the answers with the new one")
    assert {person.id: replies(harness, person) for person in people} == asked


@pytest.mark.long
async def test_what_one_receiver_knows_the_other_knows_too(
    harness: BotHarness, receivers: Receivers
):
    bo, cy, di = (harness.world.person(2_000 + n, f"P{n}") for n in range(3))
    # Time-outs: five messages pass at each receiver in five seconds; one of the two warns for both.
    chat, warning = harness.world.chats[bo.id], TEXTS("en", "spam_sender", count=1)
    await receivers.flood(bo, lambda: warning in harness.texts(chat))
    ask(harness, cy, POSTS[0])
    await receivers.until(lambda: replies(harness, cy), "a video")
    answers = len(harness.answers(chat))
    await receivers.say(bo, "hello", 6)
    # A button that runs: the second press comes to the other receiver.
    (video,) = harness.videos(harness.world.chats[cy.id])
    data = f"id/{POSTS[0]}"
    harness.site.serves_files.clear()
    assert await receivers.press(cy, video, data) is None
    assert await receivers.press(cy, video, data) == EN["already_running"]
    harness.site.serves_files.set()
    sounds = harness.world.chats[cy.id].messages
    await receivers.until(lambda: any("audio" in message for message in sounds.values()))
    # Bans.
    await receivers.say(harness.ada, f"/ban {di.id}")
    await receivers.until(lambda: len(harness.answers()) > 0, "the answer to /ban")
    ask(harness, cy, POSTS[1], POSTS[2])
    await receivers.until(lambda: len(replies(harness, cy)) == 3, "other videos")
    await receivers.say(di, f"https://www.tiktok.com/@a/video/{POSTS[3]}", 2)
    ask(harness, cy, POSTS[4])
    await receivers.until(lambda: len(replies(harness, cy)) == 4, "a video after all")
    assert sum("audio" in message for message in sounds.values()) == 1
    assert len(harness.answers(chat)) == answers
    assert harness.texts(chat).count(warning) == 1
    assert harness.answers(harness.world.chats[di.id]) == []
