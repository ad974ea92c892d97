"""Sending: one upload, streamed from disk, never repeated blindly."""

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

#: Telegram shows an action for five seconds.
_ACTION_INTERVAL_S: Final = 4.5
#: For the storage channel: nothing around the media, and nobody's phone rings.
_PLAIN: Final = MessageOptions(caption="", is_silent=True)


class SendingCancelledError(asyncio.CancelledError):
    """A send was cut off on its way, at shutdown: nobody can know whether it has arrived."""


class Journal(Protocol):
    """Where it is noted what has gone out, so that nothing goes out twice."""

    @property
    def progress(self) -> Progress:
        """How much has gone out."""

    def record_total(self, files: int) -> None:
        """Note how many files the answer has."""

    async def record_sending(self, files: int) -> None:
        """Note that files, or with 0 the text below them, are about to be sent."""

    async def record_not_sent(self) -> None:
        """Note that what was about to be sent has surely not arrived."""

    async def record_sent(self, message_ids: Sequence[int]) -> None:
        """Note that what was about to be sent has arrived."""


class NullJournal:
    """A journal that is not kept: what goes out may go out again."""

    def __init__(self) -> None:
        self.progress = Progress()

    def record_total(self, files: int) -> None:
        """Note nothing."""

    async def record_sending(self, files: int) -> None:
        """Note it for as long as this lives."""
        self.progress = self.progress.record_sending(files)

    async def record_not_sent(self) -> None:
        """Note it for as long as this lives."""
        self.progress = self.progress.record_not_sent()

    async def record_sent(self, message_ids: Sequence[int]) -> None:
        """Note it for as long as this lives."""
        self.progress = self.progress.record_sent(tuple(message_ids))


class Sender:
    """Sends into chats; every failure comes out as a `DeliveryError`."""

    def __init__(
        self, bot: Bot, *, ceiling_bytes: int, upload_timeout_s: int, storage_chat: int = 0
    ) -> None:
        self._bot = bot
        #: Where files are uploaded that are meant for inline messages, which take no uploads.
        self._storage = ChatTarget(storage_chat, 0, is_private=False, is_reply=False)
        #: Largest file in bytes that the Bot API server takes.
        self.ceiling_bytes = ceiling_bytes
        self._upload_timeout_s = upload_timeout_s

    async def send(
        self, target: ChatTarget, files: Sequence[File], options: MessageOptions, journal: Journal
    ) -> tuple[RemoteFile, ...]:
        """Send a post: one file with its look, or several as albums with the look below them.

        What has gone out by the journal is left out. Gives the files as Telegram has them now, or
        nothing where some of them went out before.

        Raises:
            TooLargeError: a file is over the server's limit; nothing was uploaded.
            PartialDeliveryError: some files have arrived, and a later one has not.
            DeliveryError: nothing has arrived, or we cannot know.
        """
        for file in files:
            self._check_size(_weight(file))
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
        record_sent = tuple(one.file for one in sent if one.file)
        return record_sent if len(record_sent) == len(files) else ()

    async def send_audio(
        self, target: ChatTarget, audio: AudioFile, options: MessageOptions, journal: Journal
    ) -> tuple[RemoteFile, ...]:
        """Send a sound that plays in the player; gives it as Telegram has it now.

        Raises:
            TooLargeError: over the server's limit; nothing was uploaded.
            DeliveryError: Telegram did not take it, or we cannot know.
        """
        self._check_size(audio.path.stat().st_size)
        if target.inline_id:
            known = await self.send_audio(self._storage, audio, _PLAIN, NullJournal())
            return await self._fill_inline(target, known, options)
        journal.record_total(1)
        request = audio_request(target, audio, options)
        # Telegram has no "uploading sound" for music; this is what its apps show for it.
        message = await self._upload(target, "upload_document", request, journal)
        await journal.record_sent([message.message_id])
        file = remote_file(message)
        return (file,) if file else ()

    async def _fill_inline(
        self, target: ChatTarget, files: Sequence[RemoteFile], options: MessageOptions
    ) -> tuple[RemoteFile, ...]:
        """Let an inline message show the first of some files that Telegram has; gives all of them.

        It may be done again without harm, so a crash leaves no doubt here.

        Raises:
            DeliveryError: Telegram did not take it.
        """
        if not files:
            raise FileRejectedError("the storage channel gave no file ids")
        await self.show_inline(target, files[0], options)
        return tuple(files)

    async def show_inline(
        self, target: ChatTarget, file: RemoteFile, options: MessageOptions
    ) -> None:
        """Let an inline message show a file that Telegram has.

        Raises:
            DeliveryError: Telegram did not take it.
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
        """Let an inline message say something (Telegram HTML).

        Raises:
            DeliveryError: Telegram did not take it.
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
        """Send two or more files as albums, silently and in order; then the look as a text.

        Telegram lets an album have no buttons, so caption and buttons follow in a message of their
        own; if that fails, the media has arrived all the same.
        """
        sent: list[_Sent] = []
        quiet = MessageOptions(caption="", is_silent=True, is_spoiler=options.is_spoiler)
        before = journal.progress.sent
        remaining = files[len(before) :]
        above = max(before, default=0) or target.message_id
        for album in split_album(remaining, _weight, self.ceiling_bytes) if remaining else ():
            is_first = not journal.progress.sent
            goal = replace(target, is_reply=target.is_reply and is_first)
            try:
                if len(album) == 1:
                    last = [await self._send_file(goal, album[0], quiet, journal)]
                else:
                    request = album_request(goal, album, quiet)
                    messages = await self._upload(goal, _action(album[0]), request, journal)
                    last = [_Sent.of(message) for message in messages]
                    await journal.record_sent([one.message_id for one in last])
            except (DeliveryError, TooLargeError) as error:
                if journal.progress.sent:
                    raise PartialDeliveryError(len(journal.progress.sent), len(files)) from error
                raise
            sent += last
            above = last[0].message_id
        if options.caption:
            await self._send_below(
                replace(target, message_id=above, is_reply=True), options, journal
            )
        return sent

    async def _send_below(
        self, below: ChatTarget, options: MessageOptions, journal: Journal
    ) -> None:
        """Send the look of the albums; a failure is nobody's business but the log's."""
        try:
            with self._noted(journal, 0):
                await self.send_text(
                    below, options.caption, options.buttons, silent=options.is_silent
                )
        except DeliveryError as error:
            logger.warning(
                "No caption below the albums in chat %s: %s", LoggedChat(below.chat_id), error
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
        return await self._bot(method)

    async def copy(
        self,
        broadcast: Broadcast,
        chat_id: int,
        leaving: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Send a copy of the message that everybody is to get; `leaving` is called when it departs.

        Raises:
            DeliveryError: Telegram did not take it, or we cannot know.
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
        token = on_send_start.set(leaving)
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
        async with self._showing(target, action) if action else nullcontext():
            try:
                with self._noted(journal, files):
                    return await self._bot(method, request_timeout=self._upload_timeout_s)
            except asyncio.CancelledError as cancelled:
                if journal.progress.in_flight is None:
                    raise  # it still waited for its turn
                raise SendingCancelledError from cancelled
            except UnknownOutcomeError:
                raise
            except (DeliveryError, TooLargeError):
                await journal.record_not_sent()
                raise

    @contextmanager
    def _noted(self, journal: Journal, files: int) -> Iterator[None]:
        """Let what is sent in the block be noted when it departs."""
        token = on_send_start.set(partial(journal.record_sending, files))
        try:
            yield
        finally:
            on_send_start.reset(token)

    @asynccontextmanager
    async def _showing(self, target: ChatTarget, action: str) -> AsyncIterator[None]:
        """Show "uploading …" under the chat's name; whether that works changes nothing."""

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

        # It lives exactly as long as the block, so it is no job of its own.
        task = asyncio.create_task(show())  # noqa: TID251
        try:
            yield
        finally:
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message of ours, and its file as Telegram has it; None when that could not be understood."""

    message_id: int
    file: RemoteFile | None

    @classmethod
    def of(cls, message: Message) -> "_Sent":
        return cls(message.message_id, remote_file(message))


def _weight(file: File) -> int:
    """Count the bytes that an upload has; what Telegram has already weighs nothing."""
    return 0 if isinstance(file, RemoteFile) else file.path.stat().st_size


def _action(file: File) -> str | None:
    return None if isinstance(file, RemoteFile) else ACTIONS[type(file)]
