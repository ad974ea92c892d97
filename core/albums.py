"""Splitting the items of a post into albums."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final, TypeVar

T = TypeVar("T")

#: Largest album: Telegram accepts 2 to 10 items.
#: Source: https://core.telegram.org/bots/api#sendmediagroup
MAX_ALBUM: Final = 10


def split_album(
    items: Sequence[T],
    weigh: Callable[[T], int] = lambda _: 0,
    most: int = 0,
    kind_of: Callable[[T], str | None] = lambda _: "",
) -> list[Sequence[T]]:
    """Split items into as few albums as possible, of even sizes and in order: 11 become 6 and 5.

    The weights of an album's items add up to at most `most`, because an album is one upload; an
    item that alone is heavier gets an album of its own. All items of an album are of one kind; each
    item whose kind is None gets an album of its own. Albums of one item are sent as plain messages.
    """

    def is_alone(item: T) -> bool:
        return kind_of(item) is None or weigh(item) > most

    albums: list[Sequence[T]] = []
    for (_, alone), run in groupby(items, lambda item: (kind_of(item), is_alone(item))):
        together = list(run)
        if alone:
            albums += [[item] for item in together]
        else:
            albums += _split_run(together, weigh, most)
    return albums


def _split_run(items: Sequence[T], weigh: Callable[[T], int], most: int) -> list[Sequence[T]]:
    """Split items of one kind, none of which is too heavy."""
    groups = -(-len(items) // MAX_ALBUM)
    while True:
        albums = _split_evenly(items, groups)
        if all(sum(map(weigh, album)) <= most for album in albums):
            return albums
        groups += 1


def _split_evenly(items: Sequence[T], groups: int) -> list[Sequence[T]]:
    albums = []
    start = 0
    for left in range(groups, 0, -1):
        size = -(-(len(items) - start) // left)
        albums.append(items[start : start + size])
        start += size
    return albums
