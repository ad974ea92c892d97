"""Which release of yt-dlp is taken, from what an index says."""

from dataclasses import replace
from typing import Any

import pytest

from core.errors import UpdateError
from core.ytdlp_releases import (
    Release,
    ejs_version,
    is_safe_url,
    newest_release,
    read_releases,
    version_key,
)

INDEX = "https://pypi.example/simple/yt-dlp/"
SHA = "ab" * 32
ENTRY: dict[str, Any] = {
    "filename": "yt_dlp-2026.11.20-py3-none-any.whl",
    "url": "https://files.example/yt_dlp-2026.11.20-py3-none-any.whl",
    "hashes": {"sha256": SHA},
    "upload-time": "2026-11-20T10:00:00.000000Z",
    "yanked": False,
    "provenance": "https://pypi.example/integrity/yt-dlp/2026.11.20/x/provenance",
}
RELEASE = Release(
    "yt-dlp",
    "2026.11.20",
    "yt_dlp-2026.11.20-py3-none-any.whl",
    "https://files.example/yt_dlp-2026.11.20-py3-none-any.whl",
    SHA,
    1_795_168_800,
    "https://pypi.example/integrity/yt-dlp/2026.11.20/x/provenance",
)


def read(*entries: object) -> list[Release]:
    return read_releases("yt-dlp", {"files": list(entries)}, INDEX)


def release(version: str, at: int = 0, provenance: str = "") -> Release:
    return replace(RELEASE, version=version, uploaded_at=at, provenance=provenance)


def test_an_entry_becomes_a_release():
    assert read(ENTRY) == [RELEASE]


def test_relative_addresses_are_those_of_the_index():
    (found,) = read({**ENTRY, "url": "../../files/a.whl", "provenance": "/p"})
    assert found.url == "https://pypi.example/files/a.whl"
    assert found.provenance == "https://pypi.example/p"


def test_there_may_be_no_attestation():
    assert read({**ENTRY, "provenance": None})[0].provenance == ""
    assert read({k: v for k, v in ENTRY.items() if k != "provenance"})[0].provenance == ""


@pytest.mark.parametrize(
    "change",
    [
        {"filename": "yt_dlp-2026.11.20.tar.gz"},
        {"filename": "yt_dlp-2026.11.20-cp311-cp311-manylinux_2_17_x86_64.whl"},
        {"filename": "yt_dlp-2026.11.20.232801.dev0-py3-none-any.whl"},
        {"filename": "yt_dlp_evil-2026.11.20-py3-none-any.whl"},
        {"filename": "yt_dlp-..-py3-none-any.whl"},
        {"filename": "../yt_dlp-2026.11.20-py3-none-any.whl"},
        {"filename": None},
        {"hashes": {"md5": "x"}},
        {"hashes": {"sha256": SHA[:-1]}},
        {"hashes": {"sha256": SHA.upper()}},
        {"hashes": "x"},
        {"upload-time": None},
        {"upload-time": "2026-11-20T10:00:00"},
        {"upload-time": "yesterday"},
        {"yanked": True},
        {"yanked": "broken"},
        {"yanked": ""},
        {"url": "http://files.example/a.whl"},
        {"url": "ftp://files.example/a.whl"},
        {"url": "http://127.0.0.1/a.whl"},
        {"url": "https://[a.whl"},
    ],
)
def test_other_files_are_left_out(change: dict[str, Any]):
    assert read({**ENTRY, **change}, ENTRY) == [RELEASE]
    assert read({**ENTRY, **change}) == []


@pytest.mark.parametrize("document", [None, [], {}, {"files": {}}, {"files": None}])
def test_an_answer_without_files_is_an_error(document: object):
    with pytest.raises(UpdateError, match="list of files"):
        read_releases("yt-dlp", document, INDEX)


def test_entries_of_another_shape_are_left_out():
    assert read(None, "x", [], ENTRY) == [RELEASE]


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("https://a.example/x", "https://b.example", True),
        ("http://a.example/x", "https://b.example", False),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:2", True),
        ("http://localhost/x", "http://[::1]", True),
        ("http://127.0.0.1/x", "https://b.example", False),
        ("http://b.example/x", "http://b.example", False),
        ("http://b.example/x", "http://127.0.0.1", False),
        ("https:///x", "https://b.example", False),
        ("https://[x", "https://b.example", False),
        ("file:///etc/passwd", "http://127.0.0.1", False),
    ],
)
def test_only_tls_or_loopback_is_requested(url: str, base: str, expected: bool):
    assert is_safe_url(url, base) is expected


@pytest.mark.parametrize(
    ("version", "key"),
    [
        ("2026.11.20", (2026, 11, 20)),
        ("2026.01.05", (2026, 1, 5)),
        ("2026.1.5", (2026, 1, 5)),
        ("2026.1.5.0", (2026, 1, 5)),
        ("2026.1.5.1", (2026, 1, 5, 1)),
        ("0.8.0", (0, 8)),
        ("2026", ()),
        ("2026.11.20.dev0", ()),
        ("2026.11.20rc1", ()),
        ("..", ()),
        ("", ()),
        ("１.２", ()),
    ],
)
def test_versions_have_an_order(version: str, key: tuple[int, ...]):
    assert version_key(version) == key


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "2026.11.20.1"),
        ({"uploaded_until": 30}, "2026.11.20.1"),
        ({"uploaded_until": 29}, "2026.11.20"),
        ({"uploaded_until": 9}, None),
        ({"refused": ("2026.11.20.1",)}, "2026.11.20"),
        ({"refused": ("2026.11.20.1", "2026.11.20")}, None),
    ],
)
def test_the_newest_usable_release_is_taken(options: dict[str, Any], expected: str | None):
    releases = [release("2026.11.20.1", 30), release("2026.9.1", 5), release("2026.11.20", 20)]
    found = newest_release(releases, "2026.10.26", **options)
    assert (found and found.version) == expected


def test_a_release_must_be_newer():
    assert newest_release([release("2026.1.5")], "2026.01.05") is None
    assert newest_release([], "2026.01.05") is None


@pytest.mark.parametrize(
    ("attested", "expected"),
    [
        # Of the versions 2026.8.1, 2026.9.1 and 2026.10.1, which are not listed in this order.
        ((False, False, False), (False, False, False)),
        ((True, True, True), (False, False, False)),
        ((False, True, True), (False, False, False)),
        ((False, True, False), (False, False, True)),
        ((True, False, False), (False, True, True)),  # nor by uploading twice
    ],
)
def test_a_release_may_not_lose_its_attestation(
    attested: tuple[bool, ...], expected: tuple[bool, ...]
):
    entries = [
        {
            **ENTRY,
            "filename": f"yt_dlp-2026.{month}.1-py3-none-any.whl",
            "provenance": "/p" if has_one else None,
        }
        for month, has_one in zip((8, 9, 10), attested, strict=True)
    ]
    found = read(entries[1], entries[2], entries[0])
    assert [release.version for release in found] == ["2026.8.1", "2026.9.1", "2026.10.1"]
    assert tuple(release.has_lost_attestation for release in found) == expected


def test_a_withdrawn_release_counts_as_one_with_an_attestation():
    withdrawn = {**ENTRY, "yanked": "a stolen account says so"}
    later = {**ENTRY, "filename": "yt_dlp-2026.11.21-py3-none-any.whl", "provenance": None}
    (found,) = read(withdrawn, later)
    assert found.has_lost_attestation


def test_a_release_names_the_scripts_that_it_works_with():
    lines = [
        "Requires-Dist: yt-dlp-ejs==0.8.0; extra == 'default'",
        "Requires-Dist: yt-dlp-ejs==0.7.0; extra == 'pin'",
    ]
    assert ejs_version("\n".join(reversed(lines))) == "0.8.0"
    assert ejs_version(lines[0].replace("'", '"')) == "0.8.0"
    assert ejs_version(lines[1]) is None
    assert ejs_version("Name: yt-dlp") is None
