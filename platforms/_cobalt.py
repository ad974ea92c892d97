"""Reading a post through a cobalt of the operator's own. It gives the files, and no author or likes.

Its API: https://github.com/imputnet/cobalt/blob/main/docs/api.md (version 11).
"""

from typing import Final
from urllib.parse import urlsplit

from core.errors import (
    AgeRestrictedError,
    BrokenLinkError,
    ClipferryError,
    LiveError,
    LoginRequiredError,
    MediaPrivateError,
    NotAvailableError,
    PlatformChangedError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RegionBlockedError,
)
from core.media import Access, Audio, Clip, Item, Link, Picture, Post, Rendition
from platforms._json import Json
from platforms._platform import FetchContext, Layer, Need

#: Codes begin with `error.api.`; the first that is found in a code counts.
_ERRORS: Final[tuple[tuple[str, type[ClipferryError]], ...]] = (
    ("post.private", MediaPrivateError),
    ("post.age", AgeRestrictedError),
    ("post.unavailable", NotAvailableError),
    ("video.unavailable", NotAvailableError),
    ("video.region", RegionBlockedError),
    ("video.private", MediaPrivateError),
    ("video.age", AgeRestrictedError),
    ("video.live", LiveError),
    ("login", LoginRequiredError),
    ("rate", PlatformRateLimitedError),
    ("link.", BrokenLinkError),
    ("auth.", PlatformRefusedError),
    ("fetch.", PlatformRefusedError),
)
_PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".heic")


async def fetch(link: Link, context: FetchContext) -> Post:
    """Ask cobalt for the files behind a link.

    Raises:
        LinkError, MediaError: the site does not give them, as far as cobalt can tell.
        PlatformError: cobalt could not be asked, or could not read the site.
    """
    external_apis = context.external_apis
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if external_apis.cobalt_key:
        headers["Authorization"] = f"Api-Key {external_apis.cobalt_key}"
    request = {"url": link.url, "videoQuality": "max", "filenameStyle": "basic"}
    _, answer = await external_apis.ask(
        "POST", f"{external_apis.cobalt_url}/", headers, json=request
    )
    return read_answer(Json(answer, "cobalt"), link, external_apis.cobalt_url)


def read_answer(answer: Json, link: Link, relay: str) -> Post:
    """Read what cobalt says.

    Raises:
        ClipferryError: see `fetch`.
    """
    audio = None
    match answer["status"].text():
        case "tunnel" | "redirect":
            name = answer["filename"].text().lower()
            url = answer["url"].needed().text()
            is_picture = name.endswith(_PICTURES)
            items: tuple[Item, ...] = (Picture((url,)) if is_picture else _clip(url),)
        case "picker":
            items = tuple(_item(entry) for entry in answer["picker"])
            if url := answer["audio"].text():
                audio = Audio(urls=(url,))
        case "error":
            raise _error(answer["error"]["code"].text())
        case status:
            raise PlatformChangedError(f"cobalt answers {status[:40]!r}")
    if not items:
        raise PlatformChangedError("cobalt picks from nothing")
    return Post(
        platform=link.platform,
        id=link.post_id or _name_of(link.url),
        url=link.url,
        access=Access(proxy="cobalt", relay=relay),
        items=items,
        audio=audio,
    )


def _item(entry: Json) -> Item:
    url = entry["url"].needed().text()
    return Picture((url,)) if entry["type"].text() == "photo" else _clip(url)


def _clip(url: str) -> Clip:
    # What it is encoded in is found out after the download.
    return Clip((Rendition((url,), codec="h264"),))


def _name_of(url: str) -> str:
    """Make a name for files of a short link, which has no id."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2] or "post"


def _error(code: str) -> ClipferryError:
    for part, error in _ERRORS:
        if part in code:
            return error(code)
    return PlatformUnreachableError(f"cobalt: {code}")


LAYER = Layer("cobalt", fetch, Need.COBALT, takes_short_links=True)
