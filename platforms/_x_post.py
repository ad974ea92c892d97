"""Convert the JSON object of a post on X to a post: photos, videos and GIFs in order.

Two sources describe the same media in the same form: the site's API (`TweetResultByRestId`) and the
endpoint behind embedded posts (`tweet-result`). A post without media of its own has those of the
post that it quotes, which the site shows inside it; otherwise the quoted post is left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Any, Final

from core.errors import (
    AgeRestrictedError,
    ClipferryError,
    LoginRequiredError,
    MediaDeletedError,
    MediaPrivateError,
    NoMediaError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
    RegionBlockedError,
)
from core.media import Clip, Details, Item, Picture, Post, Rendition, Unreadable
from platforms._json import Json

#: Sizes of a photo, the file as it was uploaded first.
_PHOTO_SIZES: Final = ("orig", "4096x4096", "large")
#: The frame in the URL of a video: ".../vid/avc1/576x1024/a.mp4".
_FRAME: Final = re.compile(r"/(\d{1,5})x(\d{1,5})/", re.ASCII)
#: Cards without media of their own: previews of pages, and polls.
_PLAIN_CARDS: Final = re.compile(r"|(?:\d+:)?(?:summary\w*|poll\dchoice_text_only)", re.ASCII)
#: Values of `reason` of a post that the API does not show.
_REASONS: Final[dict[str, type[ClipferryError]]] = {
    "Protected": MediaPrivateError,
    "NsfwLoggedOut": AgeRestrictedError,
    "NsfwViewerHasNoStatedAge": AgeRestrictedError,
    "NsfwViewerIsUnderage": AgeRestrictedError,
}
#: Parts of the texts that the site shows in the place of a post; the first match wins.
_TOMBSTONES: Final[tuple[tuple[str, type[ClipferryError]], ...]] = (
    ("age-restricted", AgeRestrictedError),
    ("under 18", AgeRestrictedError),
    ("limits who can view", MediaPrivateError),
    ("protected", MediaPrivateError),
    ("withheld", RegionBlockedError),
    ("deleted", NotFoundError),
    ("suspended", NotFoundError),
    ("no longer exists", NotFoundError),
    ("violated", NotFoundError),
    ("log in", LoginRequiredError),
)


@dataclass(frozen=True, slots=True)
class _Source:
    """The parts of a post's object that the two sources keep in different places."""

    #: Keys as in the first version of the API: likes, sensitivity, entities.
    status: Json
    text: str
    #: What the links in the text stand for.
    entities: Json
    author: str
    views: int | None
    media: Sequence[Json]
    quoted_media: Sequence[Json]


def read_answer(answer: Any, about: Post) -> Post:
    """Convert an answer of the site's API (its `data`) to a post.

    `about` has the post's platform, id, URL and access; its other fields are ignored.

    Raises:
        MediaError: the site does not show the post, or it has no media.
        PlatformChangedError: none of the media is readable.
    """
    return _read(_api_source(_shown(answer)), about)


def needs_card(answer: Any) -> bool:
    """Return True if the only media that an answer of the API may have are those of a card."""
    result = _unwrapped(_result(answer))
    if _refusal(result) or _is_plain(result["card"]["legacy"]):
        return False
    source = _api_source(_shown(answer))
    return not (source.media or source.quoted_media)


def read_embed(status: Any, about: Post) -> Post:
    """Convert an answer of the endpoint of embedded posts to a post; see `read_answer`.

    Raises:
        MediaError, PlatformChangedError: see `read_answer`.
        PlatformRefusedError: only the API describes the media.
    """
    page = Json(status, "x.embed").needed()
    if refusal := _refusal(page):
        raise refusal
    source = _Source(
        status=page,
        text=page["text"].text(),
        entities=page["entities"],
        author=page["user"]["screen_name"].text(),
        views=None,
        media=list(page["mediaDetails"]),
        quoted_media=list(page["quoted_tweet"]["mediaDetails"]),
    )
    if not (source.media or source.quoted_media or _is_plain(page["card"])):
        raise PlatformRefusedError("only the API describes the video of a card")
    return _read(source, about)


def _is_plain(card: Json) -> bool:
    """Return True if a card has no media, or if there is none."""
    return bool(_PLAIN_CARDS.fullmatch(card["name"].text()))


def _result(answer: Any) -> Json:
    return Json(answer, "x")["tweetResult"]["result"]


def _unwrapped(result: Json) -> Json:
    """Return the post within an object that limits who may answer it or how it is shown."""
    return result["tweet"] or result


def _shown(answer: Any) -> Json:
    """Return the object of the post; of a repost, that of the original.

    Raises:
        MediaError: the site does not show the post.
    """
    result = _result(answer)
    if refusal := _refusal(result):
        raise refusal
    if not result:
        # Sent for deleted posts, and also to clients that the site distrusts.
        raise MediaDeletedError("no result")
    tweet = _unwrapped(result)
    return _unwrapped(tweet["legacy"]["retweeted_status_result"]["result"]) or tweet


def _refusal(result: Json) -> ClipferryError | None:
    """Return the error for an object that stands in the place of a post, or None."""
    kind = result["__typename"].text()
    if kind == "TweetTombstone" or result["tombstone"]:
        text = result["tombstone"]["text"]["text"].text()
        found = (error for part, error in _TOMBSTONES if part in text.lower())
        return next(found, NotAvailableError)(text[:100])
    if kind == "TweetUnavailable":
        reason = result["reason"].text()
        return _REASONS.get(reason, NotAvailableError)(reason[:100])
    return None


def _api_source(tweet: Json) -> _Source:
    status, user = tweet["legacy"], tweet["core"]["user_results"]["result"]
    # The whole text of a long post, of which `full_text` is the beginning.
    note = tweet["note_tweet"]["note_tweet_results"]["result"]
    quoted = _unwrapped(tweet["quoted_status_result"]["result"])
    return _Source(
        status=status,
        text=note["text"].text() or status["full_text"].text(),
        entities=note["entity_set"] if note["text"] else status["entities"],
        author=user["core"]["screen_name"].text() or user["legacy"]["screen_name"].text(),
        views=tweet["views"]["count"].count(),
        media=list(status["extended_entities"]["media"]),
        quoted_media=list(quoted["legacy"]["extended_entities"]["media"]),
    )


def _read(source: _Source, about: Post) -> Post:
    items = tuple(map(_item, source.media or source.quoted_media))
    if not items:
        raise NoMediaError("neither media nor quoted media")
    if all(isinstance(item, Unreadable) for item in items):
        raise PlatformChangedError(f"x: none of {len(items)} items is readable")
    return replace(
        about,
        details=Details(
            author=source.author,
            text=_text(source),
            likes=source.status["favorite_count"].count(),
            views=source.views,
        ),
        items=items,
        is_sensitive=bool(source.status["possibly_sensitive"]),
    )


def _text(source: _Source) -> str:
    """Return the text without the links to the post's own media, and with the others in full."""
    text = source.text
    for link in source.entities["media"]:
        text = _replaced(text, link["url"].text(), "")
    for link in source.entities["urls"]:
        text = _replaced(text, link["url"].text(), link["expanded_url"].text())
    return unescape(text).strip()


def _replaced(text: str, short: str, whole: str) -> str:
    # One link each: the text must not grow without a limit.
    return text.replace(short, whole, 1) if short.startswith("https://t.co/") else text


def _item(media: Json) -> Item:
    """Return a photo, a video or a GIF; the still of a video without a file is not the item."""
    still = media["media_url_https"].text()
    is_still = still.startswith("https://")
    match media["type"].text():
        case "photo" if is_still:
            return Picture(tuple(f"{still}?name={size}" for size in _PHOTO_SIZES))
        case "video" | "animated_gif" as kind:
            renditions = _renditions(media)
            if renditions:
                duration_s = media["video_info"]["duration_millis"].number() // 1_000
                covers = (f"{still}?name=orig",) if is_still else ()
                return Clip(renditions, duration_s, covers, is_silent=kind == "animated_gif")
    return Unreadable()


def _renditions(media: Json) -> tuple[Rendition, ...]:
    """Return the files of a video; its playlists of segments are left out."""
    files = (v for v in media["video_info"]["variants"] if v["content_type"].text() == "video/mp4")
    return tuple(
        _rendition(file, media["original_info"])
        for file in files
        if file["url"].text().startswith("https://")
    )


def _rendition(file: Json, original: Json) -> Rendition:
    url = file["url"].text()
    frame = _FRAME.search(url)
    return Rendition(
        (url,),
        codec="h265" if "/hevc/" in url or "/hvc1/" in url else "h264",
        width=int(frame[1]) if frame else original["width"].number(),
        height=int(frame[2]) if frame else original["height"].number(),
        bitrate=file["bitrate"].number(),
    )
