"""The steps that all kinds of answers share: look up, fetch, prepare, send."""

from abc import ABC, abstractmethod
from functools import partial
from typing import Generic, Protocol, TypeVar

from core.errors import DeliveryError, TooLargeError
from core.media import Post, RemoteFile
from delivery.api_requests import MessageOptions
from delivery.targets import ChatTarget
from platforms import Attempt, SelectPart, Workspace
from services.requests.context import Delivered, RequestContext, Toolkit
from services.requests.file_id_cache import FileIdCache, MadeFiles
from services.requests.kept_answers import KeptAnswer, Prepared
from services.requests.recovery import FileRecovery, send_following


class Fetched(Protocol):
    """A post whose files are on disk."""

    @property
    def post(self) -> Post:
        """The post itself."""


FetchedT = TypeVar("FetchedT", bound=Fetched)


def with_piece(variant: str, context: RequestContext) -> str:
    """Return a cache variant that is different for every piece of a post."""
    piece = context.request.selection.piece
    return f"{variant}/{piece}" if piece else variant


class MediaService(ABC, Generic[FetchedT]):
    """Answers requests from the file-id cache, or from the site."""

    def __init__(self, toolkit: Toolkit, cache: FileIdCache) -> None:
        self.toolkit = toolkit
        self._cache = cache

    async def deliver(self, context: RequestContext) -> Delivered:
        """Send the answer.

        Raises:
            ClipferryError: why it was not sent.
        """

        def options_of(post: Post, shown: int) -> MessageOptions:
            return self.options(context, post, shown)

        return await self._cache.deliver(
            context,
            self.variant(context),
            self._fetch_and_send,
            options_of,
            max_items=self.max_items(context),
        )

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:
        """Write what follows a delivery; return True if an ad is due."""
        return False

    def max_items(self, context: RequestContext) -> int | None:
        """Return how many items of a post the chat gets at most; None means all."""
        return None

    def part_of(self, context: RequestContext) -> SelectPart | None:
        """Return what selects the part of a file that a request needs; None if it needs all."""
        piece = context.request.selection.piece
        return partial(self.toolkit.media.needed_part, piece=piece) if piece else None

    def options(self, context: RequestContext, post: Post, shown: int) -> MessageOptions:
        """Return caption and buttons for a post of which `shown` items are sent.

        By default the caption of a file made from the post, without buttons.
        """
        return context.presenter.audio_options(post)

    @abstractmethod
    def variant(self, context: RequestContext) -> str:
        """Return the cache variant: kind and quality, such as "media/best"."""

    @abstractmethod
    async def fetch(self, attempt: Attempt, context: RequestContext, space: Workspace) -> FetchedT:
        """Read the post and save its files.

        Raises:
            ClipferryError: why this attempt failed.
        """

    @abstractmethod
    async def prepare(self, context: RequestContext, fetched: FetchedT) -> Prepared:
        """Turn the files into what Telegram accepts.

        Raises:
            ClipferryError: why that is impossible.
        """

    async def _fetch_and_send(self, context: RequestContext) -> MadeFiles:
        """Send the files that are kept from an earlier attempt, or else fetch them.

        If Telegram does not confirm them all, they are kept.
        """
        toolkit, row = self.toolkit, context.stored.row
        kept = toolkit.kept_answers.take(row)
        async with toolkit.spool.workspace(kept.space if kept else None) as space:
            prepared = kept.prepared if kept else await self._fetch(context, space)
            await context.status.sending()
            recovery, is_resendable = FileRecovery(toolkit.media, prepared, context.work), False
            try:
                with toolkit.metrics.stage("send"):
                    sent, chat_id = await self._send(context, prepared, recovery)
                is_resendable = context.stored.progress.is_uncertain
            except DeliveryError as error:
                is_resendable = error.resendable
                raise
            finally:
                if is_resendable:
                    toolkit.kept_answers.keep(row, KeptAnswer(space, recovery.prepared))
        return MadeFiles(prepared.post, sent, prepared.is_processed, prepared.items, chat_id)

    async def _fetch(self, context: RequestContext, space: Workspace) -> Prepared:
        """Fetch the post, and prepare its files.

        Raises:
            ClipferryError: why that is impossible.
        """
        toolkit = self.toolkit

        async def once(attempt: Attempt) -> FetchedT:
            context.work.begin_attempt(attempt.number, attempt.most)
            if attempt.number > 1:
                await context.status.retrying(attempt.number, attempt.most)
            try:
                return await self.fetch(attempt, context, space)
            finally:
                toolkit.metrics.traffic.downloaded(context.work.downloads.received)

        with toolkit.metrics.stage("fetch"):
            try:
                fetched = await toolkit.fetcher.attempt(context.link, once)
            except TooLargeError as error:
                # Whatever stopped the download, Telegram's limit is the one that matters.
                ceiling = toolkit.sender.ceiling_bytes
                raise type(error)(error.size_bytes, ceiling) from error
        with toolkit.metrics.stage("shape"):
            return await self.prepare(context, fetched)

    async def _send(
        self, context: RequestContext, prepared: Prepared, recovery: FileRecovery
    ) -> tuple[tuple[RemoteFile, ...], int]:
        """Return the files with their Telegram ids, if others may get them, and the chat's id."""
        sender = self.toolkit.sender

        async def send(target: ChatTarget) -> tuple[RemoteFile, ...]:
            options = prepared.options_of(0)
            return await sender.send(target, prepared.files, options, context.stored, recovery)

        sent, chat_id = await send_following(context, send)
        return () if recovery.is_chat_specific else sent, chat_id
