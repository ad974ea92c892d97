"""The requests that send media: pure, from our files to the Bot API's parameters."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.methods import (
    SendAnimation,
    SendAudio,
    SendDocument,
    SendMediaGroup,
    SendPhoto,
    SendVideo,
    TelegramMethod,
)
from aiogram.types import (
    InlineKeyboardMarkup,
    InputFile,
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaUnion,
    InputMediaVideo,
    Message,
    MessageId,
)
from pydantic import Field

from core.media import (
    AudioFile,
    DocumentFile,
    File,
    LocalFile,
    PhotoFile,
    RemoteFile,
    VideoFile,
)
from delivery.targets import ChatTarget

#: A larger piece makes uploads faster and costs its size in memory for each of them.
_UPLOAD_CHUNK: Final = 256 * 1024
#: An animation cannot be part of an album; it goes there as the video that it is.
_ITEM_BY_KIND: Final[dict[str, Any]] = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "document": InputMediaDocument,
}
_INLINE_BY_KIND: Final[dict[str, Any]] = {
    **_ITEM_BY_KIND,
    "animation": InputMediaAnimation,
    "audio": InputMediaAudio,
}
#: What cannot be covered by a spoiler.
_UNCOVERED: Final = frozenset({"document", "audio"})
#: What the chat shows while a file is on its way.
ACTIONS: Final[dict[type[LocalFile], str]] = {
    PhotoFile: "upload_photo",
    VideoFile: "upload_video",
    DocumentFile: "upload_document",
}


@dataclass(frozen=True, slots=True)
class MessageOptions:
    """What stands around the media."""

    #: Telegram HTML.
    caption: str
    buttons: InlineKeyboardMarkup | None = None
    #: Nobody's phone rings.
    is_silent: bool = False
    #: The media is covered until somebody taps on it.
    is_spoiler: bool = False


class SendByFileId(TelegramMethod[MessageId]):
    """sendPhoto, sendVideo … with a file that Telegram has, and that stands in a field named by `kind`.

    aiogram's own methods go through all that a message can have, on the way out and again in the
    answer; of this answer only the message's id is wanted. That saves half of what sending costs.
    """

    __returning__ = MessageId

    kind: str = Field(exclude=True)
    chat_id: int
    business_connection_id: str | None
    message_thread_id: int | None
    caption: str | None
    parse_mode: str = ParseMode.HTML
    #: JSON, like the next but two.
    reply_markup: str | None
    disable_notification: bool | None
    has_spoiler: bool | None
    reply_parameters: str | None

    @property
    def __api_method__(self) -> str:  # type: ignore[override]
        """Give the method's name."""
        return f"send{self.kind.capitalize()}"


def file_id_request(target: ChatTarget, file: RemoteFile, options: MessageOptions) -> SendByFileId:
    """Write the request that sends a file that Telegram has."""
    media: dict[str, Any] = {file.kind: file.file_id}
    reply = target.reply
    return SendByFileId(
        **media,
        kind=file.kind,
        chat_id=target.chat_id,
        business_connection_id=target.business_id,
        message_thread_id=target.thread_id,
        caption=options.caption or file.label or None,
        reply_markup=options.buttons and options.buttons.model_dump_json(exclude_none=True),
        disable_notification=options.is_silent or None,
        has_spoiler=(options.is_spoiler and file.kind not in _UNCOVERED) or None,
        reply_parameters=reply and reply.model_dump_json(exclude_defaults=True),
    )


def file_request(
    target: ChatTarget, file: LocalFile, options: MessageOptions
) -> TelegramMethod[Message]:
    """Write the request that uploads one file."""
    common: dict[str, Any] = {
        "business_connection_id": target.business_id,
        "chat_id": target.chat_id,
        "message_thread_id": target.thread_id,
        "caption": options.caption or getattr(file, "label", None) or None,
        "reply_markup": options.buttons,
        "disable_notification": options.is_silent,
        "reply_parameters": target.reply,
    }
    match file:
        case PhotoFile():
            photo = StreamedFile(file.path)
            return SendPhoto(photo=photo, has_spoiler=options.is_spoiler, **common)
        case DocumentFile():
            return SendDocument(
                document=StreamedFile(file.path), disable_content_type_detection=True, **common
            )
        case VideoFile(is_animation=True):
            return SendAnimation(
                animation=StreamedFile(file.path),
                has_spoiler=options.is_spoiler,
                **_measures(file),
                **common,
            )
        case VideoFile():
            return SendVideo(
                video=StreamedFile(file.path),
                cover=StreamedFile(file.cover) if file.cover else None,
                supports_streaming=True,
                has_spoiler=options.is_spoiler,
                **_measures(file),
                **common,
            )


def audio_request(target: ChatTarget, audio: AudioFile, options: MessageOptions) -> SendAudio:
    """Write the request that sends a sound."""
    return SendAudio(
        business_connection_id=target.business_id,
        chat_id=target.chat_id,
        message_thread_id=target.thread_id,
        audio=StreamedFile(audio.path),
        title=audio.title,
        performer=audio.performer,
        duration=audio.duration_s,
        thumbnail=StreamedFile(audio.thumbnail) if audio.thumbnail else None,
        caption=options.caption,
        disable_notification=options.is_silent,
        reply_parameters=target.reply,
    )


def album_request(
    target: ChatTarget, files: Sequence[File], options: MessageOptions
) -> SendMediaGroup:
    """Write the request that sends several files as one album."""
    return SendMediaGroup(
        business_connection_id=target.business_id,
        chat_id=target.chat_id,
        message_thread_id=target.thread_id,
        media=[_album_item(file, options) for file in files],
        disable_notification=options.is_silent,
        reply_parameters=target.reply,
    )


def _album_item(
    file: File, options: MessageOptions
) -> InputMediaPhoto | InputMediaVideo | InputMediaDocument:
    match file:
        case RemoteFile():
            spoiler = {} if file.kind in _UNCOVERED else {"has_spoiler": options.is_spoiler}
            item: InputMediaPhoto | InputMediaVideo | InputMediaDocument = _ITEM_BY_KIND[file.kind](
                media=file.file_id, caption=file.label or None, **spoiler
            )
            return item
        case PhotoFile():
            return InputMediaPhoto(media=StreamedFile(file.path), has_spoiler=options.is_spoiler)
        case DocumentFile():
            return InputMediaDocument(media=StreamedFile(file.path))
        case VideoFile():
            return InputMediaVideo(
                media=StreamedFile(file.path),
                caption=file.label or None,
                cover=StreamedFile(file.cover) if file.cover else None,
                supports_streaming=True,
                has_spoiler=options.is_spoiler,
                **_measures(file),
            )


def inline_media(file: RemoteFile, options: MessageOptions) -> InputMediaUnion:
    """Write the new media of an inline message; Telegram must have it already."""
    kind = _INLINE_BY_KIND[file.kind]
    media: InputMediaUnion = kind(media=file.file_id, caption=options.caption or None)
    return media


def _measures(video: VideoFile) -> dict[str, Any]:
    return {
        "width": video.width,
        "height": video.height,
        "duration": video.duration_s,
        "thumbnail": StreamedFile(video.thumbnail) if video.thumbnail else None,
    }


def remote_file(message: Message) -> RemoteFile | None:
    """Read the file id out of a message that Telegram has made; None if it has no file."""
    label = message.caption if message.media_group_id else None
    # An animation is also a document, so it is looked for first.
    for kind in ("animation", "video", "audio", "document"):
        if media := getattr(message, kind):
            return RemoteFile(kind, media.file_id, label or "")
    if message.photo:
        return RemoteFile("photo", message.photo[-1].file_id, label or "")
    return None


class StreamedFile(InputFile):
    """A file that is read piece by piece while it is sent.

    Unlike aiogram's own it reads in the loop's thread, which costs less than handing 256 kB over,
    and it closes the file when an upload breaks off.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(filename=path.name)
        self._path = path

    async def read(self, bot: Bot) -> AsyncGenerator[bytes, None]:  # noqa: ARG002 - aiogram's signature
        """Give the file's bytes."""
        with self._path.open("rb") as file:
            while chunk := file.read(_UPLOAD_CHUNK):
                yield chunk
