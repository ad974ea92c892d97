"""HTTP client that requests only allowed hosts and checks every redirect."""

import ipaddress
import re
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
    NotFoundError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RegionBlockedError,
)
from platforms._proxies import Proxy

MAX_REDIRECTS: Final = 6
#: Path prefixes of the sites' login pages, and of other pages that they show to refused clients.
LOGIN_PAGES: Final = (
    *("/login", "/accounts/login", "/i/flow/login", "/challenge/", "/checkpoint/", "/consent/"),
    *("/cookie/consent", "/privacy/consent/", "/over18"),
)
#: TikTok's pages for visitors from countries in which it shows nothing.
_REGION_PAGES: Final = frozenset({"/hk/notfound", "/in/about"})
#: Pictures to which sites redirect requests for a file that was removed: Imgur.
_PLACEHOLDERS: Final = frozenset({"https://i.imgur.com/removed.png"})
#: HTTP statuses of pages that do not exist.
GONE: Final = frozenset({404, 410})
_REDIRECTS = {301, 302, 303, 307, 308}
#: Credentials, and what ends a host for some programs only.
_SUSPICIOUS: Final = re.compile(r"[@\\]")


@dataclass(frozen=True, slots=True)
class HostRule:
    """Allows the given domains and all their subdomains."""

    domains: tuple[str, ...] = ()

    def allows(self, url: str) -> bool:
        """Return True for an http(s) URL of an allowed host, without credentials or odd ports."""
        try:
            parts = urlsplit(url)
            return self._allows(parts)
        except ValueError:
            return False

    def _allows(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").removesuffix(".")
        return (
            parts.scheme in {"http", "https"}
            and not _SUSPICIOUS.search(parts.netloc)
            and parts.port in {None, 80, 443}
            and any(host == domain or host.endswith(f".{domain}") for domain in self.domains)
        )


#: Hosts to which other sites redirect clients that they refuse: Instagram, YouTube.
_LOGIN_HOSTS: Final = HostRule(("facebook.com", "accounts.google.com"))


@dataclass(frozen=True, slots=True)
class OwnService:
    """Allows only URLs of one of the operator's own services, which relays files."""

    #: Base URL of the service, without a slash at the end.
    address: str

    def allows(self, url: str) -> bool:
        """Return True if the URL belongs to the service."""
        return url.startswith(f"{self.address}/")


class Hosts(Protocol):
    """A rule that says which URLs may be requested."""

    def allows(self, url: str) -> bool:
        """Return True if the URL may be requested."""


class PublicResolver(AbstractResolver):
    """DNS resolver that drops private addresses, as a protection against SSRF."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the public addresses of a host.

        Raises:
            OSError: the host does not exist, or has no public address.
        """
        found = await self._resolver.resolve(host, port, family)
        public = [entry for entry in found if ipaddress.ip_address(entry["host"]).is_global]
        if not public:
            raise OSError(f"{host} has no public address")
        return public

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


class WebClient:
    """HTTP client that sends all requests through one proxy.

    `is_private` lets a direct client reach private addresses.
    """

    def __init__(
        self, proxy: Proxy, *, ca_file: Path | None = None, is_private: bool = False
    ) -> None:
        self.proxy = proxy
        context = ssl.create_default_context(cafile=ca_file)
        connector: aiohttp.BaseConnector
        url = proxy.url
        if url and url.startswith("socks"):
            # rdns=True makes the proxy resolve host names, which is what socks5h means. The
            # library itself knows only the scheme socks5.
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
            # `read_body` does it, with limits.
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self.session.close()

    async def redirect_target(
        self, url: str, hosts: Hosts, headers: Mapping[str, str]
    ) -> str | None:
        """Return the target of a redirect without following it, or None if there is no redirect.

        Raises:
            BrokenLinkError: the target is not one of `hosts`.
            PlatformError: the site gave no usable response.
        """
        async with self._request(url, headers, timeout_s=15) as response:
            if response.status in GONE:
                return None
            raise_for_status(response.status)
            return self._next_hop(response, hosts)

    @asynccontextmanager
    async def get(
        self,
        url: str,
        hosts: Hosts,
        headers: Mapping[str, str],
        *,
        stall_s: float,
        is_permanent: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET request and yield the response; redirects are followed within `hosts`.

        `stall_s` is the maximum time without data, in seconds; the whole response may take longer.
        `is_permanent` says that the URL does not expire, see `Access`.

        Raises:
            BrokenLinkError: the URL or a redirect leaves `hosts`.
            NotFoundError: the server does not find a permanent URL, or says that the file was
                removed.
            PlatformError: the site gave no usable response, or the body was cut off while the
                caller was reading it.
        """
        if not hosts.allows(url):
            raise BrokenLinkError("the file's URL is outside the allowed hosts")
        for _ in range(MAX_REDIRECTS):
            async with self._request(url, headers, timeout_s=stall_s) as response:
                target = self._next_hop(response, hosts)
                if target is None:
                    if is_permanent and response.status in GONE:
                        raise NotFoundError(f"HTTP {response.status}")
                    raise_for_status(response.status)
                    yield response
                    return
                url = target
        raise PlatformUnreachableError("too many redirects")

    @asynccontextmanager
    async def _request(
        self, url: str, headers: Mapping[str, str], *, timeout_s: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request; `timeout_s` limits each wait for data, not the whole response."""
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=min(timeout_s, 10), sock_read=timeout_s
        )
        try:
            # A signed URL must reach the CDN byte for byte, so it must not be encoded again.
            async with self.session.get(
                URL(url, encoded=True), headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # The error's text is left out, because it may contain the proxy's credentials or a
            # signed URL.
            raise PlatformUnreachableError(
                f"{type(error).__name__} at {urlsplit(url).hostname} by {self.proxy.name}"
            ) from error

    @staticmethod
    def _next_hop(response: aiohttp.ClientResponse, hosts: Hosts) -> str | None:
        if response.status not in _REDIRECTS:
            return None
        return redirect_target(str(response.url), response.headers.get("Location", ""), hosts)


def redirect_target(url: str, location: str, hosts: Hosts) -> str:
    """Return the absolute URL of a redirect from `url` with the given Location header.

    Raises:
        BrokenLinkError: the target is not one of `hosts`.
        NotFoundError: the target is the picture that says that the file was removed.
        PlatformRefusedError: the target is where other sites send clients to sign in.
    """
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if not hosts.allows(target):
        if _LOGIN_HOSTS.allows(target):
            raise PlatformRefusedError("redirected to another site to sign in")
        raise BrokenLinkError("a redirect leaves the allowed hosts")
    if target in _PLACEHOLDERS:
        raise NotFoundError("redirected to the placeholder of a removed file")
    return target


def raise_for_landing_page(url: str) -> None:
    """Raise the error that a redirect to a page without a post stands for, if there is one.

    Raises:
        PlatformRefusedError: it is the login page.
        RegionBlockedError: it is the page for countries in which the site shows nothing.
    """
    path = urlsplit(url).path
    if path.startswith(LOGIN_PAGES):
        raise PlatformRefusedError("redirected to the login page")
    if path.rstrip("/") in _REGION_PAGES:
        raise RegionBlockedError("redirected to the page for blocked countries")


def raise_for_status(status: int) -> None:
    """Raise the error that an HTTP status stands for; do nothing below 400.

    Raises:
        PlatformRateLimitedError: status 429.
        PlatformRefusedError: status 401 or 403.
        PlatformUnreachableError: any other status from 400.
    """
    if status == 429:
        raise PlatformRateLimitedError("HTTP 429")
    if status in {401, 403}:
        raise PlatformRefusedError(f"HTTP {status}")
    if status >= 400:
        raise PlatformUnreachableError(f"HTTP {status}")
