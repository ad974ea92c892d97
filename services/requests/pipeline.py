"""The end of the line of every request: whatever happens, the chat is told, and nothing is raised."""

import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from core.errors import (
    BugError,
    ChatForbiddenError,
    ChatMovedError,
    ClipferryError,
    GivenUpError,
    LimitError,
    MediaError,
    PartialDeliveryError,
    RequestCancelledError,
    ShuttingDownError,
    StorageError,
    UnknownOutcomeError,
)
from core.media import Link, Post
from core.preferences import Preferences
from core.pseudonyms import LoggedChat
from core.request import MAX_ATTEMPTS, Progress
from data.chats import mark_blocked, move_chat
from data.error_reports import store_report
from delivery.api_requests import MessageOptions
from delivery.sender import Sender, SendingCancelledError
from delivery.status_indicator import StatusIndicator
from delivery.targets import ChatTarget
from media.processor import MediaProcessor
from platforms import Attempt, Fetcher, Spool, Workspace
from services.metrics import FETCHED, KNOWN, Metrics
from services.requests.slots import Slots
from services.requests.store import StoredRequest

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Sites' stills are small; a larger file is not one.
MAX_STILL_BYTES: Final = 5_000_000
#: Larger than any picture, and any sound, that the sites are known to serve, in bytes.
MAX_PICTURE_BYTES: Final = 20_000_000
MAX_AUDIO_BYTES: Final = 30_000_000
#: How a request is said to have ended that was answered as it was meant.
DELIVERED: Final = "delivered"


class Presenter(Protocol):
    """How the front desk speaks in one chat: all words, and nothing but words."""

    def options(self, post: Post, *, shown: int, missing: int) -> MessageOptions:
        """Give caption and buttons for a post, of whose items so many are shown and so many missing."""

    def audio_options(self) -> MessageOptions:
        """Give the caption of a sound."""

    def patience(self, number: int, ahead: int) -> MessageOptions:
        """Say that a request, known by a number, takes long, and how many are ahead of it."""

    async def explain(self, error: ClipferryError) -> None:
        """Tell the chat what went wrong, where that is wanted."""

    @property
    def has_ad(self) -> bool:
        """Tell whether there is an ad for the chat."""

    async def show_ad(self) -> None:
        """Send one."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request of one chat."""

    link: Link
    target: ChatTarget
    #: Send the file as a document, untouched.
    file_mode: bool
    preferences: Preferences
    status: StatusIndicator
    presenter: Presenter
    #: Its row, and how much of its answer has gone out.
    stored: StoredRequest
    metrics: Metrics
    #: By the monotonic clock, in seconds.
    begun_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What has arrived in a chat."""

    post: Post
    #: A file had to be converted.
    is_processed: bool
    #: Telegram had it already.
    is_known: bool


@dataclass(frozen=True, slots=True)
class Toolkit:
    """What every service works with."""

    fetcher: Fetcher
    sender: Sender
    spool: Spool
    media: MediaProcessor
    slots: Slots


@asynccontextmanager
async def fetched(
    toolkit: Toolkit,
    context: RequestContext,
    fetch: Callable[[Attempt, RequestContext, Workspace], Awaitable[T]],
) -> AsyncIterator[T]:
    """Fetch what an order is about; its files live as long as the block.

    Raises:
        ClipferryError: why it could not be fetched.
    """
    async with toolkit.spool.workspace() as space:

        async def once(attempt: Attempt) -> T:
            if attempt.number > 1:
                await context.status.trying_again(attempt.number, attempt.most)
            return await fetch(attempt, context, space)

        with context.metrics.stage("fetch"):
            found = await toolkit.fetcher.attempt(context.link, once)
        yield found


async def serve(
    context: RequestContext,
    deliver: Callable[[RequestContext], Awaitable[Delivered]],
    record: Callable[[RequestContext, Delivered], Awaitable[bool]] | None = None,
) -> None:
    """Serve an order to its end: `deliver`, and when that has worked, `record` it.

    A failure of `deliver` is told to the chat. Once it has worked the media has arrived, and a
    failure of what follows is nobody's business but the log's. `record` tells whether it brings an
    ad. What another process has left unfinished is gone on with where it was.
    """
    if context.stored.attempts >= MAX_ATTEMPTS:
        await refuse(context, GivenUpError(context.stored.attempts))
        return
    if context.stored.progress.is_complete:
        await _close(context)
        return
    try:
        delivered = await deliver(context)
    except SendingCancelledError:
        await refuse(context, UnknownOutcomeError("cut off on its way"))
        return
    except ClipferryError as error:
        await refuse(context, _in_view_of(context.stored.progress, error))
        return
    except Exception as bug:  # noqa: BLE001 - the end of the line: whatever it is, the user is told
        await refuse(context, await report_bug(bug, f"a {context.link.platform} link"))
        return
    is_ad_due = False
    try:
        is_ad_due = await record(context, delivered) if record else False
    except Exception as bug:  # noqa: BLE001 - see above; the delivery itself has worked
        await report_bug(bug, f"the record of a {context.link.platform} link")
    context.metrics.delivered(context.link.platform, is_known=delivered.is_known)
    await _close(context)
    _log_end(context, KNOWN if delivered.is_known else FETCHED)
    if is_ad_due:
        try:
            await context.presenter.show_ad()
        except ClipferryError as error:
            logger.info("No ad in chat %s: %s", LoggedChat(context.target.chat_id), error)


async def _close(context: RequestContext) -> None:
    """End an order all of which has gone out; what may not have arrived is said."""
    if context.stored.progress.is_uncertain:
        await refuse(context, UnknownOutcomeError("cut off by a crash"))
        return
    await context.stored.finish(DELIVERED)
    await context.status.done()


def _in_view_of(progress: Progress, error: ClipferryError) -> ClipferryError:
    """Tell of a failure what is true when something has arrived before it."""
    if not progress.sent or isinstance(error, PartialDeliveryError):
        return error
    partial = PartialDeliveryError(len(progress.sent), progress.total)
    partial.__cause__ = error
    return partial


async def refuse(context: RequestContext, error: ClipferryError, *, aloud: bool = True) -> None:
    """Tell the chat that and why it gets nothing; a chat that is closed to us is noted."""
    context.metrics.refused(context.link.platform, error)
    # The user's and the site's side is no news.
    is_ordinary = isinstance(error, MediaError | LimitError | ChatForbiddenError)
    _log_end(context, error, logging.INFO if is_ordinary else logging.WARNING)
    if isinstance(error, ChatForbiddenError):
        await _note_forbidden(context, error)
    else:
        await _tell(context, error, aloud=aloud)
    await context.stored.finish(error.code)


async def _tell(context: RequestContext, error: ClipferryError, *, aloud: bool) -> None:
    if isinstance(error, RequestCancelledError):
        await context.status.called_off()
    else:
        await context.status.failed()
    try:
        if aloud:
            await context.presenter.explain(error)
    except ChatForbiddenError as second:
        await _note_forbidden(context, second)
    except ClipferryError as second:
        logger.warning("Chat %s could not be told: %s", LoggedChat(context.target.chat_id), second)


class Service(Protocol):
    """Something that serves orders."""

    async def serve(self, context: RequestContext) -> None:
        """Serve an order to its end; raises nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class RequestJob:
    """An order as a job for `services.requests.queue`."""

    service: Service
    wanted: RequestContext
    #: Called when the job has ended, in whatever way.
    at_end: Callable[[], None] = lambda: None

    @property
    def chat_id(self) -> int:
        """Give the chat in whose queue it stands."""
        return self.wanted.target.chat_id

    @property
    def position(self) -> int:
        """Give the number of its message."""
        return self.wanted.target.message_id

    async def seen(self) -> None:
        """Show that it was seen, although its turn is still to come."""
        await self.wanted.status.accepted()

    async def waits(self, number: int, ahead: int) -> None:
        """Tell a person that it takes long."""
        if self.wanted.target.is_private:
            await self.wanted.status.wait(self.wanted.presenter.patience(number, ahead))

    async def run(self) -> None:
        """Serve the order."""
        try:
            await self.service.serve(self.wanted)
        finally:
            self.at_end()

    async def refuse(self, error: ClipferryError, *, aloud: bool = True) -> None:
        """Turn the order away."""
        try:
            await refuse(self.wanted, error, aloud=aloud)
        finally:
            self.at_end()

    async def leave(self) -> None:
        """Leave the order to the next process; what is not stored would be lost, and is told so."""
        if self.wanted.stored.row is None:
            await self.refuse(ShuttingDownError())
        else:
            self.at_end()


async def _note_forbidden(context: RequestContext, refusal: ChatForbiddenError) -> None:
    """Note that a chat is closed to us, or that it has another id now."""
    try:
        if isinstance(refusal, ChatMovedError):
            await move_chat(context.target.chat_id, refusal.new_chat_id)
        else:
            await mark_blocked(context.target.chat_id)
    except StorageError as error:
        logger.warning("Chat %s is not marked: %s", LoggedChat(context.target.chat_id), error)


def _log_end(
    context: RequestContext, outcome: str | ClipferryError, level: int = logging.INFO
) -> None:
    """Write the one line that every request has: its row, what it was about, and how it has ended."""
    name = outcome if isinstance(outcome, str) else outcome.code
    facts = {
        "request": context.stored.row,
        "kind": context.stored.request.kind,
        "platform": context.link.platform,
        "post": context.link.post_id,
        "outcome": name,
        "seconds": round(time.monotonic() - context.begun_at, 2),
    }
    logger.log(
        level,
        "Request %s for chat %s: %s of %s %s: %s after %.2f s",
        facts["request"],
        LoggedChat(context.target.chat_id),
        facts["kind"],
        facts["platform"],
        facts["post"],
        outcome if isinstance(outcome, str) else f"{name}: {outcome}",
        facts["seconds"],
        extra={"facts": facts},
    )


async def report_bug(bug: Exception, doing: str) -> BugError:
    """Log a bug with its traceback, and keep it, under the code that the user gets to see."""
    error = BugError(secrets.token_hex(4).upper())
    error.__cause__ = bug
    logger.error("Bug %s with %s", error.report_code, doing, exc_info=bug)
    try:
        await store_report(error.report_code, doing, bug)
    except StorageError as second:
        logger.warning("Bug %s stands in the log only: %s", error.report_code, second)
    return error
