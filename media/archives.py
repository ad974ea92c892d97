"""ZIP archives of files on disk."""

import zipfile
from collections.abc import Sequence
from pathlib import Path


def pack(target: Path, files: Sequence[tuple[Path, str]]) -> Path:
    """Move files into a new archive, each with its name in it, and return the archive.

    They are copied in small pieces, uncompressed, and each is deleted once it is in the archive: at
    no time does the disk need room for more than the largest file twice.

    Raises:
        OSError: the disk is full, or a file is gone.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path, name in files:
            archive.write(path, name)
            path.unlink()
    return target
