"""Page reader: runs single yt-dlp extractors, with limits on hosts and sizes, and with our errors.

Building a YoutubeDL takes 40 ms with its 1 700 extractors and under 1 ms without them. Each read
builds and closes its own, because a YoutubeDL holds the cookies.
"""

import importlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

import curl_cffi.requests
import yt_dlp
from curl_cffi.const import CurlECode, CurlOpt
from curl_cffi.curl import CURL_WRITEFUNC_ERROR
from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.globals import supported_js_runtimes
from yt_dlp.networking import Request
from yt_dlp.networking._curlcffi import CurlCFFIRH
from yt_dlp.networking.exceptions import HTTPError, RequestError
from yt_dlp.networking.impersonate import ImpersonateTarget
from yt_dlp.utils import YoutubeDLError
from yt_dlp.version import __version__

from core.errors import (
    BrokenLinkError,
    ClipferryError,
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from platforms._dash import shorten
from platforms._http import (
    GONE,
    MAX_REDIRECTS,
    HostRule,
    raise_for_landing_page,
    raise_for_status,
    redirect_target,
)
from platforms._limited_re import limit_searches
from platforms._proxies import Proxy
from platforms._reader_threads import MAX_PAGE_BYTES, PageRead, ReaderThreads

logger = logging.getLogger(__name__)

IE = TypeVar("IE", bound=InfoExtractor)
T = TypeVar("T")

#: JavaScript runtimes that may run the scripts of YouTube's player, best first. Both run them
#: without access to files and network; yt-dlp knows others, and calls them insecure.
#: Source: https://github.com/yt-dlp/yt-dlp/wiki/EJS
JS_RUNTIMES: Final = ("deno", "quickjs")
#: User-Agent of a desktop browser, which sites and their CDNs accept.
BROWSER: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/146.0.0.0 Safari/537.36"
)


@dataclass(frozen=True, slots=True)
class PageReader:
    """Runs yt-dlp extractors in threads, with all requests through one proxy."""

    proxy: Proxy
    threads: ReaderThreads
    #: Longest time without data, in seconds.
    timeout_s: float
    #: Longest time for all requests of one read, in seconds.
    budget_s: float
    #: Browser whose TLS fingerprint is imitated, such as "chrome".
    impersonate: str
    #: PEM file with the trusted certificate authorities, or None for the default ones.
    ca_file: Path | None = None
    #: Contents of a Netscape cookie file; empty when signed out.
    cookies: str = field(default="", repr=False)
    #: Base URL of the operator's service for YouTube's PO tokens; empty if there is none.
    pot_url: str = ""

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
            PlatformError: the site could not be read, or a redirect left `hosts`.
            NotFoundError: the site responded with HTTP 404 or 410.
            RegionBlockedError: a redirect led to the site's page for blocked countries.
            UnreadablePageError: a page takes too long to search.
        """

        def in_thread(page_read: PageRead) -> T:
            ydl = LeanYoutubeDL(self, hosts, page_read, is_lenient=is_lenient)
            try:
                instance = extractor()
                # Some extractors keep tokens in it, in the class: for ever, and for everybody.
                instance._HEADERS = dict(getattr(extractor, "_HEADERS", {}))
                _shorten_manifests(instance)
                ydl.add_info_extractor(instance)
                limit_searches(page_read)
                with _translated_errors(self.proxy.name):
                    return work(instance, ydl)
            except ClipferryError:
                raise
            except Exception as error:
                # Extractors take the site's answer apart without checking every type in it.
                logger.debug("An extractor failed", exc_info=True, extra={"event": "reader_failed"})
                raise PlatformChangedError(f"{type(error).__name__} in the extractor") from error
            finally:
                ydl.close()

        return await self.threads.run(in_thread, self.budget_s)


def _shorten_manifests(extractor: Any) -> None:
    """Make an extractor read DASH manifests without their segments."""
    parse = extractor._parse_mpd_periods

    def parse_shortened(manifest: Any, *args: Any, **options: Any) -> Any:
        return parse(shorten(manifest), *args, **options)

    extractor._parse_mpd_periods = parse_shortened


class LeanYoutubeDL(YoutubeDL):  # type: ignore[misc] # yt-dlp ships no types
    """A YoutubeDL without preloaded extractors that follows redirects only within the hosts."""

    def __init__(
        self, reader: PageReader, hosts: HostRule, page_read: PageRead, *, is_lenient: bool
    ) -> None:
        self.reader = reader
        self._hosts = hosts
        self._page_read = page_read
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
                "js_runtimes": {name: {} for name in JS_RUNTIMES},
                # A stream, because yt-dlp writes the cookies back to a file when it is closed.
                "cookiefile": io.StringIO(reader.cookies) if reader.cookies else None,
            },
            auto_init=False,
        )
        self.cache = reader.threads.cache

    def ask_for_po_token(self, wanted: dict[str, str]) -> Any:
        """Return the decoded answer of the operator's service for PO tokens, without a proxy.

        Raises:
            PlatformError: it did not answer.
        """
        request = Request(
            f"{self.reader.pot_url}/get_pot",
            data=json.dumps(wanted).encode(),
            headers={"Content-Type": "application/json"},
            proxies={"all": None},
        )
        self._page_read.start_request()
        with _translated_errors("the PO token service"), super().urlopen(request) as response:
            try:
                return json.loads(response.read())
            except ValueError:
                raise PlatformChangedError("no JSON from the PO token service") from None

    def build_request_director(self, handlers: object, preferences: object = None) -> Any:  # noqa: ARG002 - yt-dlp's signature
        """Use only the handler that imitates a browser's TLS and does not follow redirects."""
        director = super().build_request_director([_PageRH], preferences)
        for handler in director.handlers.values():
            handler.page_read = self._page_read
            if self._ca_file:
                handler.verify = str(self._ca_file)
        return director

    def urlopen(self, req: Request | str) -> Any:
        """Send a request and follow its redirects; every target is checked against the hosts.

        Raises:
            MediaError, PlatformError: see `PageReader.read`.
        """
        request = Request(req) if isinstance(req, str) else req
        if not self._hosts.allows(request.url):
            raise PlatformChangedError("the extractor requested a URL outside its hosts")
        for _ in range(MAX_REDIRECTS):
            raise_for_landing_page(request.url)
            try:
                # Errors are translated here and not only in `PageReader`, because extractor calls
                # with fatal=False swallow yt-dlp's own network errors.
                self._page_read.start_request()
                with _translated_errors(self._proxy_name, keeps_statuses=self._is_lenient):
                    return super().urlopen(request)
            except PlatformUnreachableError:
                if self._page_read.failure:
                    raise self._page_read.failure from None
                raise
            except _Redirect as redirect:
                request = request.copy()
                try:
                    request.url = redirect_target(request.url, redirect.location, self._hosts)
                except BrokenLinkError as error:
                    # The post's own page does not move, so the site turns this client away.
                    raise PlatformRefusedError(error.detail) from error
        raise PlatformUnreachableError("too many redirects")

    def _parse_impersonate_targets(self, impersonate: Any) -> Any:
        # Extractors request any browser; the operator's setting decides which one.
        return super()._parse_impersonate_targets(self._target if impersonate else impersonate)


class _PageRH(CurlCFFIRH):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's curl_cffi handler, without automatic redirects and with the limits of a read."""

    page_read: PageRead

    def _create_instance(self, cookiejar: Any = None) -> Any:
        return _PageSession(self.page_read, cookiejar)


class _PageSession(curl_cffi.requests.Session):  # type: ignore[misc] # ships incomplete types
    """Reads each response completely, in the calling thread, and aborts it at a limit.

    curl_cffi's streams, which yt-dlp asks for, would go on reading into an unlimited queue.
    """

    def __init__(self, page_read: PageRead, cookies: Any) -> None:
        super().__init__(
            cookies=cookies,
            allow_redirects=False,
            response_class=_WholeResponse,
            # On the wire; `PageRead` limits the size after decompression.
            curl_options={CurlOpt.MAXFILESIZE_LARGE: MAX_PAGE_BYTES},
        )
        self._page_read = page_read

    def request(
        self, method: Any, url: str, *, stream: object, timeout: tuple[float, float], **options: Any
    ) -> Any:
        """Send a request. `stream` is ignored; `timeout` limits connecting, and waits for data."""
        del stream
        page = bytearray()

        def keep(chunk: bytes) -> int:
            page.extend(chunk)
            may_continue = self._page_read.may_continue(len(page), len(chunk))
            return len(chunk) if may_continue else CURL_WRITEFUNC_ERROR

        left_s = self._page_read.seconds_left()
        connect_s = min(timeout[0], left_s)
        try:
            response = super().request(
                method,
                url,
                content_callback=keep,
                # curl's limit for the whole request is the sum of both.
                timeout=(connect_s, max(left_s - connect_s, 0.001)),
                **options,
            )
        except curl_cffi.requests.errors.RequestsError as error:
            if error.code == CurlECode.FILESIZE_EXCEEDED:
                self._page_read.failure = PlatformChangedError("the page is too large")
            raise
        if not self._page_read.accepts(page):
            raise curl_cffi.requests.errors.RequestsError(
                "the page was refused", CurlECode.WRITE_ERROR, response
            )
        response.content = bytes(page)
        return response


class _WholeResponse(curl_cffi.requests.Response):  # type: ignore[misc] # ships incomplete types
    """A response whose body was read completely."""

    def iter_content(self, *_: object, **__: object) -> Iterator[bytes]:
        """Yield the body."""
        yield self.content


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


def reader_folder() -> Path:
    """Return the folder from which yt-dlp was imported."""
    return Path(yt_dlp.__file__).resolve().parent.parent


def js_runtime() -> str | None:
    """Return the JavaScript runtime that YouTube is read with, and its version; None without one.

    Starts the runtimes to ask for their versions.
    """
    found = (supported_js_runtimes.value[name]().info for name in JS_RUNTIMES)
    return next((f"{info.name} {info.version}" for info in found if info and info.supported), None)


def js_solver() -> str | None:
    """Return the version of yt-dlp's scripts for a runtime; None if they are not installed."""
    return version("yt-dlp-ejs") if find_spec("yt_dlp_ejs") else None


def wanted_js_solver() -> str:
    """Return the version of these scripts that this yt-dlp works with."""
    wanted: str = importlib.import_module("yt_dlp.extractor.youtube.jsc._builtin.vendor").VERSION
    return wanted


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
        if error.status in GONE:
            raise NotFoundError(f"HTTP {error.status}") from error
        raise_for_status(error.status)
        raise _Redirect(error.response.get_header("Location") or "") from error
    except RequestError as error:
        raise PlatformUnreachableError(f"{type(error).__name__} by {proxy_name}") from error
    except YoutubeDLError as error:
        raise PlatformChangedError(type(error).__name__) from error
