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
)
from delivery.targets import ChatTarget
from tests.fakes import PERSON, FakeTelegram, buttons_in

TARGET = ChatTarget(PERSON, 70, is_private=True)
NOTE = MessageOptions("wait", InlineKeyboardMarkup(inline_keyboard=[]))
REFUSED = FileRejectedError("REACTION_INVALID")


class Rows:
    """Where the id of a note is stored."""

    def __init__(self) -> None:
        self.ids: list[int | None] = []

    async def record(self, message_id: int | None) -> None:
        self.ids.append(message_id)


def message_status(telegram: FakeTelegram, **options: Any) -> MessageStatus:
    return MessageStatus(telegram.bot, telegram.sender, TARGET, **options)


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
        await telegram.sender.last_calls.repeat()
    assert reactions(telegram) == ["👀", None, None, None]


@pytest.mark.parametrize("error", PASSING)
async def test_an_hourglass_and_a_request_are_deleted_later(
    telegram: FakeTelegram, error: Exception
):
    telegram.fail(SetMessageReaction, REFUSED)
    status = message_status(telegram, deletes_request=True)
    await status.accepted()
    telegram.fail(DeleteMessage, error, error)
    await status.done()
    await telegram.sender.last_calls.repeat()
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [1_001, 70, 1_001, 70]


async def test_telegrams_pause_is_kept_before_the_end_is_repeated(telegram: FakeTelegram):
    status = message_status(telegram)
    await status.accepted()
    telegram.fail(SetMessageReaction, FloodError(3_600))
    await status.done()
    await telegram.sender.last_calls.repeat()
    assert reactions(telegram) == ["👀", None]


async def test_an_end_that_telegram_refuses_for_good_is_not_repeated(telegram: FakeTelegram):
    status = message_status(telegram)
    await status.accepted()
    telegram.fail(SetMessageReaction, REFUSED)
    await status.done()
    await telegram.sender.last_calls.repeat()
    assert reactions(telegram) == ["👀", None]


async def test_the_end_of_an_earlier_request_does_not_end_a_later_one(telegram: FakeTelegram):
    first = message_status(telegram)
    await first.accepted()
    telegram.fail(SetMessageReaction, FloodError(0))
    await first.done()
    await message_status(telegram).accepted()
    await telegram.sender.last_calls.repeat()
    assert reactions(telegram) == ["👀", None, "👀"]


async def test_an_end_that_keeps_failing_is_given_up(telegram: FakeTelegram):
    status = message_status(telegram)
    await status.accepted()
    telegram.fail(SetMessageReaction, *[FloodError(0)] * 1_000)
    await status.done()
    for _ in range(500):
        await telegram.sender.last_calls.repeat()
    assert len(reactions(telegram)) == 1 + 360


async def test_a_later_status_is_not_overtaken(telegram: FakeTelegram):
    status = message_status(telegram)
    await asyncio.gather(status.accepted(), status.working(), status.done())
    assert reactions(telegram) == ["👀", "👨‍💻", None]


@pytest.mark.parametrize(
    ("has_failed", "shown"), [(False, ["👀", None]), (True, ["👀", "😢"]), (None, ["👀"])]
)
async def test_a_reaction_after_another_processs_end_does_not_stay(
    telegram: FakeTelegram, has_failed: bool | None, shown: list[str | None]
):
    """That of a request on which the other process still works is left to it."""
    status = message_status(telegram)
    await status.accepted()
    await status.passed_on(has_failed)
    assert reactions(telegram) == shown


@pytest.mark.parametrize("has_failed", [False, True, None])
async def test_an_hourglass_is_deleted_by_the_process_that_has_sent_it(
    telegram: FakeTelegram, has_failed: bool | None
):
    telegram.fail(SetMessageReaction, REFUSED)
    status = message_status(telegram, requests=2)
    await status.accepted()
    await status.passed_on(has_failed)
    assert telegram.of(DeleteMessage) == []
    await status.passed_on(has_failed)
    assert len(telegram.of(DeleteMessage)) == 1
    assert reactions(telegram) == ["👀"]  # which was refused


async def test_a_request_that_was_taken_over_does_not_keep_the_status_of_the_others(
    telegram: FakeTelegram,
):
    for has_failed in (False, None):
        status = message_status(telegram, requests=2)
        await status.accepted()
        await status.passed_on(has_failed)
        await status.done()
        assert reactions(telegram)[-2:] == ["👀", None]


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


# --- business accounts ----------------------------------------------------------------------------


async def test_in_a_business_chat_nothing_is_shown(telegram: FakeTelegram):
    status = BusinessStatus()
    await status.accepted()
    await status.working()
    await status.retrying(2, 3)
    await status.sending()
    await status.show_note(NOTE, Rows().record)
    await status.remove_note()
    for end in (status.done, status.failed, status.cancelled):
        await end()
    await status.passed_on(False)
    assert telegram.session.calls == []


# --- inline messages ------------------------------------------------------------------------------


async def test_an_inline_message_says_itself_how_far_it_is(telegram: FakeTelegram):
    texts = InlineStatusTexts(
        MessageOptions("working", NOTE.buttons),
        MessageOptions("sending"),
        lambda number, most: MessageOptions(f"attempt {number} of {most}"),
    )
    target = ChatTarget(PERSON, 0, is_private=True, inline_id="i")
    status = InlineStatus(telegram.sender, target, texts)
    telegram.fail(EditMessageText, FloodError(3))
    await status.accepted()
    await status.working()
    await status.retrying(2, 3)
    await status.sending()
    await status.show_note(NOTE, Rows().record)
    await status.remove_note()
    for end in (status.done, status.failed, status.cancelled):
        await end()
    await status.passed_on(False)
    edits = telegram.of(EditMessageText)
    assert [edit.text for edit in edits] == ["working", "attempt 2 of 3", "sending"]
    assert {edit.inline_message_id for edit in edits} == {"i"}
    assert edits[0].reply_markup == NOTE.buttons
    assert len(telegram.session.calls) == 3


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


def button_status(telegram: FakeTelegram, **options: Any) -> ButtonStatus:
    return ButtonStatus(telegram.bot, telegram.sender, TARGET, KEYBOARD, "id/1", **options)


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
    status = button_status(telegram)
    await status.accepted()
    await status.passed_on(has_failed)
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
