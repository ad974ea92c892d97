"""Read response bodies in pieces, with limits on the wire and after decompression."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final, Protocol

import aiohttp

from core.errors import PlatformChangedError, PlatformUnreachableError, TooLargeError

#: Content encodings that `read_body` understands, for the Accept-Encoding header.
ENCODINGS: Final = "gzip, deflate"
#: Largest piece, in bytes.
_PIECE_BYTES: Final = 256 * 1024


async def read_body(response: aiohttp.ClientResponse, limit_bytes: int) -> AsyncIterator[bytes]:
    """Yield the decoded body of a response in pieces of at most 256 KiB.

    The session must not decompress by itself: aiohttp may expand one chunk to many megabytes.

    Raises:
        TooLargeError: the body is larger than `limit_bytes`, on the wire or decoded.
        PlatformUnreachableError: the body is incomplete or not in its encoding.
        PlatformChangedError: the encoding is unknown.
    """
    decoder = _decoder(response.headers.get("Content-Encoding", ""))
    received = decoded = 0
    async for chunk in response.content.iter_chunked(_PIECE_BYTES):
        received += len(chunk)
        try:
            for piece in decoder.decode(chunk):
                decoded += len(piece)
                if decoded > limit_bytes:
                    raise TooLargeError(None, limit_bytes)
                yield piece
                await asyncio.sleep(0)  # a compressed chunk may expand to a thousand pieces
        except zlib.error as error:
            raise PlatformUnreachableError("the compressed body is damaged") from error
        if received > limit_bytes:
            raise TooLargeError(None, limit_bytes)
    if not decoder.is_complete:
        raise PlatformUnreachableError("the compressed body was cut off")
    announced = response.content_length
    if announced is not None and received != announced:
        raise PlatformUnreachableError(f"received {received} of {announced} bytes")


class _Decoder(Protocol):
    """Decodes a body chunk by chunk."""

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what the next chunk decodes to, in pieces."""

    @property
    def is_complete(self) -> bool:
        """Whether the body may end here."""


def _decoder(encoding: str) -> _Decoder:
    match encoding.strip().lower():
        case "" | "identity":
            return _Identity()
        case "gzip" | "x-gzip":
            return _Inflater(16 + zlib.MAX_WBITS)
        case "deflate":
            return _Inflater(zlib.MAX_WBITS)
        case _:
            raise PlatformChangedError("unknown content encoding")


class _Identity:
    """Passes an uncompressed body on."""

    is_complete = True

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk


class _Inflater:
    """Decodes gzip and zlib ("deflate"); a gzip body may have several members (RFC 1952)."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._stream = zlib.decompressobj(window_bits)
        self._is_empty = True

    @property
    def is_complete(self) -> bool:
        return self._stream.eof or self._is_empty

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        self._is_empty = self._is_empty and not chunk
        while chunk:
            if self._stream.eof:
                self._stream = zlib.decompressobj(self._window_bits)
            piece = self._stream.decompress(chunk, _PIECE_BYTES)
            chunk = self._stream.unused_data or self._stream.unconsumed_tail
            if piece:
                yield piece
