"""Exits: the ways out to the sites. A request keeps one and changes it only to try again."""

import asyncio
import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookiejar import LoadError, MozillaCookieJar
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from core.errors import SettingsError

_SCHEMES = {"http", "https", "socks4", "socks5", "socks5h"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """One way out: a proxy, or the direct one."""

    #: For logs: the proxy's address without credentials, or "direct".
    name: str
    #: The proxy's full address with percent-encoded credentials, or None for the direct way.
    url: str | None = field(default=None, repr=False)


#: A proxy that says nothing for so long is taken for closed, in seconds.
_PATIENCE_S = 5.0
DIRECT = Proxy("direct")


class ProxyPool:
    """All exits of this process, dealt out in turn."""

    def __init__(self, proxies: list[Proxy]) -> None:
        if not proxies:
            raise ValueError("at least one exit is needed")
        self.all = tuple(proxies)
        self._turns = itertools.count()

    def route(self) -> Iterator[Proxy]:
        """Give a request's own order of exits, without end: each one in turn from the next start."""
        start = next(self._turns)
        return (self.all[(start + step) % len(self.all)] for step in itertools.count())


def load_proxies(proxy_file: Path | None, *, include_direct: bool) -> ProxyPool:
    """Read the proxy list: one address per line; empty lines and lines with # are passed over.

    Raises:
        SettingsError: names every line that is not a proxy's address, and never repeats one.
    """
    if proxy_file is None:
        return ProxyPool([DIRECT])
    proxies, mistakes = [], []
    for number, line in enumerate(proxy_file.read_text(encoding="utf-8").splitlines(), start=1):
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
        mistakes.append(f"{proxy_file}: holds no proxy")
    if mistakes:
        raise SettingsError(mistakes)
    return ProxyPool([DIRECT, *proxies] if include_direct else proxies)


def load_cookies(cookies_file: Path | None) -> str:
    """Read a Netscape cookie file; give its text, or nothing without a file.

    Raises:
        SettingsError: it is not one, or holds no cookie. Its content is not repeated.
    """
    if cookies_file is None:
        return ""
    jar = MozillaCookieJar(cookies_file)
    try:
        with warnings.catch_warnings(action="ignore"):  # it also warns, with a traceback
            jar.load(ignore_discard=True, ignore_expires=True)
    except (LoadError, OSError, UnicodeDecodeError):
        raise SettingsError([f"{cookies_file}: not a Netscape cookie file"]) from None
    if not len(jar):
        raise SettingsError([f"{cookies_file}: holds no cookie"])
    return cookies_file.read_text(encoding="utf-8")


async def is_open(proxy: Proxy) -> bool:
    """Tell whether a proxy takes connections; the direct way is always open."""
    if proxy.url is None:
        return True
    parts = urlsplit(proxy.url)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except OSError:
        return False
    writer.close()
    return True


def count_cookies(cookies_file: Path) -> tuple[int, int]:
    """Count the cookies of a file that `load_cookies` has read, and those of them that are over."""
    jar = MozillaCookieJar(cookies_file)
    jar.load(ignore_discard=True, ignore_expires=True)
    return len(jar), sum(cookie.is_expired() for cookie in jar)


def _parse(line: str) -> Proxy | None:
    try:
        parts = urlsplit(line)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or not host or port is None or parts.path.strip("/"):
        return None
    return Proxy(f"{parts.scheme}://{_host(host)}:{port}", _with_encoded_credentials(parts, host))


def _with_encoded_credentials(parts: SplitResult, host: str) -> str:
    """Encode user and password; decode first, so that encoded ones are not encoded twice."""
    credentials = ""
    if parts.username is not None:
        credentials = quote(unquote(parts.username), safe="")
        if parts.password is not None:
            credentials += ":" + quote(unquote(parts.password), safe="")
        credentials += "@"
    return urlunsplit((parts.scheme, f"{credentials}{_host(host)}:{parts.port}", "", "", ""))


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
