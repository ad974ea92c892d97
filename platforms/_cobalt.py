"""Read posts through the operator's own cobalt instance.

cobalt returns only the files: no author, text or counts. Source of the API (version 11):
https://github.com/imputnet/cobalt/blob/main/docs/api.md
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
from core.media import Access, Audio, Clip, Item, Link, Picture, Post, Rendition, Unreadable
from platforms._json import Json
from platforms._platform import FetchContext, Layer, Need

#: Substrings of cobalt's error codes (`error.api.…`) and our errors; the first match wins.
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
    """Fetch the post behind a link from cobalt's API.

    Raises:
        LinkError, MediaError: cobalt reports that the site does not provide the post.
        PlatformError: cobalt did not respond, or could not read the site.
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
    """Convert a response of cobalt's API to a post.

    `relay` is the base URL of the cobalt instance, without a slash at the end. Files under that URL
    are downloaded from the instance and not from the site.

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
            raise _error_for(answer["error"]["code"].text())
        case status:
            raise PlatformChangedError(f"cobalt: unknown status {status[:40]!r}")
    if all(isinstance(item, Unreadable) for item in items):
        raise PlatformChangedError("cobalt: a picker without files")
    return Post(
        platform=link.platform,
        id=link.post_id or _id_from_url(link.url),
        url=link.url,
        access=Access(proxy="cobalt", relay=relay),
        items=items,
        audio=audio,
    )


def _item(entry: Json) -> Item:
    url = entry["url"].text()
    if not url:
        return Unreadable()
    return Picture((url,)) if entry["type"].text() == "photo" else _clip(url)


def _clip(url: str) -> Clip:
    # cobalt does not name the codec. The file is probed after the download, so a guess is safe.
    return Clip((Rendition((url,), codec="h264"),))


def _id_from_url(url: str) -> str:
    """Return the last path segment as an id, for a short link whose post id is unknown."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2] or "post"


def _error_for(code: str) -> ClipferryError:
    for part, error in _ERRORS:
        if part in code:
            return error(code)
    return PlatformUnreachableError(f"cobalt: {code}")


LAYER = Layer("cobalt", fetch, Need.COBALT, takes_short_links=True)
