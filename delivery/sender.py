"""Sending: one upload, streamed from disk, never repeated blindly."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Final, TypeVar

from aiogram import Bot
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.types import InlineKeyboardMarkup, Message

from core.albums import split_album
from core.errors import DeliveryError, PartialDeliveryError, TooLargeError
from core.media import File, RemoteFile, SoundFile
from delivery.requests import (
    ACTIONS,
    Look,
    album_request,
    file_request,
    remote_files,
    sound_request,
)
from delivery.targets import ChatTarget
from delivery.telegram_errors import translated

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Telegram shows an action for five seconds.
_ACTION_INTERVAL_S: Final = 4.5


class SendingCancelledError(asyncio.CancelledError):
    """A send was cut off on its way, at shutdown: nobody can know whether it has arrived."""


class Sender:
    """Sends into chats; every failure comes out as a `DeliveryError`."""

    def __init__(self, bot: Bot, *, ceiling_bytes: int, upload_timeout_s: int) -> None:
        self._bot = bot
        #: Largest file in bytes that the Bot API server takes.
        self.ceiling_bytes = ceiling_bytes
        self._upload_timeout_s = upload_timeout_s

    async def send(
        self, target: ChatTarget, files: Sequence[File], look: Look
    ) -> tuple[RemoteFile, ...]:
        """Send a post: one file with its look, or several as albums with the look below them.

        Gives the files as Telegram has them now.

        Raises:
            TooLargeError: a file is over the server's limit; nothing was uploaded.
            PartialDeliveryError: some files have arrived, and a later one has not.
            DeliveryError: nothing has arrived, or we cannot know.
        """
        for file in files:
            self._check_size(_weight(file))
        if len(files) > 1:
            return remote_files(await self._send_albums(target, files, look))
        return remote_files([await self._send_file(target, files[0], look)])

    async def send_sound(
        self, target: ChatTarget, sound: SoundFile, look: Look
    ) -> tuple[RemoteFile, ...]:
        """Send a sound that plays in the player; gives it as Telegram has it now.

        Raises:
            TooLargeError: over the server's limit; nothing was uploaded.
            DeliveryError: Telegram did not take it, or we cannot know.
        """
        self._check_size(sound.path.stat().st_size)
        request = sound_request(target, sound, look)
        # Telegram has no "uploading sound" for music; this is what its apps show for it.
        return remote_files([await self._upload(target, "upload_document", request)])

    async def _send_file(self, target: ChatTarget, file: File, look: Look) -> Message:
        return await self._upload(target, _action(file), file_request(target, file, look))

    async def _send_albums(
        self, target: ChatTarget, files: Sequence[File], look: Look
    ) -> list[Message]:
        """Send two or more files as albums, silently and in order; then the look as a text.

        Telegram lets an album have no buttons, so caption and buttons follow in a message of their
        own; if that fails, the media has arrived all the same.
        """
        sent: list[Message] = []
        last: list[Message] = []
        quiet = Look(caption="", is_silent=True, is_spoiler=look.is_spoiler)
        for album in split_album(files, _weight, self.ceiling_bytes):
            goal = replace(target, is_reply=target.is_reply and not sent)
            try:
                if len(album) == 1:
                    last = [await self._send_file(goal, album[0], quiet)]
                else:
                    request = album_request(goal, album, quiet)
                    last = await self._upload(goal, _action(album[0]), request)
            except (DeliveryError, TooLargeError) as error:
                if sent:
                    raise PartialDeliveryError(len(sent), len(files)) from error
                raise
            sent += last
        below = replace(target, message_id=last[0].message_id, is_reply=True)
        try:
            await self.send_text(below, look.caption, look.buttons, silent=look.is_silent)
        except DeliveryError as error:
            logger.warning("No caption below the albums in chat %d: %s", target.chat_id, error)
        return sent

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
            business_connection_id=target.business_id,
            chat_id=target.chat_id,
            message_thread_id=target.thread_id,
            text=text,
            reply_markup=buttons,
            reply_parameters=target.reply,
            disable_notification=silent,
        )
        with translated():
            return await self._bot(method)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self.ceiling_bytes:
            raise TooLargeError(size_bytes, self.ceiling_bytes)

    async def _upload(self, target: ChatTarget, action: str | None, method: TelegramMethod[T]) -> T:
        async with self._showing(target, action) if action else nullcontext():
            try:
                with translated(ceiling_bytes=self.ceiling_bytes):
                    return await self._bot(method, request_timeout=self._upload_timeout_s)
            except asyncio.CancelledError as cancelled:
                raise SendingCancelledError from cancelled

    @asynccontextmanager
    async def _showing(self, target: ChatTarget, action: str) -> AsyncIterator[None]:
        """Show "uploading …" under the chat's name; whether that works changes nothing."""

        async def show() -> None:
            while True:
                with suppress(DeliveryError), translated():
                    await self._bot.send_chat_action(
                        target.chat_id,
                        action,
                        business_connection_id=target.business_id,
                        message_thread_id=target.thread_id,
                    )
                await asyncio.sleep(_ACTION_INTERVAL_S)

        # It lives exactly as long as the block, so it is no job of its own.
        task = asyncio.create_task(show())  # noqa: TID251
        try:
            yield
        finally:
            task.cancel()


def _weight(file: File) -> int:
    """Count the bytes that an upload has; what Telegram has already weighs nothing."""
    return 0 if isinstance(file, RemoteFile) else file.path.stat().st_size


def _action(file: File) -> str | None:
    return None if isinstance(file, RemoteFile) else ACTIONS[type(file)]
