"""The port of the webhook is public: strangers cost neither lines in the log nor descriptors."""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app import http_server
from app.webhook_server import WebhookServer
from core.webhook import SECRET_HEADER
from simulator.sites.proxy import Authority
from tests.ports import free_port

SECRET = "s" * 20
UPDATE = json.dumps({"update_id": 7}).encode()
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def receive(update: dict[str, Any]) -> bool:
    if "fails" in update:
        raise ValueError("a fault of the bot")
    return True


@asynccontextmanager
async def server(tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve during the block; yield the port."""
    port, served = free_port(), WebhookServer("/u", SECRET, receive)
    async with asyncio.timeout(60), served.serving("127.0.0.1", port, tls):
        yield port


def post(body: bytes, **headers: str) -> bytes:
    named = {SECRET_HEADER: SECRET, "Content-Type": "application/json", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return (
        f"POST /u HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
    )


async def status_of(connection: Connection, request: bytes) -> int:
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    return int(head.split()[1])


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x80" * 50,  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET " + b"/a" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"POST /u HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        post(b"abcde", Content_Encoding="gzip"),
    ],
)
async def test_what_cannot_be_read_is_refused_without_a_line(
    request_: bytes, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    async with server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await status_of((reader, writer), request_) == 400
        writer.close()
    assert [r.message for r in caplog.records if not r.message.startswith("Listening")] == []


async def test_a_connection_that_ends_within_a_body_leaves_no_line(
    caplog: pytest.LogCaptureFixture,
):
    statuses: list[int] = []
    ended, port = asyncio.Event(), free_port()

    def count(status: int) -> None:
        statuses.append(status)
        ended.set()

    hooked = WebhookServer("/u", SECRET, receive, count)
    async with asyncio.timeout(60), hooked.serving("127.0.0.1", port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(UPDATE)[:-1])
        await writer.drain()
        await asyncio.sleep(0.1)  # the head has arrived
        writer.close()
        await ended.wait()
    assert statuses == [400]
    assert [record.message for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_fault_of_the_bot_has_a_line_with_its_event(caplog: pytest.LogCaptureFixture):
    async with server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = post(json.dumps({"update_id": 7, "fails": True}).encode())
        assert await status_of((reader, writer), request) == 500
        writer.close()
    (line,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert (line.event, str(line.exc_info[1])) == ("http_server_failed", "a fault of the bot")  # type: ignore[attr-defined, index]


async def test_connections_without_the_secret_are_closed_and_telegrams_stay(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(http_server, "_LOOK_S", 0.05)
    async with server() as port:
        telegrams = await asyncio.open_connection("127.0.0.1", port)
        assert await status_of(telegrams, post(UPDATE)) == 200
        monkeypatch.setattr(http_server, "_UNKNOWN_S", 0.05)
        for sent in (
            b"",
            b"POST /u HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            await reader.read()  # until the end
            writer.close()
        assert await status_of(telegrams, post(UPDATE)) == 200
        telegrams[1].close()


async def shake_hands(connection: Connection, context: ssl.SSLContext) -> None:
    """Do the client's part of a TLS handshake; what comes later is left to the caller."""
    reader, writer = connection
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    while True:
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            incoming.write(await reader.read(1 << 16))
    writer.write(outgoing.read())


@pytest.mark.parametrize("with_handshake", [False, True])
async def test_with_the_bots_own_certificate_too_strangers_are_closed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, with_handshake: bool
):
    """Whether they begin TLS, and whether they end it: both would keep the connection for long."""
    monkeypatch.setattr(http_server, "_LOOK_S", 0.05)
    monkeypatch.setattr(http_server, "_UNKNOWN_S", 0.05)
    if not with_handshake:
        monkeypatch.setattr(http_server, "_HANDSHAKE_S", 0.05)
    context = ssl.create_default_context(cafile=authority.ca_file)
    async with server(authority.context("127.0.0.1")) as port, asyncio.timeout(20):
        connection = await asyncio.open_connection("127.0.0.1", port)
        if with_handshake:
            await shake_hands(connection, context)
        await connection[0].read()  # until the end
        connection[1].close()
