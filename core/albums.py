"""How many pictures go into one album."""

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

#: Telegram takes 2 to 10 items in an album.
#: Source: https://core.telegram.org/bots/api#sendmediagroup
MAX_ALBUM: Final = 10


def split_album(items: Sequence[T]) -> list[Sequence[T]]:
    """Split items into as few albums as can be, of even sizes and in order: 11 become 6 and 5.

    No album has a single item, unless there is only one item in all, which is no album then.
    """
    groups = -(-len(items) // MAX_ALBUM)
    albums = []
    start = 0
    for left in range(groups, 0, -1):
        size = -(-(len(items) - start) // left)
        albums.append(items[start : start + size])
        start += size
    return albums
