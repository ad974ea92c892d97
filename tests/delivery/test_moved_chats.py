"""Chats of the settings that have become supergroups: calls follow them."""

import pytest

from core.errors import ChatForbiddenError, ChatMovedError
from delivery.moved_chats import MovedChats

OLD, NEW = -7, -1_000_000_000_007


class Chats:
    """A call that only the new chat accepts."""

    def __init__(self) -> None:
        self.moved = MovedChats({OLD: ["[bot] join_log_chat", "[statistics] board_chat"]})
        self.called: list[int] = []

    async def send(self, chat_id: int) -> str:
        self.called.append(chat_id)
        if chat_id == OLD:
            raise ChatMovedError(NEW)
        return "sent"


async def test_a_refused_call_is_made_again_with_the_new_id_and_later_ones_only_with_it():
    chats = Chats()
    for _ in range(2):
        assert await chats.moved.call(OLD, chats.send) == "sent"
    assert chats.called == [OLD, NEW, NEW]
    assert dict(chats.moved.stale_settings()) == {
        "[bot] join_log_chat": NEW,
        "[statistics] board_chat": NEW,
    }


async def test_telegrams_message_about_the_new_id_saves_the_refused_call(
    caplog: pytest.LogCaptureFixture,
):
    chats = Chats()
    for _ in range(2):  # Telegram says it in both chats
        chats.moved.follow(OLD, NEW)
    await chats.moved.call(OLD, chats.send)
    assert chats.called == [NEW]
    lines = [record for record in caplog.records if record.name == "delivery.moved_chats"]
    assert len(lines) == 1


def test_a_chat_may_move_while_the_settings_are_reported():
    moved = MovedChats({OLD: ["[bot] join_log_chat"], -8: ["[statistics] board_chat"]})
    moved.follow(OLD, NEW)
    for _ in moved.stale_settings():  # the alarm waits for the database here
        moved.follow(-8, NEW - 1)
    assert len(moved.stale_settings()) == 2


async def test_a_group_that_no_setting_names_is_not_remembered():
    chats = Chats()
    chats.moved.follow(-8, -1_000_000_000_008)
    assert chats.moved.current(-8) == -8
    assert list(chats.moved.stale_settings()) == []


async def test_other_refusals_are_not_followed():
    async def refuse(_: int) -> None:
        raise ChatForbiddenError("kicked")

    with pytest.raises(ChatForbiddenError):
        await Chats().moved.call(OLD, refuse)
