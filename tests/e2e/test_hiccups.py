"""Many links while Telegram stumbles: each arrives or has the button, and none arrives twice."""

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from simulator.telegram.api import FaultRule
from simulator.telegram.limits import Limits
from simulator.telegram.world import Chat, Json
from tests.e2e.bot_harness import PATIENCE_S, VIDEO, BotHarness
from tests.e2e.test_crash import content, pictures_of, slideshow
from tests.e2e.test_unconfirmed import UNCONFIRMED, button_of

VIDEOS = [f"73000000000000006{n:02}" for n in range(12)]
ALBUMS = [f"73000000000000007{n:02}" for n in range(4)]
PICTURES = 12
LINKS, FAILING = 60, 25
#: Ways to fail for one chat. "unsent" happens before the server knows the chat.
KINDS = ("429", "500", "torn", "cut", "lost")


def add_posts(harness: BotHarness) -> None:
    for post_id in VIDEOS:
        harness.video(post_id)
    for post_id in ALBUMS:
        slideshow(harness, post_id, PICTURES)


def ask(harness: BotHarness, person_id: int, post_id: str, chat: Chat | None = None) -> None:
    person = harness.world.person(person_id, f"Person {person_id}")
    harness.world.say(person, f"https://www.tiktok.com/@a/video/{post_id}", chat)


def fail_first_sends(harness: BotHarness, rng: random.Random, wanted: dict[int, str]) -> set[int]:
    """Let the first send for some chats fail; return those where it arrives all the same."""
    chats = rng.sample(sorted(wanted), FAILING)
    lost = set()
    for number, chat_id in enumerate(chats):
        method = "sendMediaGroup" if wanted[chat_id] in ALBUMS else "sendVideo"
        kind = (*KINDS, "unsent")[number % 6]
        harness.api.faults.append(
            FaultRule(method, kind, chat_id=None if kind == "unsent" else chat_id)
        )
        if kind == "lost":
            lost.add(chat_id)
    return lost


def received(harness: BotHarness, chat: Chat, post_id: str) -> Counter[str]:
    """Return how often each file of a post has arrived in a chat."""
    if post_id in VIDEOS:
        return Counter("video" for _ in harness.videos(chat))
    return Counter(content(harness, m) for m in harness.answers(chat) if "photo" in m)


def expected(harness: BotHarness, post_id: str) -> set[str]:
    return {"video"} if post_id in VIDEOS else set(pictures_of(harness, post_id, PICTURES))


def unconfirmed(harness: BotHarness, chat: Chat) -> list[Json]:
    return [m for m in harness.answers(chat) if m.get("text") == UNCONFIRMED]


async def wait_for(harness: BotHarness, condition: Callable[[], bool]) -> None:
    """Wait until the bot is idle and a condition is met; the machine may be busy."""
    deadline = time.monotonic() + PATIENCE_S
    application = harness.application
    assert application
    while not (application.is_idle and not harness.world.updates and condition()):
        assert time.monotonic() < deadline, "timed out"
        await harness.world.changed(0.1)


@pytest.mark.parametrize("seed", [7, 16, 2026])
async def test_sixty_links_arrive_or_have_the_button(harness: BotHarness, seed: int):
    rng = random.Random(seed)
    add_posts(harness)
    await harness.start()
    wanted = {10_000 + n: rng.choice(VIDEOS * 2 + ALBUMS) for n in range(LINKS)}
    for chat_id in wanted:
        harness.world.person(chat_id, f"Person {chat_id}")
    lost = fail_first_sends(harness, rng, wanted)
    for chat_id, post_id in wanted.items():
        ask(harness, chat_id, post_id)
    chats = {chat_id: harness.world.chats[chat_id] for chat_id in wanted}

    def files(chat_id: int) -> Counter[str]:
        return received(harness, chats[chat_id], wanted[chat_id])

    def is_served(chat_id: int) -> bool:
        has_all = set(files(chat_id)) == expected(harness, wanted[chat_id])
        return has_all or len(unconfirmed(harness, chats[chat_id])) == 1

    await wait_for(harness, lambda: all(map(is_served, wanted)))
    # Some connection without a body was that of a chat whose own failure has not come then.
    spared = {fault.chat_id for fault in harness.api.faults}
    assert len(spared) <= FAILING // 6
    lost -= spared
    harness.api.faults.clear()
    assert [
        files(chat_id) for chat_id in wanted if max(files(chat_id).values(), default=0) > 1
    ] == []
    pressed = [chat_id for chat_id in wanted if unconfirmed(harness, chats[chat_id])]
    assert lost <= set(pressed)
    assert 10 <= len(pressed) <= FAILING
    downloads = sum(entry.host.startswith("v16") for entry in harness.simulator.log)
    for chat_id in pressed:
        (message,) = unconfirmed(harness, chats[chat_id])
        person = harness.world.people[chat_id]
        for _ in range(2):
            harness.world.press(person, message, button_of(message))
    await wait_for(harness, lambda: not any(unconfirmed(harness, chat) for chat in chats.values()))
    assert sum(entry.host.startswith("v16") for entry in harness.simulator.log) == downloads
    for chat_id, post_id in wanted.items():
        assert set(files(chat_id)) == expected(harness, post_id)
        # Telegram had in truth taken the first send of the lost ones.
        assert max(files(chat_id).values()) == (2 if chat_id in lost else 1)


@pytest.mark.long
async def test_a_hundred_links_within_telegrams_limits(harness: BotHarness):
    add_posts(harness)
    limits = harness.api.limits = Limits()
    crew = harness.world.group(-5)
    await harness.start(TELEGRAM_PACING="true")
    people = [20_000 + n for n in range(45)]
    for number, person_id in enumerate(people):
        ask(harness, person_id, VIDEOS[number % len(VIDEOS)])
        ask(harness, person_id, VIDEOS[(number + 5) % len(VIDEOS)])
    for number in range(10):
        ask(harness, people[number], VIDEOS[number], crew)
    chats = [crew, *(harness.world.chats[person_id] for person_id in people)]

    def answers() -> Counter[tuple[int, int]]:
        """Return how many videos each message has got."""
        return Counter(
            (chat.id, m["reply_to_message"]["message_id"])
            for chat in chats
            for m in harness.videos(chat)
        )

    await wait_for(harness, lambda: len(answers()) == 100)
    assert set(answers().values()) == {1}
    assert limits.refusals == 0


async def test_the_status_goes_although_telegram_fails_when_it_should(harness: BotHarness):
    """Only the very last call fails: the reaction on an answered request would stay for good."""
    harness.video()
    await harness.start()
    harness.fail("setMessageReaction", "500", skip=2)
    harness.world.say(harness.ada, VIDEO)
    await harness.until(harness.videos, "the video")
    await harness.until(lambda: not harness.api.faults, "the failures")
    await harness.until(lambda: not harness.home.reactions, "the end of the status")
    assert len(harness.videos()) == 1
