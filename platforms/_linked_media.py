"""Read the media on RedGifs and Imgur that posts of other sites link to.

Sources: https://github.com/Redgifs/api/wiki/Temporary-tokens, and yt-dlp's extractors. Never tried
against the real sites.
"""

import re
from typing import Any, Final

from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import ExtractorError

from core.errors import PlatformChangedError
from core.media import Clip, Item, Picture, Rendition, Unreadable
from platforms._http import GONE, HostRule
from platforms._json import Json
from platforms._ytdlp import BROWSER

#: Hosts of both sites' APIs and files.
LINKED_HOSTS: Final = HostRule(("redgifs.com", "imgur.com"))

_REDGIFS = re.compile(
    r"https?://(?:[a-z0-9]+\.)?redgifs\.com/(?:watch|ifr|i)/(?P<id>[A-Za-z]+)", re.ASCII
)
#: A link to the file of a picture.
_REDGIFS_FILE = re.compile(r"https?://(?:[a-z0-9]+\.)?redgifs\.com/i/", re.ASCII)
_REDGIFS_API: Final = "https://api.redgifs.com/v2"
#: The signatures of RedGifs' files are made for one address and User-Agent, which the download
#: has, too.
_REDGIFS_HEADERS: Final = {"Referer": "https://www.redgifs.com/", "User-Agent": BROWSER}
_REDGIFS_PICTURE: Final = 2

_IMGUR: Final = r"https?://(?:(?:www|m|i)\.)?imgur\.com"
_IMGUR_FILE = re.compile(rf"{_IMGUR}/(?P<id>[A-Za-z0-9]+)\.(?P<kind>[A-Za-z0-9]+)", re.ASCII)
_IMGUR_ALBUM = re.compile(
    rf"{_IMGUR}/(?:a|gallery|(?:t|topic|r)/[^/?#]+)/(?:[^/?#]*-)?(?P<id>[A-Za-z0-9]+)", re.ASCII
)
_IMGUR_PAGE = re.compile(rf"{_IMGUR}/(?:[^/?#]*-)?(?P<id>[A-Za-z0-9]+)/?(?:[?#]|$)", re.ASCII)
#: Imgur's own web client.
_IMGUR_QUERY: Final = "client_id=546c25a59c58ad7&include=media"
_IMGUR_API: Final = "https://api.imgur.com/post/v1"
#: An album's items beyond this number are not counted: it is a list.
_MAX_ITEMS: Final = 100


def linked_headers(url: str) -> dict[str, str]:
    """Return the headers for downloading the media behind a link."""
    return _REDGIFS_HEADERS if _REDGIFS.match(url) else {"User-Agent": BROWSER}


def has_linked(url: str) -> bool:
    """Return True if a link leads to media that `fetch_linked` can read."""
    return any(form.match(url) for form in (_REDGIFS, _IMGUR_FILE, _IMGUR_ALBUM, _IMGUR_PAGE))


def fetch_linked(extractor: Any, url: str) -> tuple[Item, ...]:
    """Return the media behind a link, in order; empty if it leads to another site.

    `extractor` is any of yt-dlp's, inside a reader's thread, whose hosts include `LINKED_HOSTS`.

    Raises:
        ExtractorError: the site does not provide the media.
        PlatformError: the site could not be read.
    """
    if found := _REDGIFS.match(url):
        return _fetch_redgifs(extractor, found["id"].lower())
    if found := _IMGUR_FILE.match(url):
        return (_imgur_file(found["id"], found["kind"].lower()),)
    if found := _IMGUR_ALBUM.match(url):
        return _fetch_imgur(extractor, ("albums", "media"), found["id"])
    if found := _IMGUR_PAGE.match(url):
        return _fetch_imgur(extractor, ("media",), found["id"])
    return ()


def is_whole(copy: Item, url: str) -> bool:
    """Return True if another site's copy of one file is all that a link leads to.

    Albums may have other files, and the still of a video is not the video.
    """
    if _IMGUR_ALBUM.match(url):
        return False
    is_video = _REDGIFS.match(url) and not _REDGIFS_FILE.match(url)
    return isinstance(copy, Clip) or not is_video


def _fetch_redgifs(extractor: Any, gif_id: str) -> tuple[Item, ...]:
    def ask(path: str, **headers: str) -> Json:
        url = f"{_REDGIFS_API}/{path}"
        answer = extractor._download_json(url, gif_id, headers=_REDGIFS_HEADERS | headers)
        return Json(answer, f"redgifs.{path}")

    token = ask("auth/temporary")["token"].needed().text()
    answer = ask(f"gifs/{gif_id}", Authorization=f"Bearer {token}")
    if gallery := answer["gif"]["gallery"].text():
        answer = ask(f"gallery/{gallery}", Authorization=f"Bearer {token}")
    return read_redgifs(answer)


def read_redgifs(answer: Json) -> tuple[Item, ...]:
    """Convert an answer about one GIF, or about a gallery of them.

    Raises:
        PlatformChangedError: it lists none.
    """
    gifs = list(answer["gifs"]) or [answer["gif"].needed()]
    return tuple(map(_redgif, gifs))


def _redgif(gif: Json) -> Item:
    urls = {name: gif["urls"][name].text() for name in ("hd", "sd", "poster")}
    files = [url for name in ("hd", "sd") if (url := urls[name]).startswith("https://")]
    if not files:
        return Unreadable()
    if gif["type"].number() == _REDGIFS_PICTURE:
        return Picture(tuple(files))
    width, height = gif["width"].number(), gif["height"].number()
    best = Rendition((files[0],), codec="h264", width=width, height=height, quality=1)
    others = (Rendition((url,), codec="h264") for url in files[1:])
    covers = tuple(filter(lambda url: url.startswith("https://"), [urls["poster"]]))
    is_silent = gif["hasAudio"].value is False
    return Clip((best, *others), gif["duration"].number(), covers, is_silent)


def _fetch_imgur(extractor: Any, kinds: tuple[str, ...], media_id: str) -> tuple[Item, ...]:
    """Ask for an album; the same id may be that of a single picture."""
    answer = Json(None, "imgur")
    for kind in kinds:
        url = f"{_IMGUR_API}/{kind}/{media_id}?{_IMGUR_QUERY}"
        try:
            answer = Json(extractor._download_json(url, media_id), "imgur")
        except ExtractorError as error:
            if kind == kinds[-1] or not _is_missing(error):
                raise
        if answer["media"]:
            break
    return read_imgur(answer)


def _is_missing(error: ExtractorError) -> bool:
    return isinstance(error.cause, HTTPError) and error.cause.status in GONE


def read_imgur(answer: Json) -> tuple[Item, ...]:
    """Convert an answer about an album, or about a single picture or video.

    Raises:
        PlatformChangedError: it lists none.
    """
    items = tuple(map(_imgur_item, answer["media"]))
    if not items:
        raise PlatformChangedError("imgur: no media")
    missing = min(answer["image_count"].number(), _MAX_ITEMS) - len(items)
    return items + (Unreadable(),) * missing


def _imgur_item(media: Json) -> Item:
    url, details = media["url"].text(), media["metadata"]
    found = _IMGUR_FILE.match(url)
    if not found or not url.startswith("https://"):
        return Unreadable()
    if media["type"].text() != "video" and not details["is_animated"]:
        return Picture((url,))
    size = media["width"].number(), media["height"].number()
    is_silent = details["has_sound"].value is False
    return _imgur_clip(found["id"], size, details["duration"].number(), is_silent=is_silent)


def _imgur_file(media_id: str, kind: str) -> Item:
    """Return the media of a link that names a file; ".gifv" is a page around a video."""
    if kind in {"gif", "gifv", "mp4", "webm"}:
        return _imgur_clip(media_id, (0, 0), 0, is_silent=kind in {"gif", "gifv"})
    return Picture((f"https://i.imgur.com/{media_id}.{kind}",))


def _imgur_clip(media_id: str, size: tuple[int, int], duration_s: int, *, is_silent: bool) -> Clip:
    """Return an animated picture or a video; the site makes a video of every animated picture."""
    file = f"https://i.imgur.com/{media_id}"
    renditions = [Rendition((f"{file}.mp4",), "h264", *size, quality=1)]
    if is_silent:
        renditions.append(Rendition((f"{file}.gif",), "h264", *size))
    return Clip(tuple(renditions), duration_s, (f"{file}h.jpg",), is_silent)
