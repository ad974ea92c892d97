"""One request from the queue to its end: every outcome reaches the chat, and nothing is raised."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from core.concurrency import run_uncancelled
from core.errors import (
    AlreadySentError,
    ChatForbiddenError,
    ChatMovedError,
    ClipferryError,
    FloodError,
    GivenUpError,
    LimitError,
    LinkError,
    MediaError,
    PartialDeliveryError,
    RequestCancelledError,
    RequestTakenOverError,
    SendingForbiddenError,
    ShuttingDownError,
    StorageError,
    TelegramUnreachableError,
    UnknownOutcomeError,
)
from core.log_context import current_request
from core.pseudonyms import LoggedChat
from core.request import MAX_ATTEMPTS, Kind, Progress, is_given_up
from data.chats import mark_blocked, move_chat
from data.requests import DELIVERED
from delivery.rate_limiter import is_bulk_send
from delivery.sender import SendingCancelledError
from services.bug_reports import report_bug
from services.metrics import FETCHED, KNOWN, Metrics
from services.requests.context import Delivered, RequestContext

logger = logging.getLogger(__name__)

#: Pauses before an explanation that Telegram did not take is sent again, in seconds.
EXPLAIN_AGAIN_S: Final = (1.0, 4.0, 15.0)
#: An explanation does not wait for a longer `retry_after` than this, in seconds.
_LONGEST_PAUSE_S: Final = 20


class Service(Protocol):
    """Answers the requests of one kind."""

    async def deliver(self, context: RequestContext) -> Delivered:
        """Send the answer.

        Raises:
            ClipferryError: why it was not sent.
        """

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:
        """Write what follows a delivery; return True if an ad is due."""


class RequestPipeline:
    """Serves the requests of the queue, each with the service for its kind."""

    def __init__(self, services: Mapping[Kind, Service], metrics: Metrics) -> None:
        self._services = services
        self._metrics = metrics

    async def run(self, item: RequestContext) -> None:
        """Serve a request to its end.

        A failed delivery is explained to the chat. After a delivery the chat has its media, so what
        fails then is only logged. A request that another process left is continued where it was.
        One that another process has taken over ends here without a word.
        """
        is_bulk_send.set(False)  # whoever has started this request, it answers somebody
        current_request.set(item.stored.row)
        self._metrics.took("queue", time.monotonic() - item.begun_at)
        async with _unless_taken_over(item):
            await self._serve(item)

    async def _serve(self, item: RequestContext) -> None:
        """Serve a request to its end.

        Raises:
            RequestTakenOverError: another process has it now, with its status.
        """
        stored, service = item.stored, self._services[item.stored.request.kind]
        if is_given_up(stored.attempts):
            await self.refuse(item, GivenUpError(MAX_ATTEMPTS))
        elif stored.progress.is_complete:
            await self._close(item)
        else:
            await self._answer(item, service)

    async def _answer(self, item: RequestContext, service: Service) -> None:
        """Send the answer, and end the request as that has gone.

        Raises:
            RequestTakenOverError: see `_serve`.
        """
        stored = item.stored
        try:
            delivered = await service.deliver(item)
        except SendingCancelledError:
            await self.refuse(item, UnknownOutcomeError("cancelled while sending"))
            return
        except AlreadySentError as error:
            await self._close_repeated(item, error)
            return
        except RequestTakenOverError:
            raise
        except ClipferryError as error:
            await self.refuse(item, _after_partial_delivery(stored.progress, error))
            return
        except Exception as bug:  # noqa: BLE001 - whatever it is, the chat gets an answer
            await self.refuse(item, await report_bug(bug, f"a {item.link.platform} request"))
            return
        if stored.progress.is_uncertain:  # what may be missing may be sent again
            await self._close(item)
        elif await run_uncancelled(self._end_delivered(item, service, delivered)):
            await _show_ad(item)

    async def _end_delivered(
        self, item: RequestContext, service: Service, delivered: Delivered
    ) -> bool:
        """End a request whose answer was sent; return True if an ad is due."""
        await _remove_note(item)
        is_ad_due = await self._record(service, item, delivered)
        self._metrics.delivered(item.link.platform, is_known=delivered.is_known)
        await _end_answered(item, DELIVERED)
        _log_end(item, KNOWN if delivered.is_known else FETCHED, post_id=delivered.post.id)
        return is_ad_due

    async def refuse(
        self, item: RequestContext, error: ClipferryError, *, aloud: bool = True
    ) -> None:
        """End a request without an answer, and explain it if `aloud`.

        A chat that the bot may not write to is marked as blocked. Where a part of the answer has
        arrived, or may have, that is always explained.
        """
        current_request.set(item.stored.row)
        if item.stored.is_finished:
            return  # what has cancelled it came after its end
        async with _unless_taken_over(item):
            await item.stored.confirm()
            if isinstance(error, RequestCancelledError) and item.stored.progress.is_complete:
                await self._close(item)  # the answer was there already
            else:
                await self._refuse(item, error, aloud=aloud)

    async def _refuse(self, item: RequestContext, error: ClipferryError, *, aloud: bool) -> None:
        if _may_pass(error):
            named = _after_partial_delivery(item.stored.progress, error)
            aloud, error = aloud or named is not error, named
        self._metrics.refused(item.link.platform, error)
        # Refusals by the user's or the site's side are no news for the operator.
        is_ordinary = isinstance(
            error, LinkError | MediaError | LimitError | ChatForbiddenError | SendingForbiddenError
        )
        _log_end(item, error, logging.INFO if is_ordinary else logging.WARNING)
        if isinstance(error, ChatForbiddenError):
            await _mark_forbidden(item, error)
        else:
            await _remove_note(item)
            if aloud:
                await _explain(item, error)
        await run_uncancelled(_end_refused(item, error))

    async def leave(self, item: RequestContext) -> None:
        """Leave a request to the next process; one that is not stored is refused instead."""
        current_request.set(item.stored.row)
        if item.stored.is_finished:
            return
        if item.stored.row is None:
            await self.refuse(item, ShuttingDownError())
        else:
            async with _unless_taken_over(item):
                await item.stored.confirm()
                await _remove_note(item)
                await item.status.passed_on()

    async def accept(self, item: RequestContext) -> None:
        """Show that a request that waits was seen."""
        current_request.set(item.stored.row)
        await item.status.accepted()

    async def report(self, item: RequestContext, number: int, place: int | None) -> None:
        """Show or update the status note of a request that has not ended."""
        is_bulk_send.set(False)
        current_request.set(item.stored.row)
        is_ours = not item.work.is_over and await item.stored.is_ours()
        if is_ours and not item.work.is_over:  # it may have ended meanwhile
            note = item.presenter.status_note(item.work, number, place)
            try:
                await item.status.show_note(note, item.stored.record_note)
            except RequestTakenOverError:
                item.work.is_over = True  # what serves the request finds out, too, and ends it

    async def _record(self, service: Service, item: RequestContext, delivered: Delivered) -> bool:
        try:
            return await service.record(item, delivered)
        except RequestTakenOverError:
            raise
        except Exception as bug:  # noqa: BLE001 - the delivery itself has succeeded
            await report_bug(bug, f"recording a {item.link.platform} request")
            return False

    async def _close_repeated(self, item: RequestContext, error: AlreadySentError) -> None:
        """End a request whose post has arrived as the answer to another one."""
        self._metrics.dropped("repeated_post", item.chat_id)
        _log_end(item, error)
        await run_uncancelled(_end_answered(item, error.code))

    async def _close(self, item: RequestContext) -> None:
        """End a request whose answer was sent; a part that may not have arrived is explained."""
        if item.stored.progress.is_uncertain:
            await self.refuse(item, UnknownOutcomeError("a part without a response"))
            return
        await run_uncancelled(_end_answered(item, DELIVERED))


async def _end_answered(item: RequestContext, outcome: str) -> None:
    """End a request that is answered. That is done as a whole: a cancellation comes too late."""
    await _remove_note(item)
    await item.stored.finish(outcome)
    await item.status.done()


async def _end_refused(item: RequestContext, error: ClipferryError) -> None:
    """End a request after its explanation.

    The status follows the outcome, here and after an answer: another process that has shown a
    status meanwhile, although the request is no longer its own, reads how that ends from the row.
    """
    await item.stored.finish(error.code)
    if isinstance(error, RequestCancelledError):
        await item.status.cancelled()
    elif not isinstance(error, ChatForbiddenError):
        await item.status.failed()


@asynccontextmanager
async def _unless_taken_over(item: RequestContext) -> AsyncIterator[None]:
    """End the work on a request quietly if another process has it: that one answers it.

    If that one has ended it already, a status that was shown too late is ended here.
    """
    try:
        yield
    except RequestTakenOverError as error:
        item.work.is_over = True
        _log_end(item, error)
        with suppress(asyncio.CancelledError):  # too late: nothing is left to cancel, or to leave
            await run_uncancelled(item.status.passed_on())


def _after_partial_delivery(progress: Progress, error: ClipferryError) -> ClipferryError:
    """Return the error to explain when some files arrived, or may have, before the failure."""
    if isinstance(error, UnknownOutcomeError):
        return error
    if progress.is_uncertain and _may_pass(error):
        unknown = UnknownOutcomeError("a part without a response")
        unknown.__cause__ = error
        return unknown
    if not progress.arrived or isinstance(error, PartialDeliveryError):
        return error
    partial = PartialDeliveryError(progress.arrived, progress.total)
    partial.__cause__ = error
    return partial


async def _remove_note(item: RequestContext) -> None:
    """Delete the status note; it is not shown again, even if an update of it is on its way.

    That comes before the request is stored as finished: after a crash in between, the next process
    deletes it.
    """
    item.work.is_over = True
    await item.status.remove_note()


def _may_pass(error: ClipferryError) -> bool:
    return error.retryable or error.resendable


async def _explain(item: RequestContext, error: ClipferryError) -> None:
    for pause_s in (*EXPLAIN_AGAIN_S, None):
        try:
            await item.presenter.explain(error, item.stored.ticket)
        except ChatForbiddenError as second:
            await _mark_forbidden(item, second)
        except (UnknownOutcomeError, TelegramUnreachableError, FloodError) as second:
            # Unlike media, an explanation may rather arrive twice than not at all.
            if pause_s is not None and not _lasts(second):
                await asyncio.sleep(pause_s)
                continue
            _log_unexplained(item, second)
        except ClipferryError as second:
            _log_unexplained(item, second)
        return


def _lasts(error: ClipferryError) -> bool:
    """Return True if Telegram asks for a pause too long for an explanation, as in slow mode."""
    return isinstance(error, FloodError) and error.retry_after_s > _LONGEST_PAUSE_S


def _log_unexplained(item: RequestContext, error: ClipferryError) -> None:
    logger.warning(
        "Could not explain a failure in chat %s: %s",
        LoggedChat(item.chat_id),
        error,
        extra={"event": "explanation_failed"},
    )


async def _show_ad(item: RequestContext) -> None:
    try:
        await item.presenter.show_ad()
    except ClipferryError as error:
        logger.info(
            "No ad in chat %s: %s", LoggedChat(item.chat_id), error, extra={"event": "ad_failed"}
        )


async def _mark_forbidden(item: RequestContext, refusal: ChatForbiddenError) -> None:
    """Store that the bot may not write to a chat, or the chat's new id."""
    try:
        if isinstance(refusal, ChatMovedError):
            await move_chat(item.chat_id, refusal.new_chat_id)
        else:
            await mark_blocked(item.chat_id)
    except StorageError as error:
        logger.warning(
            "Could not mark chat %s as blocked: %s",
            LoggedChat(item.chat_id),
            error,
            extra={"event": "mark_blocked_failed"},
        )


def _log_end(
    item: RequestContext,
    outcome: str | ClipferryError,
    level: int = logging.INFO,
    post_id: str | None = None,
) -> None:
    """Write the one log line of every request: its row, what it was, and how it ended.

    A short link that could not be resolved has no `post_id`.
    """
    post_id = item.link.post_id or post_id
    code = outcome if isinstance(outcome, str) else outcome.code
    facts = {
        "request": item.stored.row,
        "kind": item.stored.request.kind,
        "platform": item.link.platform,
        "post": post_id,
        "outcome": code,
        "seconds": round(time.monotonic() - item.begun_at, 2),
    }
    logger.log(
        level,
        "Request %s for chat %s: %s of %s %s: %s after %.2f s",
        facts["request"],
        LoggedChat(item.chat_id),
        facts["kind"],
        facts["platform"],
        post_id or "(a short link)",
        outcome if isinstance(outcome, str) else f"{code}: {outcome}",
        facts["seconds"],
        extra={"event": "request_ended", "facts": facts},
    )
