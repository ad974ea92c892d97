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

from core.archives import MIN_ITEMS
from core.captions import short_count
from core.choices import Choice, Offer, Piece, start_in
from core.facts import FileSize, length
from core.formats import Quality
from core.media import Clip, Post
from misc.ui.callback_data import (
    CANCEL,
    CLOSE,
    LANGUAGE,
    PAGE,
    STATS,
    WAIT,
    archive_of,
    audio_of,
    slides_of,
    version_of,
    versions_of,
)
from misc.ui.formats import format_language, format_size
from misc.ui.texts import Texts

#: Maximum length of an inline query, and of the text that a button copies, in characters.
#: Sources: https://core.telegram.org/bots/api#inlinequery
#: and https://core.telegram.org/bots/api#copytextbutton
_MAX_LINK_LENGTH: Final = 256


def languages(texts: Texts, prefix: str = LANGUAGE) -> InlineKeyboardMarkup:
    """Return a button for each language, labelled with its native name, two per row.

    The callback data is `prefix` and the language's code.
    """
    buttons = [
        InlineKeyboardButton(text=texts[code]["language_name"], callback_data=prefix + code)
        for code in texts.languages
    ]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    return InlineKeyboardMarkup(inline_keyboard=rows)


@dataclass(frozen=True, slots=True)
class Extras:
    """Optional buttons below a post in a private chat."""

    share: bool = False
    copy_link: bool = False
    #: The versions of a video.
    versions: bool = False
    #: The files of a post with many items as an archive.
    archive: bool = False


def under_post(
    post: Post, texts: Mapping[str, str], link: str = "", extras: Extras = Extras()
) -> InlineKeyboardMarkup | None:
    """Return a keyboard with a post's statistics and buttons for its audio and slideshow.

    `extras` adds buttons that share and copy `link`, unless it is empty or too long for Telegram.
    Return None if there is nothing to show.
    """
    stats = _stats(post)
    media_buttons = []
    has_audio = not post.is_track and (post.audio or not (post.has_pictures or post.is_silent))
    if has_audio and (data := audio_of(post.platform, post.id)):
        media_buttons.append(InlineKeyboardButton(text=texts["sound_button"], callback_data=data))
    if post.audio and post.pictures and (data := slides_of(post.platform, post.id)):
        media_buttons.append(InlineKeyboardButton(text=texts["slides_button"], callback_data=data))
    if extras.archive:
        media_buttons += _archive_buttons(post)
    if extras.versions:
        media_buttons += _version_buttons(post, link, texts)
    rows = [row for row in (stats, media_buttons, _extras(texts, link, extras)) if row]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def with_row(keyboard: InlineKeyboardMarkup | None, text: str, data: str) -> InlineKeyboardMarkup:
    """Return a keyboard with one more button below the others; `data` is its callback data."""
    rows = keyboard.inline_keyboard if keyboard else []
    button = InlineKeyboardButton(text=text, callback_data=data)
    return InlineKeyboardMarkup(inline_keyboard=[*rows, [button]])


def _archive_buttons(post: Post) -> list[InlineKeyboardButton]:
    data = archive_of(post.platform, post.id) if len(post.items) >= MIN_ITEMS else None
    # "ZIP" is the same in every language.
    return [InlineKeyboardButton(text="🗜 ZIP", callback_data=data)] if data else []


def _version_buttons(post: Post, link: str, texts: Mapping[str, str]) -> list[InlineKeyboardButton]:
    """Return the buttons below a single video: other versions, and the time that a link names."""
    if not (len(post.items) == 1 and isinstance(post.items[0], Clip)):
        return []
    buttons = []
    if start := start_in(post.platform, link):
        data = version_of(Choice(piece=Piece(start)), post.platform, post.id)
        label = texts["from_button"].format(start=length(start))
        buttons += [InlineKeyboardButton(text=label, callback_data=data)] if data else []
    if data := versions_of(post.platform, post.id):
        buttons.append(InlineKeyboardButton(text="⚙️", callback_data=data))
    return buttons


def versions(
    offers: Iterable[Offer], post: tuple[str, str], texts: Texts, language: str
) -> InlineKeyboardMarkup:
    """Return a button for each version of a post, given by platform and id, two per row."""
    buttons = [
        InlineKeyboardButton(
            text=texts.directed(language, _offer_label(offer, texts, language)), callback_data=data
        )
        for offer in offers
        if (data := version_of(offer.choice, *post))
    ]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    rows.append([InlineKeyboardButton(text="✖️", callback_data=CLOSE)])
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _offer_label(offer: Offer, texts: Texts, language: str) -> str:
    choice, words = offer.choice, texts[language]
    if choice.subtitles is not None:
        name = f"💬 {format_language(choice.subtitles, language)}"
        return words["subtitles_automatic"].format(name=name) if offer.is_automatic else name
    if choice.quality is Quality.SOUND:
        return f"🎵 {'MP3' if choice.is_mp3 else words['quality_sound']}"
    if choice.is_file:
        name = f"📄 {words['set_file_mode']}"
    elif offer.side:
        name = f"🎬 {offer.side}p"
    else:
        name = f"🎬 {quality_label(choice.quality or Quality.BEST, words)}"
    size = offer.size_bytes
    return f"{name} · {format_size(FileSize(size), language)}" if size else name


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
    return one_button("⏳", WAIT)


def _stats(post: Post) -> list[InlineKeyboardButton]:
    return [
        InlineKeyboardButton(text=f"{sign} {short_count(number)}", callback_data=STATS)
        for sign, number in (("❤️", post.details.likes), ("👁", post.details.views))
        if number is not None
    ]


def link_button(text: str, url: str) -> InlineKeyboardMarkup:
    """Return a button that opens a URL."""
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=text, url=url)]])


def choices(options: Iterable[tuple[str, str]]) -> InlineKeyboardMarkup:
    """Return one button per row, from pairs of label and callback data."""
    rows = [[InlineKeyboardButton(text=text, callback_data=data)] for text, data in options]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def one_button(text: str, data: str) -> InlineKeyboardMarkup:
    """Return a single button; `data` is its callback data."""
    return choices([(text, data)])


def quality_label(quality: Quality, texts: Mapping[str, str]) -> str:
    """Return the name of a quality, in the language of `texts`."""
    if quality is Quality.HD:
        return quality  # "720p" is the same in every language.
    return texts[f"quality_{quality.name.lower()}"]


def cancel_button(text: str, number: int) -> InlineKeyboardMarkup:
    """Return the button that cancels a request; `number` identifies the request."""
    return one_button(text, f"{CANCEL}{number}")
