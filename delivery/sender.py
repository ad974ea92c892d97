"""Sends media and texts to chats and inline messages.

Uploads are streamed from disk. A message whose outcome is unknown is not repeated.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from aiogram import Bot
from aiogram.methods import (
    EditMessageMedia,
    EditMessageText,
    SendMediaGroup,
    SendMessage,
    TelegramMethod,
)
from aiogram.types import InlineKeyboardMarkup, Message

from core.broadcasts import Broadcast
from core.concurrency import during
from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    ContentRejectedError,
    DeliveryError,
    FileRejectedError,
    PartialDeliveryError,
    SendingForbiddenError,
    SourceGoneError,
    StorageChannelError,
    TelegramUnreachableError,
    TooLargeError,
    UnchangedError,
    UnknownOutcomeError,
)
from core.media import File, RemoteFile
from core.pseudonyms import LoggedChat
from core.request import REFUSED, Progress
from delivery.api_requests import (
    ACTIONS,
    MessageOptions,
    album_request,
    copy_request,
    count_uploaded,
    file_id_request,
    file_request,
    inline_media,
    remote_file,
)
from delivery.final_status_calls import FinalStatusCalls
from delivery.moved_chats import MovedChats
from delivery.rate_limiter import on_send_start
from delivery.refused_files import (
    REFUSALS,
    Pending,
    Recovery,
    further_forms,
    next_album,
    repaired_album,
    upload_bytes,
)
from delivery.request_body import ending_only_if, may_have_arrived
from delivery.targets import ChatTarget

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Interval between chat actions, in seconds. Telegram shows each for five seconds.
_ACTION_INTERVAL_S: Final = 4.5
#: Pauses before a call that may be repeated whatever its outcome is repeated, in seconds.
REPEAT_SAFE_S: Final = (0.5, 2.0)
#: For the storage channel: no caption, no buttons, no notification.
_PLAIN: Final = MessageOptions(caption="", is_silent=True)


class SendingCancelledError(asyncio.CancelledError):
    """A send was cancelled after its last byte had left, so its outcome is unknown."""


class Journal(Protocol):
    """Records the progress of an answer, so that nothing is sent twice."""

    @property
    def progress(self) -> Progress:
        """Return which messages were sent, and what is being sent."""

    def record_total(self, files: int) -> None:
        """Record the number of files in the answer."""

    async def record_sending(self, files: int) -> None:
        """Record that `files` files are about to be sent; 0 means the text below them."""

    def may_send(self) -> bool:
        """Return False if the send must not leave although it is recorded: it is to begin anew."""

    async def ensure_ours(self) -> None:
        """Wait until no other process can have taken the answer over.

        Raises:
            RequestTakenOverError: one has.
        """

    async def record_not_sent(self) -> None:
        """Record that the current send certainly failed."""

    def begin_upload(self, size: int) -> None:
        """Take the bytes of all uploads of the answer; 0 if Telegram has its files already."""

    def count_uploaded(self, size: int) -> None:
        """Count bytes of the current send that the socket has taken."""

    async def record_unknown(self) -> None:
        """Record that the current send got no response: it may have arrived."""

    async def record_sent(self, message_ids: Sequence[int]) -> None:
        """Record that the current send succeeded, with the ids of its file messages."""


class NullJournal:
    """A journal in memory, for messages that may be sent again after a crash."""

    def __init__(self) -> None:
        self.progress = Progress()

    def record_total(self, files: int) -> None:
        self.progress = replace(self.progress, total=files)

    async def record_sending(self, files: int) -> None:
        self.progress = self.progress.record_sending(files)

    def may_send(self) -> bool:
        """Return True: no other process sends the same."""
        return True

    async def ensure_ours(self) -> None:
        """Do nothing, for the same reason."""

    async def record_not_sent(self) -> None:
        self.progress = self.progress.record_not_sent()

    def begin_upload(self, size: int) -> None:
        """Do nothing: the progress of these sends is not shown."""

    def count_uploaded(self, size: int) -> None:
        """Do nothing, for the same reason."""

    async def record_unknown(self) -> None:
        self.progress = self.progress.interrupted()

    async def record_sent(self, message_ids: Sequence[int]) -> None:
        self.progress = self.progress.record_sent(tuple(message_ids))


class Sender:
    """Sends to chats. Failures of Telegram calls are raised as `DeliveryError`."""

    def __init__(
        self,
        bot: Bot,
        *,
        ceiling_bytes: int,
        upload_timeout_s: int,
        storage_chat: int = 0,
        moved: MovedChats | None = None,
    ) -> None:
        self._bot = bot
        #: Files for inline messages are uploaded here first: inline messages accept only file ids.
        self._storage_chat = storage_chat
        self._moved = moved or MovedChats({})
        #: Largest file that the Bot API server accepts, in bytes.
        self.ceiling_bytes = ceiling_bytes
        self._upload_timeout_s = upload_timeout_s
        #: The calls that end the status of requests.
        self.final_status_calls = FinalStatusCalls(bot)

    async def send(
        self,
        target: ChatTarget,
        files: Sequence[File],
        options: MessageOptions,
        journal: Journal,
        recovery: Recovery | None = None,
    ) -> tuple[RemoteFile, ...]:
        """Send one file with its caption and buttons, or several as albums with a text below.

        Files that the journal records as sent are skipped. An upload that Telegram refuses is sent
        in another form if `recovery` has one; of several files, one that is refused in every form
        is left out. Of several albums, one without a response is recorded as unknown, and the rest
        is sent. Return the files with their Telegram ids, in order, or an empty tuple if some
        were skipped, left out, or have no known id.

        Raises:
            TooLargeError: a file is over the server's limit; nothing was uploaded.
            PartialDeliveryError: some files have arrived, and a later one has not.
            DeliveryError: nothing has arrived, or the outcome is unknown.
        """
        sizes = [upload_bytes(file) for file in files]
        for size in sizes:
            self._check_size(size)
        journal.begin_upload(sum(sizes[len(journal.progress.sent) :]))
        if target.inline_id:
            return await self._send_inline(target, files, options, journal, recovery)
        sent = await self._send_files(target, files, options, journal, recovery)
        return sent if len(sent) == journal.progress.total else ()

    async def _send_files(
        self,
        target: ChatTarget,
        files: Sequence[File],
        options: MessageOptions,
        journal: Journal,
        recovery: Recovery | None,
    ) -> tuple[RemoteFile, ...]:
        """Send the files; return those that have arrived now and whose ids are known, in order."""
        journal.record_total(len(files))
        if len(files) > 1:
            sent = await self._send_albums(target, files, options, journal, recovery)
        else:
            sent = await self._send_in_some_form(target, files[0], options, journal, recovery)
        return tuple(one.file for one in sent if one.file)

    async def _send_inline(
        self,
        target: ChatTarget,
        files: Sequence[File],
        options: MessageOptions,
        journal: Journal,
        recovery: Recovery | None,
    ) -> tuple[RemoteFile, ...]:
        """Show the first file in an inline message, and upload all to the storage channel before.

        The edit is idempotent, so the journal does not record it. It must not leave once another
        process has the request, and may have ended it otherwise.

        Raises:
            StorageChannelError: the storage channel does not take files.
            DeliveryError: Telegram refused the files or the edit.
        """
        known: Sequence[RemoteFile] = [file for file in files if isinstance(file, RemoteFile)]
        progress = Progress(total=len(files))
        if len(known) < len(files):
            try:
                known, progress = await self._moved.call(
                    self._storage_chat,
                    lambda chat_id: _repeated(partial(self._store, chat_id, files, recovery)),
                )
            except (ChatForbiddenError, SendingForbiddenError, PartialDeliveryError) as error:
                logger.error(  # noqa: TRY400 - expected
                    "The storage channel of inline mode does not take files: %s",
                    error.detail or type(error).__name__,
                    extra={"event": "storage_channel_refused"},
                )
                raise StorageChannelError(type(error).__name__) from error
        if not known:
            raise FileRejectedError("the upload to the storage channel returned no file ids")
        if recovery and progress.missing:
            options = recovery.options(progress.missing)
        if not journal.may_send():
            await journal.ensure_ours()
        with ending_only_if(journal.may_send):
            await self.show_inline(target, known[0], options)
        return tuple(known) if len(known) == progress.total else ()

    async def _store(
        self, chat_id: int, files: Sequence[File], recovery: Recovery | None
    ) -> tuple[tuple[RemoteFile, ...], Progress]:
        """Upload files to the storage channel. It may be repeated: nobody sees a second copy.

        Raises:
            DeliveryError: Telegram refused the files, or the outcome is unknown.
        """
        journal = NullJournal()
        storage = ChatTarget(chat_id, 0, is_private=False, is_reply=False)
        known = await self._send_files(storage, files, _PLAIN, journal, recovery)
        if journal.progress.is_uncertain:
            raise UnknownOutcomeError("a part of an album in the storage channel")
        return known, journal.progress

    async def show_inline(
        self, target: ChatTarget, file: RemoteFile, options: MessageOptions
    ) -> None:
        """Show an uploaded file in an inline message, by its file id.

        An edit is idempotent: it makes the message show this file, once or twice. So it is repeated
        when its outcome is unknown, and Telegram's "not modified" means that it was carried out.

        Raises:
            DeliveryError: Telegram refused it.
        """
        method = EditMessageMedia(
            inline_message_id=target.inline_id,
            media=inline_media(file, options),
            reply_markup=options.buttons,
        )
        with suppress(UnchangedError):
            await _repeated(partial(self._bot, method))

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

    async def _send_in_some_form(
        self,
        target: ChatTarget,
        file: File,
        options: MessageOptions,
        journal: Journal,
        recovery: Recovery | None,
    ) -> "list[_Sent]":
        """Send a file in the first form that Telegram accepts.

        Raises:
            DeliveryError: the refusal of the last form, or another failure.
        """
        while True:
            try:
                return [await self._send_file(target, file, options, journal)]
            except REFUSALS as refusal:
                forms = await further_forms(file, refusal, recovery)
                if not forms:
                    raise
            if len(forms) > 1:
                journal.record_total(len(forms))
                return await self._send_albums(target, forms, options, journal, recovery)
            file = forms[0]

    async def _send_albums(
        self,
        target: ChatTarget,
        files: Sequence[File],
        options: MessageOptions,
        journal: Journal,
        recovery: Recovery | None,
    ) -> "list[_Sent]":
        """Send two or more files as silent albums, in order, then caption and buttons as a text.

        Telegram albums cannot have buttons, so both follow in a separate message. The request
        succeeds even if that message fails. Without a response, it is recorded as unknown.

        Raises:
            TooLargeError: an album is too large; nothing has arrived.
            PartialDeliveryError: some files have arrived, and a later one has not.
            DeliveryError: nothing has arrived.
        """
        pending = [Pending(file) for file in journal.progress.left_of(files)]
        album: Sequence[Pending] = ()
        sent: list[_Sent] = []
        # In the supergroup that a group has become, messages have other ids.
        below = max(journal.progress.sent, default=0) if target.is_reply else 0
        try:
            while pending:
                album = next_album(pending, self.ceiling_bytes)
                try:
                    messages = await self._send_album(target, album, journal, options)
                    del pending[: len(album)]
                    sent += messages
                    below = messages[0].message_id if messages else below
                except UnknownOutcomeError as error:
                    await journal.record_unknown()
                    del pending[: len(album)]
                    _log_unknown(target, error)
                except REFUSALS as refusal:
                    pending[: len(album)] = await repaired_album(album, refusal, recovery)
                    journal.record_total(journal.progress.settled + len(pending))
            if journal.progress.missing == journal.progress.total:
                raise ContentRejectedError("every file, in every form")
        except (DeliveryError, TooLargeError) as error:
            arrived = journal.progress.arrived
            if arrived and not isinstance(error, ChatMovedError):  # the rest follows there
                raise PartialDeliveryError(arrived, len(files)) from error
            raise
        if (options.caption or options.text_below) and not journal.progress.has_text:
            if recovery and (missing := journal.progress.missing):
                options = recovery.options(missing)
            await self._send_caption(target, below, options, journal)
        return sent

    async def _send_album(
        self,
        target: ChatTarget,
        album: "Sequence[Pending]",
        journal: Journal,
        options: MessageOptions,
    ) -> "list[_Sent]":
        """Send the files of one album without caption; only the first album is a reply.

        Raises:
            DeliveryError: nothing has arrived, or the outcome is unknown.
        """
        options = MessageOptions(caption="", is_silent=True, is_spoiler=options.is_spoiler)
        target = replace(target, is_reply=target.is_reply and not journal.progress.arrived)
        first = album[0]
        if first.refusal:
            await journal.record_sent([REFUSED])
            return []
        if len(album) == 1:
            return [await self._send_file(target, first.file, options, journal)]
        request = album_request(target, [each.file for each in album], options)
        messages = await self._upload(target, _action(first.file), request, journal)
        sent = [_Sent.of(message) for message in messages]
        await journal.record_sent([one.message_id for one in sent])
        return sent

    async def _send_caption(
        self, target: ChatTarget, below: int, options: MessageOptions, journal: Journal
    ) -> None:
        """Send the caption and buttons of the albums as a reply to one of them; log a failure.

        `below` is the message of the last album, or not positive if its id is unknown.

        Raises:
            ChatMovedError: the chat has a new id.
        """
        if below > 0:
            target = replace(target, message_id=below, is_reply=True)
        try:
            with self._recording_start(journal, 0):
                text = options.caption or options.text_below
                await self.send_text(target, text, options.buttons, silent=options.is_silent)
        except ChatMovedError:
            await journal.record_not_sent()
            raise
        except UnknownOutcomeError as error:
            await journal.record_unknown()
            _log_unknown(target, error)
            return
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
        return await self._bot(_text_request(target, text, buttons, silent=silent))

    async def send_card(
        self, target: ChatTarget, options: MessageOptions, journal: Journal
    ) -> None:
        """Send a text with buttons as the whole answer to a request; it counts as one file.

        Raises:
            DeliveryError: Telegram refused it, or the outcome is unknown.
        """
        journal.record_total(1)
        method = _text_request(target, options.caption, options.buttons, silent=options.is_silent)
        message = await self._upload(target, None, method, journal)
        await journal.record_sent([message.message_id])

    async def copy(
        self,
        broadcast: Broadcast,
        chat_id: int,
        on_start: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Copy the broadcast's message, or its album as an album, to a chat.

        `on_start` is called right before the request is sent, after any wait in the rate limiter;
        if it raises, nothing is sent.

        Raises:
            DeliveryError: Telegram refused it, or the outcome is unknown.
        """
        method: TelegramMethod[Any] = copy_request(broadcast, chat_id)
        token = on_send_start.set(on_start)
        try:
            copies = await self._bot(method)
            # Telegram skips messages of an album that have been deleted, without an error.
            if copies == []:
                raise SourceGoneError
        finally:
            on_send_start.reset(token)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self.ceiling_bytes:
            raise TooLargeError(size_bytes, self.ceiling_bytes)

    async def _upload(
        self, target: ChatTarget, action: str | None, method: TelegramMethod[T], journal: Journal
    ) -> T:
        files = len(method.media) if isinstance(method, SendMediaGroup) else 1
        # The direct messages of a channel have no chat actions.
        # Source: https://core.telegram.org/bots/api#sendchataction
        shown = None if target.direct_topic_id else action
        async with during(self._show_action(target, shown)) if shown else nullcontext():
            try:
                with self._recording_start(journal, files), _counting_bytes(journal):
                    return await self._bot(method, request_timeout=self._upload_timeout_s)
            except asyncio.CancelledError as cancelled:
                if journal.progress.in_flight is None:
                    raise  # it was still waiting in the rate limiter, so nothing was sent
                if may_have_arrived():
                    raise SendingCancelledError from cancelled
                await journal.record_not_sent()
                raise
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
            with ending_only_if(journal.may_send):
                yield
        finally:
            on_send_start.reset(token)

    async def _show_action(self, target: ChatTarget, action: str) -> None:
        """Show a chat action, such as "uploading a video", for ever; ignore failures."""
        while True:
            with suppress(DeliveryError):
                await self._bot.send_chat_action(
                    target.chat_id,
                    action,
                    business_connection_id=target.business_id,
                    message_thread_id=target.thread_id,
                )
            await asyncio.sleep(_ACTION_INTERVAL_S)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A sent message, and its file with the Telegram id; None if the response has no known file."""

    message_id: int
    file: RemoteFile | None

    @classmethod
    def of(cls, message: Message) -> "_Sent":
        return cls(message.message_id, remote_file(message))


def _text_request(
    target: ChatTarget, text: str, buttons: InlineKeyboardMarkup | None, *, silent: bool
) -> SendMessage:
    return SendMessage(
        business_connection_id=target.business_id,
        chat_id=target.chat_id,
        message_thread_id=target.thread_id,
        direct_messages_topic_id=target.direct_topic_id,
        text=text,
        reply_markup=buttons,
        reply_parameters=target.reply,
        disable_notification=silent,
    )


@contextmanager
def _counting_bytes(journal: Journal) -> Iterator[None]:
    """Count the bytes of the uploads in the block."""
    token = count_uploaded.set(journal.count_uploaded)
    try:
        yield
    finally:
        count_uploaded.reset(token)


async def _repeated(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call, several times if need be, although an earlier one may have been carried out.

    Raises:
        DeliveryError: see the call.
    """
    for pause_s in REPEAT_SAFE_S:
        try:
            return await call()
        except (UnknownOutcomeError, TelegramUnreachableError) as error:
            logger.info(
                "A call without a response is repeated: %s", error, extra={"event": "call_repeated"}
            )
        await asyncio.sleep(pause_s)
    return await call()


def _log_unknown(target: ChatTarget, error: UnknownOutcomeError) -> None:
    logger.warning(
        "A part of an answer for chat %s got no response: %s",
        LoggedChat(target.chat_id),
        error,
        extra={"event": "album_unconfirmed"},
    )


def _action(file: File) -> str | None:
    return None if isinstance(file, RemoteFile) else ACTIONS[type(file)]
