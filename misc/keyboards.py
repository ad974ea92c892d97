"""The keyboards under our messages."""

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from core.captions import short_count
from core.media import Post
from misc.callbacks import LANGUAGE, SOUND, STATS
from misc.texts import Texts


def languages(texts: Texts) -> InlineKeyboardMarkup:
    """Offer all languages by their own names, two in a row."""
    buttons = [
        InlineKeyboardButton(text=texts[code]["language_name"], callback_data=LANGUAGE + code)
        for code in texts.languages
    ]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def under_post(post: Post, sound_label: str) -> InlineKeyboardMarkup | None:
    """Show a post's likes and views, as far as they are known, and offer its sound."""
    stats = [
        InlineKeyboardButton(text=f"{sign} {short_count(number)}", callback_data=STATS)
        for sign, number in (("❤️", post.likes), ("👁", post.views))
        if number is not None
    ]
    sound = []
    if post.sound:
        sound = [InlineKeyboardButton(text=sound_label, callback_data=SOUND + post.id)]
    rows = [row for row in (stats, sound) if row]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def link_button(text: str, url: str) -> InlineKeyboardMarkup:
    """Offer one button that opens an address."""
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=text, url=url)]])
