"""The HTTP server that Telegram sends updates to.

It is public, unlike the one for health checks: without the secret a request learns nothing but that
there is a server.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from app.http_server import listening
from core.webhook import SECRET_HEADER, secrets_match

logger = logging.getLogger(__name__)

#: Largest body, in bytes. Telegram's updates have some kilobytes.
MAX_BODY_BYTES: Final = 1 << 20
#: Longest time for a body, in seconds.
_BODY_S: Final = 10.0
#: When Telegram shall send a refused update again, in seconds. Without that it waits for up to two
#: minutes. Source: https://github.com/tdlib/telegram-bot-api, WebhookActor.cpp (on_update_error)
RETRY_AFTER_S: Final = 2


class WebhookServer:
    """Checks requests, and passes on the updates in them. Answers have no body: a method in one
    would be called by Telegram, with its result lost.
    """

    def __init__(
        self,
        path: str,
        secret: str,
        receive: Callable[[dict[str, Any]], Awaitable[bool]],
        counted: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`receive` returns True if Telegram may forget an update; `counted` gets each status."""
        self._path = path
        self._secret = secret
        self._receive = receive
        self._counted = counted
        #: The connections over which the secret has come.
        self._known: set[asyncio.Protocol] = set()

    @asynccontextmanager
    async def serving(
        self, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[None]:
        """Serve during the block.

        Raises:
            SettingsError: the address cannot be used.
        """
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._answer)
        setting = "[webhook] port (WEBHOOK_PORT)"
        async with listening(app, host, port, setting, tls, known=self._known):
            logger.info(
                "Listening for updates at %s:%d",
                host,
                port,
                extra={"event": "webhook_server_started"},
            )
            yield

    async def _answer(self, request: web.Request) -> web.Response:
        status = self._refusal(request) or await self._take(request)
        self._counted(status)
        response = web.Response(status=status, headers={"Server": ""})
        if status == 405:
            response.headers["Allow"] = "POST"
        if status == 503:
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            response.force_close()  # a balancer may then choose another process
        return response

    def _refusal(self, request: web.Request) -> int | None:
        """Return the status for a request that is not read at all, or None."""
        if request.rel_url.raw_path != self._path:
            return 404
        if request.method != "POST":
            return 405
        if not secrets_match(request.headers.get(SECRET_HEADER, ""), self._secret):
            logger.info(
                "A request to the webhook has another secret, or none",
                extra={"event": "webhook_unauthorized"},
            )
            return 401
        self._known.add(request.protocol)
        return None if request.content_type == "application/json" else 415

    async def _take(self, request: web.Request) -> int:
        """Read a request and pass its update on; return the status."""
        try:
            async with asyncio.timeout(_BODY_S):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return 413
        except TimeoutError:
            return 408
        except (web.RequestPayloadError, ConnectionError):  # damaged, or cut off
            return 400
        update = _update_in(body)
        if update is None:
            logger.warning(
                "A request to the webhook has no update: %d bytes",
                len(body),
                extra={"event": "webhook_body_unreadable"},
            )
            return 400
        return 200 if await self._receive(update) else 503


def _update_in(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of an update, or None if the body holds something else."""
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(update, dict) or type(update.get("update_id")) is not int:
        return None
    return update
