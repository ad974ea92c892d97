"""Which status indicator a request gets."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiogram.methods import (
    DeleteMessage,
    EditMessageReplyMarkup,
    EditMessageText,
    SetMessageReaction,
)

from core.preferences import Preferences
from core.request import ButtonPress, Progress
from delivery.status_indicator import BusinessStatus, ButtonStatus, InlineStatus, MessageStatus
from misc.ui.keyboards import hourglass, one_button
from misc.ui.statuses import StatusFactory
from misc.ui.texts import load_texts
from services.requests.store import StoredRequest
from tests.fakes import FakeTelegram, buttons_in, make_request

TEXTS = load_texts()
PRESS = ButtonPress("id/1", one_button("again", "id/1").model_dump_json(exclude_none=True))
DELETING = Preferences(delete_request=True)


def status(telegram: FakeTelegram, requests: Sequence[StoredRequest]) -> Any:
    return StatusFactory(telegram.bot, telegram.sender, TEXTS).status_of(requests)


def stored(*, is_resumed: bool = False, **values: Any) -> StoredRequest:
    return StoredRequest(make_request(**values), is_resumed=is_resumed)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, MessageStatus),
        ({"inline_id": "i"}, InlineStatus),
        ({"business_id": "b"}, BusinessStatus),
        ({"press": PRESS}, ButtonStatus),
        ({"press": ButtonPress("id/1", "")}, MessageStatus),
    ],
    ids=["message", "inline", "business", "button", "button without keyboard"],
)
def test_every_kind_of_request_has_its_own(
    telegram: FakeTelegram, values: dict[str, Any], kind: type
):
    assert type(status(telegram, [stored(**values)])) is kind


async def test_it_ends_with_the_last_request_of_the_message(telegram: FakeTelegram):
    indicator = status(telegram, [stored(), stored()])
    await indicator.accepted()
    await indicator.done()
    assert len(telegram.of(SetMessageReaction)) == 1
    await indicator.done()
    assert telegram.of(SetMessageReaction)[-1].reaction == []


async def test_the_reaction_of_a_process_before_is_taken_away(telegram: FakeTelegram):
    indicator = status(telegram, [stored(is_resumed=True)])
    await indicator.accepted()
    assert telegram.session.calls == []
    await indicator.done()
    assert [call.reaction for call in telegram.of(SetMessageReaction)] == [[]]


@pytest.mark.parametrize(
    ("values", "is_deleted"),
    [
        ({"is_private": False}, True),
        ({"is_private": True}, False),
        ({"is_private": False, "press": ButtonPress("id/1", "")}, False),
    ],
    ids=["group", "private", "a post of the bot"],
)
async def test_only_a_groups_message_with_a_link_is_deleted(
    telegram: FakeTelegram, values: dict[str, Any], is_deleted: bool
):
    indicator = status(telegram, [stored(preferences=DELETING, **values)])
    await indicator.done()
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [70] * is_deleted


@pytest.mark.parametrize(
    ("values", "is_deleted"),
    [({}, True), ({"is_finished": True}, False), ({"progress": Progress((500,), 1)}, False)],
    ids=["unanswered", "ended", "answered"],
)
async def test_a_message_that_another_process_may_have_answered_with_a_card_stays(
    telegram: FakeTelegram, values: dict[str, Any], is_deleted: bool
):
    request = make_request(is_private=False, preferences=DELETING, is_addressed=True)
    indicator = status(telegram, [StoredRequest(request, is_resumed=True, **values)])
    await indicator.done()
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [70] * is_deleted


async def test_a_button_comes_back_also_after_a_crash(telegram: FakeTelegram):
    indicator = status(telegram, [stored(press=PRESS, is_resumed=True)])
    await indicator.done()
    (edit,) = telegram.of(EditMessageReplyMarkup)
    assert buttons_in(edit.reply_markup) == ["id/1"]


async def test_the_note_of_a_process_before_is_taken_over(telegram: FakeTelegram):
    first, second = stored(is_resumed=True), stored(is_resumed=True)
    second.progress = Progress(note=500)
    indicator = status(telegram, [first, second])
    await indicator.remove_note()
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [500]
    assert second.progress.note is None


async def test_an_inline_message_speaks_its_senders_language(telegram: FakeTelegram):
    indicator = status(telegram, [stored(inline_id="i", lang="uk")])
    await indicator.working()
    await indicator.retrying(2, 5)
    await indicator.sending()
    edits = telegram.of(EditMessageText)
    assert [edit.text for edit in edits] == [
        TEXTS["uk"]["inline_working"],
        TEXTS("uk", "inline_attempt", number=2, total=5),
        TEXTS["uk"]["inline_sending"],
    ]
    # Without a keyboard it could not be edited again.
    assert all(edit.reply_markup == hourglass() for edit in edits)
