"""/msg and /export."""

from pathlib import Path

import pytest
from aiogram.methods import SendDocument, SendMessage
from aiogram.types import (
    Message,
    MessageEntity,
    MessageOriginHiddenUser,
    MessageOriginUnion,
    MessageOriginUser,
)

from core.errors import ChatForbiddenError, FloodError, UnknownOutcomeError
from core.pseudonyms import Pseudonyms
from data.chats import register_chat
from data.usernames import store_name
from handlers.admin.chats import on_export, on_msg
from misc.chat_lookup import ChatLookup
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from platforms import Spool
from services.exports import Exports
from tests.fakes import DATE, PERSON, FakeTelegram, make_user

TEXTS = load_texts()
CHAT = ChatView("en")
PSEUDONYMS = Pseudonyms("token")


async def write(telegram: FakeTelegram, text: str, **values: object) -> None:
    lookup = ChatLookup(PSEUDONYMS)
    await on_msg(telegram.message(text, **values), CHAT, lookup, telegram.sender, TEXTS)


async def test_a_text_goes_to_a_chat_with_its_formatting(telegram: FakeTelegram):
    bold = [MessageEntity(type="bold", offset=8, length=5)]
    await write(telegram, "/msg -8 Hello\nthere <3", entities=bold)
    first, second = telegram.of(SendMessage)
    assert (first.chat_id, first.text) == (-8, "<b>Hello</b>\nthere &lt;3")
    assert first.reply_parameters is None
    assert second.text == TEXTS["en"]["msg_sent"]


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (ChatForbiddenError(), "msg_closed"),
        (UnknownOutcomeError(), "msg_unknown"),
        (FloodError(3), "msg_refused"),
    ],
)
async def test_what_has_become_of_it_is_said(telegram: FakeTelegram, error: Exception, key: str):
    telegram.fail(SendMessage, error)
    await write(telegram, "/msg@demo_bot 8 Hello")
    assert telegram.of(SendMessage)[0].chat_id == 8
    assert telegram.texts[-1] == TEXTS["en"][key]


@pytest.mark.parametrize(
    "text", ["/msg", "/msg 8", "/msg Ann Hello", "/msg 8 ", "/msg 8x Hello", "/msg ٨ Hello"]
)
async def test_half_an_order_is_explained(telegram: FakeTelegram, text: str):
    await write(telegram, text)
    assert telegram.texts == [TEXTS["en"]["msg_usage"]]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_text_goes_to_a_name(telegram: FakeTelegram):
    await store_name(8, PSEUDONYMS.of_name("Ann_Ferry"))
    await write(telegram, "/msg @ann_ferry Hello")
    assert [call.chat_id for call in telegram.of(SendMessage)] == [8, PERSON]
    await write(telegram, "/msg @nobody Hello")
    assert telegram.texts[-1] == TEXTS("en", "user_no_name", name="nobody")


def forward(telegram: FakeTelegram, origin: MessageOriginUnion) -> Message:
    return telegram.message("hi", forward_origin=origin)


def from_user(user_id: int) -> MessageOriginUser:
    return MessageOriginUser(date=DATE, sender_user=make_user(user_id))


@pytest.mark.parametrize("text", ["/msg 5 times hello", "/msg 5\u00a0times hello"])
async def test_in_a_reply_to_a_forward_everything_is_the_text(telegram: FakeTelegram, text: str):
    await write(telegram, text, reply_to_message=forward(telegram, from_user(8)))
    sent = telegram.of(SendMessage)[0]
    assert (sent.chat_id, sent.text) == (8, text.removeprefix("/msg "))


async def test_in_another_reply_the_chat_must_be_named(telegram: FakeTelegram):
    hidden = forward(telegram, MessageOriginHiddenUser(date=DATE, sender_user_name="A <b>"))
    await write(telegram, "/msg hello there", reply_to_message=hidden)
    assert telegram.texts[-1] == TEXTS("en", "user_hidden", name="A <b>")
    await write(telegram, "/msg 8 hello there", reply_to_message=hidden)
    assert telegram.of(SendMessage)[-2].text == "hello there"
    await write(telegram, "/msg hello there", reply_to_message=telegram.message("hi"))
    assert telegram.texts[-1] == TEXTS["en"]["user_no_origin"]


@pytest.mark.usefixtures("sqlite_db")
async def test_all_chats_are_sent_as_files_and_counted(telegram: FakeTelegram, tmp_path: Path):
    for chat_id in (8, -9):
        await register_chat(chat_id, "en")
    exports = Exports(telegram.sender, Spool(tmp_path, 100_000_000), 1_000_000)
    await on_export(telegram.message("/export"), CHAT, exports, telegram.sender, TEXTS)
    assert len(telegram.of(SendDocument)) == 2
    assert telegram.session.uploads["chats_1.txt"] == b"-9\n8\n"
    assert telegram.session.uploads["chats_1.csv"].count(b"\n") == 3
    assert telegram.texts == [TEXTS("en", "export_done", count=2)]
