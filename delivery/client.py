"""Builds the Telegram client, which translates aiogram's errors in one place.

All calls pass `TelegramClient.__call__`: those of the sender, `message.answer(…)`,
`callback.answer(…)`.
"""

import json
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import AiogramError, ClientDecodeError, TelegramNetworkError
from aiogram.methods import AnswerCallbackQuery, GetUpdates, Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import InputFile, LinkPreviewOptions, Message, MessageId, Update
from aiogram.utils.token import extract_bot_id
from aiohttp import AddrInfoType
from aiohttp.payload import BytesPayload
from pydantic import ValidationError
from pydantic_core import from_json

from core.clock import shared_clock
from core.limits import PUBLIC_UPLOAD_BYTES
from core.turns import Report, Turns
from delivery import rich_messages
from delivery.call_observer import CallObserver, ObservedCalls
from delivery.rate_limiter import RateLimiter
from delivery.request_body import (
    IncompleteBodyError,
    WatchedBody,
    current_body,
    may_have_arrived,
)
from delivery.response_repair import UnreadableUpdate, read_updates, repair, split_by_age
from delivery.send_retries import SendRetries
from delivery.telegram_errors import is_late_answer, reason_of, translate, translate_query

logger = logging.getLogger(__name__)

#: Updates in a batch from which on old ones are set aside; getUpdates returns 100 at most.
_LARGE_BATCH: Final = 50
#: Bytes that a connection may hold back before it takes no more.
_UNSENT_BYTES: Final = 16_384
#: For clients whose calls nobody measures.
_UNOBSERVED: Final = CallObserver()
#: The response models of every poll and every message. pydantic drops a generic model without
#: references, and would build it again after each garbage collection.
_KEPT = (Response[Message], Response[MessageId], Response[bool], Response[list[Update]])


class TelegramClient(Bot):
    """aiogram's client; its calls raise the errors of `core.errors`."""

    def __init__(self, token: str, *, ceiling_bytes: int, **options: Any) -> None:
        super().__init__(token, **options)
        self._ceiling_bytes = ceiling_bytes

    async def __call__(
        self, method: TelegramMethod[TelegramType], request_timeout: int | None = None
    ) -> TelegramType:
        """Call a Bot API method.

        The answer to a press that comes too late returns False: it is no failure of the press.

        Raises:
            DeliveryError, TooLargeError: see `delivery.telegram_errors.translate`.
        """
        try:
            return await super().__call__(method, request_timeout)
        except AiogramError as error:
            if isinstance(method, AnswerCallbackQuery) and is_late_answer(error):
                logger.info("A press was answered too late", extra={"event": "press_answered_late"})
                return cast("TelegramType", False)
            if method.__api_method__.startswith("get"):
                raise translate_query(error) from error
            raise translate(error, self._ceiling_bytes) from error


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """What happens to updates that are not simply returned."""

    #: Called with each update that could not be read completely.
    unreadable: Callable[[UnreadableUpdate], None] = lambda _: None
    #: Messages that are older when they arrive, in seconds, are set aside; None returns all.
    set_aside_s: float | None = None


@dataclass(frozen=True, slots=True)
class PacePolicy:
    """How messages are paced."""

    #: Messages are created no faster than Telegram allows.
    is_on: bool = True
    #: Claims turns for a bot where several processes share the pace; raises StorageError.
    claim: Callable[[int, Report], Awaitable[Turns]] | None = None


class TolerantSession(AiohttpSession):
    """aiogram's session; a response that its models do not accept is repaired.

    The error of a connection that ends says whether Telegram can have got the whole request.
    """

    def __init__(self, policy: UpdatePolicy, **options: Any) -> None:
        super().__init__(json_loads=_read_json, **options)
        self._connector_init["socket_factory"] = _open_socket
        # aiogram closes a session that has not begun. Calls that begin together would wait there,
        # and close the session, and the turns, of those that were faster.
        self._should_reset_connector = False
        self._policy = policy
        #: The old updates of the last response to getUpdates, as JSON objects.
        self.set_aside: list[dict[str, Any]] = []
        #: Called before the connections are closed.
        self.before_close: Callable[[], Awaitable[None]] | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self.before_close:
            await self.before_close()
        # Not aiogram's own way: it waits for a quarter of a second, because aiohttp before 3.12 did
        # not wait for the end of its connections.
        if self._session is not None:
            await self._session.close()

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's signature
    ) -> TelegramType:
        """Send a request, and return the result.

        Raises:
            TelegramNetworkError: its cause is an `IncompleteBodyError` if nothing was sent.
            AiogramError: see aiogram's own method.
        """
        current_body.set(None)
        try:
            return await super().make_request(bot, method, timeout)
        except TelegramNetworkError as error:
            if may_have_arrived():
                raise
            reason = IncompleteBodyError(reason_of(error.__cause__))
            raise TelegramNetworkError(method, error.message) from reason

    def build_form_data(  # type: ignore[override]  # aiohttp takes both
        self, bot: Bot, method: TelegramMethod[TelegramType]
    ) -> WatchedBody:
        """Return the body of a request: JSON, or a form if it has files.

        Encoding a form costs several times as much. Telegram reads a string in JSON like a field.
        Source: https://core.telegram.org/bots/api#making-requests
        """
        files: dict[str, InputFile] = {}
        fields = {
            name: prepared
            for name, value in method.model_dump(warnings=False).items()
            if (prepared := self.prepare_value(value, bot=bot, files=files))
        }
        body = WatchedBody(
            super().build_form_data(bot, method)()
            if files
            else BytesPayload(self.json_dumps(fields).encode(), content_type="application/json")
        )
        current_body.set(body)
        return body

    def check_response(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        status_code: int,
        content: str,
    ) -> Response[TelegramType]:
        """Return the response.

        Raises:
            AiogramError: see aiogram's own method.
        """
        if f'"{rich_messages.NAME}"' in content:
            content = self._without_rich_messages(content)
        if isinstance(method, GetUpdates) and self._policy.set_aside_s is not None:
            content = self._without_old(content, self._policy.set_aside_s)
        try:
            return super().check_response(bot, method, status_code, content)
        except ClientDecodeError as error:
            if not isinstance(error.original, ValidationError) or not isinstance(error.data, dict):
                raise
            repaired = self._repair(bot, method, error.data)
            if repaired is None:
                raise
        return super().check_response(bot, method, status_code, self.json_dumps(repaired))

    def parse_update(self, bot: Bot, raw: dict[str, Any]) -> Update:
        """Return an update from its JSON object; what cannot be read is left out of it."""
        raw = rich_messages.without_rich_messages(raw)
        try:
            return Update.model_validate(raw, context={"bot": bot})
        except (ValidationError, RecursionError):
            return self.parse_updates(bot, [raw])[0]

    def parse_updates(self, bot: Bot, raw: list[dict[str, Any]]) -> list[Update]:
        """Return updates from their JSON objects; what cannot be read is left out of them."""
        updates, unreadable = read_updates(rich_messages.without_rich_messages(raw), bot)
        for update in unreadable:
            self._report(update)
        return [Update.model_validate(update, context={"bot": bot}) for update in updates]

    def _without_rich_messages(self, content: str) -> str:
        try:
            return self.json_dumps(rich_messages.without_rich_messages(self.json_loads(content)))
        except (ValueError, RecursionError):
            return content  # no JSON: the caller finds out

    def _without_old(self, content: str, limit_s: float) -> str:
        """Move the old updates of a response to `set_aside`, and return the rest."""
        self.set_aside = []
        # Parsing twice costs; a batch that is not full cannot be that of a long downtime.
        if content.count('"update_id"') < _LARGE_BATCH:
            return content
        try:
            data = self.json_loads(content)
            new, old = split_by_age(data["result"], shared_clock() - limit_s)
        except (ValueError, RecursionError, TypeError, KeyError):
            return content  # no response to getUpdates: the caller finds out
        self.set_aside = old
        return self.json_dumps({**data, "result": new}) if old else content

    def _repair(
        self, bot: Bot, method: TelegramMethod[TelegramType], data: dict[str, Any]
    ) -> dict[str, Any] | None:
        if isinstance(method, GetUpdates) and data.get("ok"):
            updates, unreadable = read_updates(data.get("result"), bot)
            for update in unreadable:
                self._report(update)
            return {"ok": True, "result": updates} if updates else None
        model = Response[method.__returning__]  # type: ignore[name-defined]
        # Of several messages none may be lost.
        kept = 2 if isinstance(data.get("result"), list) else 1
        repaired = repair(model, data, bot, kept=kept)
        if repaired is None:
            return None
        response, path = repaired
        logger.warning(
            "The response to %s cannot be read completely: %s",
            method.__api_method__,
            path,
            extra={"event": "response_unreadable"},
        )
        return response

    def _report(self, update: UnreadableUpdate) -> None:
        logger.warning(
            "Update %d cannot be read completely: %s (%s)",
            update.update_id,
            update.path or update.kind,
            "the rest is handled" if update.is_handled else "it is skipped",
            extra={"event": "update_unreadable"},
        )
        self._policy.unreadable(update)


def _read_json(text: str) -> Any:
    """Return the value of a JSON text; pydantic's parser takes three fifths of the time.

    Raises:
        ValueError, RecursionError: as json.loads does.
    """
    try:
        return from_json(text)
    except ValueError:  # half of a surrogate pair, for one: only `json` reads that
        return json.loads(text)


def _open_socket(address: AddrInfoType) -> socket.socket:
    """Return a socket that takes data hardly faster than the network does.

    By default the system takes megabytes at once. The last byte of an upload would count as sent
    long before it leaves, and the upload's turn would begin too early.
    Source: https://www.man7.org/linux/man-pages/man7/tcp.7.html
    """
    family, kind, protocol, *_ = address
    opened = socket.socket(family, kind, protocol)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        # Sandboxes such as gVisor do not know the option; then uploads only count as sent earlier.
        with suppress(OSError):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
    return opened


def make_bot(
    token: str,
    *,
    server: str,
    connections: int,
    ceiling_bytes: int = PUBLIC_UPLOAD_BYTES,
    pace: PacePolicy = PacePolicy(),
    observer: CallObserver = _UNOBSERVED,
    updates: UpdatePolicy = UpdatePolicy(),
) -> TelegramClient:
    """Build the client.

    `connections` limits the concurrent requests, including uploads. `ceiling_bytes` is the largest
    upload that the server accepts.

    aiogram's default timeout of 60 s applies to all calls except uploads, which set their own.
    """
    session = TolerantSession(updates, api=TelegramAPIServer.from_base(server), limit=connections)
    # Each retry waits for its own turn.
    session.middleware(SendRetries(paces=pace.is_on))
    claim = partial(pace.claim, extract_bot_id(token)) if pace.claim else None
    limiter = RateLimiter(paces=pace.is_on, waited=observer.waited, claim=claim)
    session.middleware(limiter)
    session.middleware(ObservedCalls(observer))
    session.before_close = limiter.close
    return TelegramClient(
        token,
        ceiling_bytes=ceiling_bytes,
        session=session,
        default=DefaultBotProperties(
            parse_mode=ParseMode.HTML,
            # `link_preview_is_disabled` would send a parameter that Telegram has removed.
            link_preview=LinkPreviewOptions(is_disabled=True),
        ),
    )
