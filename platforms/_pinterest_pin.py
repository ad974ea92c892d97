"""Convert the JSON object of a pin on Pinterest to a post.

A pin is one picture or video, a carousel of several, or pages (an "idea pin") whose blocks are
pictures, videos, words and stickers.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from core.errors import ListError, NoMediaError, NotAvailableError, PlatformChangedError
from core.media import Clip, Details, Item, Picture, Post, Rendition, Unreadable
from platforms._json import Json

#: Keys of the sizes of a whole picture; those with a height as well, such as "600x315", are crops.
_WHOLE: Final = re.compile(r"orig(?:inals)?|\d+x", re.ASCII)
#: The folder of a size in a picture's URL: "https://i.pinimg.com/736x/1a/2b/3c/1a2b3c.jpg".
_SIZE_FOLDER: Final = re.compile(r"(?<=^https://i\.pinimg\.com/)\d+x\d*(?=/)")
#: The name of a video's file in a page of a pin. The numbers rise with the quality, while all files
#: may state the same frame.
_NUMBERED: Final = re.compile(r"V_EXP(\d)", re.ASCII)
#: A pin with more items than this counts as a list.
_MAX_ITEMS: Final = 50


def read_pin(answer: Any, about: Post) -> Post:
    """Convert an answer of the site's PinResource (its `resource_response`) to a post.

    `about` has the post's platform, id, URL and access; its other fields are ignored.

    Raises:
        NotAvailableError: the site does not show the pin.
        NoMediaError: it has no media, or those of another site.
        ListError: it has too many items.
        PlatformChangedError: none of the media is readable.
    """
    pin = Json(answer, "pinterest")["data"]
    if not pin:
        raise NotAvailableError("no pin")
    items = tuple(_items(pin))
    if len(items) > _MAX_ITEMS:
        raise ListError(f"{len(items)} items")
    if not items:
        raise NoMediaError("neither pictures nor videos")
    if all(isinstance(item, Unreadable) for item in items):
        raise PlatformChangedError(f"pinterest: none of {len(items)} items is readable")
    people = (pin["closeup_attribution"], pin["native_creator"], pin["pinner"])
    texts = (pin[key].text().strip() for key in ("description", "title", "grid_title"))
    return replace(
        about,
        details=Details(
            author=next((name for who in people if (name := who["username"].text())), ""),
            text=next(filter(None, texts), ""),
        ),
        items=items,
    )


def _items(pin: Json) -> Iterator[Item]:
    """Yield the media in the site's order; what is listed or counted, but has no file, stays."""
    story = pin["story_pin_data"]
    pages, slots = list(story["pages"]), list(pin["carousel_data"]["carousel_slots"])
    if pages:
        for page in pages:
            yield from _page(page, pin["images"] if len(pages) == 1 else page["image"]["images"])
        missing = story["page_count"].number() - len(pages)
        yield from [Unreadable()] * min(missing, _MAX_ITEMS)
    elif slots:
        for slot in slots:
            yield _medium(slot) or Unreadable()
    elif item := _medium(pin):
        yield item


def _page(page: Json, cover: Json) -> Iterator[Item]:
    """Yield the media of a page; words and stickers are none.

    `cover` has the sizes of the picture of the whole page.
    """
    blocks = [block for block in page["blocks"] if _is_medium(block)]
    for block in blocks:
        if block["video"] or block["type"].text() == "story_pin_video_block":
            yield _video(block["video"]) or Unreadable()
        else:
            whole = _picture(cover) if len(blocks) == 1 else None
            picture = _picture(block["image"]["images"]) or whole
            yield picture or _signed(block, page) or Unreadable()


def _is_medium(block: Json) -> bool:
    kinds = {"story_pin_image_block", "story_pin_video_block"}
    return bool(block["video"]) or block["type"].text() in kinds


def _medium(pin: Json) -> Item | None:
    """Return the video or picture of a pin or of a carousel's part; None if it has neither.

    Raises:
        NoMediaError: it shows a video of another site, of which the picture is only the still.
    """
    videos = pin["videos"]
    if videos["video_list"]:
        return _video(videos, _stills(pin["images"])) or Unreadable()
    if pin["is_video"]:
        return Unreadable()
    embed = pin["embed"]
    is_own = pin["domain"].text().lower() == "uploaded by user"
    if embed["src"] and embed["type"].text() != "gif" and not is_own:
        raise NoMediaError("the video is on another site")
    return _picture(pin["images"])


def _picture(images: Json) -> Item | None:
    """Return a picture, the file as it was uploaded first; a GIF is a silent video."""
    urls = _stills(images)
    if not urls:
        return None
    if not urls[0].endswith(".gif"):
        return Picture(urls)
    # The file is probed after the download, so the codec may be a guess.
    return Clip((Rendition(urls[:1], codec="h264"),), cover_urls=urls[1:2], is_silent=True)


def _stills(images: Json) -> tuple[str, ...]:
    """Return the URLs of a picture: the original, which may be missing, then the larger sizes."""
    sizes = images.value if isinstance(images.value, dict) else {}
    whole = [name for name in sizes if _WHOLE.fullmatch(name)]
    ranked = sorted(whole, key=lambda name: _rank(name, images[name]), reverse=True)
    urls = [url for name in ranked if (url := images[name]["url"].text()).startswith("https://")]
    originals = [_SIZE_FOLDER.sub("originals", url) for url in urls[:1]]
    return tuple(dict.fromkeys([*originals, *urls]))


def _rank(name: str, image: Json) -> tuple[bool, int]:
    return name.startswith("orig"), image["width"].number()


def _signed(block: Json, page: Json) -> Picture | None:
    """Return the picture that a block names only by the hash in its URL."""
    name = block["image_signature"].text() or page["image_signature"].text()
    if not re.fullmatch(r"[0-9a-f]{32}", name):
        return None
    folder = f"https://i.pinimg.com/originals/{name[:2]}/{name[2:4]}/{name[4:6]}"
    return Picture(tuple(f"{folder}/{name}.{kind}" for kind in ("jpg", "png", "webp")))


def _video(video: Json, covers: tuple[str, ...] = ()) -> Clip | None:
    """Return a video; if only its playlist of segments is listed, with the file beside it."""
    listed = video["video_list"]
    names = list(listed.value) if isinstance(listed.value, dict) else []
    files = tuple(_file(name, listed[name]) for name in names if _url(listed[name]))
    derived = (file for name in names if (file := _file_beside(listed[name])))
    renditions = files or tuple(derived)
    if not renditions:
        return None
    longest = max((listed[name]["duration"].number() for name in names), default=0)
    stills = (listed[name]["thumbnail"].text() for name in names)
    covers = covers or tuple(still for still in stills if still.startswith("https://"))
    return Clip(renditions, longest // 1_000, covers[:1])


def _url(file: Json) -> str:
    """Return the URL of a whole file; empty for a playlist of segments."""
    url = file["url"].text()
    is_whole = url.partition("?")[0].endswith(".mp4")
    return url if url.startswith("https://") and is_whole else ""


def _file(name: str, file: Json) -> Rendition:
    number = _NUMBERED.match(name)
    return Rendition(
        (_url(file),),
        codec="h265" if "HEVC" in name else "h264",
        width=file["width"].number(),
        height=file["height"].number(),
        quality=int(number[1]) if number else 0,
    )


def _file_beside(playlist: Json) -> Rendition | None:
    """Return the whole file that the site usually stores beside a playlist of segments."""
    url = playlist["url"].text()
    if not (url.startswith("https://") and "/hls/" in url and url.endswith(".m3u8")):
        return None
    file = f"{url.replace('/hls/', '/720p/').removesuffix('.m3u8')}.mp4"
    return Rendition((file,), codec="h264", is_doubtful=True)
