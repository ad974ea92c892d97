"""Request intake: what becomes a request, how many are taken, and what others have left."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aiogram.types import InlineKeyboardMarkup

from core.errors import QueueFullError, StorageError, TooOldError
from core.formats import Quality
from core.media import Link
from core.preferences import Preferences
from core.request import ButtonPress, Request
from misc.intake import IntakeLimits, RequestIntake
from misc.middlewares.registration import ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui.keyboards import Extras, try_again
from misc.ui.presenter import PresenterFactory
from misc.ui.statuses import StatusFactory
from misc.ui.texts import load_texts
from services.metrics import Metrics
from services.requests.context import RequestContext
from services.requests.queue import RequestQueue, Runner
from services.requests.slots import Slots
from services.requests.store import RequestStore
from tests.fakes import (
    BOT_ID,
    LINK,
    PERSON,
    FakeRunner,
    FakeTelegram,
    dropped,
    make_ack,
    make_request,
    make_user,
    settle,
)

TEXTS = load_texts()
CHAT = ChatView("en")
GROUP = -7
OTHER = Link("x", "https://x.com/demo/status/1790000000000000001", "1790000000000000001")
THIRD = replace(LINK, post_id="3")
LIMITS = IntakeLimits(links_per_message=2, private_queue=2, group_queue=1, max_age_s=3_600)

pytestmark = pytest.mark.usefixtures("sqlite_db")


class Bench:
    """An intake whose queue runs requests until they are let go."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.runner = FakeRunner()
        self.queue: RequestQueue[RequestContext] = RequestQueue(
            Slots(5), cast("Runner[RequestContext]", self.runner), max_requests=9, patience_s=60
        )
        self.metrics = Metrics()
        self.store = RequestStore(BOT_ID, 60)
        self.updates = 0
        self.intake = RequestIntake(
            self.store,
            self.queue,
            PresenterFactory(TEXTS, telegram.sender, "demo_bot", (), frozenset(), Extras()),
            StatusFactory(telegram.bot, telegram.sender, TEXTS),
            self.metrics,
            LIMITS,
            BOT_ID,
        )

    def ack(self) -> UpdateAck:
        self.updates += 1
        return make_ack(self.updates)[0]

    async def submit(
        self, *links: Link, chat: ChatView = CHAT, ack: UpdateAck | None = None, **values: Any
    ) -> list[Request]:
        """Submit the links of a message; return the requests that have begun so far."""
        values = {"date": datetime.now(UTC), **values}
        message = self.telegram.message(values.pop("text", "x"), **values)
        await self.intake.submit_links(message, links, chat, ack or self.ack())
        await settle()
        return self.requests

    @property
    def contexts(self) -> list[RequestContext]:
        return cast("list[RequestContext]", self.runner.began)

    @property
    def requests(self) -> list[Request]:
        return [context.stored.request for context in self.contexts]

    async def end_all(self) -> None:
        while self.queue.count:
            for item in self.runner.began:
                self.runner.let_go(item)
            await settle()


@pytest.fixture
async def bench(telegram: FakeTelegram) -> AsyncIterator[Bench]:
    bench = Bench(telegram)
    yield bench
    await bench.queue.drain(0)


# --- messages -------------------------------------------------------------------------------------


async def test_a_link_becomes_a_stored_request(bench: Bench):
    (request,) = await bench.submit(LINK)
    assert (request.kind, request.link, request.chat_id) == ("post", LINK, PERSON)
    assert (request.message_id, request.is_private, request.lang) == (70, True, "en")
    assert abs(request.asked_at - datetime.now(UTC).timestamp()) < 3_600
    assert bench.contexts[0].stored.row is not None
    assert request.press is None
    assert request.asker == ""


async def test_the_wishes_of_the_chat_belong_to_the_request(bench: Bench):
    preferences = Preferences(quality=Quality.SOUND)
    chat = ChatView("uk", file_mode=True, preferences=preferences)
    (request,) = await bench.submit(LINK, chat=chat)
    assert (request.kind, request.lang) == ("sound", "uk")
    assert (request.file_mode, request.preferences) == (True, preferences)


async def test_the_links_of_a_message_share_a_status_and_are_bounded(bench: Bench):
    await bench.submit(LINK, OTHER, THIRD)
    await bench.end_all()
    assert [request.link for request in bench.requests] == [LINK, OTHER]
    assert bench.contexts[0].status is bench.contexts[1].status
    assert dropped(bench.metrics, "too_many_links") == 1


async def test_an_update_is_acknowledged_once_its_requests_are_stored(bench: Bench):
    ack, acks = make_ack()
    queued: list[int] = []
    acks.before = lambda: queued.append(bench.queue.count)
    await bench.submit(LINK, ack=ack)
    assert queued == [0]
    assert acks.given == [5]
    await bench.submit(ack=ack)
    assert acks.given == [5, 5]


async def test_an_update_that_comes_twice_is_served_once(bench: Bench):
    first, second = make_ack(5)[0], make_ack(5)[0]
    await bench.submit(LINK, ack=first)
    await bench.submit(LINK, ack=second)
    await bench.end_all()
    assert len(bench.requests) == 1
    assert dropped(bench.metrics, "repeated_update") == 1


async def test_the_queue_of_a_private_chat_is_longer_than_that_of_a_group(bench: Bench):
    for number in range(3):
        await bench.submit(LINK, message_id=number)
        await bench.submit(LINK, message_id=number, chat_id=GROUP)
    refused = [cast("Any", refusal.item).chat_id for refusal in bench.runner.refusals]
    assert sorted(refused) == [GROUP, GROUP, PERSON]
    assert all(isinstance(refusal.error, QueueFullError) for refusal in bench.runner.refusals)


async def test_what_is_older_than_the_limit_gets_a_notice(bench: Bench):
    old = datetime.now(UTC) - timedelta(seconds=LIMITS.max_age_s + 60)
    assert await bench.submit(LINK, date=old) == []
    assert [type(refusal.error) for refusal in bench.runner.refusals] == [TooOldError]


async def test_without_links_nothing_is_stored(bench: Bench):
    handle = await bench.intake.submit_links(bench.telegram.message("x"), [], CHAT, bench.ack())
    await asyncio.wait_for(_wait(handle), 5)
    assert bench.queue.count == 0


async def _wait(handle: Any) -> None:
    await handle


async def test_without_the_database_requests_are_served(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object) -> None:
        raise StorageError

    monkeypatch.setattr("services.requests.store.store_requests", failing)
    assert len(await bench.submit(LINK)) == 1
    assert bench.contexts[0].stored.row is None


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "is_meant"),
    [
        ({"text": "look"}, False),
        ({"text": "hey @demo_bot look"}, True),
        ({"text": "hey @Demo_Bot"}, True),
        ({"text": "hey @demo_bot2"}, False),
        ({"text": None, "caption": "@demo_bot"}, True),
        ({"reply": BOT_ID}, True),
        ({"reply": 8}, False),
    ],
    ids=["no", "name", "other case", "other bot", "caption", "reply", "reply to another"],
)
async def test_some_groups_are_answered_only_if_the_bot_is_meant(
    bench: Bench, values: dict[str, Any], is_meant: bool
):
    values = dict(values)
    if reply := values.pop("reply", None):
        values["reply_to_message"] = bench.telegram.message("above", user_id=reply)
    chat = ChatView("en", preferences=Preferences(only_mentioned=True))
    requests = await bench.submit(LINK, chat=chat, chat_id=GROUP, **values)
    assert len(requests) == is_meant
    assert dropped(bench.metrics, "not_mentioned") == (not is_meant)


async def test_muted_sites_are_left_out_in_groups_only(bench: Bench):
    chat = ChatView("en", preferences=Preferences(muted=("tiktok",), only_mentioned=True))
    await bench.submit(LINK, OTHER, chat=chat, chat_id=GROUP, text="@demo_bot")
    assert [request.link for request in bench.requests] == [OTHER]
    assert dropped(bench.metrics, "muted_site") == 1
    assert LINK in [request.link for request in await bench.submit(LINK, chat=chat)]


@pytest.mark.parametrize(
    ("chat_id", "deletes", "asker"), [(GROUP, True, "Ann"), (GROUP, False, ""), (PERSON, True, "")]
)
async def test_a_name_is_stored_only_where_it_is_shown(
    bench: Bench, chat_id: int, deletes: bool, asker: str
):
    chat = ChatView("en", preferences=Preferences(delete_request=deletes))
    (request,) = await bench.submit(LINK, chat=chat, chat_id=chat_id)
    assert request.asker == asker


async def test_topics_and_business_accounts_are_remembered(bench: Bench):
    (request,) = await bench.submit(LINK, chat_id=GROUP, message_thread_id=3, is_topic_message=True)
    assert (request.thread_id, request.business_id) == (3, None)
    *_, request = await bench.submit(LINK, business_connection_id="b")
    assert (request.business_id, request.is_private) == ("b", False)


# --- presses and inline messages ------------------------------------------------------------------


@pytest.mark.parametrize(("data", "kind"), [("id/1", "sound"), ("slides/tiktok/1", "slides")])
async def test_a_press_is_a_request_of_now_with_its_keyboard(bench: Bench, data: str, kind: str):
    keyboard = try_again("again", data)
    message = bench.telegram.message("post", reply_markup=keyboard)  # it is old
    await bench.intake.submit_press(message, LINK, CHAT, data, bench.ack(), asker_id=9)
    await settle()
    (request,) = bench.requests
    assert (request.kind, request.asker_id) == (kind, 9)
    assert request.press
    assert request.press.data == data
    assert InlineKeyboardMarkup.model_validate_json(request.press.keyboard) == keyboard
    assert bench.runner.refusals == []


async def test_a_press_below_a_message_without_keyboard_has_none(bench: Bench):
    message = bench.telegram.message("post")
    await bench.intake.submit_press(message, LINK, CHAT, "id/1", bench.ack(), asker_id=9)
    await settle()
    assert [request.press for request in bench.requests] == [ButtonPress("id/1", "")]


async def test_an_inline_request_stands_in_its_senders_queue(bench: Bench):
    now = int(datetime.now(UTC).timestamp())
    request = make_request(message_id=0, inline_id="i", asked_at=now)
    await bench.intake.submit_inline(request, bench.ack())
    await settle()
    assert bench.requests == [request]
    assert bench.contexts[0].chat_id == PERSON


# --- after a restart ------------------------------------------------------------------------------


async def test_requests_that_were_left_are_continued_by_message(bench: Bench):
    now = int(datetime.now(UTC).timestamp())
    before = RequestStore(BOT_ID, 60)
    requests = [
        make_request(link=link, message_id=number, asked_at=now)
        for number in range(4)
        for link in (LINK, OTHER)
    ]
    for number in range(4):
        await before.enter(number, requests[2 * number : 2 * number + 2])
    await before.hand_back()
    await bench.intake.resume()
    await bench.end_all()
    # All of them, although a chat may have only two messages in its queue.
    assert bench.requests == requests
    assert bench.runner.refusals == []
    assert all(context.stored.is_resumed for context in bench.contexts)
    statuses = [context.status for context in bench.contexts]
    assert statuses[0] is statuses[1]
    assert len({id(status) for status in statuses}) == 4


async def test_what_has_become_too_old_meanwhile_gets_a_notice(bench: Bench):
    before = RequestStore(BOT_ID, 60)
    await before.enter(1, [make_request()])
    await before.hand_back()
    await bench.intake.resume()
    await settle()
    assert [type(refusal.error) for refusal in bench.runner.refusals] == [TooOldError]


async def test_a_resume_without_the_database_is_an_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object) -> None:
        raise StorageError

    monkeypatch.setattr("services.requests.store.take_over", failing)
    with pytest.raises(StorageError):
        await bench.intake.resume()


async def test_the_same_message_of_different_people_is_not_mixed_up(bench: Bench):
    for chat_id in (PERSON, 8):
        await bench.submit(LINK, chat_id=chat_id, from_user=make_user(chat_id))
    assert [request.chat_id for request in bench.requests] == [PERSON, 8]
