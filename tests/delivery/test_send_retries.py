"""What certainly was not sent is sent again; nothing else is. The server is a bare socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot

from core.errors import TelegramUnreachableError, UnknownOutcomeError
from core.media import DocumentFile
from core.request import Progress
from delivery.api_requests import MessageOptions
from delivery.call_observer import CallObserver
from delivery.client import PacePolicy, make_bot
from delivery.sender import NullJournal, Sender, SendingCancelledError
from delivery.targets import ChatTarget
from tests.fakes import TOKEN
from tests.ports import free_port

TARGET = ChatTarget(7, 70, is_private=True)
#: More than the buffers of both sockets hold, so that the client cannot write it without a reader.
LARGE = 24_000_000
_END = b"0\r\n\r\n"
_MESSAGE = {
    "ok": True,
    "result": {"message_id": 71, "date": 1, "chat": {"id": 7, "type": "private"}},
}
_FLOOD = {
    "ok": False,
    "error_code": 429,
    "description": "Too Many Requests: retry after 30",
    "parameters": {"retry_after": 30},
}
_BODIES = {"200": json.dumps(_MESSAGE), "429": json.dumps(_FLOOD)}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.send_retries.RETRY_PAUSES_S", (0.05, 0.05, 0.05))


class Server:
    """Ends each connection as it is told, in order; afterwards it answers."""

    def __init__(self, endings: Sequence[str]) -> None:
        self._endings = list(endings)
        self.connections = 0
        #: Requests that have arrived completely.
        self.complete = 0
        #: Ends the connections that read nothing.
        self.over = asyncio.Event()
        #: Set once it hangs.
        self.reached = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        ending = self._endings.pop(0) if self._endings else "200"
        head = await reader.readuntil(b"\r\n\r\n")
        if ending == "stuck":
            self.reached.set()
            await self.over.wait()
        if ending in {"before", "during", "stuck"}:
            await reader.read(0 if ending == "before" else 1_000_000)
            writer.transport.abort()
            return
        await self._read_body(reader, head)
        self.complete += 1
        if ending == "after":
            writer.transport.abort()
            return
        if ending == "silent":
            self.reached.set()
            await reader.read()
            writer.transport.abort()
            return
        body = _BODIES.get(ending, "<html>Bad Gateway</html>")
        answer = f"HTTP/1.1 {ending} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((answer + body).encode())
        await writer.drain()
        writer.close()

    async def _read_body(self, reader: asyncio.StreamReader, head: bytes) -> None:
        if b"chunked" not in head.lower():
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            return
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()


@asynccontextmanager
async def serving(server: Server, port: int = 0) -> AsyncIterator[int]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", port)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@asynccontextmanager
async def connected(port: int, observer: CallObserver | None = None) -> AsyncIterator[Bot]:
    bot = make_bot(
        TOKEN,
        server=f"http://127.0.0.1:{port}",
        connections=5,
        pace=PacePolicy(is_on=False),
        observer=observer or CallObserver(),
    )
    try:
        yield bot
    finally:
        await bot.session.close()


async def upload(
    bot: Bot, folder: Path, size: int, timeout_s: int = 60, journal: NullJournal | None = None
) -> Progress:
    path = folder / "file.bin"
    with path.open("wb") as file:
        file.truncate(size)
    sender = Sender(bot, ceiling_bytes=50_000_000, upload_timeout_s=timeout_s)
    journal = journal or NullJournal()
    try:
        await sender.send(TARGET, [DocumentFile(path)], MessageOptions(""), journal)
    finally:
        path.unlink()
    return journal.progress


@pytest.fixture(autouse=True)
def _no_chat_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be requests of their own."""

    async def nothing(*_: object, **__: object) -> bool:
        return True

    monkeypatch.setattr(Bot, "send_chat_action", nothing)


@pytest.mark.parametrize("ending", ["before", "during"])
async def test_an_upload_that_ends_before_its_last_byte_is_repeated(tmp_path: Path, ending: str):
    server = Server([ending, ending])
    async with serving(server) as port, connected(port) as bot:
        progress = await upload(bot, tmp_path, LARGE)
    assert progress.sent == (71,)
    assert (server.connections, server.complete) == (3, 1)


@pytest.mark.parametrize("ending", ["after", "500", "502", "503", "504"])
@pytest.mark.parametrize("size", [1_000, LARGE])
async def test_an_upload_whose_last_byte_has_left_is_not(tmp_path: Path, ending: str, size: int):
    server = Server([ending])
    async with serving(server) as port, connected(port) as bot:
        with pytest.raises(UnknownOutcomeError):
            await upload(bot, tmp_path, size)
    assert (server.connections, server.complete) == (1, 1)


@pytest.mark.slow
@pytest.mark.long
async def test_a_time_out_is_unknown_only_after_the_last_byte(tmp_path: Path):
    timeout_s = 5  # more than a busy machine needs for the attempts that are to succeed
    server = Server(["silent"])
    async with serving(server) as port, connected(port) as bot:
        with pytest.raises(UnknownOutcomeError):
            await upload(bot, tmp_path, 1_000, timeout_s=timeout_s)
    assert server.connections == 1
    server = Server(["stuck"])
    async with serving(server) as port, connected(port) as bot:
        progress = await upload(bot, tmp_path, LARGE, timeout_s=timeout_s)
        server.over.set()
    assert progress.sent == (71,)
    assert (server.connections, server.complete) == (2, 1)


@pytest.mark.parametrize("ending", ["stuck", "silent"])
async def test_a_cancelled_upload_is_unknown_only_after_the_last_byte(tmp_path: Path, ending: str):
    server = Server([ending])
    journal = NullJournal()
    async with serving(server) as port, connected(port) as bot:
        uploading = asyncio.create_task(
            upload(bot, tmp_path, LARGE if ending == "stuck" else 1_000, journal=journal)
        )
        await server.reached.wait()
        uploading.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await uploading
        server.over.set()
    assert isinstance(caught.value, SendingCancelledError) == (ending == "silent")
    assert journal.progress.in_flight == (1 if ending == "silent" else None)


async def test_an_upload_cancelled_before_its_first_byte_has_not_arrived(tmp_path: Path):
    is_recording = asyncio.Event()

    class SlowJournal(NullJournal):
        async def record_sending(self, files: int) -> None:
            await super().record_sending(files)
            is_recording.set()
            await asyncio.Event().wait()

    async with serving(Server([])) as port, connected(port) as bot:
        journal = SlowJournal()

        async def send() -> None:
            # A request whose outcome is known comes first, in the same task.
            await bot.send_message(7, "x")
            await upload(bot, tmp_path, 1_000, journal=journal)

        await cancelled_after(is_recording, send())
    assert journal.progress.in_flight is None


@pytest.mark.parametrize("ending", ["429", "during"])
async def test_an_upload_cancelled_between_its_attempts_has_not_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
):
    monkeypatch.setattr("delivery.send_retries.RETRY_PAUSES_S", (30.0,))
    server = Server([ending])
    journal = NullJournal()
    has_failed = asyncio.Event()

    observer = CallObserver(failed=lambda _method, _code: has_failed.set())
    async with serving(server) as port, connected(port, observer) as bot:
        size = 1_000 if ending == "429" else LARGE
        await cancelled_after(has_failed, upload(bot, tmp_path, size, journal=journal))
    assert server.connections == 1
    assert journal.progress.in_flight is None


async def cancelled_after(moment: asyncio.Event, work: Coroutine[Any, Any, Any]) -> None:
    """Cancel a send after a moment; nothing can have arrived then."""
    sending = asyncio.create_task(work)
    await moment.wait()
    await asyncio.sleep(0.05)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await sending
    assert not isinstance(caught.value, SendingCancelledError)


async def test_a_small_request_may_have_arrived_at_once(tmp_path: Path):
    """Its body was written in one piece, so it counts as sent although nobody has read it."""
    server = Server(["before"])
    async with serving(server) as port, connected(port) as bot:
        with pytest.raises(UnknownOutcomeError):
            await bot.send_message(7, "x")
    assert server.connections == 1


async def test_a_refused_connection_is_tried_again(tmp_path: Path):
    server, port, is_refused = Server([]), free_port(), asyncio.Event()
    observer = CallObserver(failed=lambda _method, _code: is_refused.set())
    async with connected(port, observer) as bot:
        sending = asyncio.create_task(upload(bot, tmp_path, 1_000))
        async with asyncio.timeout(60):
            await is_refused.wait()
        async with serving(server, port):
            progress = await sending
    assert progress.sent == (71,)
    assert server.connections == 1


async def test_what_is_never_sent_is_said_to_be_so(tmp_path: Path):
    server, port = Server(["during"] * 9), free_port()
    async with serving(server, port), connected(port) as bot:
        with pytest.raises(TelegramUnreachableError):
            await upload(bot, tmp_path, LARGE)
    assert (server.connections, server.complete) == (4, 0)
    async with connected(port) as bot:
        with pytest.raises(TelegramUnreachableError):
            await bot.send_message(7, "x")


async def test_what_creates_no_message_is_not_repeated():
    server = Server(["during"])
    async with serving(server) as port, connected(port) as bot:
        with pytest.raises(UnknownOutcomeError):
            await bot.delete_message(7, 1)
    assert server.connections == 1
