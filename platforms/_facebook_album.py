"""Read which photos and videos an album on Facebook has, from the JSON in its page.

The page has them as small crops, so each is a post of its own, whose page has its full size. It has
the first ones only; the others need the queries of the site's own client. Source of the keys:
public readers of these pages, such as gallery-dl; never tried against the real site.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from platforms._facebook_post import PHOTO, VIDEO, kind_of
from platforms._json import Json
from platforms._page_json import objects_in

#: Where an album's object has the list of its media.
_CONNECTIONS: Final = ("grid_media", "media")
#: URL of a photo, and of a video, without its number.
PHOTO_ADDRESS: Final = "https://www.facebook.com/photo/?fbid="
VIDEO_ADDRESS: Final = "https://www.facebook.com/watch/?v="
#: The number of its album in the address of a photo; those of a former form have more behind it.
_ALBUM_NUMBER: Final = re.compile(r"(?:[?&]set=|/photos/)a\.(?P<number>\d+)\b", re.ASCII)
_ADDRESSES: Final = {PHOTO: PHOTO_ADDRESS, VIDEO: VIDEO_ADDRESS}


@dataclass(frozen=True, slots=True)
class FoundAlbum:
    """What a page says about its album."""

    title: str
    #: The photos and videos that the page lists, in the form of yt-dlp's entries.
    entries: tuple[dict[str, Any], ...]
    #: The album has more than the page lists.
    has_more: bool


def find_album(page: str, number: str) -> FoundAlbum | None:
    """Return the album with this number; None if the page does not have it."""
    objects = [Json(value, "facebook") for value in objects_in(page, number)]
    lists = [one for one in objects if isinstance(_connection(one)["edges"].value, list)]
    numbered = [one for one in lists if one["id"].value == number]
    named = [one for one in lists if _is_named(one, number)]
    own = list(filter(_media_of, numbered)) or named or numbered
    if not own:
        return None
    album = max(own, key=lambda one: len(_media_of(one)))
    # The head of the page and its grid may be different objects.
    heads = [album, *(one for one in objects if one["id"].value == number)]
    titles = (one["title"]["text"].text() for one in heads)
    return FoundAlbum(
        title=next(filter(None, titles), ""),
        entries=tuple(map(_entry, _media_of(album))),
        has_more=bool(_connection(album)["page_info"]["has_next_page"]),
    )


def _is_named(node: Json, number: str) -> bool:
    """Return True for a list whose media name the album, and no other one.

    A list of all photos of a person has those of several albums.
    """
    named = (_ALBUM_NUMBER.search(media["url"].text()) for media in _media_of(node))
    return {found["number"] for found in named if found} == {number}


def _connection(node: Json) -> Json:
    """Return the list of an object's media, or the object, which may be a list under other keys."""
    return next((node[key] for key in _CONNECTIONS if node[key]["edges"].value is not None), node)


def _media_of(album: Json) -> list[Json]:
    nodes = (edge["node"] for edge in _connection(album)["edges"])
    return [node for node in nodes if kind_of(node) in _ADDRESSES and node["id"].text().isdigit()]


def _entry(media: Json) -> dict[str, Any]:
    """Return a photo or video. Photos have no title, but a description for people who see none."""
    return {
        "url": f"{_ADDRESSES[kind_of(media)]}{media['id'].text()}",
        "title": media["accessibility_caption"].text(),
    }
