"""All simulated sites behind one door, and what they share."""

import asyncio
from pathlib import Path
from typing import Protocol

from aiohttp import web


class Site(Protocol):
    """One site."""

    def serves(self, host: str) -> bool:
        """Tell whether a host is one of the site's."""

    async def answer(self, request: web.Request, exit_name: str) -> web.StreamResponse:
        """Answer a request that came in over the named exit."""


class Sites:
    """Several sites as one."""

    def __init__(self, *sites: Site) -> None:
        self._sites = sites

    def serves(self, host: str) -> bool:
        """Tell whether a host is one of theirs."""
        return any(site.serves(host) for site in self._sites)

    async def answer(self, request: web.Request, exit_name: str) -> web.StreamResponse:
        """Let the site answer that the host belongs to."""
        host = request.host.partition(":")[0]
        site = next(site for site in self._sites if site.serves(host))
        return await site.answer(request, exit_name)


async def send_file(request: web.Request, path: Path, trouble: str = "") -> web.StreamResponse:
    """Send a file, or what goes wrong instead: "truncated", "empty", "stall" or "chunked"."""
    if not trouble:
        return web.FileResponse(path)
    content = b"" if trouble == "empty" else path.read_bytes()
    response = web.StreamResponse()
    if trouble == "chunked":
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
    await response.write(content)
    return response
