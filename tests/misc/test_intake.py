"""Request intake: what becomes a request, how many are taken, and what others have left."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aiogram.methods import DeleteMessage, EditMessageText, SendMessage, SetMessageReaction
from aiogram.types import InlineKeyboardMarkup, Message, ReactionTypeEmoji
from sqlalchemy import update

from core.errors import LinksLeftOutError, QueueFullError, StorageError, TooOldError
from core.formats import Quality
from core.lists import Entry, ListCard, Listing
from core.media import Link
from core.preferences import Preferences
from core.request import ButtonPress, Continuation, Request
from data import database
from data.models import Requests
from misc.addressing import BotAccount
from misc.group_rules import GroupRules
from misc.intake import IntakeLimits, RequestIntake, Taken
from misc.middlewares.registration import ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.opt_outs import OptOutList
from misc.queue_notices import QueueNotices
from misc.served_links import ServedLinks
from misc.ui.callback_data import RemainingLinks
from misc.ui.caption_writer import CaptionWriter
from misc.ui.keyboards import Extras, choices, one_button
from misc.ui.presenter import PresenterFactory
from misc.ui.statuses import StatusFactory
from misc.ui.texts import load_texts
from platforms import load_registry
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
from tests.leases import expire

TEXTS = load_texts()
REGISTRY = load_registry()
CHAT = ChatView("en")
GROUP = -7
OTHER = Link("x", "https://x.com/demo/status/1790000000000000001", "1790000000000000001")
THIRD = replace(LINK, post_id="3")
LIMITS = IntakeLimits(
    links_per_message=2,
    waiting_links=200,
    private_queue=2,
    group_queue=1,
    max_age_s=3_600,
    list_items=50,
)

pytestmark = pytest.mark.usefixtures("sqlite_db")


class Bench:
    """An intake whose queue runs requests until they are let go."""

    def __init__(self, telegram: FakeTelegram, limits: IntakeLimits = LIMITS) -> None:
        self.telegram = telegram
        self.runner = FakeRunner()
        self.queue: RequestQueue[RequestContext] = RequestQueue(
            Slots(5), cast("Runner[RequestContext]", self.runner), max_requests=99, patience_s=60
        )
        self.metrics = Metrics()
        self.store = RequestStore(BOT_ID, 60)
        self.opt_outs = OptOutList()
        self.updates = 0
        self.intake = RequestIntake(
            self.store,
            self.queue,
            PresenterFactory(
                TEXTS,
                telegram.sender,
                "demo_bot",
                (),
                frozenset(),
                Extras(),
                CaptionWriter("demo_bot", {}, None),
            ),
            StatusFactory(telegram.bot, telegram.sender, TEXTS),
            QueueNotices(telegram.bot, telegram.sender, TEXTS),
            self.metrics,
            limits,
            GroupRules(BotAccount(BOT_ID, "demo_bot"), self.opt_outs, self.metrics.dropped),
            ServedLinks(BOT_ID),
            REGISTRY,
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
        return [context.request for context in self.contexts]

    async def end_all(self) -> None:
        while self.queue.count:
            for item in self.runner.began:
                self.runner.let_go(item)
            await settle()

    def note(self, number: int, data: str) -> Message:
        """Return the message with the button that fetches the other links."""
        request = self.telegram.message("x", message_id=69, chat_id=GROUP)
        return self.telegram.message(
            "more", message_id=number, chat_id=GROUP, reply_to_message=request
        )


@pytest.fixture
async def bench(telegram: FakeTelegram) -> AsyncIterator[Bench]:
    bench = Bench(telegram)
    yield bench
    await bench.queue.drain(0, 10)


# --- messages -------------------------------------------------------------------------------------


async def test_a_link_becomes_a_stored_request(bench: Bench):
    (request,) = await bench.submit(LINK)
    assert (request.kind, request.link, request.chat_id) == ("post", LINK, PERSON)
    assert (request.target.message_id, request.target.is_private, request.chat.lang) == (
        70,
        True,
        "en",
    )
    assert abs(request.asked_at - datetime.now(UTC).timestamp()) < 3_600
    assert bench.contexts[0].stored.row is not None
    assert request.origin.press is None
    assert request.asker.name == ""


async def test_the_preferences_of_the_chat_belong_to_the_request(bench: Bench):
    preferences = Preferences(quality=Quality.SOUND)
    chat = ChatView("uk", file_mode=True, preferences=preferences)
    (request,) = await bench.submit(LINK, chat=chat)
    assert (request.kind, request.chat.lang) == ("sound", "uk")
    assert (request.chat.file_mode, request.chat.preferences) == (True, preferences)


async def test_the_links_of_a_message_share_a_status(bench: Bench):
    await bench.submit(LINK, OTHER)
    await bench.end_all()
    assert [(request.link, request.origin.index) for request in bench.requests] == [
        (LINK, 0),
        (OTHER, 1),
    ]
    assert bench.contexts[0].status is bench.contexts[1].status
    assert bench.telegram.texts == []


async def test_an_update_is_acknowledged_once_its_requests_are_stored(bench: Bench):
    ack, acks = make_ack()
    queued: list[int] = []
    acks.before = lambda: queued.append(bench.queue.count)
    await bench.submit(LINK, ack=ack)
    assert queued == [0]
    assert acks.acknowledged == [5]
    await bench.submit(ack=ack)
    assert acks.acknowledged == [5, 5]


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
    async with asyncio.timeout(30):
        await _wait(handle)
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


@pytest.mark.parametrize(
    ("values", "is_answered"),
    [
        ({"text": "look"}, False),
        ({"text": "hey @demo_bot look"}, True),
        ({"user_id": 8}, True),
        ({"chat_id": PERSON}, True),
    ],
    ids=["unasked", "mentioned", "somebody else", "private"],
)
async def test_a_person_who_has_opted_out_is_answered_only_when_asking(
    bench: Bench, values: dict[str, Any], is_answered: bool
):
    await bench.opt_outs.add(PERSON)
    requests = await bench.submit(LINK, **{"chat_id": GROUP, **values})
    assert len(requests) == is_answered
    assert dropped(bench.metrics, "opted_out") == (not is_answered)


async def test_an_edit_brings_new_links_only(bench: Bench):
    now = datetime.now(UTC)
    edited_at = int(now.timestamp()) + 30
    await bench.submit(LINK, date=now)
    await bench.submit(LINK, date=now, edit_date=edited_at)
    await bench.submit(LINK, OTHER, date=now, edit_date=edited_at)
    await bench.submit(OTHER, THIRD, date=now, edit_date=edited_at)  # more than a message may have
    await bench.end_all()
    assert [request.link for request in bench.requests] == [LINK, OTHER]
    assert dropped(bench.metrics, "served_links") == 1
    assert dropped(bench.metrics, "too_many_links") == 1


async def test_an_edit_is_handled_before_its_message(bench: Bench):
    now = datetime.now(UTC)
    await bench.submit(LINK, OTHER, date=now, edit_date=int(now.timestamp()) + 30)
    await bench.submit(LINK, date=now)
    await bench.end_all()
    assert [request.link for request in bench.requests] == [LINK, OTHER]


async def test_a_retry_repeats_links_that_were_served(bench: Bench):
    now = datetime.now(UTC)
    message = bench.telegram.message("x", date=now)
    await bench.submit(LINK, date=now)
    await bench.end_all()
    await bench.intake.submit_again(message, [LINK], CHAT, bench.ack())
    await bench.end_all()
    assert [request.link for request in bench.requests] == [LINK, LINK]


async def test_a_press_needs_no_mention(bench: Bench):
    """Telegram leaves out what the message below a button replied to."""
    chat = ChatView("en", preferences=Preferences(only_mentioned=True))
    await bench.opt_outs.add(PERSON)
    note = bench.note(80, "rest/1")
    assert await bench.intake.submit_remaining_links(
        note, [LINK, OTHER], RemainingLinks(1), chat, bench.ack()
    )
    await bench.end_all()
    assert [request.link for request in bench.requests] == [OTHER]


async def test_what_another_process_has_served_is_looked_up(bench: Bench):
    now = datetime.now(UTC)
    asked_at = int(now.timestamp())
    before = RequestStore(BOT_ID, 60)
    for number, request in enumerate(
        [
            make_request(asked_at=asked_at),
            make_request(link=THIRD, asked_at=asked_at, message_id=71),
            make_request(link=THIRD, asked_at=asked_at, chat_id=8),
            make_request(link=THIRD, asked_at=asked_at, press=ButtonPress("id/3", "")),
        ]
    ):
        await before.enter(100 + number, [request])
    await bench.submit(LINK, THIRD, date=now, edit_date=asked_at + 30)
    await bench.end_all()
    assert [request.link for request in bench.requests] == [THIRD]


async def test_without_the_database_an_edit_counts_as_new(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object) -> None:
        raise StorageError

    now = datetime.now(UTC)
    monkeypatch.setattr("misc.served_links.stored_links", failing)
    await bench.submit(LINK, date=now, edit_date=int(now.timestamp()) + 30)
    assert len(bench.requests) == 1


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
    assert request.asker.name == asker


@pytest.mark.parametrize(
    ("values", "is_deleted"),
    [
        ({}, True),
        ({"text": None, "caption": LINK.url}, False),
        ({"is_automatic_forward": True}, False),
    ],
    ids=["text", "caption", "copy of a channel's post"],
)
async def test_a_message_with_content_of_its_own_is_not_deleted(
    bench: Bench, values: dict[str, Any], is_deleted: bool
):
    chat = ChatView("en", preferences=Preferences(delete_request=True))
    (request,) = await bench.submit(LINK, chat=chat, chat_id=GROUP, **values)
    assert request.chat.preferences.delete_request is is_deleted
    assert bool(request.asker.name) is is_deleted


async def test_topics_and_business_accounts_are_remembered(bench: Bench):
    (request,) = await bench.submit(LINK, chat_id=GROUP, message_thread_id=3, is_topic_message=True)
    assert (request.target.thread_id, request.target.business_id) == (3, None)
    *_, request = await bench.submit(LINK, business_connection_id="b")
    assert (request.target.business_id, request.target.is_private) == ("b", False)


# --- many links -----------------------------------------------------------------------------------


def links(number: int) -> list[Link]:
    return [replace(LINK, post_id=str(n), url=f"{LINK.url}{n}") for n in range(number)]


async def test_a_button_offers_the_links_that_are_too_many(bench: Bench):
    chat = ChatView("en", preferences=Preferences(delete_request=True, muted=("x",)))
    all_links = [OTHER, *links(5)]
    await bench.submit(*all_links, chat=chat, chat_id=GROUP, message_id=69)
    await bench.end_all()
    assert [request.origin.index for request in bench.requests] == [1, 2]
    # The button reads the message, so it must not be deleted yet.
    assert not bench.requests[0].chat.preferences.delete_request
    (offer,) = bench.telegram.of(SendMessage)
    assert offer.text == TEXTS("en", "links_left", count=3)
    button = offer.reply_markup.inline_keyboard[0][0]  # type: ignore[union-attr]
    assert (button.text, button.callback_data) == (
        TEXTS("en", "remaining_button", count=3),
        "rest/3",
    )
    assert dropped(bench.metrics, "too_many_links") == 0

    note = bench.note(80, "rest/3")
    assert await bench.intake.submit_remaining_links(
        note, all_links, RemainingLinks(3), chat, bench.ack()
    )
    (edit,) = bench.telegram.of(EditMessageText)
    assert edit.text == TEXTS("en", "links_left", count=1)
    assert edit.reply_markup
    assert edit.reply_markup.inline_keyboard[0][0].callback_data == "rest/5"
    await bench.end_all()
    assert await bench.intake.submit_remaining_links(
        note, all_links, RemainingLinks(5), chat, bench.ack()
    )
    assert [call.message_id for call in bench.telegram.of(DeleteMessage)] == [80]
    await bench.end_all()
    assert [request.origin.index for request in bench.requests] == [1, 2, 3, 4, 5]
    assert bench.requests[-1].chat.preferences.delete_request
    assert {request.target.message_id for request in bench.requests} == {69}


async def test_the_rest_is_served_once_even_after_a_restart(telegram: FakeTelegram):
    all_links = links(4)
    presses = []
    for _ in range(2):
        bench = Bench(telegram)
        note = bench.note(80, "rest/2")
        for _ in range(2):
            submit = bench.intake.submit_remaining_links(
                note, all_links, RemainingLinks(2), CHAT, bench.ack()
            )
            presses.append(await submit)
        await bench.end_all()
        assert len(bench.requests) == 2 * (len(presses) == 2)
    assert presses == [True, False, False, False]
    # The button below another message is another one.
    bench = Bench(telegram)
    assert await bench.intake.submit_remaining_links(
        bench.note(81, ""), all_links, RemainingLinks(2), CHAT, bench.ack()
    )
    await bench.queue.drain(0, 10)


async def test_one_failed_link_of_several_is_repeated_alone(bench: Bench):
    message = bench.telegram.message("x", date=datetime.now(UTC))
    await bench.intake.submit_link(message, links(4), 3, CHAT, bench.ack())
    await settle()
    assert [(r.link.post_id, r.origin.index) for r in bench.requests] == [("3", 3)]
    handle = await bench.intake.submit_link(message, links(4), 4, CHAT, bench.ack())
    assert handle.is_empty
    assert bench.telegram.texts == []


async def test_a_customer_of_a_business_gets_the_button_from_the_account(bench: Bench):
    await bench.submit(*links(4), business_connection_id="b")
    (note,) = bench.telegram.of(SendMessage)
    assert note.business_connection_id == "b"
    assert note.reply_markup
    assert dropped(bench.metrics, "too_many_links") == 0


async def test_many_waiting_links_are_announced_once(telegram: FakeTelegram):
    bench = Bench(telegram, replace(LIMITS, private_queue=99))
    for number in range(10):
        await bench.submit(links(20)[number], message_id=number)
    assert telegram.texts == []
    for number in range(10, 15):
        await bench.submit(links(20)[number], message_id=number)
    assert telegram.texts == [TEXTS["en"]["links_waiting"]]
    await bench.end_all()
    for number in range(20, 31):
        await bench.submit(links(40)[number], message_id=number)
    assert telegram.texts == [TEXTS["en"]["links_waiting"]] * 2
    await bench.queue.drain(0, 10)


@pytest.mark.slow
async def test_what_is_beyond_a_persons_limit_is_counted_in_one_message(telegram: FakeTelegram):
    bench = Bench(telegram, replace(LIMITS, private_queue=99, group_queue=99, waiting_links=5))
    for number in range(4):
        await bench.submit(links(4)[number], message_id=number)
    await bench.submit(*links(2), message_id=5, chat_id=GROUP, from_user=make_user(PERSON))
    (refusal,) = bench.runner.refusals
    assert isinstance(refusal.error, LinksLeftOutError)
    assert not refusal.aloud
    assert telegram.texts == [TEXTS("en", "links_left_out", count=1, limit=5)]
    asking = [bench.submit(*links(2), message_id=6 + number) for number in range(3)]
    await asyncio.gather(*asking)
    # Said at once, and counted on in the same message.
    first, *edits = telegram.texts[1:]
    assert first == TEXTS("en", "links_left_out", count=2, limit=5)
    assert edits == [TEXTS("en", "links_left_out", count=6, limit=5)]
    assert len(telegram.of(SendMessage)) == 2
    assert dropped(bench.metrics, "waiting_links") == 4
    assert len(await bench.submit(OTHER, chat_id=9, from_user=make_user(9))) == 3
    await bench.queue.drain(0, 10)


async def test_presses_are_no_links(telegram: FakeTelegram):
    bench = Bench(telegram, replace(LIMITS, waiting_links=1))
    await bench.submit(LINK)
    assert not bench.intake.has_room_for(PERSON)
    message = telegram.message("post")
    query = telegram.query("id/1", message)
    await bench.intake.submit_press(query, message, LINK, CHAT, bench.ack())
    assert bench.runner.refusals == []
    assert bench.queue.count == 2
    await bench.queue.drain(0, 10)


async def test_people_in_a_group_have_their_own_turns(telegram: FakeTelegram):
    bench = Bench(telegram, replace(LIMITS, group_queue=99))
    for number in range(4):
        await bench.submit(links(4)[number], message_id=number, chat_id=GROUP, user_id=8)
    begun = await bench.submit(OTHER, message_id=9, chat_id=GROUP, user_id=9)
    assert [(request.target.message_id, request.asker.id) for request in begun] == [(0, 8), (9, 9)]
    await bench.queue.drain(0, 10)


# --- presses and inline messages ------------------------------------------------------------------


@pytest.mark.parametrize(("data", "kind"), [("id/1", "sound"), ("slides/tiktok/1", "slides")])
async def test_a_press_is_a_request_of_now_with_its_keyboard(bench: Bench, data: str, kind: str):
    keyboard = one_button("again", data)
    message = bench.telegram.message("post", reply_markup=keyboard)  # it is old
    query = bench.telegram.query(data, message)
    await bench.intake.submit_press(query, message, LINK, CHAT, bench.ack())
    await settle()
    (request,) = bench.requests
    assert request.kind == kind
    assert request.origin.press
    assert request.origin.press.data == data
    assert InlineKeyboardMarkup.model_validate_json(request.origin.press.keyboard) == keyboard
    assert bench.runner.refusals == []


@pytest.mark.parametrize("has_rows", [True, False])
async def test_a_press_beside_a_running_one_has_the_whole_keyboard(bench: Bench, has_rows: bool):
    """After a restart, it alone may be left to bring that back."""
    whole = choices([("sound", "id/1"), ("slides", "slides/tiktok/1")])
    rest = InlineKeyboardMarkup(inline_keyboard=whole.inline_keyboard[1:])
    for data, shown in (("id/1", whole), ("slides/tiktok/1", rest if has_rows else None)):
        message = bench.telegram.message("post", reply_markup=shown)
        query = bench.telegram.query(data, message)
        await bench.intake.submit_press(query, message, LINK, CHAT, bench.ack())
    await bench.end_all()
    presses = [request.origin.press for request in bench.requests]
    keyboards = [InlineKeyboardMarkup.model_validate_json(p.keyboard) for p in presses if p]
    assert keyboards == [whole, whole]


async def test_a_press_below_a_message_without_keyboard_has_none(bench: Bench):
    message = bench.telegram.message("post")
    query = bench.telegram.query("id/1", message)
    await bench.intake.submit_press(query, message, LINK, CHAT, bench.ack())
    await settle()
    assert [request.origin.press for request in bench.requests] == [ButtonPress("id/1", "")]


async def test_the_remaining_items_of_a_post_delete_no_message_and_say_where_they_begin(
    bench: Bench,
):
    message = bench.telegram.message("below an album", message_id=71, chat_id=GROUP)
    query = bench.telegram.query("rest/10.a/x/1", message)
    chat = ChatView("en", preferences=Preferences(delete_request=True, album_cap=5))
    continuation = Continuation(10, "a")
    await bench.intake.submit_remaining_items(query, message, LINK, chat, continuation, bench.ack())
    await settle()
    (request,) = bench.requests
    assert (request.kind, request.target.message_id, request.selection.continuation) == (
        "post",
        71,
        continuation,
    )
    # The message that is answered is the bot's own.
    assert request.chat.preferences == Preferences(album_cap=5)


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
    await before.hand_back(60)
    await bench.intake.resume()
    await bench.end_all()
    # All of them, although a chat may have only two messages in its queue.
    assert bench.requests == requests
    assert bench.runner.refusals == []
    assert all(context.stored.is_resumed for context in bench.contexts)
    statuses = [context.status for context in bench.contexts]
    assert statuses[0] is statuses[1]
    assert len({id(status) for status in statuses}) == 4


async def test_the_status_that_a_killed_process_has_left_is_ended(
    bench: Bench, telegram: FakeTelegram
):
    """It died after the outcome was stored, and before the reaction was removed."""
    before = RequestStore(BOT_ID, 60)
    for number, outcomes in enumerate((["delivered"], ["delivered", "NotFoundError"])):
        requests = [make_request(message_id=number + 70) for _ in outcomes]
        entries = await before.enter(number, requests)
        for entry, outcome in zip(entries, outcomes, strict=True):
            await entry.finish(outcome)
    await expire(before.name)
    await bench.intake.end_statuses()
    shown = [(call.message_id, call.reaction) for call in telegram.of(SetMessageReaction)]
    assert shown == [(70, []), (71, [ReactionTypeEmoji(emoji="😢")])]


async def test_what_has_become_too_old_meanwhile_gets_a_notice(bench: Bench):
    before = RequestStore(BOT_ID, 60)
    await before.enter(1, [make_request()])
    await before.hand_back(60)
    await bench.intake.resume()
    await settle()
    assert [type(refusal.error) for refusal in bench.runner.refusals] == [TooOldError]


async def test_what_has_waited_for_long_in_a_busy_queue_is_not_too_old(bench: Bench):
    before = RequestStore(BOT_ID, 60)
    done, waiting = await before.enter(1, [make_request(), make_request(link=OTHER)])
    await done.finish("delivered")
    await before.hand_back(60)
    await bench.intake.resume()
    await settle()
    assert bench.requests == [waiting.request]


@pytest.mark.parametrize(
    ("asked_s", "finished_s", "is_answered"),
    [
        (600, None, True),
        (7_200, None, False),
        (600, 7_200, True),
        (7_200, 600, True),
        (10_800, 7_200, False),
    ],
    ids=["young", "old", "young after a quiet time", "old in a busy queue", "all is old"],
)
async def test_the_age_in_a_restored_database_counts_from_what_was_finished_last(
    bench: Bench, asked_s: int, finished_s: int | None, is_answered: bool
):
    """The numbers are seconds before the start; a longer time than an hour is too long."""
    now = int(datetime.now(UTC).timestamp())
    before = RequestStore(BOT_ID, 60)
    (waiting,) = await before.enter(1, [make_request(asked_at=now - asked_s)])
    if finished_s is not None:
        (done,) = await before.enter(2, [make_request(asked_at=now - 20_000, message_id=71)])
        await done.finish("delivered")
        at = update(Requests).where(Requests.id == done.row).values(finished_at=now - finished_s)
        await database.write(lambda db: db.execute(at))
    await expire(before.name)  # as in every backup that is older than the lease
    await bench.intake.resume()
    await settle()
    assert bench.requests == [waiting.request] * is_answered
    refused = [type(refusal.error) for refusal in bench.runner.refusals]
    assert refused == [TooOldError] * (not is_answered)


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


# --- lists ----------------------------------------------------------------------------------------

PROFILE = Link("tiktok", "https://www.tiktok.com/@demo", "@demo")


def a_card(entries: int, **values: Any) -> ListCard:
    listing = Listing(PROFILE, "Demo", tuple(Entry(str(n)) for n in range(entries)))
    return replace(ListCard(3, PERSON, 69, PERSON, listing), **values)


async def choose(
    bench: Bench, card: ListCard, *wanted: int, chat: ChatView = CHAT, **values: Any
) -> Taken:
    """Choose entries of a card, and let their requests begin."""
    message = bench.telegram.message("the card", message_id=80, **values)
    query = bench.telegram.query("list/3/get", message)
    chosen = {index: replace(LINK, post_id=str(index)) for index in wanted}
    taken = await bench.intake.submit_entries(query, message, card, chosen, chat, bench.ack())
    await settle()
    return taken


async def test_a_link_to_a_list_becomes_a_request_for_its_card(bench: Bench):
    message = bench.telegram.message("x", date=datetime.now(UTC))
    chat = ChatView("en", preferences=Preferences(delete_request=True))
    await bench.intake.submit_list(message, PROFILE, chat, bench.ack())
    await settle()
    (request,) = bench.requests
    assert (request.kind, request.link, request.target.message_id) == (
        "list",
        PROFILE,
        message.message_id,
    )
    assert not request.chat.preferences.delete_request  # its posts will answer it


async def test_a_group_that_has_disabled_a_site_gets_no_card_of_it(bench: Bench):
    message = bench.telegram.message("@demo_bot x", chat_id=GROUP, date=datetime.now(UTC))
    chat = ChatView("en", preferences=Preferences(muted=("tiktok",)))
    handle = await bench.intake.submit_list(message, PROFILE, chat, bench.ack())
    assert handle.is_empty
    assert dropped(bench.metrics, "muted_site") == 1


async def test_chosen_posts_are_requests_that_answer_the_link_to_the_list(bench: Bench):
    card = a_card(4)
    assert await choose(bench, card, 1, 3) == Taken(2, 0)
    await bench.end_all()
    assert [(r.kind, r.origin.entry, r.link.post_id) for r in bench.requests] == [
        ("post", 1, "1"),
        ("post", 3, "3"),
    ]
    assert {r.target.message_id for r in bench.requests} == {card.message_id}


async def test_a_chosen_post_is_asked_for_once_by_whichever_press(telegram: FakeTelegram):
    card, taken = a_card(4), []
    for wanted in ([0, 1], [0, 1], [0, 1, 2]):
        bench = Bench(telegram)  # after a restart each
        taken.append(await choose(bench, card, *wanted))
        await bench.end_all()
    assert taken == [Taken(2, 0), Taken(0, 0), Taken(1, 0)]


async def test_only_as_many_chosen_posts_are_taken_as_there_is_room_for(telegram: FakeTelegram):
    bench = Bench(telegram, replace(LIMITS, waiting_links=2))
    card = a_card(4)
    assert await choose(bench, card, 0, 1, 2) == Taken(2, 1)
    assert await choose(bench, card, 0, 1, 2) == Taken(0, 1)
    await bench.end_all()
    assert await choose(bench, card, 0, 1, 2) == Taken(1, 0)
    await bench.end_all()
    assert [r.origin.entry for r in bench.requests] == [0, 1, 2]
    assert telegram.texts == []


async def test_posts_that_the_chats_queue_has_no_room_for_are_not_asked_for(bench: Bench):
    for number in range(LIMITS.private_queue):
        await bench.submit(LINK, message_id=number)
    card = a_card(3)
    assert await choose(bench, card, 0, 1, 2) == Taken(0, 3)
    await bench.end_all()
    assert bench.runner.refusals == []
    assert await choose(bench, card, 0, 1, 2) == Taken(3, 0)


async def test_posts_of_a_moved_card_answer_the_card(bench: Bench):
    await choose(bench, a_card(2, chat_id=GROUP, message_id=0), 1, chat_id=GROUP)
    (request,) = bench.requests
    assert request.target.message_id == 80


async def test_in_a_group_the_person_who_presses_is_the_asker(bench: Bench):
    card = a_card(2, chat_id=GROUP)
    chat = ChatView("en", preferences=Preferences(delete_request=True, quality=Quality.SOUND))
    await choose(bench, card, 1, chat=chat, chat_id=GROUP)
    (request,) = bench.requests
    assert (request.asker.id, request.kind, request.asker.name) == (PERSON, "sound", "")
    assert not request.chat.preferences.delete_request


async def test_the_button_for_the_files_asks_for_the_originals(bench: Bench):
    message = bench.telegram.message("post")
    query = bench.telegram.query("zip/tiktok/3", message)
    await bench.intake.submit_press(query, message, LINK, CHAT, bench.ack())
    await settle()
    (request,) = bench.requests
    assert (request.kind, request.chat.file_mode) == ("archive", True)
