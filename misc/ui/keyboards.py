"""Inline keyboards below messages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiogram.types import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    SwitchInlineQueryChosenChat,
)

from core.captions import CaptionPart, short_count
from core.formats import Quality
from core.media import Post
from core.preferences import ALBUM_CAPS, Preferences
from misc.middlewares.registration import ChatView
from misc.ui.callback_data import (
    CANCEL,
    LANGUAGE,
    PAGE,
    RETRY,
    SETTING,
    STATS,
    WAIT,
    audio_of,
    slides_of,
)
from misc.ui.texts import Texts

#: Maximum length of an inline query, and of the text that a button copies, in characters.
#: Sources: https://core.telegram.org/bots/api#inlinequery
#: and https://core.telegram.org/bots/api#copytextbutton
_MAX_LINK_LENGTH: Final = 256


def languages(texts: Texts) -> InlineKeyboardMarkup:
    """Return a button for each language, labelled with its native name, two per row."""
    buttons = [
        InlineKeyboardButton(text=texts[code]["language_name"], callback_data=LANGUAGE + code)
        for code in texts.languages
    ]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    return InlineKeyboardMarkup(inline_keyboard=rows)


@dataclass(frozen=True, slots=True)
class Extras:
    """Optional buttons below a post in a private chat."""

    share: bool = False
    copy_link: bool = False


def under_post(
    post: Post, texts: Mapping[str, str], link: str = "", extras: Extras = Extras()
) -> InlineKeyboardMarkup | None:
    """Return a keyboard with a post's statistics and buttons for its audio and slideshow.

    `extras` adds buttons that share and copy `link`, unless it is empty or too long for Telegram.
    Return None if there is nothing to show.
    """
    stats = _stats(post)
    media_buttons = []
    has_audio = post.audio or not (post.has_pictures or post.is_silent)
    if has_audio and (data := audio_of(post.platform, post.id)):
        media_buttons.append(InlineKeyboardButton(text=texts["sound_button"], callback_data=data))
    if post.audio and post.pictures and (data := slides_of(post.platform, post.id)):
        media_buttons.append(InlineKeyboardButton(text=texts["slides_button"], callback_data=data))
    rows = [row for row in (stats, media_buttons, _extras(texts, link, extras)) if row]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def _extras(texts: Mapping[str, str], link: str, extras: Extras) -> list[InlineKeyboardButton]:
    if not 0 < len(link) <= _MAX_LINK_LENGTH:
        return []
    buttons = []
    if extras.share:
        query = SwitchInlineQueryChosenChat(
            query=link,
            allow_user_chats=True,
            allow_bot_chats=True,
            allow_group_chats=True,
            allow_channel_chats=True,
        )
        buttons.append(
            InlineKeyboardButton(text=texts["share_button"], switch_inline_query_chosen_chat=query)
        )
    if extras.copy_link:
        button = InlineKeyboardButton(
            text=texts["copy_button"], copy_text=CopyTextButton(text=link)
        )
        buttons.append(button)
    return buttons


def under_inline(post: Post, page: int, pages: int) -> InlineKeyboardMarkup | None:
    """Return a keyboard with a post's statistics and arrows for the pages of an album.

    `page` is zero-based, `pages` is their number. Return None if there is nothing to show.
    """
    arrows = []
    if pages > 1:
        if page > 0:
            arrows.append(InlineKeyboardButton(text="◀️", callback_data=f"{PAGE}{page - 1}"))
        arrows.append(InlineKeyboardButton(text=f"{page + 1}/{pages}", callback_data=STATS))
        if page < pages - 1:
            arrows.append(InlineKeyboardButton(text="▶️", callback_data=f"{PAGE}{page + 1}"))
    rows = [row for row in (_stats(post), arrows) if row]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def hourglass() -> InlineKeyboardMarkup:
    """Return a ⏳ button for an inline message that is still loading.

    Telegram allows the bot to edit an inline message only if it was sent with a keyboard.
    """
    button = InlineKeyboardButton(text="⏳", callback_data=WAIT)
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


def _stats(post: Post) -> list[InlineKeyboardButton]:
    return [
        InlineKeyboardButton(text=f"{sign} {short_count(number)}", callback_data=STATS)
        for sign, number in (("❤️", post.likes), ("👁", post.views))
        if number is not None
    ]


def link_button(text: str, url: str) -> InlineKeyboardMarkup:
    """Return a button that opens a URL."""
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=text, url=url)]])


def choices(options: Iterable[tuple[str, str]]) -> InlineKeyboardMarkup:
    """Return one button per row, from pairs of label and callback data."""
    rows = [[InlineKeyboardButton(text=text, callback_data=data)] for text, data in options]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def try_again(text: str, data: str = RETRY) -> InlineKeyboardMarkup:
    """Return the retry button; `data` is its callback data."""
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=text, callback_data=data)]]
    )


def settings(
    chat: ChatView, texts: Mapping[str, str], platforms: Mapping[str, str], *, is_group: bool
) -> InlineKeyboardMarkup:
    """Return buttons that show and change a chat's settings; a check mark means "on".

    `texts` are the texts of the chat's language. `platforms` maps platform names to titles. Some
    settings exist only in groups.
    """
    preferences = chat.preferences
    rows = [
        [_button(f"🌐 {texts['language_name']}", "lang")],
        [
            _button(
                _quality_label(quality, texts),
                f"quality/{quality}",
                quality == preferences.quality,
            )
            for quality in Quality
        ],
        [_button(texts["set_file_mode"], "file_mode", chat.file_mode)],
        *_caption_rows(preferences, texts),
    ]
    if is_group:
        rows += [
            [_button(texts[f"set_{name}"], name, getattr(preferences, name))]
            for name in ("silent", "spoiler", "delete_request", "only_mentioned")
        ]
        rows.append(
            [
                _button(str(cap), f"album_cap/{cap}", cap == preferences.album_cap)
                for cap in ALBUM_CAPS
            ]
        )
        titles = [
            _button(title, f"muted/{name}", name not in preferences.muted)
            for name, title in platforms.items()
        ]
        rows += [titles[start : start + 3] for start in range(0, len(titles), 3)]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _caption_rows(
    preferences: Preferences, texts: Mapping[str, str]
) -> list[list[InlineKeyboardButton]]:
    """Return a switch for text and author, and a button for each part with its place."""
    parts = []
    for part in CaptionPart:
        is_on = part in preferences.caption
        place = f"{preferences.caption.index(part) + 1}\ufe0f\u20e3" if is_on else "▫️"
        parts.append(_button(f"{place} {texts[f'caption_{part}']}", f"caption/{part}"))
    describe = _button(texts["set_describe"], "describe", preferences.describes)
    return [[describe], parts[:2], parts[2:]]


def _quality_label(quality: Quality, texts: Mapping[str, str]) -> str:
    if quality is Quality.HD:
        return quality  # "720p" is the same in every language.
    return texts[f"quality_{quality.name.lower()}"]


def _button(text: str, setting: str, is_on: bool | None = None) -> InlineKeyboardButton:
    mark = {True: "✅ ", False: "▫️ ", None: ""}[is_on]
    return InlineKeyboardButton(text=mark + text, callback_data=SETTING + setting)


def cancel_button(text: str, number: int) -> InlineKeyboardMarkup:
    """Return the button that cancels a request; `number` identifies the request."""
    button = InlineKeyboardButton(text=text, callback_data=f"{CANCEL}{number}")
    return InlineKeyboardMarkup(inline_keyboard=[[button]])
