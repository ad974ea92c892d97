"""The keyboards under our messages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiogram.types import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    SwitchInlineQueryChosenChat,
)

from core.captions import short_count
from core.formats import Quality
from core.media import Picture, Post
from core.preferences import ALBUM_CAPS
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

#: An inline query, and what a button copies, are no longer than this.
#: Source: https://core.telegram.org/bots/api#copytextbutton, https://core.telegram.org/bots/api#inlinequery
_LONGEST_LINK: Final = 256


def languages(texts: Texts) -> InlineKeyboardMarkup:
    """Offer all languages by their own names, two in a row."""
    buttons = [
        InlineKeyboardButton(text=texts[code]["language_name"], callback_data=LANGUAGE + code)
        for code in texts.languages
    ]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    return InlineKeyboardMarkup(inline_keyboard=rows)


@dataclass(frozen=True, slots=True)
class Extras:
    """What the operator wants below a post in a private chat."""

    share: bool = False
    copy_link: bool = False


def under_post(
    post: Post, texts: Mapping[str, str], link: str = "", extras: Extras = Extras()
) -> InlineKeyboardMarkup | None:
    """Show a post's likes and views, as far as they are known, and offer its sound and slides.

    With `extras` the post can be sent on, and its `link` copied, unless it is too long for a button.
    """
    stats = _stats(post)
    offers = []
    if (post.audio or not post.has_pictures) and (data := audio_of(post.platform, post.id)):
        offers.append(InlineKeyboardButton(text=texts["sound_button"], callback_data=data))
    has_slides = any(isinstance(item, Picture) for item in post.items)
    if post.audio and has_slides and (data := slides_of(post.platform, post.id)):
        offers.append(InlineKeyboardButton(text=texts["slides_button"], callback_data=data))
    rows = [row for row in (stats, offers, _extras(texts, link, extras)) if row]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def _extras(texts: Mapping[str, str], link: str, extras: Extras) -> list[InlineKeyboardButton]:
    if not 0 < len(link) <= _LONGEST_LINK:
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
    """Show a post's likes and views, and arrows that turn the pages of an album."""
    turns = []
    if pages > 1:
        if page > 0:
            turns.append(InlineKeyboardButton(text="◀️", callback_data=f"{PAGE}{page - 1}"))
        turns.append(InlineKeyboardButton(text=f"{page + 1}/{pages}", callback_data=STATS))
        if page < pages - 1:
            turns.append(InlineKeyboardButton(text="▶️", callback_data=f"{PAGE}{page + 1}"))
    rows = [row for row in (_stats(post), turns) if row]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def hourglass() -> InlineKeyboardMarkup:
    """Show that something is being done. A card with a keyboard is one that can be edited."""
    button = InlineKeyboardButton(text="⏳", callback_data=WAIT)
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


def _stats(post: Post) -> list[InlineKeyboardButton]:
    return [
        InlineKeyboardButton(text=f"{sign} {short_count(number)}", callback_data=STATS)
        for sign, number in (("❤️", post.likes), ("👁", post.views))
        if number is not None
    ]


def link_button(text: str, url: str) -> InlineKeyboardMarkup:
    """Offer one button that opens an address."""
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=text, url=url)]])


def choices(options: Iterable[tuple[str, str]]) -> InlineKeyboardMarkup:
    """Offer some choices, one below the other: each label with its data."""
    rows = [[InlineKeyboardButton(text=text, callback_data=data)] for text, data in options]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def try_again(text: str, data: str = RETRY) -> InlineKeyboardMarkup:
    """Offer to try again, in a chat the message to which ours is a reply."""
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=text, callback_data=data)]]
    )


def settings(
    chat: ChatView, texts: Mapping[str, str], platforms: Mapping[str, str], *, is_group: bool
) -> InlineKeyboardMarkup:
    """Show a chat's settings as buttons that change them; a tick stands before what is on.

    `platforms` are names and titles.
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
        [_button(texts["set_describe"], "describe", preferences.describe)],
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


def _quality_label(quality: Quality, texts: Mapping[str, str]) -> str:
    if quality is Quality.HD:
        return quality  # numbers read the same in every language
    return texts[f"quality_{quality.name.lower()}"]


def _button(text: str, setting: str, is_on: bool | None = None) -> InlineKeyboardButton:
    mark = {True: "✅ ", False: "▫️ ", None: ""}[is_on]
    return InlineKeyboardButton(text=mark + text, callback_data=SETTING + setting)


def call_off(text: str, number: int) -> InlineKeyboardMarkup:
    """Offer to call a request off, which is known by its number."""
    button = InlineKeyboardButton(text=text, callback_data=f"{CANCEL}{number}")
    return InlineKeyboardMarkup(inline_keyboard=[[button]])
