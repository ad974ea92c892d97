"""Broadcasts by administrators: drafts, cards, and what every button does."""

import asyncio
from typing import Any

import pytest
from aiogram.methods import CopyMessage, CopyMessages, DeleteMessage, EditMessageText, SendMessage

from core.broadcasts import Audience, Broadcast, Chats, Outcome, State
from core.errors import ChatForbiddenError, UnchangedError
from data.broadcasts import (
    change_broadcast,
    claim_broadcast,
    draft_awaiting_message,
    find_broadcast,
    list_recipients,
    open_broadcasts,
    record_outcome,
    record_sending_to,
)
from data.chats import register_chat
from data.key_values import read_value
from handlers.admin.broadcasts import BroadcastMenu
from handlers.admin.menu import Press
from misc.filters import Composing
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import BOT_ID, GONE, PERSON, FakeTelegram, buttons_in, settle

TEXTS = load_texts()
WORDS = TEXTS["en"]
CHAT = ChatView("en")
ADMINS = frozenset({PERSON, 8})


class Bench:
    """The menu of one administrator, and a broadcast of it."""

    def __init__(self, telegram: FakeTelegram, *, may_pay: bool = True) -> None:
        self.telegram = telegram
        self.due = asyncio.Event()
        self.menu = BroadcastMenu(telegram.bot, telegram.sender, TEXTS, ADMINS, may_pay, self.due)
        self.number = 0

    async def draft(self) -> Broadcast:
        """Begin a broadcast and write its message."""
        await self.press("new")
        self.number = await draft_awaiting_message(PERSON) or 0
        await self.menu.take_content(self.telegram.message("News!"), self.number, CHAT)
        return await self.latest()

    async def latest(self) -> Broadcast:
        broadcast = await find_broadcast(self.number)
        assert broadcast
        return broadcast

    async def press(self, action: str, message: object = None) -> None:
        """Press a button of the card."""
        data = f"cast/{self.number}/{action}" if self.number else f"cast/{action}"
        if message is None:
            broadcast = await find_broadcast(self.number)
            card_id = (broadcast and broadcast.card_id) or 70
            message = self.telegram.message("card", message_id=card_id)
        await self.menu.press(self.telegram.query(data, message), CHAT)  # type: ignore[arg-type]

    def face(self) -> tuple[str, list[str]]:
        """Return what the card says and offers now."""
        edit = self.telegram.of(EditMessageText)[-1]
        markup = edit.reply_markup
        return edit.text or "", [d.rpartition("/")[2] for d in buttons_in(markup)] if markup else []


@pytest.fixture
def bench(sqlite_db: None, telegram: FakeTelegram) -> Bench:
    return Bench(telegram)


async def test_the_section_shows_what_has_not_ended(bench: Bench):
    await bench.draft()
    screen = await bench.menu.section(Press(PERSON, "en"))
    assert screen.text == WORDS["broadcast_list"]
    shown = buttons_in(screen.markup(TEXTS, "en"))
    assert shown == ["cast/new", f"cast/{bench.number}/open", "admin/menu"]


async def test_a_new_broadcast_waits_for_its_message(bench: Bench):
    await bench.press("new")
    assert bench.face()[0] == WORDS["broadcast_compose"]
    assert await draft_awaiting_message(PERSON) is not None
    assert await open_broadcasts(BOT_ID) == []
    markup = bench.telegram.of(EditMessageText)[-1].reply_markup
    assert markup
    assert buttons_in(markup) == ["admin/broadcasts"]


async def test_the_message_gets_a_card_with_its_audience(bench: Bench):
    for chat_id in (PERSON, 9, 10, -11):
        await register_chat(chat_id, "en")
    broadcast = await bench.draft()
    assert (broadcast.content.message_id, broadcast.counts.total) == (70, 3)
    card = bench.telegram.of(SendMessage)[-1]
    assert "It goes to 3 chats" in card.text
    assert broadcast.card_id == bench.telegram.session.last_message_id
    assert await draft_awaiting_message(PERSON) is None


async def take(bench: Bench, message_id: int, album: str | None = "1", **values: Any) -> None:
    """Send a message of an album as the filter would pass it on."""
    message = bench.telegram.message(media_group_id=album, message_id=message_id, **values)
    found = await Composing()(message)
    assert isinstance(found, dict)
    await bench.menu.take_content(message, found["broadcast"], CHAT)


async def test_the_messages_of_an_album_become_one_broadcast_in_their_order(bench: Bench):
    await bench.press("new")
    bench.number = await draft_awaiting_message(PERSON) or 0
    await asyncio.gather(*(take(bench, number) for number in (72, 70, 71)))
    latest = await bench.latest()
    assert latest.content.album == (70, 71, 72)
    assert latest.content.message_id in latest.content.album
    assert len(bench.telegram.of(SendMessage)) == 1
    assert TEXTS("en", "broadcast_album", count=3) in bench.telegram.texts[-1]
    other = bench.telegram.message(media_group_id="2", message_id=73)
    assert await Composing()(other) is False


async def test_an_album_takes_no_buttons(bench: Bench):
    await bench.press("new")
    bench.number = await draft_awaiting_message(PERSON) or 0
    for number in (70, 71):
        await take(bench, number)
    before = await bench.latest()
    await reply(bench, "Read - https://example.org")
    assert bench.telegram.texts[-1].startswith(WORDS["broadcast_no_album"])
    assert await bench.latest() == before
    await reply(bench, "2099-12-31 18:30")
    assert (await bench.latest()).starts_at == 4_102_425_000


async def test_an_album_is_previewed_as_one(bench: Bench):
    await bench.press("new")
    bench.number = await draft_awaiting_message(PERSON) or 0
    for number in (70, 71):
        await take(bench, number)
    await bench.press("preview")
    (copies,) = bench.telegram.of(CopyMessages)
    assert (copies.chat_id, copies.message_ids) == (PERSON, [70, 71])


async def test_a_discarded_album_leaves_nothing(bench: Bench):
    await bench.press("new")
    bench.number = await draft_awaiting_message(PERSON) or 0
    await take(bench, 70)
    await bench.press("discard")
    assert await read_value(f"album/{bench.number}") is None


async def reply(bench: Bench, text: str) -> None:
    await bench.menu.take_reply(bench.telegram.message(text), bench.number, CHAT)


async def test_a_reply_sets_buttons_or_a_time(bench: Bench):
    first = await bench.draft()
    await reply(bench, "Read | example.org/news")
    assert '"url": "https://example.org/news"' in ((await bench.latest()).content.buttons or "")
    await reply(bench, "2099-12-31 18:30")
    latest = await bench.latest()
    assert latest.starts_at == 4_102_425_000
    assert latest.card_id not in {None, first.card_id}
    assert "Dec 31, 2099, 18:30" in bench.telegram.texts[-1]


@pytest.mark.parametrize("text", ["hello", "2001-01-01 00:00", "Read - ftp://example.org"])
async def test_a_reply_that_is_neither_is_explained_and_not_logged(
    bench: Bench, text: str, caplog: pytest.LogCaptureFixture
):
    before = await bench.draft()
    caplog.set_level("DEBUG")
    await reply(bench, text)
    assert bench.telegram.texts[-1].startswith("Line 1: ")
    assert bench.telegram.texts[-1].endswith(WORDS["broadcast_note_wrong"])
    assert text not in caplog.text
    assert await bench.latest() == before


async def test_a_reply_to_a_broadcast_on_its_way_changes_nothing(bench: Bench):
    await bench.draft()
    await bench.press("yes")
    await reply(bench, "2099-12-31 18:30")
    assert (await bench.latest()).starts_at == 0
    assert bench.telegram.texts[-1].startswith(WORDS["broadcast_not_draft"])


def choices(bench: Bench) -> list[tuple[str, str]]:
    """Return the labels of the choices that are shown, and their data without the card's."""
    markup = bench.telegram.of(EditMessageText)[-1].reply_markup
    assert markup
    found = [button for row in markup.inline_keyboard for button in row]
    return [(b.text, (b.callback_data or "").rpartition("/")[2]) for b in found]


async def test_the_audience_is_chosen_from_lists_with_their_numbers(bench: Bench):
    for chat_id, lang in ((9, "en"), (-10, "uk"), (-12, "en")):
        await register_chat(chat_id, lang)
    await register_chat(11, "en", "friend")
    await bench.draft()
    await bench.press("chats")
    assert choices(bench)[:3] == [
        ("• 💬 Private chats – 2", "chats=private"),
        ("👥 Groups – 2", "chats=groups"),
        ("🌍 All chats – 4", "chats=all"),
    ]
    await bench.press("chats=groups")
    latest = await bench.latest()
    assert (latest.audience.chats, latest.counts.total) == (Chats.GROUPS, 2)
    await bench.press("lang")
    assert (f"🌐 {TEXTS['uk']['language_name']} – 1", "lang=uk") in choices(bench)
    await bench.press("lang=uk")
    await bench.press("days=30")
    await bench.press("chats=all")
    await bench.press("from")
    (friend,) = [data for label, data in choices(bench) if label == "🔗 friend – 0"]
    await bench.press(friend)
    latest = await bench.latest()
    assert latest.audience == Audience(Chats.ALL, "uk", 30, "friend")
    await bench.press("lang=")
    await bench.press("days=")
    assert (await bench.latest()).counts.total == 1
    await bench.press("from=any")
    assert (await bench.latest()).audience.referral == ""
    await bench.press("from=.gone")
    assert (await bench.latest()).audience.referral == ""
    await bench.press("silent")
    assert (await bench.latest()).content.is_silent
    assert bench.telegram.alerts[-1] == (None, False)


async def test_the_card_leads_back_to_the_list_and_leaves_it_alone(bench: Bench):
    await bench.draft()
    await bench.press("yes")
    await bench.press("back")
    assert bench.face()[0] == WORDS["broadcast_list"]
    calls = len(bench.telegram.session.calls)
    await bench.menu.show(await bench.latest(), 5.0)
    assert len(bench.telegram.session.calls) == calls


async def test_progress_is_shown_only_if_it_has_changed(bench: Bench):
    await bench.draft()
    await bench.press("yes")
    edits = len(bench.telegram.of(EditMessageText))
    for _ in range(3):
        await bench.menu.show(await bench.latest(), 5.0)
    assert len(bench.telegram.of(EditMessageText)) == edits + 1
    await bench.press("pause")
    await bench.press("resume")
    edits = len(bench.telegram.of(EditMessageText))
    await bench.menu.show(await bench.latest(), 5.0)
    assert len(bench.telegram.of(EditMessageText)) == edits + 1


@pytest.mark.parametrize("may_pay", [True, False])
async def test_paying_is_possible_only_where_it_is_allowed(
    sqlite_db: None, telegram: FakeTelegram, may_pay: bool
):
    bench = Bench(telegram, may_pay=may_pay)
    await bench.draft()
    await bench.press("paid")
    assert (await bench.latest()).content.is_paid is may_pay


async def test_sending_asks_first_and_can_be_taken_back(bench: Bench):
    await bench.draft()
    await bench.press("send")
    assert bench.face()[1] == ["yes", "open"]
    assert (await bench.latest()).state is State.DRAFT
    await bench.press("open")
    assert "send" in bench.face()[1]


async def test_a_broadcast_is_started_paused_resumed_and_stopped(bench: Bench):
    await bench.draft()
    states, may_begin = [], []
    for action in ("send", "yes", "pause", "resume", "stop"):
        bench.due.clear()
        await bench.press(action)
        states.append((await bench.latest()).state)
        may_begin.append(bench.due.is_set())
    running, paused, cancelled = State.RUNNING, State.PAUSED, State.CANCELLED
    assert states == [State.DRAFT, running, paused, running, cancelled]
    assert may_begin == [False, True, False, True, False]
    await bench.press("resume")
    assert (await bench.latest()).state is cancelled
    assert bench.face()[1] == ["back"]


async def test_a_draft_can_be_discarded_and_its_card_goes(bench: Bench):
    draft = await bench.draft()
    await bench.press("discard", bench.telegram.message("card", message_id=draft.card_id))
    assert await find_broadcast(bench.number) is None
    assert [call.message_id for call in bench.telegram.of(DeleteMessage)] == [draft.card_id]
    await bench.press("send")
    assert bench.telegram.alerts[-1] == (WORDS["button_expired"], True)


async def test_a_running_one_cannot_be_discarded(bench: Bench):
    await bench.draft()
    await bench.press("yes")
    await bench.press("discard")
    assert (await bench.latest()).state is State.RUNNING


@pytest.mark.parametrize(("action", "chats"), [("preview", [PERSON]), ("test", [PERSON, 8])])
async def test_it_can_be_tried_on_administrators(bench: Bench, action: str, chats: list[int]):
    await bench.draft()
    await bench.press(action)
    copies = bench.telegram.of(CopyMessage)
    assert [(copy.chat_id, copy.message_id) for copy in copies] == [(chat, 70) for chat in chats]
    notice = TEXTS("en", "broadcast_tested", count=len(chats))
    assert bench.telegram.alerts[-1] == (notice, False)


async def test_an_administrator_who_cannot_be_reached_is_left_out(bench: Bench):
    await bench.draft()
    bench.telegram.fail(CopyMessage, ChatForbiddenError())
    await bench.press("test")
    assert bench.telegram.alerts[-1] == (TEXTS("en", "broadcast_tested", count=1), False)


async def test_opening_it_from_the_menu_gives_it_a_new_card(bench: Bench):
    draft = await bench.draft()
    await bench.press("open", bench.telegram.message("menu", message_id=1))
    card = await bench.latest()
    assert card.card_id not in {None, draft.card_id}
    assert bench.telegram.of(EditMessageText)[-1].message_id != draft.card_id


async def test_recipients_with_an_unknown_outcome_are_named_and_tried_again(bench: Bench):
    await register_chat(9, "en")
    await bench.draft()
    await bench.press("yes")
    assert not await list_recipients(bench.number)
    await claim_broadcast(BOT_ID, "worker")
    await record_sending_to(bench.number, 9, "worker")
    await record_outcome(bench.number, 9, Outcome.UNKNOWN)
    await change_broadcast(bench.number, State.RUNNING, state=State.DONE)
    await bench.press("open")
    assert "<code>9</code>" in bench.face()[0]
    assert bench.face()[1] == ["again", "back"]
    bench.due.clear()
    await bench.press("again")
    assert bench.due.is_set()
    latest = await bench.latest()
    assert (latest.state, latest.counts.unknown) == (State.RUNNING, 0)


async def test_a_card_that_is_too_old_has_expired(bench: Bench):
    await bench.draft()
    await bench.press("yes", GONE)
    assert bench.telegram.alerts[-1] == (WORDS["button_expired"], True)
    assert (await bench.latest()).state is State.DRAFT


async def test_a_card_that_cannot_be_changed_is_no_failure(bench: Bench):
    await bench.draft()
    bench.telegram.fail(EditMessageText, UnchangedError())
    await bench.press("silent")
    bench.telegram.fail(DeleteMessage, UnchangedError())
    await bench.press("discard")
    assert await find_broadcast(bench.number) is None


# --- progress -------------------------------------------------------------------------------------


async def test_the_card_follows_the_broadcast_in_the_administrators_language(bench: Bench):
    await register_chat(PERSON, "uk")
    draft = await bench.draft()
    await bench.press("yes")
    await bench.menu.show(await bench.latest(), 5.0)
    edit = bench.telegram.of(EditMessageText)[-1]
    assert (edit.chat_id, edit.message_id) == (PERSON, draft.card_id)
    assert TEXTS["uk"]["broadcast_running"] in (edit.text or "")


async def test_without_a_card_nothing_is_shown(bench: Bench):
    draft = await bench.draft()
    calls = len(bench.telegram.session.calls)
    await change_broadcast(bench.number, State.DRAFT, card_id=None)
    await bench.menu.show(draft)
    assert len(bench.telegram.session.calls) == calls
    await change_broadcast(bench.number, State.DRAFT, card_id=draft.card_id)
    bench.telegram.fail(EditMessageText, UnchangedError())
    await bench.menu.show(draft)
    assert len(bench.telegram.session.calls) == calls + 1


async def test_the_card_shows_the_state_of_now_and_not_that_of_the_call(bench: Bench):
    await bench.draft()
    await bench.press("yes")
    running = await bench.latest()
    await change_broadcast(bench.number, State.RUNNING, state=State.DONE)
    await bench.menu.show(running, 5.0)
    assert TEXTS["en"]["broadcast_done"] in bench.face()[0]


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_an_edit_on_its_way_is_awaited_and_followed_by_the_state_of_then(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
):
    """Another process, or the end of the broadcast, changes the state meanwhile."""
    await bench.draft()
    await bench.press("yes")
    has_left, may_arrive = asyncio.Event(), asyncio.Event()
    make_request = bench.telegram.session.make_request

    async def slow(bot: Any, call: Any, timeout: int | None = None) -> Any:  # noqa: ASYNC109
        if isinstance(call, EditMessageText) and not has_left.is_set():
            has_left.set()
            await may_arrive.wait()
        return await make_request(bot, call, timeout)

    monkeypatch.setattr(bench.telegram.session, "make_request", slow)
    showing = asyncio.ensure_future(bench.menu.show(await bench.latest(), 5.0))
    await has_left.wait()
    await change_broadcast(bench.number, State.RUNNING, state=State.DONE)
    if is_cancelled:
        showing.cancel()
    last = asyncio.ensure_future(bench.menu.show(await bench.latest()))
    await settle()
    may_arrive.set()
    await asyncio.wait([showing, last])
    assert TEXTS["en"]["broadcast_done"] in bench.face()[0]
