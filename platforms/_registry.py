"""Load the platforms, and find their links in messages."""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from core.errors import SettingsError
from core.media import Link
from platforms._platform import Platform

_URL_IN_TEXT = re.compile(r"https?://[^\s<>\"'«»“”]+", re.IGNORECASE)
#: Characters after a URL that are punctuation of the text and not part of the URL.
_TRAILING = ".,;:!?)]}*_~|`…"


class Registry:
    """The enabled platforms, by name and in the order in which users see them."""

    def __init__(self, found: Iterable[Platform]) -> None:
        self.by_name: Mapping[str, Platform] = MappingProxyType({p.name: p for p in found})

    def __getitem__(self, name: str) -> Platform:
        """Return a platform by its name.

        Raises:
            KeyError: there is no such platform, or it is not enabled.
        """
        return self.by_name[name]

    def find(self, url: str) -> Link | None:
        """Return the link if the URL is a post of one of the platforms, otherwise None."""
        for platform in self.by_name.values():
            if link := platform.find(url):
                return link
        return None

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
        for url in (*_URL_IN_TEXT.findall(text), *marked_urls):
            link = self.find(_clean(url))
            if link:
                links.setdefault((link.platform, link.post_id or link.url), link)
        return list(links.values())


def load_registry(allowed: Iterable[str] | None = None) -> Registry:
    """Import every public module of this package and collect their `PLATFORM` values.

    `allowed` lists the names of the enabled sites, in the order in which users see them. None
    enables all sites.

    Raises:
        SettingsError: `allowed` is empty or contains an unknown site.
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
    names = list(allowed)
    unknown = [name for name in names if name not in found]
    if unknown or not names:
        what = f"unknown: {', '.join(unknown)}" if unknown else "the list is empty"
        raise SettingsError(
            [f"[sites] allowed (SITES_ALLOWED): {what}; available: {', '.join(sorted(found))}"]
        )
    return Registry(found[name] for name in names)


def _clean(url: str) -> str:
    """Strip trailing punctuation, and add the scheme if it is missing."""
    url = url.rstrip(_TRAILING)
    scheme, separator, rest = url.partition("://")
    if not separator:
        return f"https://{url}"
    return f"{scheme.lower()}://{rest}"
