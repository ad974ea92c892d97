"""Run a proxy on loopback that terminates TLS and serves the simulated sites.

It accepts HTTP CONNECT and SOCKS5. Its certificates come from a temporary certificate authority
that the bot is configured to trust. Every request is recorded.
"""

import asyncio
import base64
import contextlib
import ssl
import struct
from dataclasses import dataclass
from pathlib import Path

import trustme
from aiohttp import web

from simulator.sites.web import Site

_MAX_HEAD = 16_384


class Authority:
    """A temporary certificate authority."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        #: The root certificate, as a PEM file.
        self.ca_file = folder / "simulator-ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca_file))

    def context(self, host: str) -> ssl.SSLContext:
        """Return a server context with a certificate for the host."""
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._ca.issue_cert(host).configure_cert(context)
            self._contexts[host] = context
        return self._contexts[host]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that a proxy received."""

    #: Name of the proxy.
    proxy: str
    host: str
    #: Path with the query, byte for byte; empty for a connection to a host that is not simulated.
    path: str = ""
    user_agent: str = ""

    @property
    def exit(self) -> str:
        """Return `proxy`; kept while tests/platforms still use the old name."""
        return self.proxy


class SitesProxy:
    """A proxy to the simulated sites."""

    def __init__(
        self,
        site: Site,
        authority: Authority,
        log: list[Asked],
        *,
        name: str = "proxy-1",
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self.name = name
        self._site = site
        self._authority = authority
        self._log = log
        self._credentials = credentials
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None
        self._inner_port = 0
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._inner_port = self._runner.addresses[0][1]
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 18)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        if self._server:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()

    def address(self, scheme: str = "http") -> str:
        """Return the proxy's URL, with its credentials if it requires any."""
        login = ":".join(self._credentials) + "@" if self._credentials else ""
        return f"{scheme}://{login}127.0.0.1:{self.port}"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self._log.append(
            Asked(
                proxy=self.name,
                host=request.host,
                path=request.raw_path,
                user_agent=request.headers.get("User-Agent", ""),
            )
        )
        return await self._site.answer(request, self.name)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        try:
            # Clients may disconnect at any time.
            with contextlib.suppress(
                OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError
            ):
                await self._converse(reader, writer)
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == b"\x05":
            host, port = await self._socks_target(reader, writer)
        else:
            host, port = await self._http_target(first, reader, writer)
        if not host:
            return
        if port == 443:
            await writer.start_tls(self._authority.context(host))
        await self._pipe_inside(reader, writer)

    async def _http_target(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[str, int]:
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split(" ", 2)
        if self._credentials:
            expected = base64.b64encode(":".join(self._credentials).encode()).decode()
            if f"proxy-authorization: basic {expected}".lower() not in head.lower():
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                await writer.drain()
                return "", 0
        if method != "CONNECT":
            host = target.split("/")[2].partition(":")[0]
            if not self._is_ours(host):
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
                return "", 0
            await self._pipe_inside(reader, writer, head.encode("latin-1"))
            return "", 0
        host, _, port = target.rpartition(":")
        if not self._is_ours(host):
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return "", 0
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        return host, int(port)

    async def _socks_target(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[str, int]:
        """Run the server side of a SOCKS5 handshake (RFC 1928, RFC 1929) and return the target."""
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        wanted = 2 if self._credentials else 0
        if wanted not in methods:
            writer.write(b"\x05\xff")
            await writer.drain()
            return "", 0
        writer.write(bytes((5, wanted)))
        if self._credentials:
            await reader.readexactly(1)
            user = await reader.readexactly((await reader.readexactly(1))[0])
            password = await reader.readexactly((await reader.readexactly(1))[0])
            is_known = (user.decode(), password.decode()) == self._credentials
            writer.write(b"\x01" + (b"\x00" if is_known else b"\x01"))
            if not is_known:
                await writer.drain()
                return "", 0
        _, _, _, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            host = ".".join(str(byte) for byte in await reader.readexactly(4))
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        is_ours = self._is_ours(host)
        writer.write(bytes((5, 0 if is_ours else 2, 0, 1, 0, 0, 0, 0, 0, 0)))
        await writer.drain()
        return (host, port) if is_ours else ("", 0)

    def _is_ours(self, host: str) -> bool:
        if self._site.serves(host):
            return True
        self._log.append(Asked(proxy=self.name, host=host))
        return False

    async def _pipe_inside(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes = b""
    ) -> None:
        """Copy bytes between the client and the inner HTTP server until both sides are closed."""
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._inner_port)
        try:
            inner_writer.write(head)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pipe(reader, inner_writer))
                group.create_task(_pipe(inner_reader, writer))
        finally:
            inner_writer.transport.abort()


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while chunk := await source.read(1 << 18):
            target.write(chunk)
            await target.drain()
    target.close()
