"""Releases of yt-dlp in a package index: what the index says about them, and which one is taken.

The index speaks the JSON form of the simple repository API.
Source: https://packaging.python.org/en/latest/specifications/simple-repository-api/
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
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
    #: There is no attestation although the release before has one. Whoever uploads with a stolen
    #: account cannot make the publisher's attestation.
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
    found = sorted(_usable(project, files, base_url), key=lambda r: version_key(r.version))
    return [
        replace(release, has_lost_attestation=bool(before.provenance) and not release.provenance)
        for before, release in zip([*found[:1], *found], found, strict=False)
    ]


def _usable(project: str, files: Sequence[Any], base_url: str) -> Iterator[Release]:
    package = project.replace("-", "_")
    for entry in files:
        if not isinstance(entry, dict) or entry.get("yanked", False) is not False:
            continue
        found = _WHEEL.fullmatch(_text(entry, "filename"))
        hashes = entry.get("hashes")
        sha256 = _text(hashes, "sha256") if isinstance(hashes, dict) else ""
        uploaded_at = _unix(_text(entry, "upload-time"))
        if not found or found[1].lower() != package or not version_key(found[2]):
            continue
        url = _absolute(_text(entry, "url"), base_url)
        if not _SHA256.fullmatch(sha256) or not uploaded_at or not is_safe_url(url, base_url):
            continue
        yield Release(
            project,
            found[2],
            found[0],
            url,
            sha256,
            uploaded_at,
            _absolute(_text(entry, "provenance"), base_url),
        )


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
