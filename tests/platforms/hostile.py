"""A site that answers in ways no real site does: without end, as a bomb, a byte at a time."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

_CHUNK: Final = b"<i>All work and no play makes Jack a dull boy.</i>\n" * 1_300
_MIB: Final = 1 << 20


@dataclass
class HostileSite:
    """Gives the same hostile answer to every request of every host."""

    #: Key of `ANSWERS`.
    answer_name: str = "endless"
    #: Requests so far, by host and path.
    requests: list[str] = field(default_factory=list)
    #: Bytes written to clients so far.
    written: int = 0

    def serves(self, host: str) -> bool:
        """Serve every host."""
        return bool(host)

    async def answer(self, request: web.Request, _proxy_name: str) -> web.StreamResponse:
        """Write the answer until it ends or the client leaves."""
        self.requests.append(f"{request.host}{request.path}")
        answer = ANSWERS[self.answer_name]
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        await response.prepare(request)
        async for chunk in answer.body():
            await response.write(chunk)
            self.written += len(chunk)
        return response


@dataclass(frozen=True)
class Answer:
    """A response: status, headers, and its body chunk by chunk."""

    body: Callable[[], AsyncIterator[bytes]]
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})
    status: int = 200


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield _CHUNK


async def _endless_gzip() -> AsyncIterator[bytes]:
    packer = zlib.compressobj(1, wbits=31)
    while True:
        yield packer.compress(_CHUNK) + packer.flush(zlib.Z_SYNC_FLUSH)


async def _empty_blocks() -> AsyncIterator[bytes]:
    """Yield gzip data that never decodes to a byte."""
    packer = zlib.compressobj(1, wbits=31)
    while True:
        yield b"".join(packer.flush(zlib.Z_SYNC_FLUSH) or _EMPTY_BLOCK for _ in range(4_000))


_EMPTY_BLOCK: Final = b"\x00\x00\x00\xff\xff"


async def _bomb() -> AsyncIterator[bytes]:
    packer = zlib.compressobj(9, wbits=31)
    for _ in range(300):
        yield packer.compress(bytes(_MIB))
    yield packer.flush()


async def _drip() -> AsyncIterator[bytes]:
    while True:
        yield b"x"
        await asyncio.sleep(0.05)


async def _silence() -> AsyncIterator[bytes]:
    await asyncio.sleep(3_600)
    yield b""


def _whole(body: bytes) -> Callable[[], AsyncIterator[bytes]]:
    async def chunks() -> AsyncIterator[bytes]:
        yield body

    return chunks


def _state(data: str) -> bytes:
    """Return a TikTok page with `data` as its JSON document."""
    return (
        '<html><body><script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">'
        f"{data}</script></body></html>"
    ).encode()


_WIDE: Final = json.dumps({"__DEFAULT_SCOPE__": [{}] * 900_000}, separators=(",", ":"))
_STRINGS: Final = json.dumps(
    {"a": [f"{n:x}" for n in range(300_000, 700_000)]}, separators=(",", ":")
)
_ASTRAL: Final = "\U0001f4a3" * 900_000

ANSWERS: Final = {
    "endless": Answer(_endless),
    "endless, refused": Answer(_endless, status=403),
    "endless, server error": Answer(_endless, status=500),
    "endless redirect": Answer(
        _endless, {"Location": "https://www.tiktok.com/@a/video/7300000000000000001"}, status=302
    ),
    "endless gzip": Answer(_endless_gzip, {"Content-Encoding": "gzip"}),
    "gzip that decodes to nothing": Answer(_empty_blocks, {"Content-Encoding": "gzip"}),
    "gzip bomb": Answer(_bomb, {"Content-Encoding": "gzip"}),
    "gzip bomb, whole": Answer(
        _whole(gzip.compress(bytes(300 * _MIB), 1)), {"Content-Encoding": "gzip"}
    ),
    "a byte at a time": Answer(_drip),
    "silence": Answer(_silence),
    "deep JSON": Answer(_whole(_state('{"a":' * 100_000 + "1" + "}" * 100_000))),
    "wide JSON": Answer(_whole(_state(_WIDE))),
    "many strings": Answer(_whole(_state(_STRINGS))),
    "wide characters": Answer(_whole(_state(json.dumps({"a": _ASTRAL}, ensure_ascii=False)))),
    "a huge number": Answer(_whole(_state('{"__DEFAULT_SCOPE__":' + "9" * 50_000 + "}"))),
    "no UTF-8": Answer(_whole(b"\xff\xfe\x00" * 100_000)),
    "unknown encoding": Answer(_whole(b"abc" * 1_000), {"Content-Encoding": "br"}),
}
#: Answers that never end by themselves.
ENDLESS: Final = (
    *(name for name in ANSWERS if name.startswith("endless")),
    "gzip that decodes to nothing",
    "a byte at a time",
    "silence",
)
