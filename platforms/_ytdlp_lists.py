"""Lists of posts, as yt-dlp's extractors for playlists, profiles and albums list them ("flat").

Only the entries are read, never their pages. `platforms/youtube.py` is an example.
"""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from urllib.parse import SplitResult

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError

from core.errors import (
    ClipferryError,
    EmptyListError,
    PlatformChangedError,
    PlatformRefusedError,
)
from core.lists import Entry, Listing
from core.media import Link
from platforms._http import HostRule
from platforms._json import Json
from platforms._platform import (
    FetchContext,
    ListSupport,
    Match,
    PageKind,
    clean_split,
    plain_host,
)
from platforms._ytdlp import LeanYoutubeDL
from platforms._ytdlp_site import error_for

#: A title is shown on a button, whose text clients cut off much earlier.
_MAX_TITLE: Final = 200
#: The list may name the same post several times, and other lists; more than this is read of no list
#: in order to find a number of different posts.
_MAX_READ: Final = 1_000
#: Pages that are read of a list in which many posts may have no media.
_MOST_PAGES: Final = 5

#: The module of our own extractors for lists.
LIST_EXTRACTORS: Final = "platforms._list_extractors"


def _group_id(found: re.Match[str]) -> str:
    return found["id"]


Recognise = Callable[[SplitResult], Match | PageKind | None]


@dataclass(frozen=True, slots=True)
class ListForm:
    """One kind of a site's lists, and the extractor that reads it."""

    #: Module and class in yt_dlp.extractor, or in a module of ours, imported at first use; or the
    #: class itself.
    extractor: tuple[str, str] | type[InfoExtractor]
    #: Matches host, path, "?" and query of a list's URL; see `plain_host`.
    page: re.Pattern[str]
    #: URL of a list, with `{}` for its id. `page` matches it, too.
    address: str
    #: The newest post is first.
    is_by_date: bool = False
    #: The extractor itself deals with statuses such as 401; see `PageReader.read`.
    is_lenient: bool = False
    #: Returns the id from the match of `page`: by default, its group `id`.
    list_id: Callable[[re.Match[str]], str] = _group_id

    def load_extractor(self) -> Any:
        """Return yt-dlp's extractor class."""
        if not isinstance(self.extractor, tuple):
            return self.extractor
        module, name = self.extractor
        path = module if module.startswith("platforms.") else f"yt_dlp.extractor.{module}"
        return getattr(importlib.import_module(path), name)


@dataclass(frozen=True, slots=True)
class _FlatLists:
    """The lists of one site."""

    platform: str
    forms: tuple[ListForm, ...]
    hosts: HostRule
    recognise: Recognise

    def find(self, parts: SplitResult) -> Link | None:
        """Return the link to the list that a URL shows, or None."""
        found = self._form_of(parts)
        if found is None:
            return None
        form, list_id = found
        return Link(self.platform, form.address.format(list_id), list_id)

    async def read(self, link: Link, context: FetchContext, most: int) -> Listing:
        """Read at most `most` entries of a list.

        Raises:
            MediaError: the site does not provide the list.
            PlatformError: the site could not be read.
        """
        parts = clean_split(link.url)
        found = self._form_of(parts) if parts else None
        if found is None:  # stored by a version that knew more forms
            raise PlatformChangedError("an unknown kind of list")
        form = found[0]

        def work(extractor: InfoExtractor, _ydl: LeanYoutubeDL) -> Listing:
            try:
                info = Json(extractor.extract(link.url), self.platform)
                entries, has_more = self._entries(info["entries"].value, most)
            except ExtractorError as error:
                raise _error_for(error) from error
            stated = info["playlist_count"].count() or getattr(extractor, "stated_count", None)
            return Listing(
                link,
                title=info["title"].text()[:_MAX_TITLE],
                entries=tuple(entries),
                total=stated if has_more else len(entries),
                has_more=has_more,
                is_by_date=form.is_by_date,
            )

        extractor = form.load_extractor()
        return await context.pages.read(extractor, self.hosts, work, is_lenient=form.is_lenient)

    def _form_of(self, parts: SplitResult) -> tuple[ListForm, str] | None:
        """Return the kind of list that a URL shows, and the list's id."""
        address = f"{plain_host(parts)}{parts.path}?{parts.query}"
        for form in self.forms:
            if found := form.page.match(address):
                return form, form.list_id(found)
        return None

    def _entries(self, listed: Any, most: int) -> tuple[list[Entry], bool]:
        """Return the first different posts, and whether there are more.

        The extractor sends requests meanwhile. If the site fails or refuses after the first
        entries, those are the result.

        Raises:
            EmptyListError: there are none.
            ExtractorError, ClipferryError: the site failed or refused before the first one.
        """
        entries: dict[str, Entry] = {}
        try:
            for value in islice(listed if isinstance(listed, Iterable) else (), _MAX_READ):
                entry = self._entry(Json(value, f"{self.platform}.entries"))
                if entry and len(entries) == most and entry.post_id not in entries:
                    return list(entries.values()), True
                if entry:
                    entries.setdefault(entry.post_id, entry)
        except (ExtractorError, ClipferryError):
            if not entries:
                raise
            return list(entries.values()), True
        if not entries:
            raise EmptyListError("no posts of this site")
        return list(entries.values()), False

    def _entry(self, value: Json) -> Entry | None:
        """Return an entry that is a post of this site; None for other lists and removed posts."""
        for key in ("webpage_url", "url"):
            parts = clean_split(value[key].text())
            found = self.recognise(parts) if parts else None
            if isinstance(found, Match) and found.post_id:
                title = value["title"].text()[:_MAX_TITLE]
                seconds, at = value["duration"].number(), value["timestamp"].number()
                return Entry(found.post_id, title, seconds, at)
        return None


def flat_lists(
    platform: str, *forms: ListForm, hosts: HostRule, recognise: Recognise
) -> ListSupport:
    """Return how a site's lists are read; of several forms, the first that matches counts.

    `hosts` are those of the lists' pages, and `recognise` tells the posts among the entries.
    """
    lists = _FlatLists(platform, forms, hosts, recognise)
    return ListSupport(lists.find, lists.read)


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list, in the form of yt-dlp's entries."""

    #: Only the posts that have media.
    entries: list[dict[str, Any]]
    #: Another page follows.
    has_more: bool


def first_pages(pages: Iterator[ListPage]) -> Iterator[dict[str, Any]]:
    """Yield the entries of the first pages; an error at their end says that the list has more."""
    has_entries = has_more = False
    for page in islice(pages, _MOST_PAGES):
        yield from page.entries
        has_entries, has_more = has_entries or bool(page.entries), page.has_more
    if has_entries and has_more:
        raise ExtractorError("Only the first pages are read", expected=True)


#: Substrings of yt-dlp's messages about lists; those about posts apply besides.
_REASONS: Final[tuple[tuple[str, type[ClipferryError]], ...]] = (
    ("does not have any videos", EmptyListError),
    ("does not have a videos tab", EmptyListError),
    ("does not have a shorts tab", EmptyListError),
    ("does not have a streams tab", EmptyListError),
    ("doesn't contain any tracks", EmptyListError),
    ("unable to extract secondary user id", PlatformRefusedError),
    ("keeps sending the same page", PlatformRefusedError),
)


def _error_for(error: ExtractorError) -> ClipferryError:
    message = str(error.orig_msg or error.msg or "").lower()
    reasons = (kind(words) for words, kind in _REASONS if words in message)
    return next(reasons, None) or error_for(error)
