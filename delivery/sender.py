"""Sending: one upload, streamed from disk, never repeated blindly."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from aiogram import Bot
from aiogram.methods import (
    SendAudio,
    SendDocument,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
    SendVideo,
    TelegramMethod,
)
from aiogram.types import (
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
)

from core.albums import split_album
from core.errors import DeliveryError, FloodError, PartialDeliveryError, TooLargeError
from core.media import SoundFile, VideoFile
from delivery.targets import ChatTarget
from delivery.telegram_errors import translated

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: A larger piece makes uploads faster and costs its size in memory for each of them.
_UPLOAD_CHUNK: Final = 256 * 1024
#: Telegram's wish for a pause is granted up to this length, in seconds.
_LONGEST_PAUSE_S: Final = 60
#: Telegram shows an action for five seconds.
_ACTION_INTERVAL_S: Final = 4.5


class SendingCancelledError(asyncio.CancelledError):
    """A send was cut off on its way, at shutdown: nobody can know whether it has arrived."""


@dataclass(frozen=True, slots=True)
class Look:
    """What stands around the media."""

    #: Telegram HTML.
    caption: str
    buttons: InlineKeyboardMarkup | None = None


class Sender:
    """Sends into chats; every failure comes out as a `DeliveryError`."""

    def __init__(self, bot: Bot, *, ceiling_bytes: int, upload_timeout_s: int) -> None:
        self._bot = bot
        #: Largest file in bytes that the Bot API server takes.
        self.ceiling_bytes = ceiling_bytes
        self._upload_timeout_s = upload_timeout_s

    async def send_video(self, target: ChatTarget, video: VideoFile, look: Look) -> Message:
        """Send a video that plays in place.

        Raises:
            TooLargeError: over the server's limit; nothing was uploaded.
            DeliveryError: Telegram did not take it, or we cannot know.
        """
        self._check_size(video.size_bytes)
        method = SendVideo(
            chat_id=target.chat_id,
            message_thread_id=target.thread_id,
            video=StreamedFile(video.path),
            width=video.width,
            height=video.height,
            duration=video.duration_s,
            thumbnail=StreamedFile(video.thumbnail) if video.thumbnail else None,
            cover=StreamedFile(video.cover) if video.cover else None,
            supports_streaming=True,
            caption=look.caption,
            reply_markup=look.buttons,
            reply_parameters=target.reply,
        )
        return await self._upload(target, "upload_video", method)

    async def send_document(self, target: ChatTarget, path: Path, look: Look) -> Message:
        """Send a file untouched.

        Raises:
            TooLargeError: over the server's limit; nothing was uploaded.
            DeliveryError: Telegram did not take it, or we cannot know.
        """
        self._check_size(path.stat().st_size)
        method = SendDocument(
            chat_id=target.chat_id,
            message_thread_id=target.thread_id,
            document=StreamedFile(path),
            disable_content_type_detection=True,
            caption=look.caption,
            reply_markup=look.buttons,
            reply_parameters=target.reply,
        )
        return await self._upload(target, "upload_document", method)

    async def send_audio(
        self, target: ChatTarget, sound: SoundFile, look: Look, *, silent: bool
    ) -> Message:
        """Send a sound that plays in the player.

        Raises:
            TooLargeError: over the server's limit; nothing was uploaded.
            DeliveryError: Telegram did not take it, or we cannot know.
        """
        self._check_size(sound.path.stat().st_size)
        method = SendAudio(
            chat_id=target.chat_id,
            message_thread_id=target.thread_id,
            audio=StreamedFile(sound.path),
            title=sound.title,
            performer=sound.performer,
            duration=sound.duration_s,
            thumbnail=StreamedFile(sound.thumbnail) if sound.thumbnail else None,
            caption=look.caption,
            disable_notification=silent,
            reply_parameters=target.reply,
        )
        # Telegram has no "uploading sound" for music; this is what its apps show for it.
        return await self._upload(target, "upload_document", method)

    async def send_photo(self, target: ChatTarget, path: Path, look: Look) -> Message:
        """Send one picture.

        Raises:
            DeliveryError: Telegram did not take it, or we cannot know.
        """
        method = SendPhoto(
            chat_id=target.chat_id,
            message_thread_id=target.thread_id,
            photo=StreamedFile(path),
            caption=look.caption,
            reply_markup=look.buttons,
            reply_parameters=target.reply,
        )
        return await self._upload(target, "upload_photo", method)

    async def send_albums(
        self, target: ChatTarget, paths: Sequence[Path], look: Look, *, as_documents: bool
    ) -> None:
        """Send two or more pictures as albums, silently and in order; then the look as a text.

        Telegram lets an album have no buttons, so caption and buttons follow in a message of their
        own; if that fails, the pictures have arrived all the same.

        Raises:
            PartialDeliveryError: some albums have arrived, and a later one has not.
            DeliveryError: nothing has arrived, or we cannot know.
        """
        kind = InputMediaDocument if as_documents else InputMediaPhoto
        sent: list[Message] = []
        last: list[Message] = []
        for album in split_album(paths):
            method = SendMediaGroup(
                chat_id=target.chat_id,
                message_thread_id=target.thread_id,
                media=[kind(media=StreamedFile(path)) for path in album],
                disable_notification=True,
                reply_parameters=None if sent else target.reply,
            )
            action = "upload_document" if as_documents else "upload_photo"
            try:
                last = await self._upload(target, action, method)
            except (DeliveryError, TooLargeError) as error:
                if sent:
                    raise PartialDeliveryError(len(sent), len(paths)) from error
                raise
            sent += last
        below = replace(target, message_id=last[0].message_id)
        try:
            await self.send_text(below, look.caption, look.buttons)
        except DeliveryError as error:
            logger.warning("No caption below the albums in chat %d: %s", target.chat_id, error)

    async def send_text(
        self,
        target: ChatTarget,
        text: str,
        buttons: InlineKeyboardMarkup | None = None,
        *,
        silent: bool = False,
    ) -> Message:
        """Answer with a text (Telegram HTML).

        Raises:
            DeliveryError: Telegram did not take it, or we cannot know.
        """
        method = SendMessage(
            chat_id=target.chat_id,
            message_thread_id=target.thread_id,
            text=text,
            reply_markup=buttons,
            reply_parameters=target.reply,
            disable_notification=silent,
        )
        return await self._obeying_floods(lambda: self._bot(method))

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self.ceiling_bytes:
            raise TooLargeError(size_bytes, self.ceiling_bytes)

    async def _upload(self, target: ChatTarget, action: str, method: TelegramMethod[T]) -> T:
        async with self._showing(target, action):
            try:
                return await self._obeying_floods(
                    lambda: self._bot(method, request_timeout=self._upload_timeout_s)
                )
            except asyncio.CancelledError as cancelled:
                raise SendingCancelledError from cancelled

    async def _obeying_floods(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call; a 429 says that nothing was sent, so wait as asked and try once more."""
        try:
            with translated(ceiling_bytes=self.ceiling_bytes):
                return await call()
        except FloodError as flood:
            if flood.retry_after_s > _LONGEST_PAUSE_S:
                raise
            logger.warning("Telegram asks for a pause of %d s", flood.retry_after_s)
            await asyncio.sleep(flood.retry_after_s)
        with translated(ceiling_bytes=self.ceiling_bytes):
            return await call()

    @asynccontextmanager
    async def _showing(self, target: ChatTarget, action: str) -> AsyncIterator[None]:
        """Show "uploading …" under the chat's name; whether that works changes nothing."""

        async def show() -> None:
            while True:
                with suppress(DeliveryError), translated():
                    await self._bot.send_chat_action(
                        target.chat_id, action, message_thread_id=target.thread_id
                    )
                await asyncio.sleep(_ACTION_INTERVAL_S)

        # It lives exactly as long as the block, so it is no job of its own.
        task = asyncio.create_task(show())  # noqa: TID251
        try:
            yield
        finally:
            task.cancel()


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
