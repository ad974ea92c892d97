"""Posts on Bluesky: pictures, videos and GIFs, read without an account.

The post is read from the public API. Only the files of a video are left to yt-dlp's extractor,
which knows where the servers of the network keep them. A post without media of its own that quotes
another one has the other one's. Source of the API, and of the lexicons app.bsky.embed.*:
https://docs.bsky.app/docs/api/app-bsky-feed-get-post-thread, and get-author-feed for profiles.
Pictures and profiles were never tried against the real site.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import unified_timestamp

from core.errors import (
    ClipferryError,
    NoMediaError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
)
from core.media import Clip, Details, Item, Picture, Post, Rendition, Unreadable
from platforms._http import HostRule
from platforms._json import Json
from platforms._platform import PageKind
from platforms._ytdlp_lists import ListForm, ListPage, first_pages, flat_lists
from platforms._ytdlp_site import YtdlpSite, read_info, site

_API: Final = "https://public.api.bsky.app/xrpc/app.bsky.feed."
_PROFILE: Final = "https://bsky.app/profile/"
#: Posts of a page of a profile; the most that the API gives.
_PAGE: Final = 100
#: What the API returns instead of the handle of an account whose domain no longer names it.
_NO_HANDLE: Final = "handle.invalid"
#: Host of the GIFs that the app's own search finds; they are links in their posts.
_GIFS: Final = HostRule(("media.tenor.com",))
#: Labels of posts that the app hides until they are tapped.
_SENSITIVE: Final = frozenset({"porn", "sexual", "nudity", "graphic-media"})
#: Errors by the type of the object that the API returns instead of a post, and by its error codes.
_REFUSALS: Final[dict[str, type[ClipferryError]]] = {
    "app.bsky.feed.defs#notFoundPost": NotFoundError,
    "app.bsky.feed.defs#blockedPost": NotAvailableError,
    "NotFound": NotFoundError,
    "InvalidRequest": NotFoundError,  # an account that does not exist, or was taken down
    "AccountTakedown": NotFoundError,
    "AccountDeactivated": NotFoundError,
}


@dataclass(frozen=True, slots=True)
class Media:
    """The object that has a post's media, and where it stands in the post or in a quoted one."""

    embed: Json
    #: The post, or the quoted one.
    root: Json
    #: Keys that lead from there to `embed`, and those of yt-dlp's `_extract_videos`.
    path: tuple[str | int, ...]
    record: str = "record"

    @property
    def kind(self) -> str:
        """Return the kind: "images", "gallery", "video", "external", or another one."""
        return self.embed["$type"].text().removeprefix("app.bsky.embed.").partition("#")[0]


class _Bluesky(YtdlpSite):
    """Posts have ids such as "ferry.example/post/3demo01"."""

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a post from the match of its URL, whose colons may be encoded."""
        author = unquote(found["author"] or found["embedded"])
        return f"{author}/post/{found['number']}"

    def extract(self, extractor: Any, url: str) -> tuple[Any, Any]:
        """Return the post's object, and yt-dlp's entries for its video if it has one.

        Raises:
            NotFoundError, NotAvailableError: the API does not provide the post.
            ExtractorError: the API could not be read.
        """
        handle, _, number = url.removeprefix(self.link_to("")).partition("/post/")
        query = {
            "uri": f"at://{handle}/app.bsky.feed.post/{number}",
            "depth": 0,
            "parentHeight": 0,
        }
        answer = extractor._download_json(
            f"{_API}getPostThread", number, query=query, expected_status=400
        )
        post = read_thread(answer)
        media = find_media(post)
        if media is None or media.kind != "video":
            return post.value, []
        videos = extractor._extract_videos(
            media.root.value,
            number,
            embed_path=media.path,
            record_path=media.record,
            # The record has its media at the same place, without the list.
            record_subpath=tuple(key for key in ("embed", *media.path[1:]) if key != 0),
        )
        return post.value, videos

    def read(self, result: tuple[Any, Any], about: Post) -> Post:
        """Convert the post's object and yt-dlp's entries to a post; see `read_post`."""
        return read_post(*result, about)


class _ProfileIE(InfoExtractor):  # type: ignore[misc] # yt-dlp ships no types
    """The posts of an account that have pictures or videos, the newest first."""

    def _real_extract(self, url: str) -> dict[str, Any]:
        actor = unquote(url.removeprefix(_PROFILE))
        first = self._page(actor, "")
        names = (_name_of(post) for post in _own_posts(first))
        entries = first_pages(self._pages(actor, first))
        result: dict[str, Any] = self.playlist_result(entries, actor, next(names, actor))
        return result

    def _pages(self, actor: str, page: Json) -> Iterator[ListPage]:
        while True:
            after = page["cursor"].text()
            entries = [_entry(post) for post in _own_posts(page) if _has_media(post)]
            yield ListPage(entries, bool(after))
            if not after:
                return
            page = self._page(actor, after)

    def _page(self, actor: str, after: str) -> Json:
        """Read a page of the profile.

        Raises:
            NotFoundError: there is no such account.
            ExtractorError, PlatformError: the API could not be read.
        """
        query = {"actor": actor, "limit": _PAGE, "filter": "posts_with_media"}
        query |= {"cursor": after} if after else {}
        url = f"{_API}getAuthorFeed"
        page = Json(self._download_json(url, actor, query=query, expected_status=400), "bluesky")
        if reason := _REFUSALS.get(page["error"].text()):
            raise reason(page["error"].text())
        if not isinstance(page["feed"].value, list):
            raise PlatformChangedError("bluesky: no feed in the answer")
        return page


def _own_posts(page: Json) -> Iterator[Json]:
    """Yield the posts of a page, without those of others that the account has shared."""
    return (item["post"] for item in page["feed"] if not item["reason"])


def _has_media(post: Json) -> bool:
    media = find_media(post)
    return media is not None and media.kind in {"images", "gallery", "video"}


def _name_of(post: Json) -> str:
    """Return the handle of a post's author, or the permanent id if the handle is not valid."""
    author = post["author"]
    handle = author["handle"].text()
    return author["did"].text() if handle == _NO_HANDLE else handle


def _entry(post: Json) -> dict[str, Any]:
    record = post["record"]
    return {
        "url": f"{_PROFILE}{_name_of(post)}/post/{post['uri'].text().rpartition('/')[2]}",
        "title": record["text"].text(),
        "timestamp": unified_timestamp(record["createdAt"].text()),
    }


def read_thread(answer: Any) -> Json:
    """Return the post in an answer of the API.

    Raises:
        NotFoundError, NotAvailableError: the API does not provide the post.
        PlatformChangedError: the answer contains neither a post nor a reason.
    """
    page = Json(answer, "bluesky")
    thread = page["thread"]
    for reason in (page["error"].text(), thread["$type"].text()):
        if reason in _REFUSALS:
            raise _REFUSALS[reason](reason)
    return thread["post"].needed()


def find_media(post: Json) -> Media | None:
    """Return the media of a post, or of the one that it quotes; None if there are none."""
    embed = post["embed"]
    own = Media(embed, post, ("embed",))
    if own.kind == "recordWithMedia":
        return Media(embed["media"], post, ("embed", "media"))
    if own.kind != "record":
        return own if own.embed else None
    quoted = embed["record"]
    first = next(iter(quoted["embeds"]), Json(None, "bluesky"))
    media = Media(first, quoted, ("embeds", 0), "value")
    if media.kind == "recordWithMedia":
        return replace(media, embed=first["media"], path=("embeds", 0, "media"))
    return media if first and media.kind != "record" else None


def read_post(document: Any, videos: Any, about: Post) -> Post:
    """Convert a post's object to a post; `videos` are yt-dlp's entries for its video.

    See `read_info` for `about`.

    Raises:
        NoMediaError: the post has no media, or its media are on another site.
        PlatformChangedError: no item is readable, or the kind of the media is unknown.
    """
    page = Json(document, "bluesky").needed()
    media = find_media(page)
    if media is None:
        raise NoMediaError("a text")
    items = _items(media, videos, about)
    if all(isinstance(item, Unreadable) for item in items):
        raise PlatformChangedError(f"bluesky: none of {len(items)} items is readable")
    labels = {label["val"].text() for label in (*page["labels"], *media.root["labels"])}
    return replace(
        about,
        details=Details(
            author=page["author"]["handle"].text(),
            text=page["record"]["text"].text(),
            likes=page["likeCount"].count(),
        ),
        items=items,
        is_sensitive=bool(labels & _SENSITIVE),
    )


def _items(media: Media, videos: Any, about: Post) -> tuple[Item, ...]:
    match media.kind:
        case "images" | "gallery":
            listed = (*media.embed["images"], *media.embed["items"])
            return tuple(map(_picture, listed)) or (Unreadable(),)
        case "video":
            return read_info({"_type": "playlist", "entries": videos}, about).items
        case "external":
            return (_gif(media.embed["external"]),)
        case kind:
            raise PlatformChangedError(f"bluesky: unknown media {kind[:40]!r}")


def _picture(image: Json) -> Item:
    urls = (image[key].text() for key in ("fullsize", "thumb", "thumbnail"))
    found = tuple(url for url in urls if url.startswith("https://"))
    return Picture(found) if found else Unreadable()


def _gif(link: Json) -> Item:
    """Return the GIF that a post links to.

    Raises:
        NoMediaError: the link leads to another site.
    """
    url = link["uri"].text()
    if not url.startswith("https://") or not _GIFS.allows(url):
        raise NoMediaError("the media are on another site")
    still = link["thumb"].text()
    stills = (still,) if still.startswith("https://") else ()
    # The file is probed after the download, so the codec may be a guess.
    return Clip((Rendition((url,), codec="h264"),), cover_urls=stills, is_silent=True)


#: A handle, or a DID: "did:plc:demo01".
_AUTHOR: Final = r"(?:[\w.:-]|%3[Aa])+"

_SITE = _Bluesky(
    name="bluesky",
    extractor=("bluesky", "BlueskyIE"),
    post=re.compile(
        rf"(?:(?:main\.bsky\.dev|(?:staging\.)?bsky\.app)/profile/(?P<author>{_AUTHOR})/post/"
        rf"|embed\.bsky\.app/embed/(?P<embedded>{_AUTHOR})/app\.bsky\.feed\.post/)"
        r"(?P<number>\w+)",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIST, re.compile(r"bsky\.app/profile/[^/]+/(?:feed|lists)/|go\.bsky\.app/")),
        (PageKind.LIST, re.compile(r"bsky\.app/(?:starter-pack|start|feeds)/")),
        (PageKind.TAG, re.compile(r"bsky\.app/(?:hashtag/|search)")),
        (PageKind.PROFILE, re.compile(r"bsky\.app/profile/[^/?]")),
        (PageKind.UNNAMED, re.compile(r"(?:cdn|video)\.bsky\.app/[^?]")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*bsky\.app/")),
    ),
    address=f"{_PROFILE}{{}}",
    page_hosts=HostRule(("bsky.app", "bsky.social", "bsky.network", "plc.directory")),
    media_hosts=HostRule(("bsky.network", "bsky.app", "bsky.social", *_GIFS.domains)),
)

PLATFORM = site(
    _SITE,
    "Bluesky",
    "https://bsky.app/profile/ferry.example/post/3demo01",
    "https://bsky.app/profile/did:plc:demo01/post/3demo01",
    "https://embed.bsky.app/embed/did:plc:demo01/app.bsky.feed.post/3demo01",
    lists=flat_lists(
        "bluesky",
        ListForm(
            _ProfileIE,
            re.compile(r"(?:main\.bsky\.dev|bsky\.app)/profile/(?P<id>[\w.:%-]+)/?\?", re.ASCII),
            f"{_PROFILE}{{}}",
            is_by_date=True,
            is_lenient=True,
        ),
        hosts=_SITE.page_hosts,
        recognise=_SITE.recognise,
    ),
)
