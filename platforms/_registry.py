"""All platforms, and finding their links in what people write."""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import platforms
from core.errors import SettingsError
from core.media import Link
from platforms._platform import Platform

_URL_IN_TEXT = re.compile(r"https?://[^\s<>\"'«»“”]+", re.IGNORECASE)
#: What people put behind a link without meaning it.
_TRAILING = ".,;:!?)]}*_~|`…"


class Registry:
    """The platforms by name."""

    def __init__(self, found: Iterable[Platform]) -> None:
        self.by_name: Mapping[str, Platform] = MappingProxyType({p.name: p for p in found})

    def __getitem__(self, name: str) -> Platform:
        """Give a platform by its name."""
        return self.by_name[name]

    def find(self, url: str) -> Link | None:
        """Recognise one address, or give None."""
        for platform in self.by_name.values():
            if link := platform.find(url):
                return link
        return None

    def link_to(self, platform: str, post_id: str) -> Link | None:
        """Give the link of a post of which only the id is known; None if there can be no such post."""
        if platform not in self.by_name:
            return None
        link = self[platform].find(self[platform].link_to(post_id))
        return link if link and link.post_id == post_id else None

    def find_all(self, text: str, marked_urls: Iterable[str] = ()) -> list[Link]:
        """Find the links in a text, in order, each post once.

        `marked_urls` are addresses that Telegram itself has marked, hidden ones among them; they
        may lack the scheme. Nothing is fetched.
        """
        links: dict[tuple[str, str], Link] = {}
        for url in (*_URL_IN_TEXT.findall(text), *marked_urls):
            link = self.find(_tidy(url))
            if link:
                links.setdefault((link.platform, link.post_id or link.url), link)
        return list(links.values())


def load_registry(allowed: Iterable[str] | None = None) -> Registry:
    """Import every public module of this package and collect its PLATFORM.

    `allowed` are the names of the sites that are served, in the order in which users see them;
    None means all.

    Raises:
        SettingsError: an allowed site does not exist, or the list is empty.
        RuntimeError: a module has no PLATFORM.
    """
    found: dict[str, Platform] = {}
    for module_info in pkgutil.iter_modules(platforms.__path__):
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
        what = f"unknown: {', '.join(unknown)}" if unknown else "no site at all"
        raise SettingsError(
            [f"[sites] allowed (SITES_ALLOWED): {what}; there are {', '.join(sorted(found))}"]
        )
    return Registry(found[name] for name in names)


def _tidy(url: str) -> str:
    url = url.rstrip(_TRAILING)
    scheme, separator, rest = url.partition("://")
    if not separator:
        return f"https://{url}"
    return f"{scheme.lower()}://{rest}"
