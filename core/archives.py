"""ZIP archives: which files go into which archive, and their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: A post with fewer items has no button for an archive: its files are quickly saved one by one.
MIN_ITEMS: Final = 4
#: What an archive adds to each file besides twice its name, and once to all of them, in bytes: two
#: headers with their extra fields, and the end of the directory. Source:
#: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (sections 4.3.7, 4.3.12, 4.3.16)
_PER_FILE: Final = 256
_PER_ARCHIVE: Final = 256
#: Longest name of a list or a post in a file name.
_MOST_NAME: Final = 60
#: Room for `MISSING`, in bytes.
_REPORT_BYTES: Final = 100_000
#: The member that names the posts which are not in an archive as a whole.
MISSING: Final = "missing.txt"


def needed_bytes(size: int, name: str) -> int:
    """Return how many bytes a file of `size` bytes takes in an archive."""
    return size + 2 * len(name.encode()) + _PER_FILE


def files_bytes(most: int) -> int:
    """Return how many bytes the files may take in an archive of at most `most` bytes."""
    return most - _PER_ARCHIVE


def split_files(sizes: Sequence[int], names: Sequence[str], most: int) -> list[list[int]]:
    """Divide files, in order, among archives of at most `most` bytes; return their indexes.

    The files are not compressed: pictures and videos are already. A file that alone is too large
    gets an archive of its own, which its sender will refuse.
    """
    archives: list[list[int]] = []
    room = 0
    for index, (size, name) in enumerate(zip(sizes, names, strict=True)):
        needed = needed_bytes(size, name)
        if not archives or needed > room:
            archives.append([])
            room = files_bytes(most)
        archives[-1].append(index)
        room -= needed
    return archives


def archive_names(name: str, archives: int) -> list[str]:
    """Return the file names of a post's archives: "post.zip", or "post.1of2.zip" and so on."""
    if archives == 1:
        return [f"{name}.zip"]
    return [f"{name}.{number}of{archives}.zip" for number in range(1, archives + 1)]


@dataclass(frozen=True, slots=True)
class ListArchivePolicy:
    """How long an archive of posts of a list may take, and how large all its parts may be."""

    #: Posts that have not begun by then are left out; in seconds from the start.
    longest_s: float = 1_800.0
    #: Posts that have not begun when the parts have reached this size are left out.
    most_bytes: int = 4_000_000_000
    #: A part is at most this share of the spool, so that others find room meanwhile.
    share_of_spool: float = 0.25
    #: Seconds after which a part is sent as it is, if others wait for their turn.
    turn_s: float = 120.0

    def may_begin(self, passed_s: float, packed_bytes: int) -> bool:
        """Return True if another post may be fetched."""
        return passed_s < self.longest_s and packed_bytes < self.most_bytes

    def room(self, ceiling_bytes: int, spool_bytes: int) -> int:
        """Return how many bytes the files of a part may take, see `needed_bytes`."""
        part = min(ceiling_bytes, int(spool_bytes * self.share_of_spool))
        return files_bytes(part) - _REPORT_BYTES


def part_name(list_id: str, number: int, *, is_only: bool) -> str:
    """Return the file name of a part of a list's archive: "crossings.zip", or "crossings.2.zip"."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", list_id).strip("_")[-_MOST_NAME:] or "list"
    return f"{name}.zip" if is_only else f"{name}.{number}.zip"


def names_of_post(
    place: int, posts: int, post_name: str, suffixes: Sequence[str]
) -> tuple[str, ...]:
    """Return the names of a post's files in the archive of a list, which sort in its order.

    `place` is that of the post in the list, from 1.
    """
    digits = max(len(str(posts)), 2)
    first = f"{place:0{digits}}_{post_name[:_MOST_NAME]}"
    if len(suffixes) == 1:
        return (f"{first}{suffixes[0]}",)
    return tuple(f"{first}_{inner}" for inner in names_inside(suffixes))


def names_inside(suffixes: Sequence[str]) -> list[str]:
    """Return the names of the files in an archive, which sort in the order of the post."""
    digits = max(len(str(len(suffixes))), 2)
    return [f"{number:0{digits}}{suffix}" for number, suffix in enumerate(suffixes, start=1)]
