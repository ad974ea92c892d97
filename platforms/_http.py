"""Fetching over HTTP under the house's rules: known hosts only, every redirect hop checked."""

import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from aiohttp_socks import ProxyConnector
from yarl import URL

from core.errors import (
    BrokenLinkError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from platforms._proxies import Proxy

MAX_REDIRECTS: Final = 6
#: Beginnings of paths on which sites ask who one is.
LOGIN_PAGES: Final = ("/login", "/accounts/login")
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class HostRule:
    """Which hosts may be asked: the named domains and everything below them."""

    domains: tuple[str, ...] = ()

    def allows(self, url: str) -> bool:
        """Tell whether an address may be requested: http(s), usual port, no credentials, our host."""
        try:
            parts = urlsplit(url)
            return self._allows(parts)
        except ValueError:
            return False

    def _allows(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").removesuffix(".")
        return (
            parts.scheme in {"http", "https"}
            and "@" not in parts.netloc
            and parts.port in {None, 80, 443}
            and any(host == domain or host.endswith(f".{domain}") for domain in self.domains)
        )


@dataclass(frozen=True, slots=True)
class OwnService:
    """The rule for files that a service of the operator's own passes on: there and nowhere else."""

    #: Its address, without a slash at the end.
    address: str

    def allows(self, url: str) -> bool:
        """Tell whether an address is the service's."""
        return url.startswith(f"{self.address}/")


class Hosts(Protocol):
    """A rule about which addresses may be asked."""

    def allows(self, url: str) -> bool:
        """Tell whether this one may."""


class PublicResolver(AbstractResolver):
    """Looks names up and drops addresses that are not public: our own network is nobody's site."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the public addresses of a host.

        Raises:
            OSError: it has none.
        """
        found = await self._resolver.resolve(host, port, family)
        public = [entry for entry in found if ipaddress.ip_address(entry["host"]).is_global]
        if not public:
            raise OSError(f"{host} has no public address")
        return public

    async def close(self) -> None:
        """Nothing to close."""


class WebClient:
    """An HTTP client that is bound to one exit."""

    def __init__(
        self, proxy: Proxy, *, ca_file: Path | None = None, is_private: bool = False
    ) -> None:
        self.proxy = proxy
        context = ssl.create_default_context(cafile=ca_file)
        connector: aiohttp.BaseConnector
        url = proxy.url
        if url and url.startswith("socks"):
            # The proxy looks names up itself; socks5h says so, and the library speaks socks5.
            connector = ProxyConnector.from_url(
                url.replace("socks5h://", "socks5://"), rdns=True, ssl=context, limit=0
            )
            url = None
        elif url or is_private:
            connector = aiohttp.TCPConnector(ssl=context, limit=0)
        else:
            connector = aiohttp.TCPConnector(ssl=context, limit=0, resolver=PublicResolver())
        self.session = aiohttp.ClientSession(
            connector=connector,
            proxy=url,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self.session.close()

    async def redirect_target(
        self, url: str, hosts: Hosts, headers: Mapping[str, str]
    ) -> str | None:
        """Ask an address where it leads, without going there; None when it leads nowhere else.

        Raises:
            BrokenLinkError: the answer points to a host that is not the platform's.
            PlatformError: no usable answer.
        """
        async with self._request(url, headers, timeout_s=15) as response:
            raise_for_status(response.status)
            return self._next_hop(response, hosts)

    @asynccontextmanager
    async def get(
        self, url: str, hosts: Hosts, headers: Mapping[str, str], *, stall_s: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an address for reading; redirects are followed within `hosts`.

        Raises:
            BrokenLinkError: the address, or a redirect, leaves the platform's hosts.
            PlatformError: no usable answer, or the body broke off inside the block.
        """
        if not hosts.allows(url):
            raise BrokenLinkError("a file outside the platform's hosts")
        for _ in range(MAX_REDIRECTS):
            async with self._request(url, headers, timeout_s=stall_s) as response:
                target = self._next_hop(response, hosts)
                if target is None:
                    raise_for_status(response.status)
                    yield response
                    return
                url = target
        raise PlatformUnreachableError("too many redirects")

    @asynccontextmanager
    async def _request(
        self, url: str, headers: Mapping[str, str], *, timeout_s: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request; `timeout_s` bounds every wait, not the whole answer."""
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=min(timeout_s, 10), sock_read=timeout_s
        )
        try:
            # A signed address must reach the CDN byte for byte, hence `encoded`.
            async with self.session.get(
                URL(url, encoded=True), headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # Not the error's text: it may hold the proxy's credentials or a signed address.
            raise PlatformUnreachableError(
                f"{type(error).__name__} at {urlsplit(url).hostname} by {self.proxy.name}"
            ) from error

    @staticmethod
    def _next_hop(response: aiohttp.ClientResponse, hosts: Hosts) -> str | None:
        if response.status not in _REDIRECTS:
            return None
        return redirect_target(str(response.url), response.headers.get("Location", ""), hosts)


def redirect_target(url: str, location: str, hosts: Hosts) -> str:
    """Work out where a redirect leads.

    Raises:
        BrokenLinkError: not to one of `hosts`.
    """
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if not hosts.allows(target):
        raise BrokenLinkError("a redirect leaves the platform's hosts")
    return target


def raise_for_status(status: int) -> None:
    """Turn an HTTP status into the error it stands for.

    Raises:
        PlatformError: everything but a success or a redirect.
    """
    if status == 429:
        raise PlatformRateLimitedError("HTTP 429")
    if status in {401, 403}:
        raise PlatformRefusedError(f"HTTP {status}")
    if status >= 400:
        raise PlatformUnreachableError(f"HTTP {status}")
