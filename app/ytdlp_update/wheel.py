"""Wheels of pure Python: unpacked into a folder, every file compared with the wheel's own list.

Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

import base64
import csv
import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from typing import Final

from core.errors import ReleaseRefusedError
from core.ytdlp_releases import Release

#: Limits of a wheel. yt-dlp has 2 000 files with 20 MB.
_MAX_FILES: Final = 10_000
_MAX_BYTES: Final = 150_000_000
#: Suffixes of compiled modules and of what Python runs at its start.
_FORBIDDEN: Final = frozenset({".so", ".pyd", ".dll", ".dylib", ".pth", ".pyc", ".exe"})
_CACHE: Final = "__pycache__"
_PACKED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
#: What zipfile raises for damaged, encrypted or incomplete archives.
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    RuntimeError,
    ValueError,
)
#: Written by installers, and signatures: RECORD names them without a hash, or not at all.
_UNHASHED: Final = frozenset({"RECORD", "RECORD.jws", "RECORD.p7s"})


def unpack(wheel: Path, release: Release, folder: Path) -> None:
    """Unpack a wheel's package into a folder.

    What a wheel may install elsewhere, such as manual pages, is checked and left out.

    Raises:
        ReleaseRefusedError: the wheel is damaged, or has what it must not have.
        OSError: the folder cannot be written.
    """
    with _opened(wheel, release) as contents:
        contents.unpack(folder)


def metadata_of(wheel: Path, release: Release) -> str:
    """Return the text of a wheel's METADATA file.

    Raises:
        ReleaseRefusedError: the wheel is damaged.
    """
    with _opened(wheel, release) as contents:
        return contents.text("METADATA")


@contextmanager
def _opened(wheel: Path, release: Release) -> Iterator["_Contents"]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield _Contents(archive, release)
    except _UNREADABLE as error:
        raise ReleaseRefusedError(f"{release.filename}: {type(error).__name__}") from error


class _Contents:
    """The files of an open wheel."""

    def __init__(self, archive: zipfile.ZipFile, release: Release) -> None:
        self._archive = archive
        self._release = release
        self._package = release.project.replace("-", "_")
        base = f"{self._package}-{release.version}"
        self._info, self._data = f"{base}.dist-info", f"{base}.data"

    def unpack(self, folder: Path) -> None:
        files = list(self._files())
        self._check_kind()
        record = _read_record(self.text("RECORD"))
        unlisted = {info.filename for info in files} ^ record.keys()
        if unlisted - {f"{self._info}/{name}" for name in _UNHASHED}:
            raise self._refused(f"RECORD does not match the files: {min(unlisted)}")
        for info in files:
            content = self._archive.read(info)
            if info.filename.removeprefix(f"{self._info}/") not in _UNHASHED:
                self._check_hash(info.filename, content, record[info.filename])
            if not info.filename.startswith(f"{self._data}/"):
                target = folder / info.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)

    def text(self, name: str) -> str:
        return self._archive.read(f"{self._info}/{name}").decode()

    def _files(self) -> Iterator[zipfile.ZipInfo]:
        """Yield the files; their names are safe, and their sizes within the limits."""
        listed = self._archive.infolist()
        if len(listed) > _MAX_FILES or sum(info.file_size for info in listed) > _MAX_BYTES:
            raise self._refused("it is too large")
        names = [info.filename.lower() for info in listed]
        if len(names) != len(set(names)):
            raise self._refused("a file is there twice")
        for info in listed:
            self._check_name(info)
            if not info.is_dir():
                yield info

    def _check_name(self, info: zipfile.ZipInfo) -> None:
        name = info.filename
        parts = name.removesuffix("/").split("/")
        is_unsafe = "\\" in name or ":" in name or not {"", ".", ".."}.isdisjoint(parts)
        if is_unsafe or parts[0] not in {self._package, self._info, self._data}:
            raise self._refused(f"a file where none may be: {name!r}")
        if stat.S_ISLNK(info.external_attr >> 16) or info.compress_type not in _PACKED:
            raise self._refused(f"not an ordinary file: {name!r}")
        if PurePosixPath(name).suffix.lower() in _FORBIDDEN or _CACHE in parts:
            raise self._refused(f"not only Python: {name!r}")

    def _check_kind(self) -> None:
        kind = HeaderParser().parsestr(self.text("WHEEL"))
        if kind["Root-Is-Purelib"] != "true" or "-none-any" not in str(kind["Tag"]):
            raise self._refused("it is not a wheel of pure Python")
        about = HeaderParser().parsestr(self.text("METADATA"))
        name = str(about["Name"]).lower().replace("_", "-")
        if (name, about["Version"]) != (self._release.project, self._release.version):
            raise self._refused(f"it contains {name} {about['Version']}")

    def _check_hash(self, name: str, content: bytes, expected: str) -> None:
        if _digest(content) != expected:
            raise self._refused(f"{name} does not match RECORD")

    def _refused(self, reason: str) -> ReleaseRefusedError:
        return ReleaseRefusedError(f"{self._release.filename}: {reason}")


def damage(folder: Path) -> str | None:
    """Return what is wrong with a folder into which wheels were unpacked; None if it is intact.

    What Python has compiled from the files is not looked at.
    """
    expected: dict[str, str] = {}
    try:
        for record in folder.glob("*.dist-info/RECORD"):
            data = record.parent.name.replace(".dist-info", ".data/")
            listed = _read_record(record.read_text(encoding="utf-8")).items()
            expected |= {name: digest for name, digest in listed if not name.startswith(data)}
        found = {
            path.relative_to(folder).as_posix(): path
            for path in folder.rglob("*")
            if path.is_file() and path.parent.name != _CACHE
        }
        if not expected or expected.keys() != found.keys():
            differing = sorted(expected.keys() ^ found.keys())[:1]
            return f"files are missing or unknown: {''.join(differing) or 'all'}"
        for name, path in found.items():
            if expected[name] and _digest(path.read_bytes()) != expected[name]:
                return f"{name} has changed"
    except (OSError, ValueError) as error:
        return type(error).__name__
    return None


def _read_record(text: str) -> dict[str, str]:
    """Return the hashes by file; "" where RECORD has none."""
    return {row[0]: row[1] for row in csv.reader(io.StringIO(text)) if len(row) == 3}


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
