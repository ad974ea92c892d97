"""ZIP archives: which files go into which archive, and their names."""

from collections.abc import Sequence
from typing import Final

#: A post with fewer items has no button for an archive: its files are quickly saved one by one.
MIN_ITEMS: Final = 4
#: What an archive adds to each file besides twice its name, and once to all of them, in bytes: two
#: headers with their extra fields, and the end of the directory. Source:
#: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (sections 4.3.7, 4.3.12, 4.3.16)
_PER_FILE: Final = 256
_PER_ARCHIVE: Final = 256


def split_files(sizes: Sequence[int], names: Sequence[str], most: int) -> list[list[int]]:
    """Divide files, in order, among archives of at most `most` bytes; return their indexes.

    The files are not compressed: pictures and videos are already. A file that alone is too large
    gets an archive of its own, which its sender will refuse.
    """
    archives: list[list[int]] = []
    room = 0
    for index, (size, name) in enumerate(zip(sizes, names, strict=True)):
        needed = size + 2 * len(name.encode()) + _PER_FILE
        if not archives or needed > room:
            archives.append([])
            room = most - _PER_ARCHIVE
        archives[-1].append(index)
        room -= needed
    return archives


def archive_names(name: str, archives: int) -> list[str]:
    """Return the file names of a post's archives: "post.zip", or "post.1of2.zip" and so on."""
    if archives == 1:
        return [f"{name}.zip"]
    return [f"{name}.{number}of{archives}.zip" for number in range(1, archives + 1)]


def names_inside(suffixes: Sequence[str]) -> list[str]:
    """Return the names of the files in an archive, which sort in the order of the post."""
    digits = max(len(str(len(suffixes))), 2)
    return [f"{number:0{digits}}{suffix}" for number, suffix in enumerate(suffixes, start=1)]
