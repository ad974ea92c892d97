"""Page reader: runs single yt-dlp extractors, with limits on hosts and sizes, and with our errors.

Building a YoutubeDL takes 40 ms with its 1 700 extractors and under 1 ms without them. Each read
builds and closes its own, because a YoutubeDL holds the cookies.
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

#: User-Agent of a desktop browser, which sites and their CDNs accept.
BROWSER: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/146.0.0.0 Safari/537.36"
)
#: Limit for the body of one page. TikTok's pages have 0.5 MB, Instagram's 1 MB.
_MAX_PAGE_BYTES: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class PageReader:
    """Runs yt-dlp extractors in threads, with all requests through one proxy."""

    proxy: Proxy
    executor: Executor
    #: Socket timeout, in seconds.
    timeout_s: float
    #: Browser whose TLS fingerprint is imitated, such as "chrome".
    impersonate: str
    #: PEM file with the trusted certificate authorities, or None for the default ones.
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
        """Run `work` in a thread with a new extractor and return its result.

        Requests are limited to `hosts`. With `is_lenient`, HTTP errors from status 400 reach the
        extractor as yt-dlp's `HTTPError`, because some extractors handle them; otherwise they
        become a `PlatformError` at once.

        Raises:
            PlatformError: the site could not be read.
            BrokenLinkError: a redirect left `hosts`.
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
            with _translated_errors(self.proxy.name):
                return work(instance, ydl)
        finally:
            ydl.close()


class LeanYoutubeDL(YoutubeDL):  # type: ignore[misc] # yt-dlp ships no types
    """A YoutubeDL without preloaded extractors that follows redirects only within the hosts."""

    def __init__(self, reader: PageReader, hosts: HostRule, *, is_lenient: bool) -> None:
        self._hosts = hosts
        self._is_lenient = is_lenient
        self._proxy_name = reader.proxy.name
        self._ca_file = reader.ca_file
        self._target = ImpersonateTarget.from_str(reader.impersonate)
        super().__init__(
            {
                "quiet": True,
                "noprogress": True,
                "logger": _YtdlpLogger(),
                "proxy": reader.proxy.url or "",
                "socket_timeout": reader.timeout_s,
                "extractor_retries": 0,
                "cachedir": False,
                # A stream, because yt-dlp writes the cookies back to a file when it is closed.
                "cookiefile": io.StringIO(reader.cookies) if reader.cookies else None,
            },
            auto_init=False,
        )

    def build_request_director(self, handlers: object, preferences: object = None) -> Any:  # noqa: ARG002 - yt-dlp's signature
        """Use only the handler that imitates a browser's TLS and does not follow redirects."""
        director = super().build_request_director([_NoRedirectRH], preferences)
        if self._ca_file:
            for handler in director.handlers.values():
                handler.verify = str(self._ca_file)
        return director

    def urlopen(self, req: Request | str) -> Any:
        """Send a request and follow its redirects; every target is checked against the hosts.

        Raises:
            BrokenLinkError, PlatformError: see `PageReader.read`.
        """
        request = Request(req) if isinstance(req, str) else req
        if not self._hosts.allows(request.url):
            raise PlatformChangedError("the extractor requested a URL outside its hosts")
        for _ in range(MAX_REDIRECTS):
            if urlsplit(request.url).path.startswith(LOGIN_PAGES):
                raise PlatformRefusedError("redirected to the login page")
            try:
                # Errors are translated here and not only in `PageReader`, because extractor calls
                # with fatal=False swallow yt-dlp's own network errors.
                with _translated_errors(self._proxy_name, keeps_statuses=self._is_lenient):
                    return _with_size_limit(super().urlopen(request), self._proxy_name)
            except _Redirect as redirect:
                request = request.copy()
                request.url = redirect_target(request.url, redirect.location, self._hosts)
        raise PlatformUnreachableError("too many redirects")

    def _parse_impersonate_targets(self, impersonate: Any) -> Any:
        # Extractors request any browser; the operator's setting decides which one.
        return super()._parse_impersonate_targets(self._target if impersonate else impersonate)


class _NoRedirectRH(CurlCFFIRH):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's curl_cffi handler, without automatic redirects."""

    def _create_instance(self, cookiejar: Any = None) -> Any:
        return curl_cffi.requests.Session(cookies=cookiejar, allow_redirects=False)


class _YtdlpLogger:
    """Passes yt-dlp's messages on at debug level only: they may contain signed URLs and cookies."""

    def debug(self, message: str) -> None:
        """Drop the message: yt-dlp reports every step."""

    def info(self, message: str) -> None:
        """Drop the message."""

    def warning(self, message: str, **_: object) -> None:
        """Log a warning of yt-dlp at debug level."""
        logger.debug("yt-dlp warning: %s", message, extra={"event": "ytdlp_warning"})

    def error(self, message: str) -> None:
        """Log an error of yt-dlp at debug level; the failure itself is raised as an exception."""
        logger.debug("yt-dlp error: %s", message, extra={"event": "ytdlp_error"})


class _Redirect(Exception):  # noqa: N818 - control flow, not an error
    """The response is a redirect to `location`."""

    def __init__(self, location: str) -> None:
        self.location = location


def reader_version() -> tuple[str, date]:
    """Return yt-dlp's version and its release date, which the version consists of."""
    year, month, day = (int(part) for part in __version__.split(".")[:3])
    return __version__, date(year, month, day)


def _with_size_limit(response: Any, proxy_name: str) -> Any:
    """Make `response.read()` limit the size of the body and raise our errors."""
    read = response.read

    def limited_read(amount: int | None = None) -> bytes:
        with _translated_errors(proxy_name):
            body: bytes = read(_MAX_PAGE_BYTES + 1 if amount is None else amount)
        if len(body) > _MAX_PAGE_BYTES:
            raise PlatformChangedError("the page is too large")
        return body

    response.read = limited_read
    return response


@contextmanager
def _translated_errors(proxy_name: str, *, keeps_statuses: bool = False) -> Iterator[None]:
    """Convert yt-dlp's errors to ours.

    Their texts are left out, because they may contain signed URLs. The original error is kept as
    the cause.
    """
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
