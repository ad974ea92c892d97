"""A killed process loses no request: the next one finishes them, and repeats nothing."""

import asyncio
import hashlib
import random
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from core.media import Link
from core.request import MAX_ATTEMPTS, ButtonPress, Progress, Request
from data import database
from data.requests import Claim, count_attempt, store_progress, store_requests
from misc.ui.texts import load_texts
from simulator.telegram.api import FaultRule
from simulator.telegram.world import Json
from tests.e2e.bot_harness import ID, PATIENCE_S, VIDEO, BotHarness, BothDatabases
from tests.e2e.programs import program
from tests.fakes import make_request
from tests.records import changed

TEXTS = load_texts()
EN = TEXTS["en"]
SLIDES = "7300000000000000012"


def slideshow(harness: BotHarness, post_id: str, number: int) -> None:
    pictures = [harness.samples.picture(240, 80, f"{post_id} {n}") for n in range(number)]
    harness.video(post_id, pictures=tuple(pictures), encodings=())


def sent_request(harness: BotHarness, post_id: str = ID, **options: object) -> Request:
    """Send a link as Ada; return the request as the store keeps it."""
    message = harness.world.say(harness.ada, f"https://www.tiktok.com/@a/video/{post_id}")
    harness.world.updates.clear()
    values = {
        "link": Link("tiktok", message["text"], post_id),
        "chat_id": harness.home.id,
        "message_id": message["message_id"],
        "asked_at": int(time.time()),
        **options,
    }
    return make_request(**values)


async def store_open(
    harness: BotHarness,
    requests: Sequence[Request],
    progress: Progress | None = None,
    attempts: int = 0,
) -> None:
    """Store open requests of a dead process in the bot's database."""
    database.initialize_database_components(f"sqlite:///{harness.folder / 'bot.db'}")
    await database.init_db()
    for row in await store_requests(42, 77, requests, "dead"):
        assert row
        if progress:
            await store_progress(Claim(row, "dead"), progress)
        for _ in range(attempts):
            await count_attempt(Claim(row, "dead"))
    await database.close()


async def start_and_finish(harness: BotHarness, **environment: str) -> None:
    """Start the bot and wait until all stored requests are finished."""
    await harness.start(**environment)
    while await open_requests():
        await harness.world.changed(0.05)
    await harness.settled()


async def open_requests() -> int:
    from sqlalchemy import text

    question = text("SELECT count(*) FROM requests WHERE finished_at IS NULL")
    return await database.read(lambda db: db.execute(question).scalar_one())


async def test_pending_requests_are_served_in_order(harness: BotHarness):
    requests = []
    for n in range(3):
        harness.video(f"{ID[:-1]}{n}")
        requests.append(sent_request(harness, f"{ID[:-1]}{n}"))
    await store_open(harness, requests)
    await start_and_finish(harness)
    replies = [m["reply_to_message"]["message_id"] for m in harness.videos()]
    assert replies == [request.target.message_id for request in requests]
    assert await open_requests() == 0


async def test_a_send_without_an_answer_is_reported_and_not_repeated(harness: BotHarness):
    harness.video()
    await store_open(harness, [sent_request(harness)], Progress(total=1).record_sending(1))
    await start_and_finish(harness)
    assert harness.texts() == [EN["delivery_unknown"]]
    assert list(harness.home.reactions.values()) == ["😢"]
    assert [entry for entry in harness.simulator.log if "/video/" in entry.path] == []
    assert await open_requests() == 0


async def test_a_partially_sent_slideshow_is_completed(harness: BotHarness):
    slideshow(harness, SLIDES, 21)
    await store_open(
        harness, [sent_request(harness, SLIDES)], Progress((501, 502, 503, 504, 505, 506, 507), 21)
    )
    await start_and_finish(harness)
    photos = [m for m in harness.answers() if "photo" in m]
    assert [content(harness, m) for m in photos] == pictures_of(harness, SLIDES, 21)[7:]
    assert "ferry.demo · " in harness.texts()[-1]
    assert await open_requests() == 0


async def test_the_rest_of_an_archive_of_a_list_follows_what_was_sent(harness: BotHarness):
    posts = tuple(f"{ID[:-1]}{n}" for n in range(4))
    for post_id in posts:
        harness.video(post_id)
    profile = Link("tiktok", "https://www.tiktok.com/@a", "@a")
    request = sent_request(harness, kind="list_archive", link=profile, file_mode=True, posts=posts)
    await store_open(harness, [request], Progress((501, 501), 4))
    await start_and_finish(harness)
    (answer,) = (m for m in harness.answers() if "document" in m)
    with zipfile.ZipFile(harness.api.files.by_id[answer["document"]["file_id"]].path) as archive:
        assert archive.namelist() == [f"0{n + 1}_{posts[n]}.mp4" for n in (2, 3)]
    asked = "".join(entry.path for entry in harness.simulator.log)
    assert [post_id in asked for post_id in posts] == [False, False, True, True]
    assert answer["caption"] == TEXTS("en", "album_part", range="3–4", total=4)


async def test_a_part_of_an_archive_without_a_response_is_reported(harness: BotHarness):
    posts = (ID, SLIDES)
    profile = Link("tiktok", "https://www.tiktok.com/@a", "@a")
    request = sent_request(harness, kind="list_archive", link=profile, file_mode=True, posts=posts)
    await store_open(harness, [request], Progress(total=2).record_sending(2))
    await start_and_finish(harness)
    assert harness.texts() == [EN["delivery_unknown"]]
    assert [entry for entry in harness.simulator.log if "/video/" in entry.path] == []


async def test_an_album_with_unknown_delivery_is_skipped_and_reported(harness: BotHarness):
    slideshow(harness, SLIDES, 14)
    await store_open(
        harness, [sent_request(harness, SLIDES)], Progress((501,) * 7, 14).record_sending(7)
    )
    await start_and_finish(harness)
    assert [m for m in harness.answers() if "photo" in m] == []
    assert "ferry.demo · " in harness.texts()[-2]
    assert harness.texts()[-1] == EN["delivery_unknown"]


async def test_a_request_stays_open_until_its_gap_is_explained(
    harness: BotHarness,
):
    slideshow(harness, SLIDES, 14)
    await harness.start()
    await harness.say("/start")
    await harness.stop()
    await store_open(
        harness, [sent_request(harness, SLIDES)], Progress((501,) * 7, 14).record_sending(7)
    )
    harness.api.faults.append(FaultRule("sendMessage", "slow", skip=1, seconds=2))
    await harness.start()
    await harness.until(lambda: not harness.api.faults, "the notice about missing media")
    assert await open_requests() == 1
    await harness.settled()
    assert await open_requests() == 0


async def test_a_fully_delivered_request_is_closed_silently(harness: BotHarness):
    await store_open(harness, [sent_request(harness)], Progress((501, 502), 2, has_text=True))
    await start_and_finish(harness)
    assert harness.answers() == []
    assert await open_requests() == 0


async def test_a_post_deleted_before_the_restart_is_reported_as_partial(harness: BotHarness):
    harness.video(SLIDES, status=10204)
    await store_open(harness, [sent_request(harness, SLIDES)], Progress((501,) * 7, 14))
    await start_and_finish(harness)
    assert harness.texts() == [TEXTS("en", "delivery_partial", sent=7, count=14)]


@pytest.mark.parametrize("is_private", [True, False])
async def test_requests_older_than_the_limit_get_one_notice_per_chat(
    harness: BotHarness, is_private: bool
):
    old = int(time.time()) - 4_000
    request = sent_request(harness, asked_at=old, is_private=is_private)
    await store_open(harness, [request, request, request])
    await start_and_finish(harness)
    assert harness.texts() == [EN["too_old"]]
    assert await open_requests() == 0


async def test_a_late_update_gets_a_notice_with_a_retry_button(harness: BotHarness):
    harness.video()
    message = harness.world.say(harness.ada, VIDEO)
    message["date"] -= 4_000
    await harness.start()
    await harness.settled()
    # The welcome of a new person is sent beside it: either may be the first.
    (notice,) = (m for m in harness.answers() if m.get("text") == EN["too_old"])
    button = notice["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    await harness.press(notice, button)
    assert len(harness.videos()) == 1


async def test_a_request_that_exceeds_its_attempts_is_given_up(harness: BotHarness):
    harness.video()
    await store_open(harness, [sent_request(harness)], attempts=MAX_ATTEMPTS)
    await start_and_finish(harness)
    assert harness.texts() == [EN["given_up"]]


async def test_the_keyboard_of_an_interrupted_button_request_is_restored(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    await harness.stop()
    (video,) = harness.videos()
    keyboard = video.pop("reply_markup")
    request = sent_request(harness, kind="sound", message_id=video["message_id"])
    import json

    press = ButtonPress(f"sound/tiktok/{ID}", json.dumps(keyboard))
    await store_open(harness, [changed(request, press=press)])
    await start_and_finish(harness)
    assert [m for m in harness.answers() if "audio" in m] != []
    assert video["reply_markup"] == keyboard


async def test_an_update_is_acknowledged_only_after_its_request_is_stored(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    gate = asyncio.Event()

    async def slow(*arguments: object) -> list[int | None]:
        await gate.wait()
        return await store_requests(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("services.requests.store.store_requests", slow)
    harness.video()
    await harness.start()
    await harness.say("hello")
    polls = harness.api.polls
    harness.world.say(harness.ada, VIDEO)
    await asyncio.sleep(0.5)
    assert [update["message"]["text"] for update in harness.world.updates] == [VIDEO]
    assert harness.api.polls == polls
    gate.set()
    await harness.settled()
    assert len(harness.videos()) == 1
    assert harness.world.updates == []


async def test_a_duplicate_update_is_served_once(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    await harness.stop()
    harness.world.say(harness.ada, VIDEO)
    (update,) = harness.world.updates
    await harness.start()
    await harness.settled()
    harness.world.updates.append({**update, "update_id": update["update_id"]})
    await harness.settled()
    assert len(harness.videos()) == 2


async def test_updates_handled_before_the_stop_are_acknowledged(harness: BotHarness):
    await harness.start()
    harness.world.say(harness.ada, "/start")
    await harness.until(harness.answers)
    await harness.stop()
    assert harness.world.updates == []


# --- the real program, killed ---------------------------------------------------------------------

#: `make chaos` kills it for a quarter of an hour.
CHATS, SINGLES, ALBUMS, PICTURES = 12, 5, 1, 12
KILLS = 6


@pytest.mark.long
async def test_a_bot_killed_six_times_answers_every_request_once(both_databases: BothDatabases):
    """Run on SQLite and PostgreSQL at the same time: most of the time is spent on starts."""
    await asyncio.gather(*(run_and_kill(harness, url) for harness, url in both_databases))


async def run_and_kill(harness: BotHarness, db_url: str) -> None:
    """Send requests for videos and albums; kill the bot at random moments."""
    rng = random.Random()
    singles = [f"73000000000000004{n:02}" for n in range(20)]
    albums = [f"73000000000000005{n:02}" for n in range(5)]
    for post_id in singles:
        harness.video(post_id)
    for post_id in albums:
        slideshow(harness, post_id, PICTURES)
    harness.api.latency_s = harness.site.latency_s = 0.05
    people = [harness.world.person(2_000 + n, f"Person {n}") for n in range(CHATS)]
    wanted = [
        (person, post_id)
        for person in people
        for post_id in rng.sample(singles, SINGLES) + rng.sample(albums, ALBUMS)
    ]
    rng.shuffle(wanted)
    assert len(wanted) == CHATS * (SINGLES + ALBUMS)
    environment = {
        **harness.simulator.bot_environment(harness.folder),
        "DATABASE_URL": db_url,
        "LIMITS_SPAM_GUARD": "false",
        "LIMITS_PRIVATE_QUEUE": "100",
        "LIMITS_PATIENCE_S": "600",
        "RUN_LEASE_S": "2",
        "RUN_LOG_LEVEL": "ERROR",
    }
    requests: dict[tuple[int, int], str] = {}

    def ask(number: int) -> None:
        for person, post_id in [wanted.pop() for _ in range(min(number, len(wanted)))]:
            link = f"https://www.tiktok.com/@a/video/{post_id}"
            message = harness.world.say(person, link)
            requests[person.id, message["message_id"]] = post_id

    for _ in range(KILLS):
        polls = harness.api.polls
        process, _ = await program("run", folder=harness.folder, **environment)
        await harness.until(lambda polls=polls: harness.api.polls > polls, "the first getUpdates")  # type: ignore[misc]
        ask(10)
        await asyncio.sleep(rng.uniform(0.1, 1.6))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    ask(len(wanted))
    process, _ = await program("run", folder=harness.folder, **environment)

    def unanswered() -> list[tuple[int, int]]:
        return [key for key, post_id in requests.items() if not outcome(harness, *key, post_id)]

    deadline = time.monotonic() + PATIENCE_S
    while unanswered() and time.monotonic() < deadline:
        await harness.world.changed(0.5)
    assert [(key, harness.texts(harness.world.chats[key[0]])) for key in unanswered()] == []
    await asyncio.sleep(2)  # let duplicates arrive
    process.send_signal(signal.SIGTERM)
    await process.wait()

    unknown = reactions = 0
    for person in people:
        chat = harness.world.chats[person.id]
        contents = Counter(content(harness, m) for m in harness.answers(chat) if "photo" in m)
        assert set(contents.values()) <= {1}
        replies = Counter(m["reply_to_message"]["message_id"] for m in harness.videos(chat))
        assert set(replies.values()) <= {1}
        unknown += harness.texts(chat).count(EN["delivery_unknown"])
        reactions += len(chat.reactions)
    # At most sixteen requests run at a time.
    assert unknown <= KILLS * 16
    # A status reaction may remain if the delivery is unknown.
    assert reactions <= unknown


def outcome(harness: BotHarness, chat_id: int, message_id: int, post_id: str) -> bool:
    """Return True if a request got all its media, or a notice about missing media."""
    chat = harness.world.chats[chat_id]
    replies = [
        m
        for m in harness.answers(chat)
        if m.get("reply_to_message", {}).get("message_id") == message_id
    ]
    if any(m.get("text") == EN["delivery_unknown"] for m in replies):
        return True
    if not post_id.startswith("73000000000000005"):
        return any("video" in m for m in replies)
    seen = {content(harness, m) for m in harness.answers(chat) if "photo" in m}
    return seen >= set(pictures_of(harness, post_id, PICTURES))


def content(harness: BotHarness, message: Json) -> str:
    """Return the hash of a photo's file, which identifies the picture."""
    return digest(harness.simulator.api.files.by_id[message["photo"][-1]["file_id"]].path)


def pictures_of(harness: BotHarness, post_id: str, number: int) -> list[str]:
    return [digest(harness.samples.picture(240, 80, f"{post_id} {n}")) for n in range(number)]


@cache
def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
