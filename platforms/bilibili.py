"""Videos on Bilibili, which yt-dlp reads without an account, in up to 480 lines.

Never tried against the real site from here, which often refuses data centres (HTTP 412).
"""

import re
from typing import Any, Final

from yt_dlp.utils import ExtractorError

from core.errors import (
    ClipferryError,
    LoginRequiredError,
    MediaPrivateError,
    NoMediaError,
    NotAvailableError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PreviewError,
    RegionBlockedError,
    UnderReviewError,
)
from core.media import Post
from platforms._http import HostRule
from platforms._json import Json
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

#: Codes of the site's errors. Source: https://github.com/SocialSisterYi/bilibili-API-collect.
_REASONS: Final[dict[int, type[ClipferryError]]] = {
    -404: NotAvailableError,
    -509: PlatformRateLimitedError,
    -799: PlatformRateLimitedError,
    -10403: RegionBlockedError,
    62002: NotAvailableError,
    62004: UnderReviewError,
    62012: MediaPrivateError,
    87008: LoginRequiredError,
}
#: Hosts of short links, of which the app names one or the other.
_SHORT_HOSTS: Final = ("b23.tv", "bili22.cn", "bili23.cn", "bili33.cn", "bili2233.cn")
_SHORT_HOST: Final = rf"(?:{'|'.join(map(re.escape, _SHORT_HOSTS))})"
_NUMBER: Final = r"[bB][vV][a-zA-Z0-9]{10}|[aA][vV]\d+"
#: Players for other sites, and pages that play a list; their query names the video.
_PLAYER: Final = (
    r"(?:player\.bilibili\.com/player\.html"
    r"|bilibili\.com/(?:blackboard/[^?]*player\.html|(?:festival|list|medialist/play)/[^?]*))\?"
)
#: The part of a video, which players have under two names.
_PART: Final = re.compile(r"[^?]*\?(?:.*&)?p(?:age)?=(?P<part>\d{1,4})(?!\d)", re.ASCII)
#: What the only quality of the beginning of a paid video is called: "trial".
_PREVIEW: Final = "试看"


class _Bilibili(YtdlpSite):
    """Videos have ids such as "BV1…", their further parts "BV1…?p=2"."""

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a video, or of a part of it, from the match of its URL."""
        named = _PART.match(found.string)
        part = int(named["part"]) if named else 1
        number = found["id"] or found["played"] or f"av{found['aid']}"
        number = f"{number[:2].upper() if number[0] in 'bB' else number[:2].lower()}{number[2:]}"
        return f"{number}?p={part}" if part > 1 else number

    def load_extractor(self) -> Any:
        """Import yt-dlp's extractor class, which also keeps the site's errors."""
        from platforms._bilibili_extractor import VideoIE  # at the first read

        return VideoIE

    def extract(self, extractor: Any, url: str) -> tuple[Any, Any]:
        """Return the info dict of one part, and the site's answer to the request for its files.

        Without the number of a part, yt-dlp lists all of them.

        Raises:
            ExtractorError: the site does not provide the video.
            MediaError, PlatformError: the same, with a reason that yt-dlp does not know.
        """
        try:
            info = super().extract(extractor, url if "?p=" in url else f"{url}?p=1")
        except ExtractorError:
            _raise_for_page(extractor.state)
            _raise_for_files(extractor.files)
            raise
        return info, extractor.files

    def read(self, result: tuple[Any, Any], about: Post) -> Post:
        """Convert the result of `extract` to a post.

        Raises:
            PreviewError: only the beginning of a paid video can be seen.
            MediaError, PlatformError: there are no files; yt-dlp passes over the reason.
        """
        info, files = result
        if _is_preview(files):
            raise PreviewError(about.url)
        try:
            return super().read(info, about)
        except NoMediaError:
            _raise_for_files(files)
            raise


def _is_preview(files: Any) -> bool:
    qualities = list(Json(files, "bilibili")["data"]["accept_description"])
    return bool(qualities) and all(quality.text() == _PREVIEW for quality in qualities)


def _raise_for_page(state: Any) -> None:
    """Raise the error that a page has instead of a video, if it is a known one."""
    code = Json(state, "bilibili")["error"]["trueCode"].value
    if isinstance(code, int) and code in _REASONS:
        raise _REASONS[code](f"code {code}")


def _raise_for_files(files: Any) -> None:
    """Raise the error that the site answered instead of naming files.

    Unknown codes are those of refused clients, and of a wrong signature.
    """
    answer = Json(files, "bilibili")
    if answer["data"]["v_voucher"]:
        raise PlatformRefusedError("the site demands a captcha")
    code = answer["code"].value
    if isinstance(code, int) and code:
        raise _REASONS.get(code, PlatformRefusedError)(f"code {code}")


_SITE = _Bilibili(
    name="bilibili",
    extractor=("bilibili", "BiliBiliIE"),
    post=re.compile(
        r"(?:(?:bilibili\.com/(?:(?:s/)?video/|(?:medialist/play|list)/\w+/)?"
        rf"|{_SHORT_HOST}/)(?P<id>{_NUMBER})"
        rf"|{_PLAYER}(?:(?:.*&)?bvid=(?P<played>{_NUMBER})|(?:.*&)?aid=(?:av)?(?P<aid>\d+)))"
        r"(?![a-zA-Z0-9])",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIVE, re.compile(r"live\.bilibili\.com/\w")),
        (
            PageKind.LIST,
            re.compile(r"space\.bilibili\.com/\d+/(?:lists|channel/\w+detail)\b", re.ASCII),
        ),
        (PageKind.PROFILE, re.compile(r"space\.bilibili\.com/\w|bilibili\.com/space/")),
        (PageKind.UNREADABLE, re.compile(r"bilibili\.com/(?:bangumi|cheese|opus|audio|read)/")),
        (PageKind.UNREADABLE, re.compile(r"t\.bilibili\.com/\d", re.ASCII)),
        (PageKind.LIST, re.compile(r"bilibili\.com/(?:list|medialist)/")),
        (
            PageKind.TAG,
            re.compile(r"search\.bilibili\.com/|bilibili\.com/(?:tag|v|search)(?=[/?])"),
        ),
        (PageKind.OTHER, re.compile(rf"(?:[\w-]+\.)*bilibili\.com/|{_SHORT_HOST}/")),
    ),
    short=re.compile(rf"{_SHORT_HOST}/\w+/?\?", re.ASCII),
    address="https://www.bilibili.com/video/{}",
    author=("uploader",),
    page_hosts=HostRule(("bilibili.com", *_SHORT_HOSTS)),
    media_hosts=HostRule(
        (
            *("bilivideo.com", "bilivideo.cn", "hdslb.com"),
            *("upos-hz-mirrorakam.akamaized.net", "upos-sz-mirrorakam.akamaized.net"),
        )
    ),
)

PLATFORM = site(
    _SITE,
    "Bilibili",
    "https://www.bilibili.com/video/BV1demo00001",
    "https://www.bilibili.com/video/BV1demo00001?p=2",
    "https://m.bilibili.com/video/av7300001",
    "https://www.bilibili.com/list/watchlater?bvid=BV1demo00001",
    "https://player.bilibili.com/player.html?bvid=BV1demo00001",
    "https://b23.tv/Demo01",
    "https://bili2233.cn/Demo01",
)
