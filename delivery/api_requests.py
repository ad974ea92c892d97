"""Build the Bot API requests that send media. Nothing is sent here."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.methods import (
    CopyMessage,
    CopyMessages,
    SendAnimation,
    SendAudio,
    SendDocument,
    SendLivePhoto,
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
    InputMediaLivePhoto,
    InputMediaPhoto,
    InputMediaUnion,
    InputMediaVideo,
    Message,
    MessageId,
)
from pydantic import Field

from core.broadcasts import Broadcast
from core.media import (
    AudioFile,
    DocumentFile,
    File,
    LivePhotoFile,
    LocalFile,
    PhotoFile,
    RemoteFile,
    VideoFile,
)
from delivery.targets import ChatTarget

#: Bytes per read. Larger chunks make uploads faster, but each upload holds one in memory.
_UPLOAD_CHUNK: Final = 256 * 1024
#: Longest title and performer of an audio file, in characters; players show fewer.
_MAX_NAME: Final = 256
#: Called with the number of bytes of an upload that the socket has taken.
count_uploaded: ContextVar[Callable[[int], None]] = ContextVar(
    "count_uploaded", default=lambda _: None
)
#: Albums cannot contain animations. Source: https://core.telegram.org/bots/api#sendmediagroup
_ITEM_BY_KIND: Final[dict[str, Any]] = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "document": InputMediaDocument,
    "audio": InputMediaAudio,
}
_AlbumItem = (
    InputMediaPhoto | InputMediaVideo | InputMediaLivePhoto | InputMediaDocument | InputMediaAudio
)
_INLINE_BY_KIND: Final[dict[str, Any]] = {**_ITEM_BY_KIND, "animation": InputMediaAnimation}
#: Kinds of files that the Bot API cannot hide behind a spoiler.
_NO_SPOILER: Final = frozenset({"document", "audio"})
#: The chat action that is shown during an upload, by type of file.
#: Source: https://core.telegram.org/bots/api#sendchataction
ACTIONS: Final[dict[type[LocalFile], str]] = {
    PhotoFile: "upload_photo",
    LivePhotoFile: "upload_photo",
    VideoFile: "upload_video",
    DocumentFile: "upload_document",
    AudioFile: "upload_document",
}


class _LivePhotoItem(InputMediaLivePhoto):
    """A live photo in an album. aiogram declares both files as file ids only."""

    media: str | InputFile  # type: ignore[assignment]
    photo: str | InputFile  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class MessageOptions:
    """Caption, buttons and flags of a message with media."""

    #: Caption in Telegram HTML; empty for none.
    caption: str
    buttons: InlineKeyboardMarkup | None = None
    #: Text of the message below albums if the caption is empty, because a message cannot be.
    text_below: str = ""
    #: Deliver without a notification sound.
    is_silent: bool = False
    #: Hide the media until the user taps on it.
    is_spoiler: bool = False


class SendByFileId(TelegramMethod[MessageId]):
    """sendPhoto, sendVideo and so on, with a file id in an extra field that is named after `kind`.

    aiogram's own methods serialise every possible field of a message and parse the whole message
    in the response. Only the message id is needed here, which halves the CPU cost of sending.
    """

    __returning__ = MessageId

    kind: str = Field(exclude=True)
    chat_id: int
    business_connection_id: str | None
    message_thread_id: int | None
    direct_messages_topic_id: int | None
    caption: str | None
    parse_mode: str = ParseMode.HTML
    #: JSON text, like `reply_parameters`.
    reply_markup: str | None
    disable_notification: bool | None
    has_spoiler: bool | None
    reply_parameters: str | None
    disable_content_type_detection: bool | None

    @property
    def __api_method__(self) -> str:  # type: ignore[override]
        """Return the name of the Bot API method: sendPhoto for "photo"."""
        return f"send{self.kind.title().replace('_', '')}"


def has_files(method: TelegramMethod[Any]) -> bool:
    """Return True if a request uploads files."""
    if isinstance(method, SendByFileId):  # the most frequent one by far
        return False
    media = getattr(method, "media", ())
    items = media if isinstance(media, Sequence) else (media,)
    fields = (value for item in (method, *items) for _, value in item)
    return any(isinstance(value, InputFile) for value in fields)


def file_id_request(target: ChatTarget, file: RemoteFile, options: MessageOptions) -> SendByFileId:
    """Return the request that sends a file by its file id."""
    media: dict[str, Any] = {file.kind: file.file_id}
    if file.still_id:
        media["photo"] = file.still_id
    reply = target.reply
    return SendByFileId(
        **media,
        kind=file.kind,
        chat_id=target.chat_id,
        business_connection_id=target.business_id,
        message_thread_id=target.thread_id,
        direct_messages_topic_id=target.direct_topic_id,
        caption=options.caption or file.label or None,
        reply_markup=options.buttons and options.buttons.model_dump_json(exclude_none=True),
        disable_notification=options.is_silent or None,
        has_spoiler=(options.is_spoiler and file.kind not in _NO_SPOILER) or None,
        reply_parameters=reply and reply.model_dump_json(exclude_defaults=True),
        disable_content_type_detection=file.kind == "document" or None,
    )


def file_request(
    target: ChatTarget, file: LocalFile, options: MessageOptions
) -> TelegramMethod[Message]:
    """Return the request that uploads and sends one file."""
    common: dict[str, Any] = {
        "business_connection_id": target.business_id,
        "chat_id": target.chat_id,
        "message_thread_id": target.thread_id,
        "direct_messages_topic_id": target.direct_topic_id,
        "caption": options.caption or getattr(file, "label", None) or None,
        "reply_markup": options.buttons,
        "disable_notification": options.is_silent,
        "reply_parameters": target.reply,
    }
    match file:
        case PhotoFile():
            photo = StreamedFile(file.path)
            return SendPhoto(photo=photo, has_spoiler=options.is_spoiler, **common)
        case LivePhotoFile():
            return SendLivePhoto(
                live_photo=StreamedFile(file.video.path),
                photo=StreamedFile(file.path),
                has_spoiler=options.is_spoiler,
                **common,
            )
        case DocumentFile():
            return SendDocument(
                document=StreamedFile(file.path), disable_content_type_detection=True, **common
            )
        case AudioFile():
            return SendAudio(audio=StreamedFile(file.path), **_audio_options(file), **common)
        case VideoFile(is_animation=True):
            return SendAnimation(
                animation=StreamedFile(file.path),
                has_spoiler=options.is_spoiler,
                **_video_options(file),
                **common,
            )
        case VideoFile():
            return SendVideo(
                video=StreamedFile(file.path),
                cover=StreamedFile(file.cover) if file.cover else None,
                supports_streaming=True,
                has_spoiler=options.is_spoiler,
                **_video_options(file),
                **common,
            )


def album_kind(file: File) -> str | None:
    """Return which files may share an album; None for a file that must be sent alone.

    Documents and audio files form albums only among themselves, animations form none.
    Source: https://core.telegram.org/bots/api#sendmediagroup
    """
    match file:
        case RemoteFile(kind="photo" | "video" | "live_photo"):
            return "visual"
        case PhotoFile() | VideoFile() | LivePhotoFile():
            return "visual"
        case RemoteFile(kind="animation"):
            return None
        case RemoteFile():
            return file.kind
        case AudioFile():
            return "audio"
    return "document"


def album_request(
    target: ChatTarget, files: Sequence[File], options: MessageOptions
) -> SendMediaGroup:
    """Return the request that sends 2 to 10 files as one album, without caption and buttons."""
    return SendMediaGroup(
        business_connection_id=target.business_id,
        chat_id=target.chat_id,
        message_thread_id=target.thread_id,
        direct_messages_topic_id=target.direct_topic_id,
        media=[_album_item(file, options) for file in files],
        disable_notification=options.is_silent,
        reply_parameters=target.reply,
    )


def _album_item(file: File, options: MessageOptions) -> _AlbumItem:
    match file:
        case RemoteFile():
            spoiler = {} if file.kind in _NO_SPOILER else {"has_spoiler": options.is_spoiler}
            if file.kind == "live_photo":
                return _LivePhotoItem(media=file.file_id, photo=file.still_id, **spoiler)
            item: _AlbumItem = _ITEM_BY_KIND[file.kind](
                media=file.file_id, caption=file.label or None, **spoiler
            )
            return item
        case PhotoFile():
            return InputMediaPhoto(media=StreamedFile(file.path), has_spoiler=options.is_spoiler)
        case LivePhotoFile():
            return _LivePhotoItem(
                media=StreamedFile(file.video.path),
                photo=StreamedFile(file.path),
                has_spoiler=options.is_spoiler,
            )
        case DocumentFile():
            return InputMediaDocument(media=StreamedFile(file.path), caption=file.label or None)
        case AudioFile():
            return InputMediaAudio(media=StreamedFile(file.path), **_audio_options(file))
        case VideoFile():
            return InputMediaVideo(
                media=StreamedFile(file.path),
                caption=file.label or None,
                cover=StreamedFile(file.cover) if file.cover else None,
                supports_streaming=True,
                has_spoiler=options.is_spoiler,
                **_video_options(file),
            )


def without_motion(file: RemoteFile) -> RemoteFile:
    """Return the still of a live photo, which inline messages cannot show; else the file itself."""
    return RemoteFile("photo", file.still_id) if file.kind == "live_photo" else file


def inline_media(file: RemoteFile, options: MessageOptions) -> InputMediaUnion:
    """Return the new media of an inline message. Only file ids work there, not uploads."""
    file = without_motion(file)
    kind = _INLINE_BY_KIND[file.kind]
    # A document must stay one.
    detection = {"disable_content_type_detection": True} if file.kind == "document" else {}
    media: InputMediaUnion = kind(media=file.file_id, caption=options.caption or None, **detection)
    return media


def _audio_options(audio: AudioFile) -> dict[str, Any]:
    return {
        "title": audio.title[:_MAX_NAME],
        "performer": audio.performer[:_MAX_NAME],
        "duration": audio.duration_s,
        "thumbnail": StreamedFile(audio.thumbnail) if audio.thumbnail else None,
    }


def _video_options(video: VideoFile) -> dict[str, Any]:
    return {
        "width": video.width,
        "height": video.height,
        "duration": video.duration_s,
        "thumbnail": StreamedFile(video.thumbnail) if video.thumbnail else None,
    }


def remote_file(message: Message) -> RemoteFile | None:
    """Return the file id of a sent message, or None if the message has no file."""
    label = message.caption if message.media_group_id else None
    if message.live_photo and message.live_photo.photo:
        still = message.live_photo.photo[-1].file_id
        return RemoteFile("live_photo", message.live_photo.file_id, label or "", still)
    # A message with an animation also has a document, so animations come first.
    for kind in ("animation", "video", "audio", "document"):
        if media := getattr(message, kind):
            return RemoteFile(kind, media.file_id, label or "")
    if message.photo:
        return RemoteFile("photo", message.photo[-1].file_id, label or "")
    return None


class StreamedFile(InputFile):
    """A file on disk that is read in chunks during the upload, and reported to `count_uploaded`.

    Unlike aiogram's `FSInputFile`, it reads in the event loop's thread, which costs less than
    passing each 256 kB chunk between threads, and it closes the file if the upload is aborted.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(filename=path.name)
        self._path = path

    async def read(self, bot: Bot) -> AsyncGenerator[bytes, None]:  # noqa: ARG002 - aiogram's signature
        """Yield the content of the file in chunks."""
        count = count_uploaded.get()
        with self._path.open("rb") as file:
            while chunk := file.read(_UPLOAD_CHUNK):
                yield chunk
                # aiohttp asks for more once the socket has taken the chunk, but for the 64 KiB that
                # the transport may hold back (its high-water mark).
                count(len(chunk))


def copy_request(broadcast: Broadcast, chat_id: int) -> CopyMessage | CopyMessages:
    """Return the request that copies a broadcast's message or album to a chat.

    Albums are copied by one request, which keeps them together. It has neither buttons nor a price.
    Source: https://core.telegram.org/bots/api#copymessages
    """
    content = broadcast.content
    if content.is_album:
        return CopyMessages(
            chat_id=chat_id,
            from_chat_id=broadcast.admin_id,
            message_ids=list(content.album),
            disable_notification=content.is_silent or None,
        )
    buttons = content.buttons
    return CopyMessage(
        chat_id=chat_id,
        from_chat_id=broadcast.admin_id,
        message_id=content.message_id or 0,
        reply_markup=InlineKeyboardMarkup.model_validate_json(buttons) if buttons else None,
        disable_notification=content.is_silent or None,
        allow_paid_broadcast=content.is_paid or None,
    )
