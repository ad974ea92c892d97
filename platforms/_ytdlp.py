"""yt-dlp, used lean: one extractor, browser-like TLS, our rules for hosts, sizes and errors.

A YoutubeDL costs 40 ms to build in full and under 1 ms without its 1 700 extractors. Each visit gets
one of its own, because it holds the cookies, and closes it.
"""

import asyncio
import io
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import curl_cffi.requests
from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.networking import Request
from yt_dlp.networking._curlcffi import CurlCFFIRH
from yt_dlp.networking.exceptions import HTTPError, RequestError
from yt_dlp.networking.impersonate import ImpersonateTarget
from yt_dlp.utils import YoutubeDLError
from yt_dlp.version import __version__

from core.errors import PlatformChangedError, PlatformRefusedError, PlatformUnreachableError
from platforms._http import LOGIN_PAGES, MAX_REDIRECTS, HostRule, raise_for_status, redirect_target
from platforms._proxies import Proxy

logger = logging.getLogger(__name__)

IE = TypeVar("IE", bound=InfoExtractor)
T = TypeVar("T")

#: What pages and CDNs take for a browser on a desk.
BROWSER: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/146.0.0.0 Safari/537.36"
)
#: TikTok's page has 0.5 MB, Instagram's 1 MB.
_MAX_PAGE_BYTES: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class PageReader:
    """Runs extractor code for one exit, in threads, under the house's rules."""

    proxy: Proxy
    executor: Executor
    timeout_s: float
    impersonate: str
    ca_file: Path | None = None
    #: Contents of a Netscape cookie file; empty when signed out.
    cookies: str = ""

    async def read(
        self,
        extractor: type[IE],
        hosts: HostRule,
        work: Callable[[IE, "LeanYoutubeDL"], T],
        *,
        is_lenient: bool = False,
    ) -> T:
        """Run `work` in a thread with a fresh extractor; requests stay within `hosts`.

        With `is_lenient` the extractor gets to see HTTP statuses that it may know how to read.

        Raises:
            PlatformError: the site could not be read.
            BrokenLinkError: a redirect left the hosts.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self.executor, self._read, extractor, hosts, work, is_lenient
        )

    def _read(
        self,
        extractor: type[IE],
        hosts: HostRule,
        work: Callable[[IE, "LeanYoutubeDL"], T],
        is_lenient: bool,
    ) -> T:
        ydl = LeanYoutubeDL(self, hosts, is_lenient=is_lenient)
        try:
            instance = extractor()
            ydl.add_info_extractor(instance)
            with _translated(self.proxy.name):
                return work(instance, ydl)
        finally:
            ydl.close()


class LeanYoutubeDL(YoutubeDL):  # type: ignore[misc] # yt-dlp ships no types
    """A YoutubeDL without extractors that follows redirects itself, within the given hosts."""

    def __init__(self, reader: PageReader, hosts: HostRule, *, is_lenient: bool) -> None:
        self._hosts = hosts
        self._is_lenient = is_lenient
        self._exit_name = reader.proxy.name
        self._ca_file = reader.ca_file
        self._target = ImpersonateTarget.from_str(reader.impersonate)
        super().__init__(
            {
                "quiet": True,
                "noprogress": True,
                "logger": _Log(),
                "proxy": reader.proxy.url or "",
                "socket_timeout": reader.timeout_s,
                "extractor_retries": 0,
                "cachedir": False,
                # As a stream, so that closing does not write the operator's file.
                "cookiefile": io.StringIO(reader.cookies) if reader.cookies else None,
            },
            auto_init=False,
        )

    def build_request_director(self, handlers: object, preferences: object = None) -> Any:  # noqa: ARG002 - yt-dlp's signature
        """Offer the one handler that wears a browser's TLS and leaves redirects to us."""
        director = super().build_request_director([_HopByHopRH], preferences)
        if self._ca_file:
            for handler in director.handlers.values():
                handler.verify = str(self._ca_file)
        return director

    def urlopen(self, req: Request | str) -> Any:
        """Send a request and follow its redirects, checking every hop.

        Raises:
            BrokenLinkError, PlatformError: see `PageReader.read`.
        """
        request = Request(req) if isinstance(req, str) else req
        if not self._hosts.allows(request.url):
            raise PlatformChangedError("an extractor asks outside its hosts")
        for _ in range(MAX_REDIRECTS):
            if urlsplit(request.url).path.startswith(LOGIN_PAGES):
                raise PlatformRefusedError("redirected to the login page")
            try:
                # Translated here and not by the caller, because extractors that are told to be
                # lenient swallow yt-dlp's own network errors.
                with _translated(self._exit_name, keeps_statuses=self._is_lenient):
                    return _limited(super().urlopen(request), self._exit_name)
            except _Redirect as redirect:
                request = request.copy()
                request.url = redirect_target(request.url, redirect.location, self._hosts)
        raise PlatformUnreachableError("too many redirects")

    def _parse_impersonate_targets(self, impersonate: Any) -> Any:
        # Extractors ask for "any browser"; the operator says which.
        return super()._parse_impersonate_targets(self._target if impersonate else impersonate)


class _HopByHopRH(CurlCFFIRH):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's curl handler, except that it does not follow redirects."""

    def _create_instance(self, cookiejar: Any = None) -> Any:
        return curl_cffi.requests.Session(cookies=cookiejar, allow_redirects=False)


class _Log:
    """Takes what yt-dlp has to say; signed addresses and cookies are its business, not the log's."""

    def debug(self, message: str) -> None:
        """Drop it: yt-dlp narrates every step."""

    def info(self, message: str) -> None:
        """Drop it."""

    def warning(self, message: str, **_: object) -> None:
        """Keep it for those who look."""
        logger.debug("yt-dlp: %s", message)

    def error(self, message: str) -> None:
        """Keep it for those who look; the failure itself arrives as an exception."""
        logger.debug("yt-dlp: %s", message)


class _Redirect(Exception):  # noqa: N818 - a turn of the way, not an error
    def __init__(self, location: str) -> None:
        self.location = location


def reader_version() -> tuple[str, date]:
    """Return yt-dlp's version and the day of its release, which is what the version says."""
    year, month, day = (int(part) for part in __version__.split(".")[:3])
    return __version__, date(year, month, day)


def _limited(response: Any, proxy_name: str) -> Any:
    """Make `read()` refuse endless pages, and speak our errors."""
    read = response.read

    def limited_read(amount: int | None = None) -> bytes:
        with _translated(proxy_name):
            body: bytes = read(_MAX_PAGE_BYTES + 1 if amount is None else amount)
        if len(body) > _MAX_PAGE_BYTES:
            raise PlatformChangedError("the page is too large")
        return body

    response.read = limited_read
    return response


@contextmanager
def _translated(proxy_name: str, *, keeps_statuses: bool = False) -> Iterator[None]:
    """Turn yt-dlp's errors into ours. Their texts stay in the cause: they may hold addresses."""
    try:
        yield
    except HTTPError as error:
        if keeps_statuses and error.status >= 400:
            raise
        error.response.close()
        raise_for_status(error.status)
        raise _Redirect(error.response.get_header("Location") or "") from error
    except RequestError as error:
        raise PlatformUnreachableError(f"{type(error).__name__} by {proxy_name}") from error
    except YoutubeDLError as error:
        raise PlatformChangedError(type(error).__name__) from error
