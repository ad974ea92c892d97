"""Read posts through the operator's own cobalt instance.

cobalt returns only the files: no author, text or counts. Source of the API (version 11):
https://github.com/imputnet/cobalt/blob/main/docs/api.md

Files that cobalt relays are "tunnels". Their URLs begin with the instance's own address, its
`API_URL`, which need not be the one under which the bot reaches it: behind a reverse proxy, or in a
network of containers, they differ. Tunnels are therefore requested at the bot's address of the
instance, whatever their host is.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from core.errors import (
    AgeRestrictedError,
    BrokenLinkError,
    ClipferryError,
    DrmError,
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
from platforms._http import HostRule
from platforms._json import Json
from platforms._platform import FetchContext, Layer, Match, Need, PageKind, Platform, plain_host

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
    ("content.region", RegionBlockedError),
    ("content.paid", LoginRequiredError),
    ("drm", DrmError),
    # The instance does not have the site, or has it switched off; the link is right.
    ("link.unsupported", PlatformRefusedError),
    ("service.", PlatformRefusedError),
    ("login", LoginRequiredError),
    ("rate", PlatformRateLimitedError),
    ("link.", BrokenLinkError),
    ("auth.", PlatformRefusedError),
    ("fetch.", PlatformRefusedError),
)
_PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".heic")
_AUDIOS: Final = (".mp3", ".m4a", ".ogg", ".opus", ".wav")
#: Parameters of the URL of a tunnel.
_TUNNEL: Final = frozenset({"id", "exp", "sig", "sec", "iv"})


async def fetch(link: Link, context: FetchContext) -> Post:
    """Fetch the post behind a link from cobalt's API.

    Raises:
        LinkError, MediaError: cobalt reports that the site does not provide the post.
        PlatformError: cobalt did not respond, or could not read the site.
    """
    services = context.external_apis.services
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if services.cobalt_key:
        headers["Authorization"] = f"Api-Key {services.cobalt_key}"
    request = {"url": link.url, "videoQuality": "max", "filenameStyle": "basic"}
    _, answer = await context.external_apis.ask(
        "POST", f"{services.cobalt_url}/", headers, json=request
    )
    return read_answer(Json(answer, "cobalt"), link, services.cobalt_url)


def read_answer(answer: Json, link: Link, relay: str) -> Post:
    """Convert a response of cobalt's API to a post.

    `relay` is the base URL of the cobalt instance, without a slash at the end. Files under that URL
    are downloaded from the instance and not from the site; tunnels get it.

    Raises:
        ClipferryError: see `fetch`.
    """
    audio = None
    match answer["status"].text():
        case "tunnel" | "redirect":
            url = _reachable(answer["url"].needed().text(), relay)
            items: tuple[Item, ...] = (_named_item(answer["filename"].text(), url),)
        case "picker":
            items = tuple(_item(entry, relay) for entry in answer["picker"])
            if url := answer["audio"].text():
                audio = Audio(urls=(_reachable(url, relay),))
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
        audio=items[0] if isinstance(items[0], Audio) else audio,
    )


def _reachable(url: str, relay: str) -> str:
    """Return a URL as the bot reaches it: a tunnel gets the address of the instance."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    is_tunnel = parts.path.endswith("/tunnel") and parse_qs(parts.query).keys() >= _TUNNEL
    return f"{relay}/tunnel?{parts.query}" if is_tunnel else url


def _named_item(file_name: str, url: str) -> Item:
    """Return the only file of a post, by the name that cobalt gives it."""
    name = file_name.lower()
    if name.endswith(_PICTURES):
        return Picture((url,))
    if name.endswith(_AUDIOS):
        # The style "basic" of names, with the title first.
        title, _, author = file_name.rpartition(".")[0].partition(" - ")
        return Audio((url,), title, author)
    return _clip(url)


def _item(entry: Json, relay: str) -> Item:
    url = _reachable(entry["url"].text(), relay)
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


@dataclass(frozen=True, slots=True)
class CobaltLinks:
    """The links of a site that only cobalt reads."""

    #: Matches host, path, "?" and query of a post's URL, with a group `id`; see `plain_host`. An
    #: optional group `key` is the parameter without which the site shows nothing, name included.
    post: re.Pattern[str]
    #: URL of a post, with `{}` for its id.
    address: str
    #: Hosts of pages. All other pages there are no posts.
    hosts: HostRule
    #: Hosts of files that cobalt does not relay.
    media_hosts: HostRule
    #: Matches a short link in the same form, which cobalt resolves; None if the site has none.
    short: re.Pattern[str] | None = None

    def recognise(self, parts: SplitResult) -> Match | PageKind | None:
        """Return what a URL of this site is, or None if it belongs to another site."""
        address = f"{plain_host(parts)}{parts.path}?{parts.query}"
        if found := self.post.match(address):
            key = found.groupdict().get("key")
            return Match(f"{found['id']}?{key}" if key else found["id"])
        if self.short and self.short.match(address):
            return Match(None)
        return PageKind.OTHER if self.hosts.allows(parts.geturl()) else None

    def link_to(self, post_id: str) -> str:
        """Return the URL of a post by its id."""
        return self.address.format(post_id)


def cobalt_site(name: str, title: str, links: CobaltLinks, *examples: str) -> Platform:
    """Return the platform for a site that only cobalt reads."""
    return Platform(
        name=name,
        title=title,
        examples=examples,
        recognise=links.recognise,
        layers=(LAYER,),
        page_hosts=links.hosts,
        media_hosts=links.media_hosts,
        link_to=links.link_to,
    )
