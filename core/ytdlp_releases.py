"""Releases of yt-dlp in a package index: what the index says about them, and which one is taken.

The index speaks the JSON form of the simple repository API.
Source: https://packaging.python.org/en/latest/specifications/simple-repository-api/
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from core.errors import UpdateError

YTDLP: Final = "yt-dlp"
#: The scripts that yt-dlp needs for YouTube. Each release of yt-dlp names the one it works with.
EJS: Final = "yt-dlp-ejs"
#: The repositories whose workflows publish the packages.
PUBLISHERS: Final[Mapping[str, str]] = {YTDLP: "yt-dlp/yt-dlp", EJS: "yt-dlp/ejs"}

#: A release is taken this long after its upload, in seconds: mistakes and stolen accounts are
#: mostly noticed within days.
MIN_AGE_S: Final = 72 * 3_600
#: Nightly builds, which are pre-releases, have letters in their version.
_VERSION: Final = re.compile(r"\d{1,8}(?:\.\d{1,8}){1,4}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_WHEEL: Final = re.compile(r"(\w+)-([\d.]+)-(?:py2\.)?py3-none-any\.whl", re.ASCII)
_EJS_PIN: Final = re.compile(
    rf"^Requires-Dist: {EJS}==([\d.]+) *; *extra == ['\"]default['\"]", re.MULTILINE
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Release:
    """The wheel of a release, as the index lists it."""

    #: Name of the package.
    project: str
    version: str
    #: Name of the wheel's file.
    filename: str
    url: str
    #: SHA-256 of the wheel, in hexadecimal digits.
    sha256: str
    #: Unix time.
    uploaded_at: int
    #: URL of the attestations (PEP 740); empty if there are none.
    provenance: str = ""
    #: There is no attestation although a release before has one. Whoever uploads with a stolen
    #: account cannot make the publisher's attestation, but can upload twice.
    has_lost_attestation: bool = False


def version_key(version: str) -> tuple[int, ...]:
    """Return a key that orders versions; empty for everything that is no final release.

    "2026.01.05", which yt-dlp says of itself, equals the index's "2026.1.5".
    """
    if not _VERSION.fullmatch(version):
        return ()
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def read_releases(project: str, document: Any, base_url: str) -> list[Release]:
    """Return the releases in an index's answer that can be used, oldest version first.

    Usable is a wheel of pure Python with a SHA-256, an upload time and an acceptable URL. Files
    that were withdrawn ("yanked") are not.

    Raises:
        UpdateError: the answer does not have the expected shape.
    """
    files = document.get("files") if isinstance(document, dict) else None
    if not isinstance(files, list):
        raise UpdateError("the index sent no list of files")
    wheels = list(_wheels(project, files))
    found = sorted(_usable(project, wheels, base_url), key=lambda r: version_key(r.version))
    # Those that were withdrawn count, too: whoever can upload can also withdraw.
    attested = (version_key(name[2]) for name, entry in wheels if _text(entry, "provenance"))
    first = min(attested, default=None)
    return [
        replace(release, has_lost_attestation=not release.provenance and _is_after(release, first))
        for release in found
    ]


def _is_after(release: Release, first: tuple[int, ...] | None) -> bool:
    return first is not None and first < version_key(release.version)


def _wheels(
    project: str, files: Sequence[Any]
) -> Iterator[tuple[re.Match[str], Mapping[str, Any]]]:
    """Yield the parts of a wheel's name, and what the index says about it."""
    package = project.replace("-", "_")
    for entry in files:
        found = _WHEEL.fullmatch(_text(entry, "filename")) if isinstance(entry, dict) else None
        if found and found[1].lower() == package and version_key(found[2]):
            yield found, entry


def _usable(
    project: str, wheels: Iterable[tuple[re.Match[str], Mapping[str, Any]]], base_url: str
) -> Iterator[Release]:
    for name, entry in wheels:
        if entry.get("yanked", False) is not False:
            continue
        hashes = entry.get("hashes")
        sha256 = _text(hashes, "sha256") if isinstance(hashes, dict) else ""
        uploaded_at = _unix(_text(entry, "upload-time"))
        url = _absolute(_text(entry, "url"), base_url)
        if not _SHA256.fullmatch(sha256) or not uploaded_at or not is_safe_url(url, base_url):
            continue
        provenance = _absolute(_text(entry, "provenance"), base_url)
        yield Release(project, name[2], name[0], url, sha256, uploaded_at, provenance)


def is_safe_url(url: str, base_url: str) -> bool:
    """Return True if a URL may be requested: over TLS, or at loopback if the index is there."""
    try:
        parts, base = urlsplit(url), urlsplit(base_url)
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and {parts.hostname, base.hostname} <= _LOOPBACK


def newest_release(
    releases: Sequence[Release],
    newer_than: str,
    *,
    refused: Collection[str] = (),
    uploaded_until: float = float("inf"),
) -> Release | None:
    """Return the newest release above a version; None if there is none.

    `refused` are versions that are left out, `uploaded_until` is a Unix time.
    """
    found = [
        release
        for release in releases
        if version_key(release.version) > version_key(newer_than)
        and release.version not in refused
        and release.uploaded_at <= uploaded_until
    ]
    return max(found, key=lambda release: version_key(release.version), default=None)


def ejs_version(metadata: str) -> str | None:
    """Return the version of yt-dlp-ejs that a release of yt-dlp names in its METADATA file."""
    found = _EJS_PIN.search(metadata)
    return found[1] if found else None


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _absolute(url: str, base_url: str) -> str:
    """Return a URL that may be relative; "" if there is none, or if it is invalid."""
    try:
        return urljoin(base_url, url) if url else ""
    except ValueError:
        return ""


def _unix(text: str) -> int:
    """Return the Unix time of an ISO 8601 time with its zone; 0 for anything else."""
    try:
        at = datetime.fromisoformat(text)
        return int(at.timestamp()) if at.tzinfo else 0
    except (ValueError, OverflowError):
        return 0
