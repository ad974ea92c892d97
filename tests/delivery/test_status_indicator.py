"""Status indicators: what is shown on the way and at the end, and refusals that change nothing."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiogram.methods import (
    DeleteMessage,
    EditMessageReplyMarkup,
    EditMessageText,
    SendMessage,
    SetMessageReaction,
)
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, ReactionTypeEmoji

from core.concurrency import beside
from core.errors import (
    FileRejectedError,
    FloodError,
    TelegramUnreachableError,
    UnknownOutcomeError,
)
from delivery.api_requests import MessageOptions
from delivery.status_indicator import (
    BusinessStatus,
    ButtonStatus,
    InlineStatus,
    InlineStatusTexts,
    MessageStatus,
    PressedKeyboard,
    StatusIndicator,
)
from delivery.targets import ChatTarget
from tests.fakes import PERSON, FakeTelegram, buttons_in, settle

TARGET = ChatTarget(PERSON, 70, is_private=True)
NOTE = MessageOptions("wait", InlineKeyboardMarkup(inline_keyboard=[]))
REFUSED = FileRejectedError("REACTION_INVALID")


class Rows:
    """Where the id of a note is stored."""

    def __init__(self) -> None:
        self.ids: list[int | None] = []

    async def record(self, message_id: int | None) -> None:
        self.ids.append(message_id)


class Rights:
    """What the database knows of a message's requests; by default no more than this process."""

    def __init__(self, *outcomes: bool | None) -> None:
        #: How they have ended, one answer after the other; the last one stays.
        self.outcomes = list(outcomes)
        self.are_ours = True

    def may_send(self) -> bool:
        return self.are_ours

    async def is_ours(self) -> bool:
        return self.are_ours

    async def has_message_failed(self, known: bool | None) -> bool | None:
        if not self.outcomes:
            return known
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


def message_status(
    telegram: FakeTelegram, right: Rights | None = None, **options: Any
) -> MessageStatus:
    return MessageStatus(telegram.bot, telegram.sender, TARGET, right or Rights(), **options)


def reactions(telegram: FakeTelegram) -> list[str | None]:
    """Return the emoji of all reactions; None where they were taken away."""
    found: list[str | None] = []
    for call in telegram.of(SetMessageReaction):
        emoji = [r.emoji for r in call.reaction or [] if isinstance(r, ReactionTypeEmoji)]
        found += emoji or [None]
    return found


# --- messages -------------------------------------------------------------------------------------


async def test_a_message_is_reacted_to_on_the_way_and_left_clean(telegram: FakeTelegram):
    status = message_status(telegram)
    await status.accepted()
    await status.accepted()
    await status.working()
    await status.working()
    await status.retrying(2, 3)
    await status.sending()
    await status.done()
    assert reactions(telegram) == ["👀", "👨‍💻", None]
    assert {type(call) for call in telegram.session.calls} == {SetMessageReaction}


async def test_a_failure_is_a_sad_face_also_without_a_beginning(telegram: FakeTelegram):
    await message_status(telegram).failed()
    assert reactions(telegram) == ["😢"]


@pytest.mark.parametrize("end", ["done", "cancelled"])
async def test_what_was_never_shown_is_not_taken_away(telegram: FakeTelegram, end: str):
    await getattr(message_status(telegram), end)()
    assert telegram.session.calls == []


@pytest.mark.parametrize("order", [("cancelled", "done"), ("done", "cancelled")])
async def test_a_message_of_which_something_was_cancelled_stays(
    telegram: FakeTelegram, order: tuple[str, str]
):
    status = message_status(telegram, requests=2, deletes_request=True)
    for end in order:
        await getattr(status, end)()
    assert telegram.of(DeleteMessage) == []


async def test_one_failure_of_several_requests_is_shown_at_the_end(telegram: FakeTelegram):
    status = message_status(telegram, requests=3)
    await status.accepted()
    await status.failed()
    await status.done()
    assert reactions(telegram) == ["👀"]
    await status.cancelled()
    assert reactions(telegram) == ["👀", "😢"]


async def test_where_reactions_are_off_an_hourglass_is_shown_and_deleted(telegram: FakeTelegram):
    telegram.fail(SetMessageReaction, REFUSED)
    status = message_status(telegram)
    await status.accepted()
    (hourglass,) = telegram.of(SendMessage)
    assert (hourglass.text, hourglass.disable_notification) == ("⏳", True)
    await status.working()
    await status.failed()
    assert reactions(telegram) == ["👀"]
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [1_001]


async def test_where_nothing_can_be_shown_nothing_fails(telegram: FakeTelegram):
    telegram.fail(SetMessageReaction, REFUSED)
    telegram.fail(SendMessage, FloodError(3))
    status = message_status(telegram)
    await status.accepted()
    await status.working()
    await status.done()
    assert telegram.of(DeleteMessage) == []


async def test_refusals_on_the_way_change_nothing(telegram: FakeTelegram):
    status = message_status(telegram, deletes_request=True)
    await status.accepted()
    telegram.fail(SetMessageReaction, FloodError(3), FloodError(3))
    telegram.fail(DeleteMessage, REFUSED)
    await status.working()
    await status.done()
    assert reactions(telegram) == ["👀", "👨‍💻", None]
    assert len(telegram.of(DeleteMessage)) == 1


# --- the end is repeated ----------------------------------------------------------------------

PASSING = [FloodError(0), TelegramUnreachableError("502"), UnknownOutcomeError("no response")]


@pytest.mark.parametrize("error", PASSING)
async def test_a_reaction_that_could_not_be_taken_away_is_taken_away_later(
    telegram: FakeTelegram, error: Exception
):
    status = message_status(telegram)
    await status.accepted()
    telegram.fail(SetMessageReaction, error, error)
    await status.done()
    for _ in range(4):
        await telegram.sender.final_status_calls.repeat()
    assert reactions(telegram) == ["👀", None, None, None]


@pytest.mark.parametrize("error", PASSING)
async def test_a_first_reaction_that_may_be_there_is_taken_away(
    telegram: FakeTelegram, error: Exception
):
    telegram.fail(SetMessageReaction, error)
    status = message_status(telegram)
    await status.accepted()
    await status.working()
    await status.done()
    assert reactions(telegram) == ["👀", "👨‍💻", None]
    assert telegram.of(SendMessage) == []


@pytest.mark.parametrize("error", PASSING)
async def test_an_hourglass_and_a_request_are_deleted_later(
    telegram: FakeTelegram, error: Exception
):
    telegram.fail(SetMessageReaction, REFUSED)
    status = message_status(telegram, deletes_request=True)
    await status.accepted()
    telegram.fail(DeleteMessage, error, error)
    await status.done()
    await telegram.sender.final_status_calls.repeat()
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [1_001, 70, 1_001, 70]


async def test_telegrams_pause_is_kept_before_the_end_is_repeated(telegram: FakeTelegram):
    status = message_status(telegram)
    await status.accepted()
    telegram.fail(SetMessageReaction, FloodError(3_600))
    await status.done()
    await telegram.sender.final_status_calls.repeat()
    assert reactions(telegram) == ["👀", None]


async def test_an_end_that_telegram_refuses_for_good_is_not_repeated(telegram: FakeTelegram):
    status = message_status(telegram)
    await status.accepted()
    telegram.fail(SetMessageReaction, REFUSED)
    await status.done()
    await telegram.sender.final_status_calls.repeat()
    assert reactions(telegram) == ["👀", None]


async def test_the_end_of_an_earlier_request_does_not_end_a_later_one(telegram: FakeTelegram):
    first = message_status(telegram)
    await first.accepted()
    telegram.fail(SetMessageReaction, FloodError(0))
    await first.done()
    await message_status(telegram).accepted()
    await telegram.sender.final_status_calls.repeat()
    assert reactions(telegram) == ["👀", None, "👀"]


async def test_an_end_that_keeps_failing_is_given_up(telegram: FakeTelegram):
    status = message_status(telegram)
    await status.accepted()
    telegram.fail(SetMessageReaction, *[FloodError(0)] * 1_000)
    await status.done()
    for _ in range(500):
        await telegram.sender.final_status_calls.repeat()
    assert len(reactions(telegram)) == 1 + 360


async def test_a_later_status_is_not_overtaken(telegram: FakeTelegram):
    status = message_status(telegram)
    await asyncio.gather(status.accepted(), status.working())
    assert reactions(telegram) == ["👀", "👨‍💻"]


async def test_what_has_not_begun_before_the_end_is_not_shown(telegram: FakeTelegram):
    status = message_status(telegram)
    await asyncio.gather(status.accepted(), status.working(), status.done())
    assert reactions(telegram) == []


@pytest.mark.parametrize(
    ("has_failed", "shown"), [(False, ["👀", None]), (True, ["👀", "😢"]), (None, ["👀"])]
)
async def test_a_reaction_after_another_processs_end_does_not_stay(
    telegram: FakeTelegram, has_failed: bool | None, shown: list[str | None]
):
    """That of a request on which the other process still works is left to it."""
    status = message_status(telegram, Rights(has_failed))
    await status.accepted()
    await status.passed_on()
    assert reactions(telegram) == shown


async def test_a_database_that_is_silent_leaves_the_end_to_the_other_process(
    telegram: FakeTelegram,
):
    status = message_status(telegram)
    await status.accepted()
    await status.passed_on()
    assert reactions(telegram) == ["👀"]


@pytest.mark.parametrize(
    ("outcomes", "shown"),
    [
        ((True, False), ["👀", "😢", None]),  # answered by another one meanwhile
        ((True, None), ["👀", "😢"]),  # being answered: that one will end it
        ((None,), ["👀"]),
    ],
)
async def test_a_failure_that_another_process_has_mended_is_not_the_last_word(
    telegram: FakeTelegram, outcomes: tuple[bool | None, ...], shown: list[str | None]
):
    status = message_status(telegram, Rights(*outcomes))
    await status.accepted()
    await status.failed()
    assert reactions(telegram) == shown


async def test_the_requests_of_a_message_end_as_all_processes_have_ended_them(
    telegram: FakeTelegram,
):
    """The one that failed was ended by a process that has died since."""
    status = message_status(telegram, Rights(True), is_shown=True, deletes_request=True)
    await status.done()
    assert reactions(telegram) == ["😢"]
    assert telegram.of(DeleteMessage) == []


async def test_a_process_that_may_have_lost_the_request_shows_nothing_on_the_way(
    telegram: FakeTelegram,
):
    right = Rights()
    right.are_ours = False
    status = message_status(telegram, right)
    await status.accepted()
    await status.working()
    await button_status(telegram, right=right).accepted()
    assert telegram.session.calls == []


@pytest.mark.parametrize("is_mended", [True, False])
async def test_a_sad_face_is_repeated_only_while_it_is_true(
    telegram: FakeTelegram, is_mended: bool
):
    telegram.fail(SetMessageReaction, FloodError(0))
    right = Rights(True)
    await message_status(telegram, right).failed()
    right.outcomes = [not is_mended]
    for _ in range(3):
        await telegram.sender.final_status_calls.repeat()
    assert reactions(telegram) == (["😢"] if is_mended else ["😢", "😢"])


class SlowTelegram:
    """Lets a call wait until it is told to answer."""

    def __init__(self, telegram: FakeTelegram, method: type, patch: pytest.MonkeyPatch) -> None:
        self.has_left, self.may_arrive = asyncio.Event(), asyncio.Event()
        make_request, session = telegram.session.make_request, telegram.session

        async def slow(bot: Any, call: Any, timeout: int | None = None) -> Any:  # noqa: ASYNC109
            if isinstance(call, method) and not self.has_left.is_set():
                self.has_left.set()
                await self.may_arrive.wait()
            return await make_request(bot, call, timeout)

        patch.setattr(session, "make_request", slow)


async def test_a_reaction_on_its_way_is_awaited_before_the_end_even_if_cancelled(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    slow = SlowTelegram(telegram, SetMessageReaction, monkeypatch)
    status = message_status(telegram)
    accepting = asyncio.ensure_future(status.accepted())
    await slow.has_left.wait()
    accepting.cancel()
    ending = asyncio.ensure_future(status.cancelled())
    await settle()
    assert telegram.session.calls == []
    slow.may_arrive.set()
    await asyncio.wait([accepting, ending])
    assert reactions(telegram) == ["👀", None]


async def test_a_button_that_is_being_hidden_comes_back_after_that(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    slow = SlowTelegram(telegram, EditMessageReplyMarkup, monkeypatch)
    status = button_status(telegram)
    accepting = asyncio.ensure_future(status.accepted())
    await slow.has_left.wait()
    ending = asyncio.ensure_future(status.done())
    await settle()
    slow.may_arrive.set()
    await asyncio.gather(accepting, ending)
    assert keyboards(telegram) == [["stats_noop"], ["stats_noop", "id/1", "slides/1"]]
    assert reactions(telegram) == ["👀", None]


async def test_a_keyboard_that_fails_after_a_later_one_is_not_repeated(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    first, second = await two_pressed(telegram)
    slow = SlowTelegram(telegram, EditMessageReplyMarkup, monkeypatch)
    ending = asyncio.ensure_future(first.done())
    await slow.has_left.wait()
    await second.done()
    telegram.fail(EditMessageReplyMarkup, FloodError(0))
    slow.may_arrive.set()
    await ending
    made = keyboards(telegram)[2:]
    assert made == [["stats_noop", "id/1", "slides/1"], ["stats_noop"]]
    await telegram.sender.final_status_calls.repeat()
    assert keyboards(telegram)[2:] == made


@pytest.mark.parametrize("has_failed", [False, True, None])
async def test_an_hourglass_is_deleted_by_the_process_that_has_sent_it(
    telegram: FakeTelegram, has_failed: bool | None
):
    telegram.fail(SetMessageReaction, REFUSED)
    status = message_status(telegram, Rights(has_failed), requests=2)
    await status.accepted()
    await status.passed_on()
    assert telegram.of(DeleteMessage) == []
    await status.passed_on()
    assert len(telegram.of(DeleteMessage)) == 1
    assert reactions(telegram) == ["👀"]  # which was refused


@pytest.mark.parametrize(
    ("has_failed", "shown"), [(False, ["👀", None]), (True, ["👀", "😢"]), (None, ["👀"])]
)
async def test_the_process_that_ends_the_last_request_shows_the_end_of_all(
    telegram: FakeTelegram, has_failed: bool | None, shown: list[str | None]
):
    """While another process has one of them, that is not this one."""
    status = message_status(telegram, Rights(has_failed), requests=2)
    await status.accepted()
    await status.passed_on()
    await status.done()
    assert reactions(telegram) == shown


@pytest.mark.parametrize(("has_failed", "deleted"), [(False, [70]), (True, [])])
async def test_a_request_is_deleted_only_if_it_was_answered(
    telegram: FakeTelegram, has_failed: bool, deleted: list[int]
):
    status = message_status(telegram, deletes_request=True)
    await (status.failed() if has_failed else status.done())
    assert [call.message_id for call in telegram.of(DeleteMessage)] == deleted


# --- the status note ------------------------------------------------------------------------------


async def test_every_request_of_a_message_gets_its_own_note(telegram: FakeTelegram):
    status, first, second = message_status(telegram), Rows(), Rows()
    await status.show_note(NOTE, first.record)
    await status.show_note(replace(NOTE, caption="50 %"), first.record)
    await status.remove_note()
    await status.show_note(NOTE, second.record)
    await status.remove_note()
    await status.remove_note()
    assert [call.text for call in telegram.of(SendMessage)] == ["wait", "wait"]
    assert [call.text for call in telegram.of(EditMessageText)] == ["50 %"]
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [1_001, 1_002]
    assert (first.ids, second.ids) == ([1_001, None], [1_002, None])


async def test_the_note_of_another_process_is_edited_and_deleted(telegram: FakeTelegram):
    status, row = message_status(telegram, is_shown=True), Rows()
    status.adopt_note(500, row.record)
    await status.show_note(NOTE, row.record)
    await status.remove_note()
    assert telegram.of(SendMessage) == []
    assert [call.message_id for call in telegram.of(EditMessageText)] == [500]
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [500]
    assert row.ids == [None]


async def take_every_step(status: StatusIndicator) -> None:
    await status.accepted()
    await status.working()
    await status.retrying(2, 3)
    await status.sending()
    await status.show_note(NOTE, Rows().record)
    await status.remove_note()
    for end in (status.done, status.failed, status.cancelled):
        await end()
    await status.passed_on()


# --- business accounts ----------------------------------------------------------------------------


async def test_in_a_business_chat_nothing_is_shown(telegram: FakeTelegram):
    status = BusinessStatus()
    await take_every_step(status)
    assert telegram.session.calls == []


# --- inline messages ------------------------------------------------------------------------------


async def test_an_inline_message_says_itself_how_far_it_is(telegram: FakeTelegram):
    texts = InlineStatusTexts(
        MessageOptions("working", NOTE.buttons),
        MessageOptions("sending"),
        lambda number, most: MessageOptions(f"attempt {number} of {most}"),
    )
    target = ChatTarget(PERSON, 0, is_private=True, inline_id="i")
    status = InlineStatus(telegram.sender, target, Rights(), texts)
    telegram.fail(EditMessageText, FloodError(3))
    await take_every_step(status)
    await status.working()  # too late
    edits = telegram.of(EditMessageText)
    assert [edit.text for edit in edits] == ["working", "attempt 2 of 3", "sending"]
    assert {edit.inline_message_id for edit in edits} == {"i"}
    assert edits[0].reply_markup == NOTE.buttons
    assert len(telegram.session.calls) == 3


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_what_replaces_an_inline_message_comes_after_an_edit_on_its_way(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
):
    slow = SlowTelegram(telegram, EditMessageText, monkeypatch)
    options = MessageOptions("working")
    texts = InlineStatusTexts(options, options, lambda *_: options)
    target = ChatTarget(PERSON, 0, is_private=True, inline_id="i")
    status = InlineStatus(telegram.sender, target, Rights(), texts)

    async def answer() -> None:
        try:
            async with beside(status.working()):
                await slow.has_left.wait()
                await (asyncio.Event().wait() if is_cancelled else status.remove_note())
        finally:
            await status.remove_note()
            await telegram.sender.edit_inline(target, "the end")

    answering = asyncio.ensure_future(answer())
    await slow.has_left.wait()
    await settle()
    if is_cancelled:
        answering.cancel()
        await settle()
    assert telegram.of(EditMessageText) == []
    slow.may_arrive.set()
    await asyncio.wait([answering])
    assert [edit.text for edit in telegram.of(EditMessageText)] == ["working", "the end"]


async def test_an_inline_message_is_not_edited_once_another_process_may_have_it(
    telegram: FakeTelegram,
):
    right, options = Rights(), MessageOptions("working")
    texts = InlineStatusTexts(options, options, lambda *_: options)
    target = ChatTarget(PERSON, 0, is_private=True, inline_id="i")
    right.are_ours = False
    await InlineStatus(telegram.sender, target, right, texts).working()
    assert telegram.session.calls == []


# --- buttons --------------------------------------------------------------------------------------

KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[
        [InlineKeyboardButton(text="❤️", callback_data="stats_noop")],
        [
            InlineKeyboardButton(text="sound", callback_data="id/1"),
            InlineKeyboardButton(text="slides", callback_data="slides/1"),
        ],
    ]
)


def button_status(
    telegram: FakeTelegram, right: Rights | None = None, **options: Any
) -> ButtonStatus:
    right = right or Rights()
    keyboard = PressedKeyboard(KEYBOARD)
    return ButtonStatus(telegram.bot, telegram.sender, TARGET, right, keyboard, "id/1", **options)


async def two_pressed(telegram: FakeTelegram) -> list[ButtonStatus]:
    """Return the statuses of two buttons of one message, whose requests run."""
    keyboard = PressedKeyboard(KEYBOARD)
    statuses = [
        ButtonStatus(telegram.bot, telegram.sender, TARGET, Rights(), keyboard, data)
        for data in ("id/1", "slides/1")
    ]
    for status in statuses:
        await status.accepted()
    return statuses


async def test_of_two_buttons_that_run_both_come_back(telegram: FakeTelegram):
    first, second = await two_pressed(telegram)
    await first.failed()
    assert keyboards(telegram)[-1] == ["stats_noop"]
    await second.done()
    assert keyboards(telegram)[-1] == ["stats_noop", "id/1", "slides/1"]


def test_a_press_that_comes_with_fewer_buttons_takes_none_away():
    stats = InlineKeyboardMarkup(inline_keyboard=KEYBOARD.inline_keyboard[:1])
    for first, second in ((KEYBOARD, stats), (stats, KEYBOARD)):
        keyboard = PressedKeyboard(first)
        keyboard.add(second)
        assert keyboard.shown == KEYBOARD


def keyboards(telegram: FakeTelegram) -> list[list[str]]:
    return [buttons_in(call.reply_markup) for call in telegram.of(EditMessageReplyMarkup)]


@pytest.mark.parametrize("end", ["done", "failed", "cancelled"])
async def test_a_button_is_hidden_while_its_request_runs(telegram: FakeTelegram, end: str):
    status = button_status(telegram)
    await status.accepted()
    assert keyboards(telegram) == [["stats_noop"]]
    await getattr(status, end)()
    assert keyboards(telegram) == [["stats_noop"], ["stats_noop", "id/1", "slides/1"]]
    assert reactions(telegram) == ["👀", "😢" if end == "failed" else None]


@pytest.mark.parametrize(("has_failed", "edits"), [(False, 2), (None, 1)])
async def test_a_button_that_was_hidden_after_another_processs_end_comes_back(
    telegram: FakeTelegram, has_failed: bool | None, edits: int
):
    status = button_status(telegram, Rights(has_failed))
    await status.accepted()
    await status.passed_on()
    assert keyboards(telegram) == [["stats_noop"], ["stats_noop", "id/1", "slides/1"]][:edits]


async def test_a_button_that_was_never_hidden_is_left_alone(telegram: FakeTelegram):
    await button_status(telegram).done()
    assert keyboards(telegram) == []


async def test_a_button_that_another_process_has_hidden_comes_back(telegram: FakeTelegram):
    await button_status(telegram, is_shown=True).done()
    assert keyboards(telegram) == [["stats_noop", "id/1", "slides/1"]]


async def test_a_keyboard_that_cannot_be_changed_changes_nothing(telegram: FakeTelegram):
    telegram.fail(EditMessageReplyMarkup, REFUSED, REFUSED)
    status = button_status(telegram)
    await status.accepted()
    await status.done()
    assert reactions(telegram) == ["👀", None]
