"""Forwarders between the parts of a fleet: a network that can be cut, and a load balancer."""

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web
from sqlalchemy.engine import make_url

_CHUNK: Final = 65_536
_KEEPALIVES: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
)
#: Headers of one connection, which a proxy does not pass on.
_OF_CONNECTION: Final = {"host", "connection", "keep-alive", "transfer-encoding", "content-length"}


def is_open(port: int) -> bool:
    """Return True if something listens on a port on loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def keepalives_of_connections(url: str) -> set[tuple[int, ...]]:
    """Return how this process notices that a server at the URL's port has vanished.

    Of each of its connections: whether the system sends probes, after how many seconds, at which
    interval, how many, and after how many milliseconds it gives up what is not acknowledged.
    """
    found, port = set(), make_url(url).port
    for path in Path("/proc/self/fd").iterdir():
        # A copy of anything else would stay open, and what waits for the end of a pipe would hang.
        if not path.is_socket():
            continue
        try:
            with socket.socket(fileno=os.dup(int(path.name))) as one:
                if one.family == socket.AF_INET and one.getpeername()[1] == port:
                    found.add(tuple(one.getsockopt(*option) for option in _KEEPALIVES))
        except OSError:
            continue
    return found


class TcpForwarder:
    """Passes connections on to a server, until it is told not to.

    `freeze` is a network that loses everything: nothing is passed on, and no side hears that the
    other one has ended. Afterwards TCP delivers what it has kept. `cut` ends all connections, and
    new ones as soon as they are made.
    """

    def __init__(self, url: str) -> None:
        """Take the URL of the PostgreSQL server, which may be at a Unix socket."""
        self._url = make_url(url)
        self._is_cut = False
        self._passes = asyncio.Event()
        self._passes.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Listen on loopback; yield the URL of the server behind this forwarder."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self.url()
        finally:
            server.close()
            self.cut()
            self._passes.set()
            await server.wait_closed()

    def url(self, database: str | None = None) -> str:
        """Return the URL of a database behind this forwarder."""
        query = {key: value for key, value in self._url.query.items() if key != "host"}
        url = self._url.set(
            host="127.0.0.1",
            port=self._port,
            query=query,
            database=database or self._url.database,
        )
        return url.render_as_string(hide_password=False)

    def freeze(self) -> None:
        """Pass nothing on."""
        self._passes.clear()

    def cut(self) -> None:
        """End all connections, and refuse new ones."""
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def heal(self) -> None:
        """Pass everything on again."""
        self._is_cut = False
        self._passes.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        with suppress(OSError):
            other_reader, other_writer = await self._connect()
            both = {writer, other_writer}
            self._writers |= both
            await asyncio.gather(
                self._pump(reader, other_writer),
                self._pump(other_reader, writer),
                return_exceptions=True,
            )
            self._writers -= both
        writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._url.query.get("host") or self._url.host, self._url.port or 5432
        assert isinstance(host, str)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(Path(host) / f".s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
            await self._passes.wait()
        finally:
            writer.close()


class Balancer:
    """Distributes the requests to a webhook over its receivers, each to the next one in turn.

    A receiver that cannot be reached is skipped, as nginx and Caddy do; after a request that was
    not answered the client gets 502, because it may have been carried out.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        """Take the receivers' ports on loopback."""
        self._ports = ports
        self._turns = itertools.cycle(range(len(ports)))
        self._session: aiohttp.ClientSession
        #: How many requests each receiver has answered, by its port.
        self.answered = dict.fromkeys(ports, 0)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Listen on loopback; yield the address."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(timeout=timeout) as self._session:
            try:
                yield f"http://127.0.0.1:{runner.addresses[0][1]}"
            finally:
                await runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        first, body = next(self._turns), await request.read()
        for turn in range(len(self._ports)):
            port = self._ports[(first + turn) % len(self._ports)]
            try:
                return await self._ask(port, request, body)
            except aiohttp.ClientConnectorError:
                continue
            except (aiohttp.ClientError, TimeoutError):
                break
        return web.Response(status=502)

    async def _ask(self, port: int, request: web.Request, body: bytes) -> web.Response:
        async with self._session.request(
            request.method,
            f"http://127.0.0.1:{port}{request.rel_url}",
            data=body,
            headers=_passed_on(request.headers),
        ) as answer:
            content = await answer.read()
            self.answered[port] += 1
            headers = _passed_on(answer.headers)
            return web.Response(status=answer.status, body=content, headers=headers)


def _passed_on(headers: Any) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key.lower() not in _OF_CONNECTION}
