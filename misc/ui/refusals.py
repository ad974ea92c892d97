"""Messages for people who may not use the bot."""

from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from core.access import Standing
from misc.ui.texts import Texts
from services.access import AccessPolicy

#: Keys of the sentence, and of the button above inline results.
SENTENCES: Final = {
    Standing.NOT_LISTED: "access_listed",
    Standing.NOT_A_MEMBER: "access_members",
    Standing.UNKNOWN: "access_unknown",
}
INLINE_LABELS: Final = {
    Standing.NOT_LISTED: "inline_access_listed",
    Standing.NOT_A_MEMBER: "inline_access_members",
    Standing.UNKNOWN: "inline_access_unknown",
}


def way_in(
    standing: Standing, access: AccessPolicy, texts: Texts, lang: str
) -> InlineKeyboardMarkup | None:
    """Return the buttons that lead to the channels; None if joining does not help.

    A private channel has no address; there `[access] join_url` is the only way.
    """
    if standing is not Standing.NOT_A_MEMBER:
        return None
    if access.join_url:
        buttons = [_button(texts[lang]["access_join_button"], access.join_url)]
    else:
        buttons = [
            _button(
                texts(lang, "access_join", channel=channel), f"https://t.me/{channel.lstrip('@')}"
            )
            for channel in access.channels
            if channel.startswith("@")
        ]
    return InlineKeyboardMarkup(inline_keyboard=[[b] for b in buttons]) if buttons else None


def _button(text: str, url: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, url=url)
