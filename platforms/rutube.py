"""Videos and shorts on Rutube, which yt-dlp reads without an account.

Never tried against the real site from here, nor were channels, playlists and series. Videos are
playlists of segments.
"""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_lists import LIST_EXTRACTORS, ListForm, flat_lists
from platforms._ytdlp_site import YtdlpSite, site


class _Rutube(YtdlpSite):
    """Private videos have ids such as "7f3…/key", other ones have 32 digits."""

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a video from the match of its URL."""
        return f"{found['id']}/{found['key']}" if found["key"] else found["id"]

    def link_to(self, post_id: str) -> str:
        """Return the URL of a video by its id."""
        number, _, key = post_id.partition("/")
        return (
            f"https://rutube.ru/video/private/{number}/?p={key}" if key else super().link_to(number)
        )


_SITE = _Rutube(
    name="rutube",
    extractor=("rutube", "RutubeIE"),
    post=re.compile(
        r"rutube\.ru/(?:(?:live/)?video(?:/private)?|shorts|(?:play/)?embed)/(?P<id>[\da-f]{32})"
        r"(?![\da-z])/?(?:[^?]*\?(?:.*&)?p=(?P<key>[\w-]+))?",
        re.ASCII,
    ),
    pages=(
        (PageKind.PROFILE, re.compile(r"rutube\.ru/(?:channel|u|video/person)/")),
        (PageKind.LIST, re.compile(r"rutube\.ru/(?:plst|metainfo|playlist)/")),
        (PageKind.TAG, re.compile(r"rutube\.ru/(?:tags|search|categories|feeds)(?=[/?])")),
        (PageKind.LIVE, re.compile(r"rutube\.ru/live/")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*rutube\.ru/")),
    ),
    address="https://rutube.ru/video/{}/",
    author=("uploader",),
    page_hosts=HostRule(("rutube.ru",)),
    media_hosts=HostRule(("rutube.ru", "rutubelist.ru", "rtbcdn.ru")),
)


def _channel_id(found: re.Match[str]) -> str:
    return found["id"] or f"channel/{found['person']}"


PLATFORM = site(
    _SITE,
    "Rutube",
    "https://rutube.ru/video/7300000000000000000000000000de01/",
    "https://rutube.ru/shorts/7300000000000000000000000000de01/",
    "https://rutube.ru/play/embed/7300000000000000000000000000de01",
    "https://rutube.ru/video/private/7300000000000000000000000000de02/?p=Demo01",
    lists=flat_lists(
        "rutube",
        ListForm(
            (LIST_EXTRACTORS, "RutubeVideosIE"),
            re.compile(
                r"rutube\.ru/(?:(?P<id>(?:channel/\d+|u/\w+)(?:/(?:videos|shorts))?)"
                r"|video/person/(?P<person>\d+))/?\?",
                re.ASCII,
            ),
            "https://rutube.ru/{}/",
            is_by_date=True,
            list_id=_channel_id,
        ),
        ListForm(
            (LIST_EXTRACTORS, "RutubeListIE"),
            re.compile(r"rutube\.ru/plst/(?P<id>\d+)/?\?", re.ASCII),
            "https://rutube.ru/plst/{}/",
        ),
        ListForm(
            ("rutube", "RutubeMovieIE"),
            re.compile(r"rutube\.ru/metainfo/tv/(?P<id>\d+)/?(?:video/?)?\?", re.ASCII),
            "https://rutube.ru/metainfo/tv/{}/",
        ),
        hosts=_SITE.page_hosts,
        recognise=_SITE.recognise,
    ),
)
