"""What the chaos run concludes from what it has seen: each fault must be found."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.polling import End
from core.request import Progress
from data import database
from data.requests import Claim, finish_request, hand_back, store_requests, take_over
from data.workers import renew_lease
from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.telegram.files import Upload
from simulator.telegram.world import Json
from tests.chaos.postgres import COUNT_VIOLATIONS, RECORD_STEPS
from tests.chaos.single import not_one_poller
from tests.chaos.stage import EN, FRIENDS, History, Request, Stage, stage_of
from tests.fakes import make_request

VIDEO: Json = {"video": {}}


@pytest.fixture
def stage(tmp_path: Path, samples: SampleStore, authority: Authority) -> Stage:
    return stage_of(tmp_path, Simulator(tmp_path, samples, authority))


def ask(stage: Stage) -> Request:
    """Ask for a video."""
    stage.ask(1)
    return stage.requests[-1]


def answer(stage: Stage, request: Request, content: Json) -> Json:
    """Answer a request as the bot does."""
    world = stage.simulator.world
    chat = world.chats[request.chat_id]
    reply = {"reply_to_message": chat.messages[request.message_id]}
    return world.add_message(chat, {**content, **reply})


def send_pictures(stage: Stage, request: Request, which: slice) -> None:
    """Send some pictures of an album as the bot does: later parts reply to nothing."""
    api, world = stage.simulator.api, stage.simulator.world
    for path in stage.posts.pictures(request.post_id)[which]:
        upload = Upload(path, path.name, "image/jpeg", path.stat().st_size)
        photo = api.files.keep(upload, "photo").as_json()
        world.add_message(world.chats[request.chat_id], {"photo": [photo]})


def found(stage: Stage) -> dict[str, int]:
    """Return the columns that are not zero, without the number of requests."""
    history = vars(stage.history())
    return {name: number for name, number in history.items() if number and name != "asked"}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], "lost"),
        ([VIDEO], "answered"),
        ([VIDEO, VIDEO], "twice"),
        ([{"text": "Sorry"}], "told"),
        ([{"text": EN["delivery_unknown"]}], "unknown"),
        ([{"text": EN["delivery_unknown"]}, VIDEO], "answered"),
    ],
)
def test_a_request_is_counted_by_its_answers(stage: Stage, answers: list[Json], expected: str):
    request = ask(stage)
    for content in answers:
        answer(stage, request, content)
    assert found(stage) == {expected: 1}
    assert bool(stage.problems) == (expected != "answered")


@pytest.mark.parametrize(
    ("content", "expected"), [(VIDEO, "answered"), ({"text": "Sorry"}, "told")]
)
def test_a_reaction_that_is_left_makes_an_ended_request_stuck(
    stage: Stage, content: Json, expected: str
):
    request = ask(stage)
    answer(stage, request, content)
    chat = stage.simulator.world.chats[request.chat_id]
    stage.simulator.world.react(chat, request.message_id, "👀")
    assert found(stage) == {expected: 1, "stuck": 1}
    assert "its reaction 👀 is left" in stage.problems[0]


def test_a_request_that_only_the_end_of_the_processes_frees_is_a_failure(stage: Stage):
    request = ask(stage)
    stage.note_unanswered()
    answer(stage, request, VIDEO)
    assert stage.failures == ["120 s after the disturbances, 1 videos still waited"]
    stage.failures.clear()
    stage.note_unanswered()
    assert stage.failures == []


def test_the_reaction_of_a_failure_is_an_end(stage: Stage):
    request = ask(stage)
    answer(stage, request, VIDEO)
    chat = stage.simulator.world.chats[request.chat_id]
    stage.simulator.world.react(chat, request.message_id, "😢")
    assert found(stage) == {"answered": 1}


@pytest.mark.parametrize(
    ("sent", "text", "expected"),
    [
        (slice(None), "", "answered"),
        (slice(0), "", "lost"),
        (slice(1, None), "", "lost"),
        (slice(1, None), EN["delivery_unknown"], "unknown"),
    ],
)
def test_an_album_is_answered_by_all_of_its_pictures(
    stage: Stage, sent: slice, text: str, expected: str
):
    stage.ask_album()
    request = stage.requests[-1]
    send_pictures(stage, request, sent)
    if text:
        answer(stage, request, {"text": text})
    assert found(stage) == {expected: 1}


def test_an_album_with_a_picture_twice_is_there_twice(stage: Stage):
    stage.ask_album()
    request = stage.requests[-1]
    send_pictures(stage, request, slice(None))
    send_pictures(stage, request, slice(1))
    assert found(stage) == {"twice": 1}


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("", "", "lost"),
        ("Sending …", "", "lost"),
        ("Sorry", "again", "told"),
        (EN["delivery_unknown"], "resend/7/1", "unknown"),
        (EN["delivery_unknown"], "page/1", "lost"),
        (EN["maintenance"], "", "told"),
    ],
)
def test_an_inline_message_has_ended_once_it_offers_a_way_on(
    stage: Stage, text: str, data: str, expected: str
):
    keyboard = {"inline_keyboard": [[{"text": "Button", "callback_data": data}]]}
    message: Json = {"text": text, "reply_markup": keyboard}
    stage.requests.append(Request(FRIENDS, 1, "", inline=message))
    assert found(stage) == {expected: 1}
    stage.note_unanswered()
    assert bool(stage.failures) == (expected == "lost")


def test_a_later_link_of_the_chat_that_is_answered_first_is_found(stage: Stage):
    first = ask(stage)
    person = stage.simulator.world.people[first.chat_id]
    message = stage.simulator.world.say(person, "https://www.tiktok.com/@a/video/1")
    second = Request(person.id, message["message_id"], "1")
    stage.requests.append(second)
    answer(stage, second, VIDEO)
    answer(stage, first, VIDEO)
    assert found(stage) == {"answered": 2, "unordered": 1}


def test_chats_do_not_wait_for_each_other(stage: Stage):
    first, second = ask(stage), ask(stage)
    answer(stage, second, VIDEO)
    answer(stage, first, VIDEO)
    assert found(stage) == {"answered": 2}


@pytest.mark.parametrize("column", ["lost", "twice", "stuck"])
def test_nothing_excuses(column: str):
    assert History(**{column: 2}).problems() == 2


@pytest.mark.parametrize("column", ["told", "unknown", "unordered"])
def test_a_disturbance_may_excuse(column: str):
    assert History(**{column: 2}).problems() == 0
    assert History(**{column: 2}).problems({column, "stuck"}) == 2


def test_most_requests_are_for_new_posts_and_the_others_for_what_somebody_else_has_got(
    stage: Stage,
):
    stage.ask(400)
    links = [request for request in stage.requests if request.post_id]
    posts = [request.post_id for request in links]
    assert len(links) > 300
    assert len(posts) > len(set(posts)) > len(posts) / 2
    assert len({(request.chat_id, request.post_id) for request in links}) == len(links)
    albums = [post_id for post_id in set(posts) if stage.posts.is_album(post_id)]
    assert len({len(stage.posts.pictures(post_id)) for post_id in albums}) > 5


READY = (200, "ready")
SAYS_WHY = (503, End.CONFLICT.value)


@pytest.mark.parametrize(
    ("conflicts", "late", "one", "two", "is_right"),
    [
        (1, 0, READY, SAYS_WHY, True),
        (1, 0, SAYS_WHY, READY, True),
        (30, 0, READY, SAYS_WHY, False),
        (1, 1, READY, SAYS_WHY, False),
        (1, 0, READY, READY, False),
        (1, 0, SAYS_WHY, SAYS_WHY, False),
        (1, 0, READY, (503, "starting"), False),
        (1, 0, READY, (0, "no answer"), False),
    ],
)
def test_exactly_one_of_two_instances_must_poll_and_the_other_say_why_not(
    conflicts: int, late: int, one: tuple[int, str], two: tuple[int, str], is_right: bool
):
    assert (not not_one_poller(conflicts, late, {"one": one, "two": two})) == is_right


@pytest.fixture
async def recorded(new_postgres: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Yield a connection to a bot's database whose changes of requests are recorded."""
    database.initialize_database_components(new_postgres)
    try:
        await database.init_db()
        connection = await asyncpg.connect(new_postgres)
        try:
            await connection.execute(RECORD_STEPS)
            yield connection
        finally:
            await connection.close()
    finally:
        await database.close()


async def test_a_request_that_changes_its_owner_by_the_rules_is_no_violation(
    recorded: "asyncpg.Connection[Any]",
):
    await renew_lease("b", 600)
    (row,) = await store_requests(42, 5, [make_request()], "dead")
    assert row
    (taken,) = await take_over(42, "b", 10)
    await finish_request(Claim(row, "b", taken.epoch), Progress(), "delivered")
    await hand_back("b")
    assert tuple(await recorded.fetchrow(COUNT_VIOLATIONS)) == (4, 0)


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE requests SET owner = 'b'",
        "UPDATE requests SET owner = 'b', epoch = epoch - 1",
        "UPDATE requests SET owner = NULL",
    ],
)
async def test_two_owners_in_one_epoch_are_a_violation(
    recorded: "asyncpg.Connection[Any]", forbidden: str
):
    await store_requests(42, 5, [make_request()], "a")
    await recorded.execute(forbidden)
    assert tuple(await recorded.fetchrow(COUNT_VIOLATIONS)) == (2, 1)


@pytest.mark.parametrize("change", ["finished_at = NULL", "owner = 'b'", "progress = NULL"])
async def test_a_change_after_the_end_is_a_violation(
    recorded: "asyncpg.Connection[Any]", change: str
):
    (row,) = await store_requests(42, 5, [make_request()], "a")
    assert row
    await finish_request(Claim(row, "a"), Progress(), "delivered")
    await recorded.execute(f"UPDATE requests SET {change}")
    assert tuple(await recorded.fetchrow(COUNT_VIOLATIONS)) == (3, 1)
