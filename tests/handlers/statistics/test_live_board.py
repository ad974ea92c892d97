"""The live board: written once, then edited, and written anew where it is gone."""

from pathlib import Path

import pytest
from aiogram.methods import EditMessageText, SendMessage

from core.errors import ChatMovedError, FileRejectedError, FloodError, UnchangedError
from data.chats import set_language
from delivery.moved_chats import MovedChats
from handlers.statistics.live_board import LiveBoard
from misc.ui.texts import load_texts
from tests.fakes import FakeTelegram
from tests.handlers.statistics.test_menu import menu

TEXTS = load_texts()
GROUP = -7


@pytest.fixture
def board(sqlite_db: None, telegram: FakeTelegram, tmp_path: Path) -> LiveBoard:
    statistics = menu(telegram, folder=tmp_path)
    return LiveBoard(telegram.bot, telegram.sender, statistics, GROUP, MovedChats({GROUP: ["b"]}))


async def test_each_board_is_written_once_and_then_edited(board: LiveBoard, telegram: FakeTelegram):
    for _ in range(2):
        await board.show_ever()
        await board.show_day()
    sent = telegram.of(SendMessage)
    assert [message.chat_id for message in sent] == [GROUP] * 2
    assert all(message.disable_notification for message in sent)
    assert TEXTS["en"]["stats_period_ever"] in sent[0].text
    assert TEXTS["en"]["stats_period_day"] in sent[1].text
    assert [edit.message_id for edit in telegram.of(EditMessageText)] == [1_001, 1_002]


async def test_the_board_speaks_the_chats_language(board: LiveBoard, telegram: FakeTelegram):
    await set_language(GROUP, "uk")
    await board.show_day()
    assert TEXTS["uk"]["stats_period_day"] in telegram.texts[0]


async def test_a_board_that_is_gone_is_written_anew(board: LiveBoard, telegram: FakeTelegram):
    await board.show_day()
    telegram.fail(EditMessageText, FileRejectedError("message to edit not found"))
    await board.show_day()
    await board.show_day()
    assert len(telegram.of(SendMessage)) == 2
    assert [edit.message_id for edit in telegram.of(EditMessageText)] == [1_001, 1_002]


@pytest.mark.parametrize("error", [UnchangedError(), FloodError(3)])
async def test_a_board_that_cannot_be_changed_stays(
    board: LiveBoard, telegram: FakeTelegram, error: Exception
):
    await board.show_day()
    telegram.fail(EditMessageText, error)
    await board.show_day()
    assert len(telegram.of(SendMessage)) == 1


async def test_the_board_follows_a_group_that_becomes_a_supergroup(
    board: LiveBoard, telegram: FakeTelegram
):
    """Its messages stay behind, so it is written anew, and edited there from then on."""
    await board.show_day()
    telegram.fail(EditMessageText, ChatMovedError(-1_007))
    for _ in range(2):
        await board.show_day()
    assert [message.chat_id for message in telegram.of(SendMessage)] == [GROUP, -1_007]
    edits = [(edit.chat_id, edit.message_id) for edit in telegram.of(EditMessageText)]
    assert edits == [(GROUP, 1_001), (-1_007, 1_002)]


async def test_a_board_that_could_not_be_written_is_tried_again(
    board: LiveBoard, telegram: FakeTelegram
):
    telegram.fail(SendMessage, FloodError(3))
    await board.show_day()
    await board.show_day()
    assert len(telegram.of(SendMessage)) == 2
    assert telegram.of(EditMessageText) == []
