"""/help and /about: complete in private, short in groups, and only what is true of this bot."""

from dataclasses import replace

import pytest
from aiogram.methods import SendMessage
from aiogram.types import InlineKeyboardMarkup

from core.version import VERSION
from handlers.help_command import on_about, on_business_help, on_help
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import FakeTelegram, make_profile, make_user

TEXTS = load_texts()
PROFILE = make_profile()


@pytest.mark.parametrize("lang", TEXTS.languages)
async def test_the_help_in_private_names_everything(telegram: FakeTelegram, lang: str):
    await on_help(telegram.message("/help"), ChatView(lang), telegram.sender, TEXTS, PROFILE)
    (text,) = telegram.texts
    for part in (*PROFILE.platforms, "🎵", "/mode", "@demo_bot", "👥", "/privacy", "50", "/cancel"):
        assert part in text


async def test_without_inline_mode_the_help_does_not_promise_it(telegram: FakeTelegram):
    profile = replace(PROFILE, has_inline=False)
    await on_help(telegram.message("/help"), ChatView("en"), telegram.sender, TEXTS, profile)
    assert "@demo_bot" not in telegram.texts[0]


@pytest.mark.parametrize("number", [1, 5])
async def test_the_number_of_links_has_its_plural(telegram: FakeTelegram, number: int):
    profile = replace(PROFILE, links_per_message=number)
    await on_help(telegram.message("/help"), ChatView("en"), telegram.sender, TEXTS, profile)
    assert f"{number} {'link' if number == 1 else 'links'} per message" in telegram.texts[0]


async def test_a_group_gets_a_short_text_and_a_button_to_the_rest(telegram: FakeTelegram):
    message = telegram.message("/help", chat_id=-7)
    await on_help(message, ChatView("en"), telegram.sender, TEXTS, PROFILE)
    (sent,) = telegram.of(SendMessage)
    assert sent.text == TEXTS("en", "help_in_group", platforms=PROFILE.platforms)
    assert isinstance(sent.reply_markup, InlineKeyboardMarkup)
    assert sent.reply_markup.inline_keyboard[0][0].url == "https://t.me/demo_bot?start=help"


async def test_a_customer_of_a_business_account_is_answered_for_the_account(telegram: FakeTelegram):
    message = telegram.message(
        "/help@demo_bot",
        business_connection_id="business-1",
        from_user=make_user(language_code="uk"),
    )
    await on_business_help(message, telegram.sender, TEXTS, PROFILE)
    (sent,) = telegram.of(SendMessage)
    assert sent.business_connection_id == "business-1"
    assert sent.text == TEXTS("uk", "help_in_business", platforms=PROFILE.platforms)


async def test_about_says_what_the_operator_has_configured(telegram: FakeTelegram):
    message = telegram.message("/about")
    await on_about(message, ChatView("en"), telegram.sender, TEXTS, PROFILE)
    profile = replace(PROFILE, source_url="https://git.example/x?a&b", contact="@ada <boss>")
    await on_about(message, ChatView("en"), telegram.sender, TEXTS, profile)
    plain, full = telegram.texts
    for text in (plain, full):
        assert VERSION in text
        assert "MIT" in text
        assert "/privacy" in text
    assert "Run by" not in plain
    assert "Source" not in plain
    assert "https://git.example/x?a&amp;b" in full
    assert "@ada &lt;boss&gt;" in full
