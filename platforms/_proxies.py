"""The proxies to the sites, and the operator's proxy list.

An attempt uses one proxy for all of its requests. Only the next attempt changes it.
"""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from core.errors import SettingsError

_SCHEMES = {"http", "https", "socks4", "socks5", "socks5h"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, or the direct connection."""

    #: Name for logs and metrics: the address without credentials, or "direct".
    name: str
    #: Address with percent-encoded credentials, or None for the direct connection.
    url: str | None = field(default=None, repr=False)


#: Timeout of the connection test, in seconds.
_CONNECT_TIMEOUT_S = 5.0
DIRECT = Proxy("direct")


class ProxyPool:
    """All configured proxies, used round-robin."""

    def __init__(self, proxies: list[Proxy]) -> None:
        if not proxies:
            raise ValueError("at least one proxy is needed")
        self.all = tuple(proxies)
        self._starts = itertools.count()

    def rotation(self) -> Iterator[Proxy]:
        """Return an endless round-robin iterator over the proxies, for one request.

        Each call starts at the next proxy, so that requests spread evenly.
        """
        start = next(self._starts)
        return (self.all[(start + step) % len(self.all)] for step in itertools.count())


def load_proxies(proxy_file: Path | None, *, include_direct: bool) -> ProxyPool:
    """Read the proxy list: one address per line; empty lines and lines with # are ignored.

    `include_direct` adds the direct connection as the first proxy. Without a file, the pool has
    only the direct connection.

    Raises:
        SettingsError: the file has invalid lines, listed by number, or no address. The lines are
            not quoted, because they may contain credentials.
    """
    if proxy_file is None:
        return ProxyPool([DIRECT])
    proxies, mistakes = [], []
    for number, line in enumerate(_lines_of(proxy_file), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        proxy = _parse(line)
        if proxy is None:
            mistakes.append(
                f"{proxy_file} line {number}: not a proxy address "
                f"(scheme://[user:password@]host:port with {', '.join(sorted(_SCHEMES))})"
            )
        else:
            proxies.append(proxy)
    if not proxies and not mistakes:
        mistakes.append(f"{proxy_file}: contains no proxy address")
    if mistakes:
        raise SettingsError(mistakes)
    return ProxyPool([DIRECT, *proxies] if include_direct else proxies)


def _lines_of(proxy_file: Path) -> list[str]:
    try:
        return proxy_file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise SettingsError([f"{proxy_file}: is not UTF-8 text: save it as UTF-8"]) from None
    except OSError as error:
        raise SettingsError([f"{proxy_file}: cannot be read: {error.strerror}"]) from None


async def is_open(proxy: Proxy, host: str, port: int = 443) -> bool:
    """Return True if the proxy accepts TCP connections.

    The direct connection is tried by a connection to `host`, the host of a site.
    """
    if proxy.url is not None:
        parts = urlsplit(proxy.url)
        host, port = parts.hostname or "", parts.port or 0
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _parse(line: str) -> Proxy | None:
    try:
        parts = urlsplit(line)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or not host or port is None or parts.path.strip("/"):
        return None
    return Proxy(
        f"{parts.scheme}://{_bracketed(host)}:{port}", _with_encoded_credentials(parts, host)
    )


def _with_encoded_credentials(parts: SplitResult, host: str) -> str:
    """Return the address with percent-encoded credentials.

    They are decoded first, so that already encoded ones are not encoded twice.
    """
    credentials = ""
    if parts.username is not None:
        credentials = quote(unquote(parts.username), safe="")
        if parts.password is not None:
            credentials += ":" + quote(unquote(parts.password), safe="")
        credentials += "@"
    return urlunsplit((parts.scheme, f"{credentials}{_bracketed(host)}:{parts.port}", "", "", ""))


def _bracketed(host: str) -> str:
    """Return the host for a URL, with brackets around an IPv6 address (RFC 3986, 3.2.2)."""
    return f"[{host}]" if ":" in host else host
