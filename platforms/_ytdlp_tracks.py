"""Sites of music and speech, whose posts are tracks."""

from typing import Any, Final

from core.errors import DrmError, ListError, LiveError, NoMediaError
from core.media import Audio, Details, Post
from platforms._json import Json
from platforms._ytdlp_formats import is_protected, read_audio
from platforms._ytdlp_site import YtdlpSite, is_live

#: Telegram shows covers of this size, in pixels; a larger one is only made smaller.
_COVER_PIXELS: Final = 320
#: Artists of one track that are named.
_MOST_ARTISTS: Final = 3


class TrackSite(YtdlpSite):
    """A site whose posts are tracks, which are sent as audio."""

    def read(self, result: Any, about: Post) -> Post:
        """Convert an info dict to a post; see `read_track`."""
        return read_track(result, about, self.author)


def read_track(info: Any, about: Post, author: tuple[str, ...]) -> Post:
    """Convert the info dict of a track to a post, whose only item is the track.

    The post has no text, because a player shows title and performer. See `read_info` for `about`
    and `author`.

    Raises:
        LiveError, ListError, DrmError, NoMediaError: the result is not a single track.
    """
    page = Json(info, about.platform).needed()
    if page["_type"].text() not in {"", "video"}:
        raise ListError(page["_type"].text()[:40])
    if is_live(page):
        raise LiveError(about.url)
    formats = list(page["formats"])
    urls = read_audio(formats)
    if not urls:
        raise DrmError(about.url) if is_protected(formats) else NoMediaError("no audio")
    performer = next(filter(None, (_names(page[key]) for key in author)), "")
    track = Audio(
        urls,
        title=page["track"].text() or page["title"].text(),
        author=performer,
        duration_s=page["duration"].number(),
        cover_urls=_covers(page),
    )
    return Post(
        platform=about.platform,
        id=about.id,
        url=about.url,
        access=about.access,
        details=Details(
            author=performer,
            likes=page["like_count"].count(),
            views=page["view_count"].count(),
        ),
        items=(track,),
        audio=track,
    )


def _names(value: Json) -> str:
    """Return a name, or several in one line."""
    listed = [name.text() for name in value]
    return ", ".join(filter(None, listed[:_MOST_ARTISTS])) or value.text()


def _covers(page: Json) -> tuple[str, ...]:
    """Return the smallest cover that is large enough, or else the last, which is the best one."""
    listed = [still for still in page["thumbnails"] if still["url"].text().startswith("https://")]
    enough = [still for still in listed if still["width"].number() >= _COVER_PIXELS]
    best = min(enough, key=lambda still: still["width"].number(), default=None) or (
        listed[-1] if listed else None
    )
    url = best["url"].text() if best else page["thumbnail"].text()
    return (url,) if url.startswith("https://") else ()
