"""How many items go into one album."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

#: Telegram takes 2 to 10 items in an album.
#: Source: https://core.telegram.org/bots/api#sendmediagroup
MAX_ALBUM: Final = 10


def split_album(
    items: Sequence[T], weigh: Callable[[T], int] = lambda _: 0, most: int = 0
) -> list[Sequence[T]]:
    """Split items into as few albums as can be, of even sizes and in order: 11 become 6 and 5.

    No album weighs more than `most`, because an album is uploaded as one. An item may be left alone
    only where its weight asks for it, or where there is only one in all; it is no album then.
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
