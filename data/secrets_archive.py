"""The secrets that belong to a bot, in an archive beside a backup: its accounts and its token.

Backups have none of them, so that a backup may be kept where secrets may not.
"""

import io
import re
import tarfile
from pathlib import Path
from typing import Final

from core.errors import StorageError, WrongFileError
from data.new_file import add_name, make_folder, new_file

#: Member of the archive with the token, as a line for .env.
TOKEN_MEMBER: Final = "token.env"  # noqa: S105 - a name of a file
#: Members that are put back: cookies and health of an identity, without anything else of its path.
_MEMBER: Final = re.compile(r"identities/([a-z0-9_]+)/([a-z0-9][a-z0-9_-]*\.(?:txt|json))")
#: Size that no cookie file has, in bytes. Those of operators may be larger than what is taken in
#: chat, such as the export of a whole browser.
_TOO_LARGE: Final = 20_000_000
#: Zeros behind the last member.
_END_BYTES: Final = 2 * tarfile.BLOCKSIZE


def archive_of(backup: Path) -> Path:
    """Return the path of the archive that belongs to a backup."""
    return backup.with_name(f"{backup.name}.secrets.tar")


def pack(folder: Path, token: str, target: Path) -> int:
    """Write the identities of a folder and the token to a new file; return how many identities.

    Raises:
        StorageError: the file exists or cannot be written, or an identity cannot be read.
    """
    number, found = 0, _found(folder)
    with new_file(target) as unfinished, tarfile.open(unfinished, "w") as archive:
        _add(archive, TOKEN_MEMBER, f"BOT_TOKEN={token}\n".encode())
        for name, path in found.items():
            _add(archive, name, _read(path))
            number += name.endswith(".txt")
    return number


def _found(folder: Path) -> dict[str, Path]:
    """Return the files of the identities in a folder, by the names of their members."""
    try:
        paths = sorted(folder.glob("*/*"))
    except OSError as error:
        raise StorageError(f"cannot read {folder}: {error.strerror}") from error
    names = {f"identities/{path.parent.name}/{path.name}": path for path in paths}
    return {name: path for name, path in names.items() if _MEMBER.fullmatch(name)}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error


def unpack(source: Path, folder: Path) -> int:
    """Put the identities of an archive back; return how many.

    Files that they replace are renamed.

    Raises:
        WrongFileError: the archive cannot be read.
        StorageError: the folder cannot be written.
    """
    files = read_files(source)
    try:
        for path, content in files.items():
            _put_back(folder / path, content)
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error.strerror}") from error
    return sum(path.suffix == ".txt" for path in files)


def read_files(source: Path) -> dict[Path, bytes]:
    """Return the files of the identities in an archive, by their paths below their folder.

    Raises:
        WrongFileError: the archive cannot be read, or is damaged.
    """
    files: dict[Path, bytes] = {}
    try:
        # Uncompressed, as it was written: the readers of compressed ones raise errors of their own.
        with tarfile.open(source, "r:") as archive:
            for member in archive:
                found = _MEMBER.fullmatch(member.name)
                if not found or not member.isreg() or member.size > _TOO_LARGE:
                    continue
                content = archive.extractfile(member)
                assert content
                files[Path(*found.groups())] = content.read()
            if TOKEN_MEMBER not in archive.getnames() or not _is_whole(source, archive.offset):
                raise WrongFileError(f"{source} is damaged, or no archive of Clipferry")
    except OSError as error:
        raise WrongFileError(f"cannot read {source}: {error.strerror}") from error
    except tarfile.TarError as error:
        raise WrongFileError(f"cannot read {source}: {error}") from error
    return files


def _is_whole(source: Path, end: int) -> bool:
    """Return whether the members end where an archive ends: only empty blocks follow.

    tarfile itself takes damage between two members for the end of the archive.
    """
    rest = source.read_bytes()[end:]
    return len(rest) >= _END_BYTES and not any(rest)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))


def _put_back(path: Path, content: bytes) -> None:
    """Put a file in its place as a whole; do nothing if it is there, as when this is repeated."""
    make_folder(path.parent, 0o700)
    if path.exists() and path.read_bytes() == content:
        return
    new, kept = (path.with_name(path.name + end) for end in (".restoring", ".before-restore"))
    new.unlink(missing_ok=True)  # of a process that was killed
    with new_file(new, is_restored=True) as unfinished:
        unfinished.write_bytes(content)
    if path.exists():
        kept.unlink(missing_ok=True)
        add_name(path, kept)
    new.replace(path)
