"""The body of a request to Telegram: whether its last byte was handed to the connection."""

import asyncio
import fcntl
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

from aiohttp import ClientError, MultipartWriter
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

#: Asks Linux how many bytes of a connection it has not sent yet; Python has no name for it.
#: Source: https://github.com/torvalds/linux/blob/master/include/uapi/linux/sockios.h
_SIOCOUTQNSD: Final = 0x894B if sys.platform == "linux" else None
#: Interval at which that is asked, in seconds.
_LOOK_S: Final = 0.01


class IncompleteBodyError(ClientError):
    """The request ended before its body was complete, so the server cannot have carried it out.

    A server must not act on a chunked body without its last chunk, and a form without its closing
    delimiter is no form.
    Sources: https://www.rfc-editor.org/rfc/rfc9112#section-8
    and https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1
    """


#: Awaited right before the last bytes of a form with files leave.
before_end: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar(
    "before_end", default=None
)
#: Asked right before the last bytes of a request leave; False aborts the request.
may_end: ContextVar[Callable[[], bool] | None] = ContextVar("may_end", default=None)


@contextmanager
def ending_only_if(check: Callable[[], bool]) -> Iterator[None]:
    """Abort the requests in the block whose last bytes are about to leave when `check` fails."""
    token = may_end.set(check)
    try:
        yield
    finally:
        may_end.reset(token)


class WatchedBody(Payload):
    """A request body that knows whether its last byte was handed to the connection.

    It counts as handed over from right before the call that writes it. What happens to it in the
    buffers of the system cannot be known.
    """

    def __init__(self, body: Payload) -> None:
        super().__init__(None)
        self._body = body
        #: Ends the body of a form with files. Other bodies are small and written at once, so that
        #: their first byte may have been followed by the last.
        self._end = f"--{body.boundary}--".encode() if isinstance(body, MultipartWriter) else b""
        self.is_complete = False
        #: Bytes that were handed to the connection.
        self.written_bytes = 0
        self._before_end, self._may_end = before_end.get(), may_end.get()
        self._transport: asyncio.Transport | None = None

    @property
    def size(self) -> int | None:
        """Return the size in bytes; None for a form with files, which is sent in chunks."""
        return self._body.size

    @property
    def headers(self) -> Any:
        """Return the headers of the body."""
        return self._body.headers

    @property
    def autoclose(self) -> bool:
        """Return whether the body closes itself."""
        return self._body.autoclose

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return self._body.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body."""
        self._transport = getattr(writer, "transport", None)
        await self._body.write(_WatchedWriter(writer, self))  # type: ignore[arg-type]

    async def close(self) -> None:
        """Close the body."""
        await self._body.close()

    async def note_write(self, chunk: bytes) -> None:
        """Record that a part of the body is about to be written; wait before the last one.

        Raises:
            IncompleteBodyError: it would be the end of a request that must not be carried out.
        """
        self.written_bytes += len(chunk)
        if bytes(chunk[: len(self._end)]) == self._end:
            if self._end and self._before_end:
                await self._rest_has_left()
                await self._before_end()
            if self._may_end and not self._may_end():
                raise IncompleteBodyError("the sender has lost its lease")
            self.is_complete = True

    async def _rest_has_left(self) -> None:
        """Wait until everything before the last bytes is on the network.

        Else what the buffers hold would be sent between the two moments in which Telegram may carry
        out the request, and on a slow network that takes seconds.
        """
        while (  # noqa: ASYNC110 - the system tells nobody
            self._transport and not self._transport.is_closing() and _unsent(self._transport)
        ):
            await asyncio.sleep(_LOOK_S)


def _unsent(transport: asyncio.Transport) -> int:
    """Return how many bytes the buffers of a connection hold, as far as the system tells."""
    opened = transport.get_extra_info("socket")
    waiting = transport.get_write_buffer_size()
    if not waiting and opened is not None and _SIOCOUTQNSD:
        with suppress(OSError):  # sandboxes such as gVisor do not know it
            (waiting,) = struct.unpack("i", fcntl.ioctl(opened.fileno(), _SIOCOUTQNSD, bytes(4)))
    return waiting


class _WatchedWriter:
    """Passes everything to a writer, and tells a body what is written."""

    def __init__(self, writer: AbstractStreamWriter, body: WatchedBody) -> None:
        self._writer = writer
        self._body = body

    async def write(self, chunk: bytes, **options: Any) -> None:
        await self._body.note_write(chunk)
        await self._writer.write(chunk, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)


#: The body of the last request of this task; None before the first one, and while one is prepared.
current_body: ContextVar[WatchedBody | None] = ContextVar("current_body", default=None)


def may_have_arrived() -> bool:
    """Return False if nothing of the task's last request, or not its last byte, has left."""
    body = current_body.get()
    return body is not None and body.is_complete
