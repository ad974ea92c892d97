"""Several processes of one database: a receiver, workers and a scheduler, as real programs."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from data import database
from data.config import ROOT
from misc.ui.texts import load_texts
from simulator.sites.tiktok import SampleProfile
from simulator.telegram.world import Json, Person
from tests.e2e.bot_harness import PATIENCE_S, BotHarness
from tests.e2e.programs import program

EN = load_texts()["en"]
POSTS = [f"73000000000000004{n:02}" for n in range(8)]
#: For tests that wait for its end, in seconds; a busy machine may hold a process up for half of it.
SHORT_LEASE_S = "6"


class Fleet:
    """The processes of a test."""

    def __init__(self, harness: BotHarness, db_url: str) -> None:
        self._harness = harness
        self._db_url = db_url
        self.processes: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str, roles: str, **environment: str) -> None:
        """Start a process; `name` is that of its folder."""
        folder = self._harness.folder / name
        folder.mkdir(exist_ok=True)
        self.processes[name], _ = await program(
            "run",
            folder=folder,
            **{
                **self._harness.simulator.bot_environment(self._harness.folder),
                "DATABASE_URL": self._db_url,
                "RUN_ROLES": roles,
                "FILES_SPOOL_DIR": str(folder / "spool"),
                "FILES_HEARTBEAT": str(folder / "heartbeat"),
                "TELEGRAM_PACING": "false",
                "LIMITS_SPAM_GUARD": "false",
                "LIMITS_PATIENCE_S": "60",
                # A process that is stopped for longer loses its requests to another one.
                "RUN_LEASE_S": "60",
                "RUN_DRAIN_S": "3",
                "RUN_LOG_LEVEL": "ERROR",
                **environment,
            },
        )

    async def start_all(self, workers: int, **environment: str) -> None:
        """Start a receiver that also schedules, and workers; wait until they can be used."""
        polls = self._harness.api.polls
        await self.start("receiver", "receiver, scheduler", **environment)
        for n in range(workers):
            await self.start(f"worker{n}", "worker", **environment)
        await self.until(lambda: self._harness.api.polls > polls)

    async def until(self, condition, what: str = "") -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"timed out: {what}\n{await self.errors()}"
            await self._harness.world.changed(0.1)

    async def errors(self) -> str:
        """End all processes and return what they have logged."""
        return "\n".join([f"{name}:\n{await self.stop(name)}" for name in list(self.processes)])

    async def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> str:
        process = self.processes.pop(name)
        if process.returncode is None:
            process.send_signal(number)
        _, errors = await process.communicate()
        return errors.decode()


@pytest.fixture
async def fleet(harness: BotHarness, new_postgres: str) -> AsyncIterator[Fleet]:
    fleet = Fleet(harness, new_postgres)
    for post_id in POSTS:
        harness.video(post_id)
    yield fleet
    for name in list(fleet.processes):
        await fleet.stop(name)


def replies(harness: BotHarness, person: Person) -> list[int]:
    """Return which messages of a person the videos answer, in the order of arrival."""
    videos = harness.videos(harness.world.chats[person.id])
    return [message["reply_to_message"]["message_id"] for message in videos]


def ask(harness: BotHarness, person: Person, *posts: str) -> Json:
    links = " ".join(f"https://www.tiktok.com/@a/video/{post}" for post in posts)
    return harness.world.say(person, links)


@pytest.mark.long
async def test_every_link_is_answered_once_and_in_order_by_two_workers(
    harness: BotHarness, fleet: Fleet
):
    people = [harness.world.person(2_000 + n, f"P{n}") for n in range(6)]
    await fleet.start_all(2)
    asked = {
        person.id: [ask(harness, person, post)["message_id"] for post in POSTS[:4]]
        for person in people
    }
    both = ask(harness, people[0], POSTS[4], POSTS[5])["message_id"]
    asked[people[0].id] += [both, both]
    await fleet.until(lambda: all(len(replies(harness, p)) == len(asked[p.id]) for p in people))
    assert {person.id: replies(harness, person) for person in people} == asked
    chats = [harness.world.chats[person.id] for person in people]
    await fleet.until(lambda: not any(chat.reactions for chat in chats))
    logs = [await fleet.stop(name) for name in ("worker0", "worker1", "receiver")]
    assert logs == ["", "", ""]


@pytest.mark.long
async def test_machines_with_wrong_clocks_answer_what_is_new(harness: BotHarness, fleet: Fleet):
    """Ten minutes off, in both directions: nothing is too old, for receivers or for workers."""
    off = {"PYTHONPATH": str(ROOT / "tests" / "chaos" / "clock"), "LIMITS_MAX_AGE_S": "300"}
    for name, roles, seconds in (
        ("receiver", "receiver, scheduler", 600),
        ("slow", "worker", -600),
        ("fast", "worker", 600),
    ):
        offset = harness.folder / f"{name}.offset"
        offset.write_text(str(seconds))
        await fleet.start(name, roles, CLOCK_OFFSET=str(offset), **off)
    people = [harness.world.person(2_000 + n, f"P{n}") for n in range(4)]
    for person in people:  # before the workers have started, and after that
        ask(harness, person, POSTS[0])
    await fleet.until(lambda: all(replies(harness, person) for person in people))
    for person in people:
        ask(harness, person, POSTS[1])
    await fleet.until(lambda: all(len(replies(harness, person)) == 2 for person in people))


@pytest.mark.long
async def test_a_killed_worker_loses_nothing_and_repeats_nothing(harness: BotHarness, fleet: Fleet):
    people = [harness.world.person(2_000 + n, f"P{n}") for n in range(12)]
    harness.site.latency_s = harness.api.latency_s = 0.1
    await fleet.start_all(2, RUN_LEASE_S=SHORT_LEASE_S)
    asked = {
        person.id: [ask(harness, person, post)["message_id"] for post in POSTS[:3]]
        for person in people
    }
    await fleet.until(lambda: any(replies(harness, person) for person in people))
    await fleet.stop("worker0", signal.SIGKILL)

    def unanswered() -> list[tuple[int, int]]:
        return [(p.id, n) for p in people for n in set(asked[p.id]) - told(harness, p)]

    await fleet.until(lambda: not unanswered(), "the requests of the killed worker")
    assert await fleet.stop("worker1") == ""
    for person in people:
        videos = replies(harness, person)
        assert videos == sorted(set(videos))


def told(harness: BotHarness, person: Person) -> set[int]:
    """Return the messages of a person that have a video, or a note that it may have arrived."""
    return {
        message["reply_to_message"]["message_id"]
        for message in harness.answers(harness.world.chats[person.id])
        if "video" in message or message.get("text") == EN["delivery_unknown"]
    }


async def test_a_list_is_read_by_a_worker_and_its_posts_are_served_once_each(
    harness: BotHarness, fleet: Fleet
):
    harness.site.profiles["a"] = SampleProfile("a", POSTS[:4])
    person = harness.world.person(2_000, "P")
    chat = harness.world.chats[person.id]
    await fleet.start_all(1)
    asked = harness.world.say(person, "https://www.tiktok.com/@a")["message_id"]

    def cards() -> list[Json]:
        return [m for m in harness.answers(chat) if "list/" in str(m.get("reply_markup"))]

    await fleet.until(cards, "the card")
    (card,) = cards()
    ((_, everything), _) = card["reply_markup"]["inline_keyboard"]
    data = everything["callback_data"]
    pressed = [harness.world.press(person, card, data) for _ in range(3)]
    await fleet.until(lambda: all(q in harness.world.query_answers for q in pressed))
    await fleet.until(lambda: len(replies(harness, person)) == 4, "the posts")
    await fleet.until(lambda: not chat.reactions)
    assert replies(harness, person) == [asked] * 4
    notices = {harness.world.query_answers[q]["text"] for q in pressed}
    assert notices == {load_texts()("en", "list_taken", count=4), EN["list_nothing_new"]}


@pytest.mark.long
async def test_a_stopped_worker_hands_its_requests_to_another(harness: BotHarness, fleet: Fleet):
    person = harness.world.person(2_000, "P")
    harness.site.serves_files.clear()
    await fleet.start_all(1, RUN_DRAIN_S="0")
    message = ask(harness, person, POSTS[0])
    chat = harness.world.chats[person.id]
    await fleet.until(lambda: chat.reactions, "a worker to begin")
    assert await fleet.stop("worker0") == ""
    harness.site.serves_files.set()
    await fleet.start("worker1", "worker")
    # Long before the lease of the stopped one expires.
    await fleet.until(lambda: replies(harness, person), "the other worker")
    assert replies(harness, person) == [message["message_id"]]
    await fleet.until(lambda: not chat.reactions, "the end of the reaction")


@pytest.mark.long
async def test_what_waits_and_what_runs_is_cancelled_from_another_process(
    harness: BotHarness, fleet: Fleet
):
    person = harness.world.person(2_000, "P")
    chat = harness.world.chats[person.id]
    harness.site.serves_files.clear()
    await fleet.start_all(1, LIMITS_PATIENCE_S="0.5")
    for post in POSTS[:3]:
        ask(harness, person, post)
    await fleet.until(lambda: cancel_button(harness, person), "the status note")
    note = cancel_button(harness, person)
    assert note
    query = harness.world.press(person, note, data_of(note))
    await fleet.until(lambda: query in harness.world.query_answers, "the answer to the press")
    assert harness.world.query_answers[query].get("text") is None
    cancelled = EN["called_off"]
    await fleet.until(lambda: cancelled in harness.texts(chat), "the running one to be cancelled")
    # It counts as open until its end is stored; then the worker takes the next one.
    await fleet.until(lambda: is_downloading(harness, person, note), "the next one to begin")
    harness.world.say(person, "/cancel")
    expected = load_texts()("en", "cancelled_all", count=2)
    await fleet.until(lambda: expected in harness.texts(chat), "the answer to /cancel")
    harness.site.serves_files.set()
    last = ask(harness, person, POSTS[4])
    await fleet.until(lambda: replies(harness, person))
    assert replies(harness, person) == [last["message_id"]]
    old = harness.world.press(person, note, "cancel/1")
    await fleet.until(lambda: old in harness.world.query_answers)
    assert harness.world.query_answers[old]["text"] == EN["button_expired"]


def cancel_button(harness: BotHarness, person: Person) -> Json | None:
    """Return the status note with a button that cancels its request."""
    answers = harness.answers(harness.world.chats[person.id])
    return next((message for message in answers if "cancel/" in str(message)), None)


def is_downloading(harness: BotHarness, person: Person, earlier: Json) -> bool:
    """Return True if another status note than an earlier one says so."""
    return any(
        message.get("text", "").startswith("Downloading")
        for message in harness.answers(harness.world.chats[person.id])
        if message["message_id"] != earlier["message_id"]
    )


def data_of(note: Json) -> str:
    data = note["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    assert isinstance(data, str)
    return data


@pytest.mark.long
async def test_who_waits_for_a_worker_is_told_the_place_and_can_cancel(
    harness: BotHarness, fleet: Fleet
):
    people = [harness.world.person(2_000 + n, f"P{n}") for n in range(3)]
    await fleet.start_all(0, LIMITS_PATIENCE_S="0.5", RUN_LEASE_S=SHORT_LEASE_S)
    for person in people:
        ask(harness, person, POSTS[0])
        await fleet.until(lambda person=person: cancel_button(harness, person), "the note")
    note = cancel_button(harness, people[2])
    assert note
    assert "3" in note["text"]
    harness.world.press(people[1], cancel_button(harness, people[1]) or {}, data_of(note))
    harness.world.press(people[2], note, data_of(note))
    chat = harness.world.chats[people[2].id]
    await fleet.until(lambda: EN["called_off"] in harness.texts(chat), "the cancellation")
    assert cancel_button(harness, people[2]) is None
    await fleet.start("worker0", "worker", LIMITS_PATIENCE_S="0.5", RUN_LEASE_S=SHORT_LEASE_S)
    await fleet.until(lambda: all(replies(harness, person) for person in people[:2]))
    await fleet.until(lambda: not any(cancel_button(harness, person) for person in people))
    assert replies(harness, people[2]) == []


async def test_the_limits_count_what_waits_for_all_workers(harness: BotHarness, fleet: Fleet):
    ada, bo = (harness.world.person(2_000 + n, f"P{n}") for n in range(2))
    limits = {
        "LIMITS_PRIVATE_QUEUE": "2",
        "LIMITS_WAITING_LINKS": "2",
        "RUN_LEASE_S": SHORT_LEASE_S,
    }
    await fleet.start_all(0, **limits)
    ask(harness, ada, POSTS[0])
    ask(harness, ada, POSTS[1])
    texts = load_texts()
    full = texts("en", "queue_full", count=2)
    ask(harness, ada, POSTS[2])
    await fleet.until(lambda: full in harness.texts(harness.world.chats[ada.id]), "the refusal")
    ask(harness, bo, *POSTS[:4])
    left_out = texts("en", "links_left_out", count=2, limit=2)
    await fleet.until(
        lambda: left_out in harness.texts(harness.world.chats[bo.id]), "the links left out"
    )
    await fleet.start("worker0", "worker", **limits)
    await fleet.until(lambda: len(replies(harness, ada)) == len(replies(harness, bo)) == 2)


async def test_a_single_process_leaves_the_job_queue_alone(harness: BotHarness, new_postgres: str):
    harness.video(POSTS[0])
    await harness.start(DATABASE_URL=new_postgres)
    await harness.say(f"https://www.tiktok.com/@a/video/{POSTS[0]}")
    assert len(harness.videos()) == 1
    query = text("SELECT to_regclass('procrastinate_jobs')")
    assert await database.read(lambda db: db.execute(query).scalar()) is None
