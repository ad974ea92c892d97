"""The cards of an inline answer, as Bot API objects. Pure functions."""

from collections.abc import Mapping
from typing import Any, Final

from aiogram.types import (
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultCachedAudio,
    InlineQueryResultCachedDocument,
    InlineQueryResultCachedMpeg4Gif,
    InlineQueryResultCachedPhoto,
    InlineQueryResultCachedVideo,
    InlineQueryResultUnion,
    InputTextMessageContent,
)

from core.media import RemoteFile
from core.request import Kind
from delivery.api_requests import MessageOptions, without_motion
from misc.ui import keyboards

#: Cards that start a request: id and kind. The ids of cards with cached media begin with KNOWN.
FETCH: Final[dict[str, Kind]] = {"fetch/post": "post", "fetch/sound": "sound"}
KNOWN: Final = "known/"
#: Prefixes of the ids of such cards in older bots with the same token.
_OLD: Final = ("tt_download", "ig_download")
HINT: Final = "hint"


def wanted(result_id: str) -> Kind | None:
    """Return the kind of request that a card starts; None for a card that starts none."""
    if result_id.startswith(_OLD):
        return "post"
    return FETCH.get(result_id)


def unknown(texts: Mapping[str, str], site: str) -> list[InlineQueryResultUnion]:
    """Return cards that fetch a post or its audio; only messages with a button can be edited."""
    return [
        InlineQueryResultArticle(
            id=card,
            title=texts[f"inline_{kind}"],
            description=texts["inline_about"].format(site=site),
            input_message_content=_content(texts["inline_fetching"]),
            reply_markup=keyboards.hourglass(),
        )
        for card, kind in FETCH.items()
    ]


def whole_post(texts: Mapping[str, str], site: str) -> InlineQueryResultUnion:
    """Return the card that becomes the whole post, with arrows if it is an album."""
    return unknown(texts, site)[0]


def single(
    number: int, file: RemoteFile, title: str, options: MessageOptions
) -> InlineQueryResultUnion:
    """Return a card with a cached item of a post; items are numbered from 1."""
    return _card(f"{KNOWN}{number}", file, title, options)


def sound(audio: RemoteFile, title: str, options: MessageOptions) -> InlineQueryResultUnion:
    """Return a card with the cached audio of a post."""
    return _card(f"{KNOWN}sound", audio, title, options)


def hint(
    title: str,
    text: str,
    button: InlineKeyboardMarkup | None = None,
    *,
    description: str | None = None,
) -> list[InlineQueryResultUnion]:
    """Return a card with a hint; sent to a chat, its text explains the bot there."""
    return [
        InlineQueryResultArticle(
            id=HINT,
            title=title,
            description=description,
            input_message_content=_content(text),
            reply_markup=button,
        )
    ]


def _card(
    card_id: str, file: RemoteFile, title: str, options: MessageOptions
) -> InlineQueryResultUnion:
    common: dict[str, Any] = {
        "id": card_id,
        "caption": options.caption,
        "reply_markup": options.buttons,
    }
    file = without_motion(file)
    match file.kind:
        case "video":
            return InlineQueryResultCachedVideo(video_file_id=file.file_id, title=title, **common)
        case "animation":
            return InlineQueryResultCachedMpeg4Gif(
                mpeg4_file_id=file.file_id, title=title, **common
            )
        case "audio":
            return InlineQueryResultCachedAudio(audio_file_id=file.file_id, **common)
        case "photo":
            return InlineQueryResultCachedPhoto(photo_file_id=file.file_id, title=title, **common)
        case _:
            return InlineQueryResultCachedDocument(
                document_file_id=file.file_id, title=title, **common
            )


def _content(text: str) -> InputTextMessageContent:
    return InputTextMessageContent(message_text=text)
