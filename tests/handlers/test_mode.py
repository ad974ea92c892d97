"""/mode: file mode is toggled for the whole chat."""

import pytest

from core.errors import StorageError
from data.chats import find_chat, register_chat
from handlers.mode import on_mode
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import PERSON, FakeTelegram, make_ack

TEXTS = load_texts()
CHAT = ChatView("en")


@pytest.mark.usefixtures("sqlite_db")
async def test_the_mode_goes_on_and_off(telegram: FakeTelegram):
    await register_chat(PERSON, "en")
    states = []
    for _ in range(2):
        await on_mode(telegram.message("/mode"), CHAT, telegram.sender, TEXTS, make_ack()[0])
        record = await find_chat(PERSON)
        states.append(record and record.file_mode)
    assert states == [True, False]
    assert telegram.texts == [TEXTS["en"]["mode_on"], TEXTS["en"]["mode_off"]]


@pytest.mark.usefixtures("sqlite_db")
async def test_other_chats_keep_their_mode(telegram: FakeTelegram):
    await register_chat(PERSON, "en")
    await register_chat(-7, "en")
    message = telegram.message("/mode", chat_id=-7)
    await on_mode(message, CHAT, telegram.sender, TEXTS, make_ack()[0])
    person, group = await find_chat(PERSON), await find_chat(-7)
    assert (person and person.file_mode, group and group.file_mode) == (False, True)


@pytest.mark.usefixtures("sqlite_db")
async def test_the_mode_of_a_chat_that_is_not_registered_is_stored(telegram: FakeTelegram):
    await on_mode(telegram.message("/mode"), ChatView("uk"), telegram.sender, TEXTS, make_ack()[0])
    record = await find_chat(PERSON)
    assert (record and record.file_mode, record and record.lang) == (True, "uk")
    assert telegram.texts == [TEXTS["uk"]["mode_on"]]


@pytest.mark.usefixtures("sqlite_db")
async def test_nothing_is_claimed_if_the_database_fails(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    async def failing(_chat_id: int, _lang: str) -> None:
        raise StorageError

    monkeypatch.setattr("handlers.mode.toggle_file_mode", failing)
    with pytest.raises(StorageError):
        await on_mode(telegram.message("/mode"), CHAT, telegram.sender, TEXTS, make_ack()[0])
    assert telegram.texts == []
