"""What is sent instead of files that Telegram, or the chat, does not take."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from core.errors import (
    ChatMovedError,
    ClipferryError,
    DeliveryError,
    SendingForbiddenError,
    StorageError,
)
from core.media import DocumentFile, LivePhotoFile, LocalFile, PhotoFile
from core.progress import WorkProgress
from core.pseudonyms import LoggedChat
from data.chats import move_chat
from delivery.api_requests import MessageOptions
from delivery.targets import ChatTarget
from media.processor import MediaProcessor
from services.requests.context import RequestContext
from services.requests.kept_answers import Prepared

logger = logging.getLogger(__name__)
T = TypeVar("T")


class FileRecovery:
    """The further forms of an answer's files: made anew, then as a document."""

    def __init__(self, media: MediaProcessor, prepared: Prepared, work: WorkProgress) -> None:
        self._media = media
        self._work = work
        self._prepared = prepared
        #: The original of each file that was made anew.
        self._originals: dict[Path, Path] = {}
        #: The latest form of each file that has another one.
        self._forms: dict[LocalFile, Sequence[LocalFile]] = {}
        #: The form of some file is right for this chat only, so it must not be cached.
        self.is_chat_specific = prepared.is_chat_specific

    @property
    def prepared(self) -> Prepared:
        """Return the answer with its files in their latest forms, as far as they were sent."""
        files = [form for file in self._prepared.files for form in self._latest(file)]
        return replace(self._prepared, files=files, is_chat_specific=self.is_chat_specific)

    async def next_form(self, file: LocalFile, refusal: DeliveryError) -> Sequence[LocalFile]:
        """Return the file in another form, such as a document; empty if there is no other."""
        forms = await self._next_form(file, refusal)
        if forms and file not in forms:
            self._forms[file] = forms
        return forms

    def _latest(self, file: LocalFile) -> list[LocalFile]:
        if file not in self._forms:
            return [file]
        return [latest for form in self._forms[file] for latest in self._latest(form)]

    async def _next_form(self, file: LocalFile, refusal: DeliveryError) -> Sequence[LocalFile]:
        if isinstance(file, DocumentFile):
            return []
        if isinstance(file, LivePhotoFile):
            return [PhotoFile(file.path), file.video]
        if isinstance(refusal, SendingForbiddenError):
            self.is_chat_specific = True
            return [await self._document(file.path, file)]
        logger.warning(
            "Telegram refused %s: %s", file.path.name, refusal, extra={"event": "file_refused"}
        )
        if file.path in self._originals:
            return [await self._document(self._originals[file.path], file)]
        (conversion,) = self._work.begin_conversion(1)
        try:
            remade = await self._media.remade(file, conversion.watch)
        except ClipferryError as error:
            logger.info(
                "Could not encode %s again, so it is sent as a document: %s",
                file.path.name,
                error,
                extra={"event": "file_not_remade"},
            )
            return [await self._document(file.path, file)]
        self._originals[remade.path] = file.path
        return [remade]

    async def _document(self, path: Path, file: LocalFile) -> LocalFile:
        """Return a file as a document, with the extension of its format if that is found out."""
        label = getattr(file, "label", "")
        try:
            return DocumentFile((await self._media.untouched(path)).path, label)
        except ClipferryError:
            return DocumentFile(path, label)

    def options(self, missing: int) -> MessageOptions:
        """Return caption and buttons of an answer from which `missing` more files are missing."""
        return self._prepared.options_of(missing)


async def send_following(
    context: RequestContext, send: Callable[[ChatTarget], Awaitable[T]]
) -> tuple[T, int]:
    """Send an answer, to its new id if the group has become a supergroup; return the id, too.

    Raises:
        ClipferryError: why it was not sent.
    """
    try:
        return await send(context.target), context.target.chat_id
    except ChatMovedError as moved:
        new_id = moved.new_chat_id
    try:
        await move_chat(context.target.chat_id, new_id)
    except StorageError as error:
        logger.warning(
            "Could not store the new id of chat %s: %s",
            LoggedChat(context.target.chat_id),
            error,
            extra={"event": "chat_not_moved"},
        )
    return await send(context.target.moved_to(new_id)), new_id
