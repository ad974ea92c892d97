"""Combine all simulated sites, and share the code that sends files."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web

from simulator.sites.faults import FILE_THROTTLE, FILE_TROUBLE, SiteFaults
from simulator.throttle import Throttle

#: Largest number of bytes that is sent at once.
_PIECE_BYTES = 1 << 16


class Site(Protocol):
    """A simulated site."""

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:
        """Answer a request that came through the named proxy."""


@dataclass(frozen=True, slots=True)
class SiteCall:
    """A request to a site; times on the monotonic clock, in seconds."""

    site: str
    host: str
    path: str
    status: int
    began: float
    ended: float


@dataclass(slots=True)
class SiteControl:
    """What all ways to the sites have in common: their faults, and who watches the requests."""

    faults: SiteFaults = field(default_factory=SiteFaults)
    #: Called after every request.
    on_call: Callable[[SiteCall], None] = lambda _: None


class Sites:
    """Several sites behind one interface."""

    def __init__(self, *sites: Site, control: SiteControl | None = None) -> None:
        self.members = sites
        self.control = control or SiteControl()

    @property
    def names(self) -> list[str]:
        """Return the names of the sites."""
        return [name_of(site) for site in self.members]

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to any of the sites."""
        return any(site.serves(host) for site in self.members)

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:
        """Forward a request to the site that its host belongs to."""
        host = request.host.partition(":")[0]
        site = next(site for site in self.members if site.serves(host))
        name, began, status = name_of(site), time.monotonic(), 0
        try:
            fault = await self.control.faults.apply(name, request)
            response = fault or await site.answer(request, proxy_name)
            status = response.status
            return response
        finally:
            ended = time.monotonic()
            self.control.on_call(SiteCall(name, host, request.path, status, began, ended))


def name_of(site: Site) -> str:
    """Return the name of a site, such as "TikTok"."""
    return type(site).__name__.removesuffix("Site")


async def send_file(
    request: web.Request, path: Path, trouble: str = "", throttle: Throttle | None = None
) -> web.StreamResponse:
    """Send a file, or fail with "truncated", "empty", "stall", "chunked" or "half".

    "chunked" sends the whole file without its length, "half" only the half of it. Without either,
    the faults of the sites as a whole apply.
    """
    trouble = trouble or request.get(FILE_TROUBLE, "")
    throttle = throttle or request.get(FILE_THROTTLE)
    if not (trouble or throttle):
        return web.FileResponse(path)
    content = b"" if trouble == "empty" else path.read_bytes()
    if trouble == "half":
        content = content[: len(content) // 2]
    response = web.StreamResponse()
    if trouble in {"chunked", "half"}:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(content)
    await response.prepare(request)
    if trouble in {"truncated", "stall"}:
        await response.write(content[: len(content) // 2])
        if trouble == "stall":
            await asyncio.sleep(3600)
        assert request.transport
        request.transport.abort()
        return response
    await _write(response, content, throttle or Throttle())
    return response


async def _write(response: web.StreamResponse, content: bytes, throttle: Throttle) -> None:
    passed = 0
    while passed < len(content):
        number = await throttle.admit(passed, min(_PIECE_BYTES, len(content) - passed))
        await throttle.take(number)
        await response.write(content[passed : passed + number])
        passed += number
