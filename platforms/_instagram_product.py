"""Convert the JSON object of a post in Instagram's API and pages to a post."""

from dataclasses import replace
from typing import Any, Final

from core.errors import PlatformChangedError
from core.media import (
    Access,
    Audio,
    Clip,
    Details,
    Item,
    LivePhoto,
    Picture,
    Post,
    Rendition,
    Unreadable,
)
from platforms._json import Json
from platforms._ytdlp_formats import read_formats

#: Values of `media_type`.
_PHOTO, _VIDEO, _CAROUSEL = 1, 2, 8
#: Keys that only the object of a video has a value for, where `media_type` is missing.
_VIDEO_SIGNS: Final = (
    *("is_video", "has_audio", "video_duration", "video_dash_manifest", "video_codec"),
    "is_dash_eligible",
    *("number_of_qualities", "view_count", "play_count", "ig_play_count", "clips_metadata"),
)
_VIDEO_PRODUCTS: Final = frozenset({"clips", "igtv"})
#: Key under which the formats of a video's DASH manifest are kept in its object.
DASH_FORMATS: Final = "clipferry_dash_formats"
#: Largest number of items that a post can have.
_MAX_ITEMS: Final = 50
#: Largest relative difference between the proportions of a picture and of its original.
_SHAPE_TOLERANCE: Final = 0.02


def read_product(product: Any, post_id: str, url: str, access: Access) -> Post:
    """Convert the object to a post with the given id and URL.

    Raises:
        PlatformChangedError: the object is missing, or an item has neither pictures nor videos.
    """
    page = Json(product, "instagram").needed()
    items = _items(page)
    if all(isinstance(item, Unreadable) for item in items):
        raise PlatformChangedError(f"instagram: none of {len(items)} items is readable")
    hides_counts = bool(page["like_and_view_counts_disabled"])
    counts = (page[key].count() for key in ("view_count", "play_count", "ig_play_count"))
    views = next((count for count in counts if count), None)
    return Post(
        platform="instagram",
        id=post_id,
        url=url,
        access=access,
        details=Details(
            author=page["user"]["username"].text(),
            text=page["caption"]["text"].text(),
            likes=None if hides_counts else page["like_count"].count(),
            views=None if hides_counts else views,
        ),
        items=items,
        audio=_music(page) if len(items) > 1 or not isinstance(items[0], Clip) else None,
    )


def has_media(page: Json) -> bool:
    """Return True if the object of a post lists media, whether or not they can be read."""
    return bool(
        page["carousel_media"]
        or page["video_versions"]
        or page["image_versions2"]["candidates"]
        or page["media_type"].number() in {_VIDEO, _CAROUSEL}
    )


def _music(page: Json) -> Audio | None:
    """Return the music of a picture post. A video contains its own."""
    music = page["music_metadata"]
    asset = music["music_info"]["music_asset_info"]
    original = music["original_sound_info"]
    url = asset["progressive_download_url"].text() or original["progressive_download_url"].text()
    if not url.startswith("https://"):
        return None
    covers = (asset[key].text() for key in ("cover_artwork_uri", "cover_artwork_thumbnail_uri"))
    return Audio(
        urls=(url,),
        title=asset["title"].text() or original["original_audio_title"].text(),
        author=asset["display_artist"].text() or original["ig_artist"]["username"].text(),
        duration_s=(asset["duration_in_ms"] or original["duration_in_ms"]).number() // 1_000,
        cover_urls=tuple(cover for cover in covers if cover.startswith("https://")),
    )


def _items(page: Json) -> tuple[Item, ...]:
    """Return the items of a post; an item that is listed or counted, but cannot be read, stays."""
    children = list(page["carousel_media"])
    if not children and page["media_type"].number() != _CAROUSEL:
        return (read_item(page),)
    missing = page["carousel_media_count"].number() - len(children)
    items = [*map(read_item, children), *[Unreadable()] * min(missing, _MAX_ITEMS - len(children))]
    return tuple(items) or (Unreadable(),)


def read_item(media: Json) -> Item:
    """Return a video or a picture. The still of a video that cannot be read is not the item."""
    stills = _stills(media)
    versions = {v["url"].text(): v for v in media["video_versions"] if v["url"].text()}
    width, height = media["original_width"].number(), media["original_height"].number()
    renditions = tuple(
        Rendition(
            (url,),
            codec="h264",
            width=version["width"].number(width),
            height=version["height"].number(height),
            bitrate=version["bandwidth"].number(),
        )
        for url, version in versions.items()
    ) or read_formats(list(media[DASH_FORMATS]))
    if renditions:
        is_silent = media["has_audio"].value is False
        clip = Clip(renditions, media["video_duration"].number(), stills[:1], is_silent)
        # The object of a live photo is that of a picture, with a video.
        is_live = bool(stills) and media["media_type"].number() == _PHOTO
        return LivePhoto(Picture(stills), replace(clip, cover_urls=())) if is_live else clip
    is_picture = stills and media["media_type"].number() != _CAROUSEL and not _is_video(media)
    return Picture(stills) if is_picture else Unreadable()


def _is_video(media: Json) -> bool:
    """Return True if anything in the object of an item says that it is a video."""
    kind = media["media_type"].number()
    return kind == _VIDEO or (
        (kind != _PHOTO and any(bool(media[key]) for key in _VIDEO_SIGNS))
        or media["product_type"].text() in _VIDEO_PRODUCTS
    )


def _stills(media: Json) -> tuple[str, ...]:
    """Return the URLs of the item's picture, the best one first.

    The best one is the largest whose proportions are those of the original, because some are crops.
    Where the page states no sizes, the first one is in full size.
    """
    candidates = [c for c in media["image_versions2"]["candidates"] if c["url"].text()]
    sizes = {id(c): (c["width"].number(), c["height"].number()) for c in candidates}
    original = media["original_width"].number(), media["original_height"].number()
    if not all(original) and candidates:
        original = sizes[id(candidates[0])]

    def rank(candidate: Json) -> tuple[bool, int]:
        width, height = sizes[id(candidate)]
        return _is_same_shape((width, height), original), width * height

    if candidates and all(sizes[id(candidates[0])]):
        candidates.sort(key=rank, reverse=True)
    return tuple(c["url"].text() for c in candidates)


def _is_same_shape(size: tuple[int, int], original: tuple[int, int]) -> bool:
    """Return True if a picture has the proportions of the original, up to rounded sides."""
    if not all(size) or not all(original):
        return False
    ratio = (size[0] / size[1]) / (original[0] / original[1])
    return abs(ratio - 1) <= _SHAPE_TOLERANCE
