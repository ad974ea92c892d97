"""An upload counts as sent when its last byte leaves, not when a buffer takes it."""

import asyncio
import socket
from pathlib import Path

import pytest
from aiogram.types import FSInputFile

from core.concurrency import wait_for_event
from delivery.client import PacePolicy, make_bot
from delivery.request_body import before_end

#: What the receiving side takes without reading it.
_RECEIVED_BYTES = 4_096
_ANSWER = (
    b'{"ok": true, "result": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}}}'
)


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(1_000_000, id="less than a sending buffer may grow to"),
        pytest.param(40_000, id="less than the event loop's buffer"),
        pytest.param(12_000, id="less than the system keeps in any case"),
    ],
)
async def test_the_end_of_an_upload_waits_for_the_network(tmp_path: Path, size: int):
    file, may_read, has_ended = tmp_path / "a.bin", asyncio.Event(), asyncio.Event()
    file.write_bytes(bytes(size))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_read.wait()
        tail = b""
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            tail = (tail + await reader.read(65_536))[-7:]
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(_ANSWER)}\r\n\r\n"
        writer.write(head.encode() + _ANSWER)
        await writer.drain()
        writer.close()

    async def note_end() -> None:
        has_ended.set()

    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_BYTES)
    slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1_400)
    slow.bind(("127.0.0.1", 0))
    listening = await asyncio.start_server(serve, sock=slow, limit=_RECEIVED_BYTES // 4)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        server, pace = f"http://127.0.0.1:{port}", PacePolicy(is_on=False)
        bot = make_bot("42:" + "A" * 35, server=server, connections=1, pace=pace)
        before_end.set(note_end)
        upload = asyncio.create_task(bot.send_document(1, FSInputFile(file)))
        try:
            assert not await wait_for_event(has_ended, 1)
        finally:
            may_read.set()
            await upload
            await bot.session.close()
    assert has_ended.is_set()
