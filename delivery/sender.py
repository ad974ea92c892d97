"""Sends media and texts to chats and inline messages.

Uploads are streamed from disk. A call whose outcome is unknown is not repeated.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol, TypeVar

from aiogram import Bot
from aiogram.methods import (
    CopyMessage,
    EditMessageMedia,
    EditMessageText,
    SendMediaGroup,
    SendMessage,
    TelegramMethod,
)
from aiogram.types import InlineKeyboardMarkup, Message

from core.albums import split_album
from core.broadcasts import Broadcast
from core.errors import (
    DeliveryError,
    FileRejectedError,
    PartialDeliveryError,
    TooLargeError,
    UnknownOutcomeError,
)
from core.media import AudioFile, File, RemoteFile
from core.pseudonyms import LoggedChat
from core.request import Progress
from delivery.api_requests import (
    ACTIONS,
    MessageOptions,
    album_request,
    audio_request,
    file_id_request,
    file_request,
    inline_media,
    remote_file,
)
from delivery.rate_limiter import on_send_start
from delivery.targets import ChatTarget

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Interval between chat actions, in seconds. Telegram shows each for five seconds.
_ACTION_INTERVAL_S: Final = 4.5
#: For the storage channel: no caption, no buttons, no notification.
_PLAIN: Final = MessageOptions(caption="", is_silent=True)


class SendingCancelledError(asyncio.CancelledError):
    """A send was cancelled after it had started, so its outcome is unknown."""


class Journal(Protocol):
    """Records the progress of an answer, so that nothing is sent twice."""

    @property
    def progress(self) -> Progress:
        """Return which messages were sent, and what is being sent."""

    def record_total(self, files: int) -> None:
        """Record the number of files in the answer."""

    async def record_sending(self, files: int) -> None:
        """Record that `files` files are about to be sent; 0 means the text below them."""

    async def record_not_sent(self) -> None:
        """Record that the current send certainly failed."""

    async def record_sent(self, message_ids: Sequence[int]) -> None:
        """Record that the current send succeeded, with the ids of its file messages."""


class NullJournal:
    """A journal in memory, for messages that may be sent again after a crash."""

    def __init__(self) -> None:
        self.progress = Progress()

    def record_total(self, files: int) -> None:
        """Ignore the number of files."""

    async def record_sending(self, files: int) -> None:
        """Record it in memory."""
        self.progress = self.progress.record_sending(files)

    async def record_not_sent(self) -> None:
        """Record it in memory."""
        self.progress = self.progress.record_not_sent()

    async def record_sent(self, message_ids: Sequence[int]) -> None:
        """Record it in memory."""
        self.progress = self.progress.record_sent(tuple(message_ids))


class Sender:
    """Sends to chats. Failures of Telegram calls are raised as `DeliveryError`."""

    def __init__(
        self, bot: Bot, *, ceiling_bytes: int, upload_timeout_s: int, storage_chat: int = 0
    ) -> None:
        self._bot = bot
        #: Files for inline messages are uploaded here first: inline messages accept only file ids.
        self._storage = ChatTarget(storage_chat, 0, is_private=False, is_reply=False)
        #: Largest file that the Bot API server accepts, in bytes.
        self.ceiling_bytes = ceiling_bytes
        self._upload_timeout_s = upload_timeout_s

    async def send(
        self, target: ChatTarget, files: Sequence[File], options: MessageOptions, journal: Journal
    ) -> tuple[RemoteFile, ...]:
        """Send one file with its caption and buttons, or several as albums with a text below.

        Files that the journal records as sent are skipped. Return the files with their Telegram
        ids, in order, or an empty tuple if some were skipped or have no known id.

        Raises:
            TooLargeError: a file is over the server's limit; nothing was uploaded.
            PartialDeliveryError: some files have arrived, and a later one has not.
            DeliveryError: nothing has arrived, or the outcome is unknown.
        """
        for file in files:
            self._check_size(_upload_bytes(file))
        if target.inline_id:
            known = [file for file in files if isinstance(file, RemoteFile)]
            if len(known) < len(files):
                known = list(await self.send(self._storage, files, _PLAIN, NullJournal()))
            return await self._fill_inline(target, known, options)
        journal.record_total(len(files))
        if len(files) > 1:
            sent = await self._send_albums(target, files, options, journal)
        else:
            sent = [await self._send_file(target, files[0], options, journal)]
        sent_files = tuple(one.file for one in sent if one.file)
        return sent_files if len(sent_files) == len(files) else ()

    async def send_audio(
        self, target: ChatTarget, audio: AudioFile, options: MessageOptions, journal: Journal
    ) -> tuple[RemoteFile, ...]:
        """Send an audio file for Telegram's music player.

        Return the file with its Telegram id, or an empty tuple if the id is not known.

        Raises:
            TooLargeError: the file is over the server's limit; nothing was uploaded.
            DeliveryError: Telegram refused it, or the outcome is unknown.
        """
        self._check_size(audio.path.stat().st_size)
        if target.inline_id:
            known = await self.send_audio(self._storage, audio, _PLAIN, NullJournal())
            return await self._fill_inline(target, known, options)
        journal.record_total(1)
        request = audio_request(target, audio, options)
        # Telegram has no chat action for uploading music; its apps show this one.
        message = await self._upload(target, "upload_document", request, journal)
        await journal.record_sent([message.message_id])
        file = remote_file(message)
        return (file,) if file else ()

    async def _fill_inline(
        self, target: ChatTarget, files: Sequence[RemoteFile], options: MessageOptions
    ) -> tuple[RemoteFile, ...]:
        """Show the first of several uploaded files in an inline message; return all of them.

        The edit is idempotent, so it needs no journal.

        Raises:
            DeliveryError: Telegram refused it, or `files` is empty.
        """
        if not files:
            raise FileRejectedError("the upload to the storage channel returned no file ids")
        await self.show_inline(target, files[0], options)
        return tuple(files)

    async def show_inline(
        self, target: ChatTarget, file: RemoteFile, options: MessageOptions
    ) -> None:
        """Show an uploaded file in an inline message, by its file id.

        Raises:
            DeliveryError: Telegram refused it.
        """
        method = EditMessageMedia(
            inline_message_id=target.inline_id,
            media=inline_media(file, options),
            reply_markup=options.buttons,
        )
        await self._bot(method)

    async def edit_inline(
        self, target: ChatTarget, text: str, buttons: InlineKeyboardMarkup | None = None
    ) -> None:
        """Replace the text (Telegram HTML) and buttons of an inline message.

        Raises:
            DeliveryError: Telegram refused it.
        """
        method = EditMessageText(
            inline_message_id=target.inline_id, text=text, reply_markup=buttons
        )
        await self._bot(method)

    async def _send_file(
        self, target: ChatTarget, file: File, options: MessageOptions, journal: Journal
    ) -> "_Sent":
        if isinstance(file, RemoteFile):
            request = file_id_request(target, file, options)
            sent = _Sent((await self._upload(target, None, request, journal)).message_id, file)
        else:
            upload = file_request(target, file, options)
            sent = _Sent.of(await self._upload(target, _action(file), upload, journal))
        await journal.record_sent([sent.message_id])
        return sent

    async def _send_albums(
        self, target: ChatTarget, files: Sequence[File], options: MessageOptions, journal: Journal
    ) -> "list[_Sent]":
        """Send two or more files as silent albums, in order, then caption and buttons as a text.

        Telegram albums cannot have buttons, so both follow in a separate message. The request
        succeeds even if that message fails.

        Raises:
            TooLargeError: an album is too large; nothing has arrived.
            PartialDeliveryError: some files have arrived, and a later one has not.
            DeliveryError: nothing has arrived, or the outcome is unknown.
        """
        sent: list[_Sent] = []
        album_options = MessageOptions(caption="", is_silent=True, is_spoiler=options.is_spoiler)
        already_sent = journal.progress.sent
        remaining = files[len(already_sent) :]
        reply_to = max(already_sent, default=0) or target.message_id
        for album in split_album(remaining, _upload_bytes, self.ceiling_bytes) if remaining else ():
            is_first = not journal.progress.sent
            album_target = replace(target, is_reply=target.is_reply and is_first)
            try:
                if len(album) == 1:
                    last = [await self._send_file(album_target, album[0], album_options, journal)]
                else:
                    request = album_request(album_target, album, album_options)
                    messages = await self._upload(album_target, _action(album[0]), request, journal)
                    last = [_Sent.of(message) for message in messages]
                    await journal.record_sent([one.message_id for one in last])
            except (DeliveryError, TooLargeError) as error:
                if journal.progress.sent:
                    raise PartialDeliveryError(len(journal.progress.sent), len(files)) from error
                raise
            sent += last
            reply_to = last[0].message_id
        if options.caption:
            await self._send_caption(
                replace(target, message_id=reply_to, is_reply=True), options, journal
            )
        return sent

    async def _send_caption(
        self, target: ChatTarget, options: MessageOptions, journal: Journal
    ) -> None:
        """Send the caption and buttons of the albums as a reply to them; log a failure."""
        try:
            with self._recording_start(journal, 0):
                await self.send_text(
                    target, options.caption, options.buttons, silent=options.is_silent
                )
        except DeliveryError as error:
            logger.warning(
                "Could not send the caption of albums in chat %s: %s",
                LoggedChat(target.chat_id),
                error,
                extra={"event": "album_caption_not_sent"},
            )
        await journal.record_sent([])

    async def send_text(
        self,
        target: ChatTarget,
        text: str,
        buttons: InlineKeyboardMarkup | None = None,
        *,
        silent: bool = False,
    ) -> Message:
        """Send a text (Telegram HTML) and return its message.

        Raises:
            DeliveryError: Telegram refused it, or the outcome is unknown.
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
        return await self._bot(method)

    async def copy(
        self,
        broadcast: Broadcast,
        chat_id: int,
        on_start: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Copy the broadcast's message to a chat.

        `on_start` is called right before the request is sent, after any wait in the rate limiter;
        if it raises, nothing is sent.

        Raises:
            DeliveryError: Telegram refused it, or the outcome is unknown.
        """
        buttons = broadcast.buttons
        method = CopyMessage(
            chat_id=chat_id,
            from_chat_id=broadcast.admin_id,
            message_id=broadcast.message_id or 0,
            reply_markup=InlineKeyboardMarkup.model_validate_json(buttons) if buttons else None,
            disable_notification=broadcast.is_silent or None,
            allow_paid_broadcast=broadcast.is_paid or None,
        )
        token = on_send_start.set(on_start)
        try:
            await self._bot(method)
        finally:
            on_send_start.reset(token)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self.ceiling_bytes:
            raise TooLargeError(size_bytes, self.ceiling_bytes)

    async def _upload(
        self, target: ChatTarget, action: str | None, method: TelegramMethod[T], journal: Journal
    ) -> T:
        files = len(method.media) if isinstance(method, SendMediaGroup) else 1
        async with self._chat_action(target, action) if action else nullcontext():
            try:
                with self._recording_start(journal, files):
                    return await self._bot(method, request_timeout=self._upload_timeout_s)
            except asyncio.CancelledError as cancelled:
                if journal.progress.in_flight is None:
                    raise  # it was still waiting in the rate limiter, so nothing was sent
                raise SendingCancelledError from cancelled
            except UnknownOutcomeError:
                raise
            except (DeliveryError, TooLargeError):
                await journal.record_not_sent()
                raise

    @contextmanager
    def _recording_start(self, journal: Journal, files: int) -> Iterator[None]:
        """Record the start of each send in the block, after any wait in the rate limiter."""
        token = on_send_start.set(partial(journal.record_sending, files))
        try:
            yield
        finally:
            on_send_start.reset(token)

    @asynccontextmanager
    async def _chat_action(self, target: ChatTarget, action: str) -> AsyncIterator[None]:
        """Show a chat action, such as "uploading a video", during the block; ignore failures."""

        async def show() -> None:
            while True:
                with suppress(DeliveryError):
                    await self._bot.send_chat_action(
                        target.chat_id,
                        action,
                        business_connection_id=target.business_id,
                        message_thread_id=target.thread_id,
                    )
                await asyncio.sleep(_ACTION_INTERVAL_S)

        task = asyncio.create_task(show())  # noqa: TID251 - ends with the block
        try:
            yield
        finally:
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A sent message, and its file with the Telegram id; None if the response has no known file."""

    message_id: int
    file: RemoteFile | None

    @classmethod
    def of(cls, message: Message) -> "_Sent":
        return cls(message.message_id, remote_file(message))


def _upload_bytes(file: File) -> int:
    """Return the size of the upload in bytes; 0 for a file that is sent by its id."""
    return 0 if isinstance(file, RemoteFile) else file.path.stat().st_size


def _action(file: File) -> str | None:
    return None if isinstance(file, RemoteFile) else ACTIONS[type(file)]
