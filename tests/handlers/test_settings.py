"""/settings: what is shown, and what every button changes."""

import unicodedata
from typing import Any

import pytest
from aiogram.methods import EditMessageText, SendMessage

from core.captions import CaptionPart
from core.errors import UnchangedError
from core.formats import Quality
from core.preferences import DEFAULT_PREFERENCES, Preferences
from data.chats import find_chat, register_chat
from handlers.settings import changed, on_setting, on_settings, page_after
from misc.middlewares.registration import ChatView
from misc.ui.settings_menu import Page, SettingsMenu
from misc.ui.texts import load_texts
from platforms import load_registry
from tests.fakes import GONE, PERSON, FakeTelegram, buttons_in, make_ack

TEXTS = load_texts()
REGISTRY = load_registry()
CHAT = ChatView("en")
MENU = SettingsMenu(TEXTS, REGISTRY, 12)


async def test_a_private_chat_is_offered_what_is_for_people(telegram: FakeTelegram):
    await on_settings(telegram.message("/settings"), CHAT, telegram.sender, MENU)
    (menu,) = telegram.of(SendMessage)
    assert menu.text == TEXTS["en"]["settings_title"]
    buttons = buttons_in(menu.reply_markup)
    assert buttons == [
        "set/page/quality",
        "set/file_mode",
        "set/page/caption",
        "set/page/language",
    ]


async def test_a_group_is_offered_its_sites_and_limits_too(telegram: FakeTelegram):
    message = telegram.message("/settings", chat_id=-7)
    await on_settings(message, CHAT, telegram.sender, MENU)
    (menu,) = telegram.of(SendMessage)
    assert TEXTS["en"]["settings_group"] in menu.text
    assert {"set/silent", "set/page/items", "set/page/sites"} <= set(buttons_in(menu.reply_markup))


async def press(telegram: FakeTelegram, setting: str, chat: ChatView = CHAT) -> None:
    query = telegram.query(f"set/{setting}", telegram.message("menu"))
    await on_setting(query, chat, MENU, make_ack()[0])


def ticks(telegram: FakeTelegram) -> list[str]:
    """Return the data of the buttons that are shown as on."""
    markup = telegram.of(EditMessageText)[-1].reply_markup
    assert markup
    return [
        button.callback_data or ""
        for row in markup.inline_keyboard
        for button in row
        if button.text.startswith("✅")
    ]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_press_is_stored_shown_and_answered(telegram: FakeTelegram):
    await press(telegram, "describe")
    record = await find_chat(PERSON)
    assert record
    assert record.preferences == Preferences(caption=(CaptionPart.SOURCE,))
    assert "set/describe" not in ticks(telegram)
    assert telegram.alerts == [(None, False)]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_press_changes_what_is_stored_and_not_what_was_shown(telegram: FakeTelegram):
    await press(telegram, "describe")
    await press(telegram, "quality/small")  # by a menu that does not know of the first press
    record = await find_chat(PERSON)
    assert record
    caption = (CaptionPart.SOURCE,)
    assert record.preferences == Preferences(caption=caption, quality=Quality.SMALL)
    assert ticks(telegram) == ["set/quality/small"]


@pytest.mark.usefixtures("sqlite_db")
async def test_the_parts_of_the_caption_show_their_places(telegram: FakeTelegram):
    await press(telegram, "caption/text")
    await press(telegram, "caption/bot")
    await press(telegram, "caption/text")
    await press(telegram, "caption/rating")  # there is no such part
    markup = telegram.of(EditMessageText)[-1].reply_markup
    assert markup
    parts = {
        button.callback_data: button.text.partition(" ")[0]
        for row in markup.inline_keyboard
        for button in row
        if (button.callback_data or "").startswith("set/caption/")
    }
    assert parts == {
        "set/caption/author": "1️⃣",
        "set/caption/source": "2️⃣",
        "set/caption/bot": "3️⃣",
        "set/caption/text": "4️⃣",
    }


@pytest.mark.usefixtures("sqlite_db")
async def test_file_mode_is_a_setting_like_the_others(telegram: FakeTelegram):
    await register_chat(PERSON, "en")
    await press(telegram, "file_mode")
    record = await find_chat(PERSON)
    assert record
    assert record.file_mode
    assert "set/file_mode" in ticks(telegram)


@pytest.mark.parametrize("button", ["lang", "page/language"])
async def test_the_language_has_its_own_page(telegram: FakeTelegram, button: str):
    await press(telegram, button)
    (edit,) = telegram.of(EditMessageText)
    assert "set/lang/uk" in buttons_in(edit.reply_markup)
    assert ticks(telegram) == ["set/lang/en"]
    assert buttons_in(edit.reply_markup)[-1] == "set/page/main"


@pytest.mark.usefixtures("sqlite_db")
async def test_a_chosen_language_is_that_of_the_menu_at_once(telegram: FakeTelegram):
    await press(telegram, "lang/uk")
    record = await find_chat(PERSON)
    assert record
    assert record.lang == "uk"
    assert telegram.texts == [TEXTS["uk"]["settings_title"]]


async def test_a_menu_that_shows_it_already_is_fine(telegram: FakeTelegram):
    telegram.fail(EditMessageText, UnchangedError())
    await press(telegram, "page/main")
    assert telegram.alerts == [(None, False)]


async def test_a_menu_that_is_too_old_says_so(telegram: FakeTelegram):
    await on_setting(telegram.query("set/describe", GONE), CHAT, MENU, make_ack()[0])
    assert telegram.alerts == [(TEXTS["en"]["settings_expired"], True)]


@pytest.mark.parametrize(
    ("button", "page"),
    [
        ("page/main", Page.MAIN),
        ("page/sites", Page.SITES),
        ("page/nowhere", None),
        ("page", None),
        ("lang", Page.LANGUAGE),
        ("lang/uk", Page.MAIN),
        ("lang/xx", None),
        ("quality/720p", Page.QUALITY),
        ("quality/8k", None),
        ("muted/tiktok", Page.SITES),
        ("muted/myspace", None),
        ("album_cap/10", Page.ITEMS),
        ("album_cap/default", Page.ITEMS),
        ("album_cap/11", None),
        ("silent", Page.MAIN),
        ("silent/1", None),
        ("file_mode", Page.MAIN),
        ("blocked_at", None),
        ("", None),
    ],
)
def test_every_button_leads_to_the_page_that_shows_what_it_has_changed(
    button: str, page: Page | None
):
    assert page_after(button, REGISTRY, TEXTS.languages) == page


def labels(page: Page, chat: ChatView) -> list[str]:
    keyboard = MENU.show(page, chat, is_group=True).keyboard
    return [button.text for row in keyboard.inline_keyboard for button in row]


@pytest.mark.parametrize(
    "page", [Page.QUALITY, Page.CAPTION, Page.ITEMS, Page.SITES, Page.LANGUAGE]
)
def test_every_arabic_label_has_its_box_at_the_right(page: Page):
    boxed = [label for label in labels(page, ChatView("ar")) if set(label) & {"☐", "✅"}]
    assert boxed
    classes = [[unicodedata.bidirectional(sign) for sign in label] for label in boxed]
    assert {next(one for one in each if one in {"L", "R", "AL"}) for each in classes} <= {"R", "AL"}


def test_the_main_page_shows_every_current_value():
    total = len(REGISTRY.by_name)
    chat = ChatView("en", preferences=Preferences(album_cap=5, muted=("tiktok", "gone")))
    shown = labels(Page.MAIN, chat)
    assert "📦 Items per post: 5 ›" in shown
    assert f"🌐 Sites: {total - 1} of {total} ›" in shown
    assert "🌍 Language: English ›" in shown
    assert "🎬 Quality: Best ›" in shown
    assert "📦 Items per post: 12 ›" in labels(Page.MAIN, CHAT)  # the operator's


def test_no_chosen_number_of_items_means_the_operators():
    assert "✅ Default: 12" in labels(Page.ITEMS, CHAT)
    chat = ChatView("en", preferences=Preferences(album_cap=5))
    assert {"✅ 5", "☐ Default: 12"} <= set(labels(Page.ITEMS, chat))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("silent", "", {"silent": True}),
        ("spoiler", "", {"spoiler": True}),
        ("delete_request", "", {"delete_request": True}),
        ("only_mentioned", "", {"only_mentioned": True}),
        ("quality", "720p", {"quality": Quality.HD}),
        ("quality", "4k", {}),
        ("muted", "tiktok", {"muted": ("tiktok",)}),
        ("muted", "myspace", {}),
        ("album_cap", "10", {"album_cap": 10}),
        ("album_cap", "11", {}),
        ("album_cap", "default", {}),
        ("album_cap", "²", {}),
        ("album_cap", "", {}),
        ("blocked_at", "", {}),
    ],
)
def test_every_button_changes_one_thing(name: str, value: str, expected: dict[str, Any]):
    assert changed(DEFAULT_PREFERENCES, name, value, REGISTRY) == Preferences(**expected)


@pytest.mark.parametrize(
    ("on", "name", "value"),
    [
        (Preferences(silent=True), "silent", ""),
        (Preferences(muted=("tiktok",)), "muted", "tiktok"),
        (Preferences(album_cap=10), "album_cap", "10"),
    ],
)
def test_a_second_press_takes_it_back(on: Preferences, name: str, value: str):
    assert changed(on, name, value, REGISTRY) == DEFAULT_PREFERENCES
