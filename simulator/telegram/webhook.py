"""Deliver updates by webhook, as the real server does.

Source: https://github.com/tdlib/telegram-bot-api, WebhookActor.cpp and Client.cpp.
"""

import asyncio
import contextlib
import errno
import math
import os
import random
import ssl
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from simulator.telegram.errors import ApiError, bad_request
from simulator.telegram.files import Upload
from simulator.telegram.world import Json, World

DEFAULT_CONNECTIONS, MOST_CONNECTIONS = 40, 100
PORTS = {80, 88, 443, 8443}
#: Kinds of updates that wait in a queue of their sender instead of their chat.
_BY_SENDER = {"inline_query", "chosen_inline_result", "callback_query"}
#: Seconds after which an update is dropped, by kind.
_EXPIRES_S = {"inline_query": 30.0, "callback_query": 150.0, "chosen_inline_result": 600.0}
_EXPIRES_OTHERWISE_S = 86_400.0
#: The delay after repeated failures doubles up to a random cap of 60 to 120 seconds.
_CAP_S = 60.0
_MOST_RETRY_AFTER_S = 3_600.0
#: Pause after a connection that was refused, in seconds; it does not grow.
_UNREACHABLE_S = 1.0
#: So long after the last success more than one connection is used, in seconds.
_ACTIVE_S = 10.0
#: So long a webhook may answer 410 before it is removed, in seconds.
_GONE_S = 23 * 3_600.0
_ANSWER_S = 60.0
#: How often the queues are looked at if nothing happens, in seconds.
_TICK_S = 0.05


@dataclass(slots=True)
class _Waiting:
    """What is known about an update that is not delivered."""

    since: float
    wake_at: float = 0.0
    delay_s: float = 1.0
    failures: int = 0


@dataclass(slots=True)
class Delivery:
    """An update that was sent, and how the webhook answered."""

    update_id: int
    #: HTTP status; 0 without an answer.
    status: int


@dataclass(slots=True)
class Webhook:
    """The webhook of the bot, and the connections that deliver to it."""

    world: World
    #: Calls that the real server accepts but that are mistakes.
    violations: list[str]
    #: Accept http, any port, and loopback addresses, as a server with --local does. The public
    #: server accepts none of them.
    is_local: bool = False
    #: Factors for the delays before repetitions, and for the time after which updates are dropped.
    backoff_scale: float = 1.0
    expiry_scale: float = 1.0
    #: Update types that the bot has requested, by setWebhook or getUpdates.
    allowed_updates: set[str] = field(default_factory=set)
    url: str = ""
    deliveries: list[Delivery] = field(default_factory=list)
    #: Called with each update that is sent.
    on_delivery: Callable[[Json], None] = lambda _: None
    #: Largest number of updates that were in flight at once.
    most_in_flight: int = 0
    _secret: str = ""
    _certificate: str = ""
    _max_connections: int = DEFAULT_CONNECTIONS
    _last_error: tuple[int, str] | None = None
    _last_success: float = -math.inf
    _gone_since: float | None = None
    _waiting: dict[int, _Waiting] = field(default_factory=dict)
    _in_flight: dict[Hashable, asyncio.Task[None]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.Task[None] | None = None
    _session: aiohttp.ClientSession | None = None

    # --- methods ----------------------------------------------------------------------------------

    def set(self, params: Json, certificate: Upload | None) -> bool:
        """Set the webhook; an empty URL removes it.

        Raises:
            ApiError: 400, when a parameter is wrong.
        """
        if not params["url"]:
            return self.delete(params)
        self._check_url(params["url"])
        secret = params.get("secret_token") or ""
        if len(secret) > 256:
            raise bad_request("secret token is too long")
        if not all(c.isascii() and (c.isalnum() or c in "_-") for c in secret):
            raise bad_request("secret token contains unallowed characters")
        pem = certificate.path.read_text(errors="replace") if certificate else ""
        if certificate and "BEGIN CERTIFICATE" not in pem:
            raise bad_request("bad webhook: certificate is not in PEM format")
        if "allowed_updates" in params:
            self.allowed_updates = set(params["allowed_updates"])
        self.url, self._secret, self._certificate = params["url"], secret, pem
        most = params.get("max_connections") or DEFAULT_CONNECTIONS
        self._max_connections = min(max(most, 1), MOST_CONNECTIONS)
        self._last_error = None
        self._drop_if_asked(params)
        self._wake.set()
        return True

    def delete(self, params: Json) -> bool:
        """Remove the webhook; pending updates stay unless the caller wants them dropped."""
        self.url = self._secret = self._certificate = ""
        self._last_error = None
        self._drop_if_asked(params)
        return True

    def info(self) -> Json:
        """Return the WebhookInfo object."""
        info: Json = {
            "url": self.url,
            "has_custom_certificate": bool(self._certificate),
            "pending_update_count": len(self._pending()),
        }
        if not self.url:
            return info
        info["max_connections"] = self._max_connections
        if self.allowed_updates:
            info["allowed_updates"] = sorted(self.allowed_updates)
        if self._last_error:
            info["last_error_date"], info["last_error_message"] = self._last_error
        return info

    def refuse_polling(self) -> None:
        """Refuse getUpdates while a webhook is set.

        Raises:
            ApiError: 409.
        """
        if self.url:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use "
                "deleteWebhook to delete the webhook first",
            )

    def _check_url(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise bad_request("bad webhook: URL host is empty")
        if self.is_local:
            return
        if parts.scheme != "https":
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if (parts.port or 443) not in PORTS:
            raise bad_request(
                "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"
            )
        if parts.hostname in {"127.0.0.1", "localhost"}:
            raise bad_request("bad webhook: IP address 127.0.0.1 is reserved")

    def _drop_if_asked(self, params: Json) -> None:
        if params.get("drop_pending_updates"):
            self.world.updates.clear()

    # --- delivery ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Deliver from now on, whenever a webhook is set."""
        if self._loop is None:
            self.world.watch(lambda _: self._wake.set())
            self._loop = asyncio.create_task(self._run())  # noqa: TID251 - ends in `stop`

    async def stop(self) -> None:
        """Deliver no more."""
        tasks = [task for task in (self._loop, *self._in_flight.values()) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop = None
        if self._session:
            await self._session.close()

    async def _run(self) -> None:
        while True:
            if self.url:
                self._send_what_is_due()
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._wake.wait()

    def _pending(self) -> list[Json]:
        """Return the updates that the bot wants and that have not expired, oldest first."""
        now = time.monotonic()
        kept = []
        for update in self.world.updates:
            kind = _kind(update)
            since = self._waiting.setdefault(update["update_id"], _Waiting(now)).since
            lifetime_s = _EXPIRES_S.get(kind, _EXPIRES_OTHERWISE_S) * self.expiry_scale
            if now - since < lifetime_s and (
                not self.allowed_updates or kind in self.allowed_updates
            ):
                kept.append(update)
        self.world.updates[:] = kept
        return kept

    def _send_what_is_due(self) -> None:
        """Send the oldest update of each queue that has none in flight."""
        now = time.monotonic()
        is_active = now - self._last_success < _ACTIVE_S
        room = (self._max_connections if is_active else 1) - len(self._in_flight)
        seen: set[Hashable] = set()
        for update in self._pending():
            queue = _queue(update)
            if queue in seen or queue in self._in_flight:
                continue
            seen.add(queue)
            if room > 0 and self._waiting[update["update_id"]].wake_at <= now:
                room -= 1
                task = asyncio.create_task(self._deliver(queue, update))  # noqa: TID251 - see `stop`
                self._in_flight[queue] = task
        self.most_in_flight = max(self.most_in_flight, len(self._in_flight))

    async def _deliver(self, queue: Hashable, update: Json) -> None:
        waiting = self._waiting[update["update_id"]]
        status, retry_after, error = 0, 0.0, ""
        try:
            status, retry_after, error = await self._post(update)
        except aiohttp.ClientConnectorError as failure:
            self._fail(_reason(failure))
            waiting.wake_at = time.monotonic() + _UNREACHABLE_S * self.backoff_scale
        except (aiohttp.ClientError, OSError, TimeoutError):
            error = "Webhook connection closed"
        finally:
            self._in_flight.pop(queue, None)
            self._wake.set()
        self.deliveries.append(Delivery(update["update_id"], status))
        if 200 <= status <= 299:
            self._last_success = time.monotonic()
            self._gone_since = None
            self._forget(update)
        elif error:
            self._fail(error)
            self._delay(waiting, retry_after)

    async def _post(self, update: Json) -> tuple[int, float, str]:
        """Send an update; return the status, `Retry-After` in seconds, and what was wrong."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_ANSWER_S),
                connector=aiohttp.TCPConnector(limit=0),
            )
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {}
        tls: Any = True
        if self._certificate:
            tls = ssl.create_default_context(cadata=self._certificate)
        self.on_delivery(update)
        async with self._session.post(self.url, json=update, headers=headers, ssl=tls) as answer:
            body = await answer.read()
            if answer.status == 410:
                self._count_gone()
            if 200 <= answer.status <= 299:
                if b'"method"' in body:
                    self.violations.append("the answer to a webhook's request calls a method")
                return answer.status, 0.0, ""
            given = answer.headers.get("Retry-After", "0")
            retry_after = float(given) if given.isdigit() else 0.0
            error = f"Wrong response from the webhook: {answer.status} {answer.reason}"
            return answer.status, min(retry_after, _MOST_RETRY_AFTER_S), error

    def _delay(self, waiting: _Waiting, retry_after: float) -> None:
        """Plan the next attempt: the first at once, later ones after growing delays."""
        delay_s = retry_after
        if not retry_after and waiting.failures:
            cap_s = random.uniform(_CAP_S, 2 * _CAP_S)
            delay_s = waiting.delay_s = min(cap_s, waiting.delay_s * 2)
        waiting.failures += 1
        waiting.wake_at = time.monotonic() + delay_s * self.backoff_scale

    def _fail(self, message: str) -> None:
        self._last_error = int(time.time()), message

    def _count_gone(self) -> None:
        now = time.monotonic()
        self._gone_since = self._gone_since or now
        if now - self._gone_since > _GONE_S * self.backoff_scale:
            self.url = ""

    def _forget(self, update: Json) -> None:
        self._waiting.pop(update["update_id"], None)
        remaining = self.world.updates
        remaining[:] = [other for other in remaining if other is not update]


def _reason(failure: aiohttp.ClientConnectorError) -> str:
    """Return why there is no connection, as the real server words it."""
    if isinstance(failure, aiohttp.ClientConnectorCertificateError):
        return "SSL error {error:0A000086:SSL routines::certificate verify failed}"
    return os.strerror(failure.os_error.errno or errno.ECONNREFUSED)


def _kind(update: Json) -> str:
    return next((name for name in update if name != "update_id"), "")


def _queue(update: Json) -> Hashable:
    """Return the queue of an update: of its kind and sender, or of its chat."""
    kind = _kind(update)
    content = update.get(kind)
    if not isinstance(content, dict):
        return kind, update["update_id"]
    if kind in _BY_SENDER:
        return kind, content["from"]["id"]
    chat = content.get("chat")
    if not isinstance(chat, dict):
        return kind, update["update_id"]
    return "member" if kind.endswith("chat_member") else "chat", chat["id"]
