"""Load the platforms, and find their links in messages."""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from core.media import Link
from platforms._mirrors import is_sharing_page, original_url
from platforms._platform import PageKind, Platform
from platforms._streaming_services import is_streaming_service
from platforms._urls_in_text import urls_in

#: Sharing pages may name each other.
_MAX_NESTING: Final = 3
#: URLs whose meaning is remembered: a message is looked at twice, and many send the same link.
_MAX_REMEMBERED: Final = 500
#: Parameters of such a page that are searched.
_MAX_PARAMETERS: Final = 20
_INNER_URL: Final = re.compile("(?<==)https?://", re.IGNORECASE)


class Registry:
    """The enabled platforms, by name and in the order in which users see them."""

    def __init__(self, found: Iterable[Platform]) -> None:
        self.by_name: Mapping[str, Platform] = MappingProxyType({p.name: p for p in found})
        self._identify = lru_cache(_MAX_REMEMBERED)(self._identify_anew)

    def __getitem__(self, name: str) -> Platform:
        """Return a platform by its name.

        Raises:
            KeyError: there is no such platform, or it is not enabled.
        """
        return self.by_name[name]

    def find(self, url: str) -> Link | None:
        """Return the link if the URL is a post of one of the platforms, otherwise None.

        The link to a post on a mirror has the URL of the site itself.
        """
        found = self._identify(url)
        return found if isinstance(found, Link) else None

    def link_to(self, platform: str, post_id: str) -> Link | None:
        """Return the link to a post by its id, or None if the platform or the id is invalid."""
        if platform not in self.by_name:
            return None
        link = self[platform].find(self[platform].link_to(post_id))
        return link if link and link.post_id == post_id else None

    def find_all(self, text: str, marked_urls: Iterable[str] = ()) -> list[Link]:
        """Return the links to posts in a text, in order and without duplicates.

        `marked_urls` are the URLs of the message's entities, including hidden ones. They may lack
        the scheme. Sends no request.
        """
        links: dict[tuple[str, str], Link] = {}
        for found in self._identify_all(text, marked_urls):
            if isinstance(found, Link):
                links.setdefault((found.platform, found.post_id or found.url), found)
        return list(links.values())

    def find_page(self, text: str, marked_urls: Iterable[str] = ()) -> PageKind | None:
        """Return what a page of a platform is that a text without posts links to, or None.

        Pages of music streaming services count as well. See `find_all` for `marked_urls`. Sends no
        request.
        """
        found = self._identify_all(text, marked_urls)
        pages = [page for page in found if isinstance(page, PageKind)]
        # A more specific kind says more to the user.
        return min(pages, key=lambda page: page is PageKind.OTHER, default=None)

    def find_list(self, text: str, marked_urls: Iterable[str] = ()) -> Link | None:
        """Return the first list that a text without posts links to; None if it cannot be read.

        See `find_all` for `marked_urls`. Sends no request.
        """
        marked = (url if "://" in url else f"https://{url}" for url in marked_urls)
        urls = (original_url(url) for source in (text, *marked) for url in _readings(source))
        found = (p.find_list(url) for url in urls for p in self.by_name.values() if p.lists)
        return next(filter(None, found), None)

    def _identify_all(self, text: str, marked_urls: Iterable[str]) -> Iterator[Link | PageKind]:
        marked = (url if "://" in url else f"https://{url}" for url in marked_urls)
        # A URL that is visible in the text is one of the marked URLs, too.
        urls = dict.fromkeys(url for source in (text, *marked) for url in urls_in(source))
        for readings in urls:
            if found := self._identify_readings(readings):
                yield found

    def _identify_readings(self, readings: tuple[str, str]) -> Link | PageKind | None:
        """Return a post in the first reading that is one, otherwise a page in the longest one."""
        page = None
        for reading in dict.fromkeys(readings):
            found = self._identify(reading)
            if isinstance(found, Link):
                return found
            page = found or page
        return page

    def _identify_anew(self, url: str, depth: int = 0) -> Link | PageKind | None:
        """Return what a URL is; a sharing page counts as the first post in its query."""
        url = original_url(url)
        kinds = (platform.identify(url) for platform in self.by_name.values())
        found = next((kind for kind in kinds if kind), None)
        is_sharing = found is PageKind.OTHER or (found is None and is_sharing_page(url))
        if is_sharing and depth < _MAX_NESTING:
            for reading in dict.fromkeys(_urls_in_query(url)):
                inner = self._identify(reading, depth + 1)
                if isinstance(inner, Link):
                    return inner
        return PageKind.STREAMING if found is None and is_streaming_service(url) else found


def _readings(text: str) -> Iterator[str]:
    for readings in urls_in(text):
        yield from dict.fromkeys(readings)


def _urls_in_query(url: str) -> Iterator[str]:
    """Yield the readings of the URLs in a URL's query, where sharing pages name them."""
    try:
        query = urlsplit(url).query
    except ValueError:
        return
    for text in dict.fromkeys(_texts_in_query(query)):
        for readings in urls_in(text):
            yield from readings


def _texts_in_query(query: str) -> Iterator[str]:
    """Yield the texts in a query that may contain a URL."""
    for _, value in parse_qsl(query)[:_MAX_PARAMETERS]:
        # Encoded twice, or even three times, by pages that lead to each other.
        for _ in range(_MAX_NESTING):
            value = unquote(value) if "/" not in value else value
        yield value
    # Pasted without encoding, the inner URL goes on behind its own "&".
    if inner := _INNER_URL.search(query):
        yield query[inner.start() :]


def load_registry(allowed: Iterable[str] | None = None) -> Registry:
    """Import every public module of this package and collect their `PLATFORM` values.

    `allowed` lists the names of the enabled sites, in the order in which users see them. None
    enables all sites.

    Raises:
        KeyError: `allowed` contains an unknown site; the settings name it before.
        RuntimeError: a module defines no `PLATFORM`.
    """
    found: dict[str, Platform] = {}
    for module_info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"platforms.{module_info.name}")
        value = getattr(module, "PLATFORM", None)
        if not isinstance(value, Platform):
            raise RuntimeError(f"platforms/{module_info.name}.py defines no PLATFORM")  # noqa: TRY004
        found[value.name] = value
    if allowed is None:
        return Registry(found.values())
    return Registry(found[name] for name in allowed)
