"""Servers that send something else than they say: no file, part or playlist of theirs is used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from core.choices import Part
from core.errors import ClipferryError, PlatformUnreachableError
from core.media import Access
from platforms._download import Checks, FileServer, download
from platforms._external_apis import ExternalApis
from platforms._http import OwnService, WebClient
from platforms._partial import download_part
from platforms._proxies import DIRECT
from platforms._segments import download_segments

CONTENT = bytes(range(256)) * 10_000
#: Returns the response to a request: head and body, byte for byte.
Respond = Callable[[str], bytes]


class RawServer:
    """Sends whatever it is told to, without any regard for HTTP."""

    def __init__(self) -> None:
        self.respond: Respond = lambda _: b""
        self.requests: list[str] = []
        self.address = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close the connection."""
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(head)
            writer.write(self.respond(head))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def cancel(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    raw = RawServer()
    listening = await asyncio.start_server(raw.accept, "127.0.0.1", 0)
    raw.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield raw
    raw.cancel()
    listening.close()


@pytest.fixture
async def files(server: RawServer) -> AsyncIterator[FileServer]:
    web = WebClient(DIRECT, is_private=True)
    yield FileServer(web, OwnService(server.address), Access("direct"), stall_s=30)
    await web.close()


def response(status: str, body: bytes = CONTENT, **headers: str | int) -> bytes:
    """Return a response; a header None is left out."""
    named = {"Content-Length": len(body), **{k.replace("_", "-"): v for k, v in headers.items()}}
    lines = [f"{name}: {value}" for name, value in named.items() if value != ""]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


def chunked(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


def whole(files: FileServer, server: RawServer, target: Path) -> Awaitable[object]:
    return download(files, (f"{server.address}/a.mp4",), target, Checks(10_000_000))


def piece(files: FileServer, server: RawServer, target: Path) -> Awaitable[object]:
    async def select(_path: Path) -> Part | None:
        return Part(2_200_000, 2_300_000)

    checks = Checks(10_000_000)
    return download_part(files, (f"{server.address}/a.mp4",), target, checks, select)


def segments(files: FileServer, server: RawServer, target: Path) -> Awaitable[object]:
    urls = (f"{server.address}/a.m3u8",)
    return download_segments(files, urls, target, Checks(10_000_000))


FILE_PATHS = (whole, piece, segments)
PLAYLIST = b"#EXTM3U\n#EXT-X-BYTERANGE:100@0\na.mp4\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    "lie",
    [
        response("206 Partial Content", CONTENT[:100], Content_Range="bytes 0-99/2560000"),
        response("206 Partial Content", CONTENT[:100]),
        response("206 Partial Content", CONTENT[:100], Content_Range="bytes */100"),
        response("203 Changed", CONTENT[:100], Content_Length=200),
        response("200 OK", CONTENT[:100], Content_Length=10**30),
        response("200 OK", CONTENT[:100], Content_Length=-5),
        response("200 OK", CONTENT[:100], Content_Length="5, 6"),
        response("200 OK", CONTENT[:100], Transfer_Encoding="chunked"),
        response("200 OK", b"5\r\nabc", Content_Length="", Transfer_Encoding="chunked"),
        response("204 No Content", b""),
        response("202 Accepted", b"{}"),
        response("304 Not Modified", b""),
        response("300 Multiple Choices"),
        response("999 x"),
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000 + b"\r\nx",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 1_000_000 + b"\r\n\r\nx",
        b"\x00\x01 nonsense",
        b"",
    ],
)
async def test_what_is_no_whole_file_is_no_file(
    lie: bytes, server: RawServer, files: FileServer, tmp_path: Path
):
    server.respond = lambda _: lie
    with pytest.raises(ClipferryError):
        await whole(files, server, tmp_path / "file")


async def test_a_range_that_is_the_whole_file_is_one(
    server: RawServer, files: FileServer, tmp_path: Path
):
    sent = response("206 Partial Content", CONTENT[:100], Content_Range="bytes 0-99/100")
    server.respond = lambda _: sent
    assert await whole(files, server, tmp_path / "file") == 100


def ranged(head: str, size: int) -> tuple[int, int]:
    """Return the first byte that a request asks for, and the one behind the last."""
    name = next(line for line in head.splitlines() if line.lower().startswith("range:"))
    first, _, last = name.partition("bytes=")[2].partition("-")
    return int(first), min(int(last) + 1, size)


@pytest.mark.parametrize(
    "lie", ["another place", "less", "another size", "shorter", "fewer bytes", "other ranges"]
)
async def test_another_part_than_the_one_asked_for_is_not_used(
    lie: str, server: RawServer, files: FileServer, tmp_path: Path
):
    def respond(head: str) -> bytes:
        start, end = ranged(head, len(CONTENT))
        total, body = len(CONTENT), CONTENT[start:end]
        if start and lie == "another place":
            start, end = start - 10, end - 10
        if start and lie == "less":
            end, body = end - 10, body[:-10]
        if start and lie == "another size":
            total += 1
        if lie == "shorter":
            end, body = start, b""
        said = f"bytes {start}-{end - 1}/{total}"
        if start and lie == "fewer bytes":
            body = chunked(body[:-10])
            return response(
                "206 x", body, Content_Range=said, Content_Length="", Transfer_Encoding="chunked"
            )
        kind = "multipart/byteranges; boundary=x" if lie == "other ranges" else "video/mp4"
        said = "" if lie == "other ranges" else said
        return response("206 x", body, Content_Range=said, Content_Type=kind)

    server.respond = respond
    assert await piece(files, server, tmp_path / "file") is None


async def test_the_part_asked_for_is_used(server: RawServer, files: FileServer, tmp_path: Path):
    def respond(head: str) -> bytes:
        start, end = ranged(head, len(CONTENT))
        said = f"bytes {start}-{end - 1}/{len(CONTENT)}"
        return response("206 x", CONTENT[start:end], Content_Range=said)

    server.respond = respond
    assert await piece(files, server, tmp_path / "file") == 2_100_000
    assert (tmp_path / "file").read_bytes()[2_200_000:2_300_000] == CONTENT[2_200_000:2_300_000]


@pytest.mark.parametrize(
    "said", ["bytes 100-199/2560000", "bytes 0-98/2560000", "", "bytes 0-99/50"]
)
async def test_a_segment_from_another_place_is_not_used(
    said: str, server: RawServer, files: FileServer, tmp_path: Path
):
    def respond(head: str) -> bytes:
        if "m3u8" in head:
            return response("200 OK", PLAYLIST)
        return response("206 x", CONTENT[:100], Content_Range=said)

    server.respond = respond
    with pytest.raises(PlatformUnreachableError):
        await segments(files, server, tmp_path / "file")


async def test_a_segment_of_the_right_place_is_used(
    server: RawServer, files: FileServer, tmp_path: Path
):
    server.respond = lambda head: (
        response("200 OK", PLAYLIST)
        if "m3u8" in head
        else response("206 x", CONTENT[:100], Content_Range="bytes 0-99/*")
    )
    assert await segments(files, server, tmp_path / "file") == 100


@pytest.mark.parametrize("fetch", FILE_PATHS)
async def test_redirects_in_a_circle_end(
    fetch: Callable[..., Awaitable[object]],
    server: RawServer,
    files: FileServer,
    tmp_path: Path,
):
    server.respond = lambda _: response("302 Found", b"", Location="/b.m3u8")
    if fetch is piece:
        assert await piece(files, server, tmp_path / "file") is None
    else:
        with pytest.raises(PlatformUnreachableError, match="too many redirects"):
            await fetch(files, server, tmp_path / "file")
    assert len(server.requests) <= 6


async def test_an_external_api_that_redirects_is_not_followed(server: RawServer):
    server.respond = lambda _: response("302 Found", b"{}", Location="http://127.0.0.1:1/")
    web = WebClient(DIRECT, is_private=True)
    assert await ExternalApis(web.session).ask("GET", server.address, {}) == (302, {})
    await web.close()
    assert len(server.requests) == 1


async def test_playlists_of_themselves_are_files_of_text(
    server: RawServer, files: FileServer, tmp_path: Path
):
    """A segment is saved as it is: a playlist as a segment is not read as a playlist."""
    own = b"#EXTM3U\n#EXTINF:4,\na.m3u8\n#EXTINF:4,\na.m3u8\n#EXT-X-ENDLIST\n"
    server.respond = lambda _: response("200 OK", own)
    assert await segments(files, server, tmp_path / "file") == 2 * len(own)
    assert len(server.requests) == 3
