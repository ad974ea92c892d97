"""Documents that people send are read up to a limit."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiogram.types import File

from core.errors import FileRejectedError, TelegramUnreachableError
from delivery.client import make_bot
from delivery.documents import read_document


class Server:
    """A Bot API server that knows one file."""

    def __init__(self, path: str | None, *chunks: bytes, error: Exception | None = None) -> None:
        self.bot = make_bot("42:" + "a" * 35, server="http://127.0.0.1:1", connections=1)
        self._path, self._chunks, self._error = path, chunks, error
        #: The URLs that were asked for, and how many chunks of each.
        self.urls: list[str] = []
        self.sent = 0
        object.__setattr__(self.bot, "get_file", self._get_file)
        object.__setattr__(self.bot.session, "stream_content", self._stream)

    async def _get_file(self, file_id: str) -> File:
        return File(file_id=file_id, file_unique_id="u", file_path=self._path)

    async def _stream(self, url: str, **_: Any) -> AsyncGenerator[bytes, None]:
        self.urls.append(url)
        if self._error:
            raise self._error
        for chunk in self._chunks:
            self.sent += 1
            yield chunk

    async def read(self, limit: int = 10) -> bytes:
        try:
            return await read_document(self.bot, "f", limit)
        finally:
            await self.bot.session.close()


async def test_a_document_is_read_whole():
    server = Server("documents/file_1", b"abc", b"def")
    assert await server.read() == b"abcdef"
    assert server.urls == ["http://127.0.0.1:1/file/bot42:" + "a" * 35 + "/documents/file_1"]


async def test_a_document_that_is_too_large_is_left_early():
    server = Server("documents/file_1", *(b"abcdef" for _ in range(100)))
    assert len(await server.read(10)) == 12
    assert server.sent == 2


async def test_a_server_of_ones_own_names_a_file_of_its_machine(tmp_path: Path):
    file = tmp_path / "file_1"
    file.write_bytes(b"x" * 100)
    assert await Server(str(file)).read(10) == b"x" * 11
    with pytest.raises(TelegramUnreachableError):
        await Server(str(tmp_path / "elsewhere")).read()


@pytest.mark.parametrize(
    "error", [aiohttp.ClientConnectionError("hunter2"), TimeoutError("hunter2")]
)
async def test_errors_do_not_quote_the_address(error: Exception):
    with pytest.raises(TelegramUnreachableError) as caught:
        await Server("documents/file_1", error=error).read()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_file_without_a_path_is_refused():
    with pytest.raises(FileRejectedError):
        await Server(None).read()
