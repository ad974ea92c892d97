"""Splitting the items of a post into albums."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

#: Largest album: Telegram accepts 2 to 10 items.
#: Source: https://core.telegram.org/bots/api#sendmediagroup
MAX_ALBUM: Final = 10


def split_album(
    items: Sequence[T], weigh: Callable[[T], int] = lambda _: 0, most: int = 0
) -> list[Sequence[T]]:
    """Split items into as few albums as possible, of even sizes and in order: 11 become 6 and 5.

    The weights of an album's items add up to at most `most`, because an album is one upload. If one
    item alone is heavier than `most`, every item gets an album of its own. Albums of one item occur
    only if the weights require it, or if there is only one item; they are sent as plain messages.
    """
    albums: list[Sequence[T]] = []
    for groups in range(-(-len(items) // MAX_ALBUM), len(items) + 1):
        albums = _split_evenly(items, groups)
        if all(sum(map(weigh, album)) <= most for album in albums):
            break
    return albums


def _split_evenly(items: Sequence[T], groups: int) -> list[Sequence[T]]:
    albums = []
    start = 0
    for left in range(groups, 0, -1):
        size = -(-(len(items) - start) // left)
        albums.append(items[start : start + size])
        start += size
    return albums
