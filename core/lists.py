"""Lists of posts that a chat chooses from: profiles, playlists, collections, albums."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from core.errors import (
    AgeRestrictedError,
    ClipferryError,
    ListGoneError,
    ListPrivateError,
    ListTroubleError,
    LoginRequiredError,
    MediaDeletedError,
    MediaPrivateError,
    NoPostsError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    PostsGoneError,
    PostsTroubleError,
    RegionBlockedError,
    UnderReviewError,
)
from core.media import Link

#: Number of posts that the first button of a card fetches.
LATEST: Final = 10
#: Entries of one page to choose from.
PER_PAGE: Final = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """A post in a list, with what the list says about it."""

    post_id: str
    title: str = ""
    #: Seconds; 0 if unknown.
    duration_s: int = 0
    #: Unix time; 0 if unknown.
    posted_at: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """The first posts of a list, in its order."""

    #: The list itself; `post_id` is its id at the platform.
    link: Link
    title: str
    entries: tuple[Entry, ...]
    #: Number of posts in the whole list; None if the site does not say.
    total: int | None = None
    #: There are more posts than `entries`.
    has_more: bool = False
    #: The newest post is first, as in a profile. The order of other lists is their author's.
    is_by_date: bool = False

    def as_json(self) -> str:
        """Return the JSON form for the database."""
        entries = [[e.post_id, e.title, e.duration_s, e.posted_at] for e in self.entries]
        return json.dumps(
            {
                "link": [self.link.platform, self.link.url, self.link.post_id],
                "title": self.title,
                "entries": entries,
                "total": self.total,
                "has_more": self.has_more,
                "is_by_date": self.is_by_date,
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> "Listing | None":
        """Parse the JSON form from the database; return None if it is invalid."""
        try:
            values: dict[str, Any] = json.loads(text)
            values["link"] = Link(*values["link"])
            values["entries"] = tuple(Entry(*entry) for entry in values["entries"])
            return cls(**values)
        except (ValueError, KeyError, TypeError):
            return None

    @property
    def indexes(self) -> range:
        """Return the indexes of the entries."""
        return range(len(self.entries))

    @property
    def pages(self) -> int:
        """Return the number of pages to choose from; at least one."""
        return max(-(-len(self.entries) // PER_PAGE), 1)

    def existing_page(self, number: int) -> int:
        """Return the number of a page, from 0; that of the last one instead of a higher number."""
        return min(max(number, 0), self.pages - 1)

    def page(self, number: int) -> range:
        """Return the indexes on an existing page, counted from 0."""
        return self.indexes[number * PER_PAGE : (number + 1) * PER_PAGE]

    @property
    def has_latest(self) -> bool:
        """Return True if the first posts are fewer than all of them."""
        return len(self.entries) > LATEST


@dataclass(frozen=True, slots=True)
class ListCard:
    """A message of the bot that offers the posts of a list."""

    #: Id of the row.
    id: int
    #: The chat that has the card.
    chat_id: int
    #: The message with the link to the list; 0 if its group has become a supergroup meanwhile.
    message_id: int
    #: The person who has asked and may press the buttons, or the chat that they write as.
    person_id: int
    listing: Listing
    #: Indexes of the entries that are chosen.
    ticked: frozenset[int] = field(default_factory=frozenset)

    def is_of(self, user_id: int) -> bool:
        """Return True if a user may press the buttons.

        A press does not show who writes as a chat, so anybody may press for them. The ids of chats
        are negative.
        """
        return self.person_id < 0 or self.person_id == user_id


def page_of(index: int) -> int:
    """Return the page on which an entry is, counted from 0."""
    return index // PER_PAGE


def toggled(ticked: Collection[int], index: int, listing: Listing) -> frozenset[int]:
    """Return the chosen entries after a press on one of them."""
    return frozenset(ticked) ^ ({index} & set(listing.indexes))


def split_by_room(wanted: Sequence[int], seen: Collection[int], room: int) -> tuple[list[int], int]:
    """Return which of the wanted entries are asked for now, and how many find no room.

    `seen` are those that the card has been asked for before, and `room` is the number of links
    that the person may still have in the queue.
    """
    new = [index for index in wanted if index not in seen]
    taken = new[: max(room, 0)]
    return taken, len(new) - len(taken)


def about_list(error: ClipferryError) -> ClipferryError:
    """Return the error of reading a list; its sentence is about the list and not about a post."""
    for kinds, about in _ABOUT_LISTS:
        if isinstance(error, kinds):
            return about(error.detail)
    return error


_ABOUT_LISTS: Final[tuple[tuple[tuple[type[ClipferryError], ...], type[ClipferryError]], ...]] = (
    ((MediaPrivateError, LoginRequiredError, AgeRestrictedError), ListPrivateError),
    ((NotFoundError, MediaDeletedError, NotAvailableError), ListGoneError),
    ((PlatformChangedError, PlatformRefusedError, PlatformUnreachableError), ListTroubleError),
)


def about_posts(reasons: Collection[ClipferryError]) -> ClipferryError:
    """Return the error of several posts of which none could be fetched, each for its reason.

    Its sentence is true of all of them: they are gone, they may be there later, or neither.
    """
    detail = f"none of {len(reasons)} posts"
    if any(reason.retryable for reason in reasons):
        return PostsTroubleError(detail)
    if all(isinstance(reason, _GONE_OR_HIDDEN) for reason in reasons):
        return PostsGoneError(detail)
    return NoPostsError(detail)


_GONE_OR_HIDDEN: Final = (
    *(MediaDeletedError, NotFoundError, NotAvailableError, UnderReviewError, RegionBlockedError),
    *(MediaPrivateError, LoginRequiredError, AgeRestrictedError),
)
