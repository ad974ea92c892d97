"""Posts on Bluesky: pictures, videos and GIFs, read without an account.

The post is read from the public API. Only the files of a video are left to yt-dlp's extractor,
which knows where the servers of the network keep them. A post without media of its own that quotes
another one has the other one's. Source of the API, and of the lexicons app.bsky.embed.*:
https://docs.bsky.app/docs/api/app-bsky-feed-get-post-thread. Pictures were never tried against the
real site.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

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
from platforms._ytdlp_site import YtdlpSite, read_info, site

_API: Final = "https://public.api.bsky.app/xrpc/app.bsky.feed.getPostThread"
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
        answer = extractor._download_json(_API, number, query=query, expected_status=400)
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
    address="https://bsky.app/profile/{}",
    page_hosts=HostRule(("bsky.app", "bsky.social", "bsky.network", "plc.directory")),
    media_hosts=HostRule(("bsky.network", "bsky.app", "bsky.social", *_GIFS.domains)),
)

PLATFORM = site(
    _SITE,
    "Bluesky",
    "https://bsky.app/profile/ferry.example/post/3demo01",
    "https://bsky.app/profile/did:plc:demo01/post/3demo01",
    "https://embed.bsky.app/embed/did:plc:demo01/app.bsky.feed.post/3demo01",
)
