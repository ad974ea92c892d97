"""An HTTP server for the time of a block."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, nullcontext
from ssl import SSLContext
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from app.stop_time import SERVER_S
from core.concurrency import during
from core.errors import AddressError, SettingsError

#: For what aiohttp says.
_aiohttps_log = logging.getLogger(__name__)

#: After a power cut the program may start before the network of its address does.
_NOT_YET: Final = {errno.EADDRNOTAVAIL, socket.EAI_AGAIN}
#: Interval between two looks at the connections, and how long one may be unknown, in seconds.
_LOOK_S: Final = 5.0
_UNKNOWN_S: Final = 5.0
#: Longest time for a TLS handshake, in seconds. A connection is seen once it is over.
_HANDSHAKE_S: Final = 5.0


def is_of_the_bot(record: logging.LogRecord) -> bool:
    """Give a line its event; return False for one about a request that cannot be read.

    Whoever reaches a public port sends such requests all day, and aiohttp writes a traceback each.
    """
    record.event = "http_server_failed"
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


_aiohttps_log.addFilter(is_of_the_bot)


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    setting: str,
    tls: SSLContext | None = None,
    *,
    known: set[asyncio.Protocol] | None = None,
) -> AsyncIterator[None]:
    """Serve during the block. `setting` names that of the port, for the message of the error.

    With `known`, to which handlers add the connections of those who may call, others are closed
    after a few seconds: each takes a file descriptor, and aiohttp waits an hour for a request.

    Raises:
        SettingsError: the address cannot be used.
        AddressError: it is not there at the moment.
    """
    runner = web.AppRunner(app, access_log=None, logger=_aiohttps_log, shutdown_timeout=SERVER_S)
    await runner.setup()
    try:
        try:
            server = await _opened(runner, host, port, tls)
        except OSError as error:
            kind = AddressError if error.errno in _NOT_YET else SettingsError
            raise kind([f"{setting}: {host}:{port}: {error.strerror}"]) from None
        with closing(server):
            async with nullcontext() if known is None else during(_close_unknown(runner, known)):
                yield
    finally:
        await runner.cleanup()


async def _opened(
    runner: web.AppRunner, host: str, port: int, tls: SSLContext | None
) -> asyncio.Server:
    """Open a port; aiohttp's own way has no limit for handshakes."""
    assert runner.server
    limit = _HANDSHAKE_S if tls else None
    return await asyncio.get_running_loop().create_server(
        runner.server, host, port, ssl=tls, ssl_handshake_timeout=limit
    )


async def _close_unknown(runner: web.AppRunner, known: set[asyncio.Protocol]) -> None:
    since: dict[web.RequestHandler, float] = {}
    while runner.server:
        await asyncio.sleep(_LOOK_S)
        known &= set(runner.server.connections)
        now = asyncio.get_running_loop().time()
        since = {one: since.get(one, now) for one in runner.server.connections if one not in known}
        for connection, seen_at in since.items():
            # Not closed in order: for the client's part in that, TLS waits half a minute.
            if now - seen_at >= _UNKNOWN_S and connection.transport:
                connection.transport.abort()
