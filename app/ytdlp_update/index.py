"""The package index: asks for releases, and downloads wheels and attestations, within limits.

Sources: https://packaging.python.org/en/latest/specifications/simple-repository-api/ and
https://docs.pypi.org/api/integrity/
"""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from core.errors import ReleaseRefusedError, UpdateError
from core.version import VERSION
from core.ytdlp_releases import Release, is_safe_url, read_releases

_ACCEPT: Final = "application/vnd.pypi.simple.v1+json"
_USER_AGENT: Final = f"clipferry/{VERSION}"
#: Limits of one answer, in bytes. The list of yt-dlp's files has 2 MB, its wheel 4 MB.
_MAX_LIST_BYTES: Final = 20_000_000
_MAX_WHEEL_BYTES: Final = 30_000_000
_MAX_PROVENANCE_BYTES: Final = 1_000_000
#: Limits of one request, in seconds: in all, and without data.
_TOTAL_S: Final = 300
_STALL_S: Final = 30


@dataclass(frozen=True, slots=True)
class Index:
    """A package index by its URL, without the path `/simple`."""

    url: str

    async def releases(self, project: str) -> list[Release]:
        """Return the usable releases of a package.

        Raises:
            UpdateError: the index did not answer, or not in the expected form.
        """
        url = f"{self.url}/simple/{project}/"
        body = await self._get(url, _MAX_LIST_BYTES, {"Accept": _ACCEPT})
        return read_releases(project, _parsed(body), url)

    async def download(self, release: Release, folder: Path) -> Path:
        """Download a wheel into a folder and return its path.

        Raises:
            ReleaseRefusedError: the file is not the one that the index lists.
            UpdateError: it could not be downloaded.
            OSError: the folder cannot be written.
        """
        body = await self._get(release.url, _MAX_WHEEL_BYTES)
        if hashlib.sha256(body).hexdigest() != release.sha256:
            raise ReleaseRefusedError(f"{release.filename} does not match the index's SHA-256")
        path = folder / release.filename
        path.write_bytes(body)
        return path

    async def provenance(self, release: Release) -> bytes | None:
        """Return the attestations of a release (PEP 740); None if it has none.

        Raises:
            UpdateError: they could not be downloaded.
        """
        if not release.provenance:
            return None
        return await self._get(release.provenance, _MAX_PROVENANCE_BYTES)

    async def _get(self, url: str, most_bytes: int, headers: dict[str, str] | None = None) -> bytes:
        body = bytearray()
        async with self._response(url, headers) as response:
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > most_bytes:
                    raise UpdateError(f"{url} is larger than {most_bytes} bytes")
        return bytes(body)

    @asynccontextmanager
    async def _response(
        self, url: str, headers: dict[str, str] | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request; redirects are not followed."""
        if not is_safe_url(url, self.url):
            raise UpdateError(f"{url} is not reached over TLS")
        timeout = aiohttp.ClientTimeout(total=_TOTAL_S, sock_read=_STALL_S, sock_connect=_STALL_S)
        own = {"User-Agent": _USER_AGENT}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=own) as session,
                session.get(url, headers=headers, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise UpdateError(f"{url} answers with HTTP {response.status}")
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UpdateError(f"{url} cannot be read: {type(error).__name__}") from error


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UpdateError("the index's answer is not JSON") from error
