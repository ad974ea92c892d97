"""Read the photos and videos of a Facebook post, or a single photo, from the JSON in its page.

The page has an object for the post, the "story", whose attachments list its media. Below it are the
stories of other posts, and comments with photos. Source of the keys: public readers of these pages,
such as yt-dlp, gallery-dl and facebed; never tried against the real site.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from core.errors import (
    ClipferryError,
    LoginRequiredError,
    NoMediaError,
    NotAvailableError,
    PlatformChangedError,
)
from core.media import Clip, Details, Item, Picture, Post, Rendition, Unreadable
from platforms._http import HostRule
from platforms._json import Json
from platforms._page_json import objects_in, objects_of

MEDIA_HOSTS: Final = HostRule(("fbcdn.net",))
#: Host of copies that only crawlers may download. Some visitors get no other address.
_CRAWLER_HOSTS: Final = HostRule(("fbsbx.com",))
PHOTO, VIDEO = "Photo", "Video"
#: One more than a post may have, so that a longer one counts as a list.
_MAX_ITEMS: Final = 301
#: Addresses of a photo, and files of a video; a page has some five.
_MAX_ADDRESSES: Final = 20
#: Kinds of the users, pages and groups that posts are of, and the address of one.
_ACCOUNTS: Final = frozenset({"User", "Page", "Group"})
_ACCOUNT_ADDRESS: Final = re.compile(
    r"https://[a-z-]{1,10}\.facebook\.com/(?:groups/|profile\.php\?id=)?(?P<name>[\w.-]+)/?",
    re.ASCII,
)
#: What a page has that says that its content isn't available: its root, its text, or its title.
_UNAVAILABLE: Final = (
    '{"__dr":"CometErrorRoot.react"}',
    '"title":"This content isn\'t available right now"',
    ">Page Not Found</title>",
)
#: What the page of the login form has, at its own address or at that of the post.
_LOGIN: Final = re.compile(
    r'<link rel="canonical" href="https://[a-z.-]{0,40}facebook\.com/login\b'
    r'|<meta http-equiv="refresh" content="\d{1,9};\s{0,9}URL=/login\b'
    r'|"login_data"\s{0,9}:\s{0,9}\{|\bid="login(?:_form|button)"',
    re.IGNORECASE,
)
#: Keys of a video's files in former pages, and the rank of their quality.
_FORMER_FILES: Final = (
    *(("playable_url", 0), ("browser_native_sd_url", 0)),
    *(("playable_url_quality_hd", 1), ("browser_native_hd_url", 1)),
)
#: Keys of posts, photos, videos and albums. The form is also in pages that have one.
_CONTENT: Final = (
    '"grid_media"',
    *('"comet_sections"', '"i18n_reaction_count"', '"viewer_image"', '"created_time"'),
    *('"playable_url', '"browser_native_', '"dash_manifest', '"progressive_url"'),
)


@dataclass(frozen=True, slots=True)
class FoundPost:
    """What a page says about its post or photo."""

    details: Details
    items: tuple[Item, ...]
    #: There is a photo among the items, readable or not.
    has_photos: bool
    #: The ids of its videos, which need not be among the items.
    video_ids: frozenset[str]
    #: Nothing is readable, because all photos have addresses for crawlers only.
    is_for_crawlers: bool


def find_post(page: str, number: str, owners: AbstractSet[str]) -> FoundPost | None:
    """Return the post with this id; None if the page does not have it.

    `owners` are the names of its user or group, in lower case; empty if the page may be that of
    something else.
    """
    story = _find_story(page, number, owners)
    if story is None:
        return None
    media = _media_of(story)
    items = tuple(map(_item, media))
    return FoundPost(
        details=Details(author=_author_of(story), text=_text_of(story)),
        items=items,
        has_photos=any(kind_of(medium) == PHOTO for medium in media),
        video_ids=frozenset(_video_ids(story)),
        is_for_crawlers=not _is_readable(items) and _are_for_crawlers(media),
    )


def has_posts(page: str) -> bool:
    """Return True if the page has posts, of whatever id."""
    return bool(_stories_in(page))


def find_photo(page: str, number: str) -> FoundPost | None:
    """Return the photo with this id, readable or not; None if the page does not have it."""
    copies = _copies_of_photo(page, number)
    if not copies:
        return None
    items = (_picture(copies),)
    return FoundPost(
        details=_details_of_photo(page, number),
        items=items,
        has_photos=True,
        video_ids=frozenset(),
        is_for_crawlers=not _is_readable(items) and _are_for_crawlers(copies),
    )


def refusal(page: str) -> ClipferryError | None:
    """Return why a page does not have its post; None if it does not say so, or has some post."""
    if any(key in page for key in _CONTENT):
        return None
    if any(text in page for text in _UNAVAILABLE):
        # Of deleted and of private posts alike.
        return NotAvailableError("the content isn't available")
    return LoginRequiredError("the login form") if _LOGIN.search(page) else None


def read_found(found: FoundPost, about: Post) -> Post:
    """Return the post that was found; `about` has its platform, id, URL and access.

    Raises:
        NoMediaError: it has no media.
        PlatformChangedError: no item is readable.
    """
    if not found.items:
        raise NoMediaError("a text, or media of another site")
    if not _is_readable(found.items):
        raise PlatformChangedError(f"facebook: none of {len(found.items)} items is readable")
    return Post(
        platform=about.platform,
        id=about.id,
        url=about.url,
        access=about.access,
        details=found.details,
        items=found.items,
    )


def _is_readable(items: Sequence[Item]) -> bool:
    return not all(isinstance(item, Unreadable) for item in items)


def _find_story(page: str, number: str, owners: AbstractSet[str]) -> Json | None:
    """Return the story of the post; of several objects for it, the one with most media."""
    stories = _stories_in(page)
    own = {_id_of(story) for story in stories if _is_named(story, number)}
    if not own and not number.isdigit():
        own = _only_id(stories, owners | _other_names(page, owners))
    if len(own) != 1:
        return None
    same = (story for story in stories if _id_of(story) in own)
    return max(same, key=lambda story: len(_media_of(story)))


def _only_id(stories: Sequence[Json], owners: AbstractSet[str]) -> set[str]:
    """Return the number of the only post that the stories are of, if it is the owner's.

    The "pfbid…" of a link may differ from that in its own page. Numbers do not: a page without the
    number is another one, such as that of the group to which a deleted post redirects.
    """
    shared = {_id_of(story["attached_story"]) for story in stories}
    own = {_id_of(story) for story in stories if _is_owned(story, owners)} - shared
    return own if own == {_id_of(story) for story in stories} - shared else set()


def _stories_in(page: str) -> list[Json]:
    objects = (Json(value, "facebook") for value in objects_in(page, '"attachments"'))
    return [one for one in objects if _id_of(one) and isinstance(one["attachments"].value, list)]


def _id_of(story: Json) -> str:
    return story["post_id"].text()


def _is_named(story: Json, number: str) -> bool:
    return number in {_id_of(story), *_address_parts(story)}


def _is_owned(story: Json, owners: AbstractSet[str]) -> bool:
    names = {*_address_parts(story), *(actor["id"].text() for actor in story["actors"])}
    return not owners.isdisjoint(name.lower() for name in names)


def _other_names(page: str, owners: AbstractSet[str]) -> set[str]:
    """Return what else the page calls the owners: an account has a number, and may have a name."""
    if not owners:
        return set()
    objects = (Json(value, "facebook") for value in objects_in(page, '"url"'))
    accounts = map(_names_of, filter(_is_account, objects))
    return {name for names in accounts if not names.isdisjoint(owners) for name in names}


def _is_account(node: Json) -> bool:
    return any(node[key].text() in _ACCOUNTS for key in ("__typename", "__isProfile", "__isActor"))


def _names_of(account: Json) -> set[str]:
    found = _ACCOUNT_ADDRESS.fullmatch(account["url"].text())
    names = (account["id"].text(), found["name"] if found else "")
    return {name.lower() for name in names if name}


def _address_parts(story: Json) -> list[str]:
    return re.split(r"[/?&=]", story["wwwURL"].text() or story["permalink_url"].text())


def _video_ids(story: Json) -> Iterator[str]:
    shown = [story["attachments"].value, story["attached_story"].value]
    for value in objects_of(shown):
        video = Json(value, "facebook")
        if kind_of(video) == VIDEO:
            yield from filter(None, (video["id"].text(), video["videoId"].text()))


def _author_of(story: Json) -> str:
    return next((actor["name"].text() for actor in story["actors"]), "")


def _text_of(story: Json) -> str:
    inner = story["comet_sections"]["message"]["story"]["message"]
    return story["message"]["text"].text() or inner["text"].text()


def _media_of(story: Json) -> list[Json]:
    """Return the media of a story; those of the post that it shares if it has none of its own."""
    for source in (story, story["attached_story"]):
        media = chain.from_iterable(map(_attached, source["attachments"]))
        if found := list(islice(media, _MAX_ITEMS)):
            return found
    return []


def _attached(entry: Json) -> list[Json]:
    """Return the media of an attachment; none for stickers, and for previews of other sites.

    An item that is counted, but not listed, is an empty value.
    """
    attachment = (entry["styles"] or entry["style_type_renderer"])["attachment"]
    album = attachment["all_subattachments"]
    listed = [node["media"] for node in album["nodes"]]
    if any(map(_is_medium, listed)):
        missing = min(album["count"].number(), _MAX_ITEMS) - len(listed)
        return listed + [Json(None, "facebook")] * missing
    return [attachment["media"]] if _is_medium(attachment["media"]) else []


def _is_medium(media: Json) -> bool:
    return kind_of(media) in {PHOTO, VIDEO}


def kind_of(media: Json) -> str:
    """Return the kind of an object of the page, such as `PHOTO`; "" if it does not name it."""
    return media["__typename"].text() or media["__isMedia"].text()


def _copies_of_photo(page: str, number: str) -> list[Json]:
    """Return the objects of a photo, which are its different sizes, and its texts."""
    objects = (Json(value, "facebook") for value in objects_in(page, f'"{number}"'))
    return [one for one in objects if one["id"].value == number and _may_be_photo(one)]


def _may_be_photo(node: Json) -> bool:
    """Return False for an object of another kind; not all objects name theirs."""
    return (kind_of(node) or node["__isNode"].text()) in {PHOTO, ""}


def _details_of_photo(page: str, number: str) -> Details:
    objects = (Json(value, "facebook") for value in objects_in(page, '"owner"'))
    photos = [one for one in objects if one["owner"]["name"].text() and one["created_time"]]
    named = [one for one in photos if one["id"].value == number]
    unnamed = [one for one in photos if one["id"].value is None]
    if not named and len(unnamed) != 1:
        return Details()
    (photo, *_) = named or unnamed
    texts = (photo[key]["text"].text() for key in ("message_preferred_body", "message"))
    return Details(author=photo["owner"]["name"].text(), text=next(filter(None, texts), ""))


def _item(media: Json) -> Item:
    match kind_of(media):
        case "Video":
            return _clip(media["video_grid_renderer"]["video"] or media)
        case "Photo":
            return _picture([media])
    return Unreadable()


def _picture(copies: Sequence[Json]) -> Item:
    urls = tuple(filter(MEDIA_HOSTS.allows, _addresses(copies)))
    return Picture(urls) if urls else Unreadable()


def _addresses(copies: Sequence[Json]) -> tuple[str, ...]:
    """Return the addresses of a photo from the objects for it, those in full size first."""
    images = [
        image
        for key in ("viewer_image", "photo_image", "comet_photo_attachment_resolution_renderer")
        for image in _by_area([copy[key]["image"] or copy[key] for copy in copies])
    ]
    images += _by_area([copy["image"] for copy in copies])
    addresses = (image["uri"].text() for image in images)
    unique = dict.fromkeys(url for url in addresses if url.startswith("https://"))
    return tuple(islice(unique, _MAX_ADDRESSES))


def _by_area(images: list[Json]) -> list[Json]:
    return sorted(images, key=lambda image: -image["width"].number() * image["height"].number())


def _are_for_crawlers(media: Sequence[Json]) -> bool:
    addresses = [url for medium in media for url in _addresses([medium])]
    return bool(addresses) and all(map(_CRAWLER_HOSTS.allows, addresses))


def _clip(video: Json) -> Item:
    listed = islice(_files(video), _MAX_ADDRESSES)
    files = ((url, quality) for url, quality in listed if MEDIA_HOSTS.allows(url))
    renditions = tuple(Rendition((url,), "h264", quality=quality) for url, quality in files)
    duration_s = video["playable_duration_in_ms"].number() // 1_000
    return Clip(renditions, duration_s, _covers(video)) if renditions else Unreadable()


def _covers(video: Json) -> tuple[str, ...]:
    still = (video["preferred_thumbnail"]["image"] or video["thumbnailImage"])["uri"].text()
    return (still,) if MEDIA_HOSTS.allows(still) else ()


def _files(video: Json) -> Iterator[tuple[str, int]]:
    """Yield the files of a video that have sound, and the rank of their quality."""
    delivery = video["videoDeliveryResponseFragment"]["videoDeliveryResponseResult"]
    for file in delivery["progressive_urls"]:
        yield file["progressive_url"].text(), int(file["metadata"]["quality"].text() == "HD")
    former = video["videoDeliveryLegacyFields"] or video
    yield from ((former[key].text(), quality) for key, quality in _FORMER_FILES)
