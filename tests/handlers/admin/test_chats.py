"""/msg, /user, /export and /log."""

from pathlib import Path

import pytest
from aiogram.filters import CommandObject
from aiogram.methods import SendDocument, SendMessage
from aiogram.types import MessageEntity

from core.errors import ChatForbiddenError, FloodError, UnknownOutcomeError
from core.pseudonyms import Pseudonyms
from data.bans import ban
from data.chats import register_chat
from data.error_reports import store_report
from handlers.admin.chats import on_export, on_log, on_msg, on_user
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from platforms import Spool
from services.exports import Exports
from tests.fakes import FakeTelegram, buttons_in

TEXTS = load_texts()
CHAT = ChatView("en")
PSEUDONYMS = Pseudonyms("token")


async def write(telegram: FakeTelegram, text: str, **values: object) -> None:
    await on_msg(telegram.message(text, **values), CHAT, telegram.sender, TEXTS)


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


@pytest.mark.parametrize("text", ["/msg", "/msg 8", "/msg Ann Hello", "/msg 8 "])
async def test_half_an_order_is_explained(telegram: FakeTelegram, text: str):
    await write(telegram, text)
    assert telegram.texts == [TEXTS["en"]["msg_usage"]]


async def look_up(telegram: FakeTelegram, args: str | None) -> SendMessage:
    command = CommandObject(command="user", args=args)
    message = telegram.message("/user")
    await on_user(message, command, CHAT, telegram.sender, TEXTS, PSEUDONYMS)
    return telegram.of(SendMessage)[-1]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_chat_is_shown_with_a_way_to_its_history(telegram: FakeTelegram):
    await register_chat(8, "uk", "friend<3")
    await ban(8, 1)
    card = await look_up(telegram, " 8 ")
    assert {"<b>8</b>", "uk", "friend&lt;3", PSEUDONYMS.of(8)} <= set(
        card.text.replace("<code>", " ").replace("</code>", " ").split()
    )
    assert "Banned: ✅" in card.text
    assert buttons_in(card.reply_markup) == ["history/8"]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_chat_that_is_not_known_has_no_history(telegram: FakeTelegram):
    answer = await look_up(telegram, "9")
    assert answer.text == TEXTS("en", "user_unknown", id=9)
    assert answer.reply_markup is None
    assert (await look_up(telegram, "Ann")).text == TEXTS["en"]["user_usage"]
    assert (await look_up(telegram, None)).text == TEXTS["en"]["user_usage"]


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


async def log(telegram: FakeTelegram, args: str | None) -> str:
    command = CommandObject(command="log", args=args)
    await on_log(telegram.message("/log"), command, CHAT, telegram.sender, TEXTS)
    return telegram.texts[-1]


@pytest.mark.usefixtures("sqlite_db")
async def test_errors_are_listed_and_shown_by_their_code(telegram: FakeTelegram):
    assert await log(telegram, None) == TEXTS["en"]["log_none"]
    await store_report("A1B2C3D4", "a <request>", ValueError("less < more"))
    listed = await log(telegram, None)
    assert listed.startswith(TEXTS["en"]["log_list"])
    assert "<code>A1B2C3D4</code>" in listed
    assert "less &lt; more" in listed
    shown = await log(telegram, " a1b2c3d4 ")
    assert "a &lt;request&gt;" in shown
    assert "ValueError: less &lt; more" in shown


@pytest.mark.usefixtures("sqlite_db")
async def test_of_a_long_traceback_the_end_is_shown(telegram: FakeTelegram):
    await store_report("A1B2C3D4", "it", ValueError("begin " + "x" * 5_000 + " end"))
    shown = await log(telegram, "A1B2C3D4")
    assert len(shown) < 4_096
    assert " end" in shown
    assert "begin" not in shown
    unknown = await log(telegram, "<b>")
    assert unknown == TEXTS("en", "log_unknown", code="<B>")
