"""/admin: one message that becomes the next screen; every screen leads back."""

import pytest
from aiogram.methods import EditMessageText, SendMessage
from aiogram.types import InlineKeyboardMarkup

from core.errors import FloodError, UnchangedError
from data.broadcasts import draft_awaiting_message, new_draft
from handlers.admin.menu import AdminMenu, AdminScreen, Press, button
from handlers.admin.waiting import AwaitsReference, wait_for_reference
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import BOT_ID, GONE, PERSON, FakeTelegram, buttons_in

TEXTS = load_texts()
CHAT = ChatView("en")
pytestmark = pytest.mark.usefixtures("sqlite_db")


async def bans(press: Press) -> AdminScreen:
    """Return a screen that says what was pressed."""
    back = "bans" if press.page else None
    return AdminScreen(
        f"{press.admin_id} {press.lang} {press.page}", [[button("x", "bans/x")]], back=back
    )


def menu(telegram: FakeTelegram) -> AdminMenu:
    return AdminMenu(telegram.sender, TEXTS, {"bans": bans, "ads": bans, "people": bans})


async def press(telegram: FakeTelegram, data: str, message: object = None) -> None:
    shown = message or telegram.message("menu")
    await menu(telegram).press(telegram.query(data, shown), CHAT)  # type: ignore[arg-type]


async def test_the_menu_has_a_button_for_each_section(telegram: FakeTelegram):
    await menu(telegram).open(telegram.message("/admin"), CHAT)
    (message,) = telegram.of(SendMessage)
    assert message.text == TEXTS["en"]["admin_menu"]
    assert buttons_in(message.reply_markup) == ["admin/bans", "admin/ads", "admin/people"]
    assert isinstance(message.reply_markup, InlineKeyboardMarkup)
    assert message.reply_markup.inline_keyboard[0][0].text == TEXTS["en"]["admin_bans"]


async def test_a_section_is_opened_and_leads_back(telegram: FakeTelegram):
    for data in ("admin/bans", "admin/bans/page=1", "admin/menu"):
        await press(telegram, data)
    first, second, last = telegram.of(EditMessageText)
    assert (first.text, second.text) == (f"{PERSON} en ", f"{PERSON} en page=1")
    assert buttons_in(first.reply_markup) == ["admin/bans/x", "admin/menu"]
    assert buttons_in(second.reply_markup) == ["admin/bans/x", "admin/bans"]
    assert last.text == TEXTS["en"]["admin_menu"]
    assert telegram.alerts == [(None, False)] * 3


@pytest.mark.parametrize("data", ["admin/", "admin/x", "admin/x/y"])
async def test_a_section_that_is_gone_has_expired(telegram: FakeTelegram, data: str):
    await press(telegram, data)
    await press(telegram, "admin/bans", GONE)
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)] * 2
    assert telegram.texts == []


async def test_a_screen_without_changes_is_no_failure(telegram: FakeTelegram):
    telegram.fail(EditMessageText, UnchangedError())
    await press(telegram, "admin/bans")
    assert telegram.alerts == [(None, False)]
    telegram.fail(EditMessageText, FloodError(3))
    with pytest.raises(FloodError):
        await press(telegram, "admin/bans")


@pytest.mark.parametrize("way", ["command", "button"])
async def test_opening_the_menu_ends_the_wait_for_a_message(telegram: FakeTelegram, way: str):
    await new_draft(BOT_ID, PERSON)
    await wait_for_reference(PERSON)
    if way == "command":
        await menu(telegram).open(telegram.message("/admin"), CHAT)
    else:
        await press(telegram, "admin/menu")
    assert await draft_awaiting_message(PERSON) is None
    assert not await AwaitsReference()(telegram.message("8"))
