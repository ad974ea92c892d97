"""Wheels are unpacked only if every file is what it must be; damaged folders are found."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.ytdlp_update.versions import Versions
from app.ytdlp_update.wheel import damage, metadata_of, unpack
from core.errors import ReleaseRefusedError, UpdateError
from core.ytdlp_releases import YTDLP, Release
from tests.ytdlp_releases import wheel_files, write_wheel

VERSION = "2099.1.1"
RELEASE = Release(YTDLP, VERSION, "w.whl", "https://a.example/w.whl", "ab" * 32, 1)
INFO = f"yt_dlp-{VERSION}.dist-info"
FILES = wheel_files(YTDLP, VERSION, {"__init__.py": b"", "extractor/x.py": b"x = 1\n"})


def test_the_package_is_unpacked_and_what_belongs_elsewhere_left_out(tmp_path: Path):
    manual = f"yt_dlp-{VERSION}.data/data/share/man/man1/yt-dlp.1"
    wheel = write_wheel(tmp_path, YTDLP, VERSION, {**FILES, manual: b"manual"})
    folder = tmp_path / "to"
    unpack(wheel, RELEASE, folder)
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert found == {*FILES, f"{INFO}/RECORD"}
    assert (folder / "yt_dlp/extractor/x.py").read_bytes() == b"x = 1\n"
    assert damage(folder) is None
    assert "yt-dlp-ejs==0.9.0" in metadata_of(wheel, RELEASE)


def refused(tmp_path: Path, wheel: Path) -> str:
    """Return why a wheel is refused; nothing may be written outside of its folder."""
    before = set(tmp_path.parent.rglob("*"))
    with pytest.raises(ReleaseRefusedError) as caught:
        unpack(wheel, RELEASE, tmp_path / "to")
    written = set(tmp_path.parent.rglob("*")) - before
    assert all(path.is_relative_to(tmp_path / "to") for path in written)
    return caught.value.detail


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.py", "where none may be"),
        ("yt_dlp/../../evil.py", "where none may be"),
        ("/etc/evil.py", "where none may be"),
        ("yt_dlp//evil.py", "where none may be"),
        ("yt_dlp\\evil.py", "where none may be"),
        ("C:evil.py", "where none may be"),
        ("aiohttp/__init__.py", "where none may be"),
        ("evil.py", "where none may be"),
        ("yt_dlp_ejs/__init__.py", "where none may be"),
        ("yt_dlp-2099.1.2.dist-info/METADATA", "where none may be"),
        ("yt_dlp/fast.so", "not only Python"),
        ("yt_dlp/fast.PYD", "not only Python"),
        ("yt_dlp/start.pth", "not only Python"),
        ("yt_dlp/__pycache__/x.py", "not only Python"),
        ("yt_dlp/__INIT__.py", "there twice"),
    ],
)
def test_files_that_must_not_be_there(tmp_path: Path, name: str, reason: str):
    wheel = write_wheel(tmp_path, YTDLP, VERSION, {**FILES, name: b"evil"})
    assert reason in refused(tmp_path, wheel)


def without(path: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [line for line in lines if not line.startswith(f"{path},")]


def changed(path: str, value: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [f"{path},{value},1" if line.startswith(path) else line for line in lines]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (without("yt_dlp/__init__.py"), "RECORD does not match the files: yt_dlp/__init__.py"),
        (lambda lines: [*lines, "yt_dlp/gone.py,sha256=x,1"], "yt_dlp/gone.py"),
        (changed("yt_dlp/extractor/x.py", "sha256=AAAA"), "x.py does not match RECORD"),
        (changed("yt_dlp/extractor/x.py", "md5=AAAA"), "x.py does not match RECORD"),
        (changed("yt_dlp/extractor/x.py", ""), "x.py does not match RECORD"),
    ],
)
def test_every_file_must_match_record(
    tmp_path: Path, record: Callable[[list[str]], list[str]], reason: str
):
    assert reason in refused(tmp_path, write_wheel(tmp_path, YTDLP, VERSION, FILES, record))


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("WHEEL", b"true", b"false", "not a wheel of pure Python"),
        ("WHEEL", b"none-any", b"cp311-linux", "not a wheel of pure Python"),
        ("METADATA", b"Version: 2099.1.1", b"Version: 2098.1.1", "contains yt-dlp 2098.1.1"),
        ("METADATA", b"Name: yt-dlp\n", b"Name: youtube-dl\n", "contains youtube-dl"),
    ],
)
def test_the_wheel_must_be_what_it_is_listed_as(
    tmp_path: Path, file: str, old: bytes, new: bytes, reason: str
):
    place = f"{INFO}/{file}"
    files = {**FILES, place: FILES[place].replace(old, new)}
    assert reason in refused(tmp_path, write_wheel(tmp_path, YTDLP, VERSION, files))


def test_archives_that_cannot_be_read_are_refused(tmp_path: Path):
    wheel = tmp_path / "w.whl"
    wheel.write_bytes(b"no archive")
    assert "BadZipFile" in refused(tmp_path, wheel)
    good = write_wheel(tmp_path, YTDLP, VERSION, FILES)
    wheel.write_bytes(good.read_bytes().replace(b"x = 1\n", b"x = 2\n"))
    assert "BadZipFile" in refused(tmp_path, wheel)
    del (files := dict(FILES))[f"{INFO}/WHEEL"]
    assert "KeyError" in refused(tmp_path, write_wheel(tmp_path, YTDLP, VERSION, files))


def test_links_and_other_compressions_are_refused(tmp_path: Path):
    for number, (kind, packed) in enumerate(
        [(0o120777, zipfile.ZIP_STORED), (0o100644, zipfile.ZIP_LZMA)]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        wheel = write_wheel(folder, YTDLP, VERSION, FILES)
        link = zipfile.ZipInfo("yt_dlp/link.py")
        link.external_attr, link.compress_type = kind << 16, packed
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr(link, "/etc/passwd")
        assert "not an ordinary file" in refused(folder, wheel)


def test_a_wheel_of_too_many_files_is_refused(tmp_path: Path):
    files = {f"yt_dlp/{number}.py": b"" for number in range(10_000)}
    assert "too large" in refused(tmp_path, write_wheel(tmp_path, YTDLP, VERSION, files))


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    """Return a folder with one version, which is selected."""
    versions = Versions(tmp_path / "yt-dlp")
    wheel = write_wheel(tmp_path, YTDLP, VERSION, FILES)
    with versions.scratch() as scratch:
        unpack(wheel, RELEASE, scratch / "unpacked")
        versions.keep(scratch / "unpacked", VERSION)
    versions.select(VERSION)
    return versions


def test_a_version_is_kept_and_selected(versions: Versions):
    assert versions.selected() == VERSION
    assert versions.damage(VERSION) is None
    assert versions.damage("2099.9.9") == "there is no such folder"
    assert sorted(path.name for path in versions.folder.iterdir()) == [VERSION, "selected"]
    versions.select(None)
    versions.select(None)
    assert versions.selected() is None


@pytest.mark.parametrize("text", ["", "../2099.1.1", "x", "é"])
def test_a_selection_that_names_no_version_counts_as_none(versions: Versions, text: str):
    (versions.folder / "selected").write_text(text)
    assert versions.selected() is None


def _shorten(folder: Path) -> None:
    (folder / "yt_dlp/extractor/x.py").write_bytes(b"x")


def _remove(folder: Path) -> None:
    (folder / "yt_dlp/__init__.py").unlink()


def _add(folder: Path) -> None:
    (folder / "yt_dlp/more.py").write_bytes(b"")


def _lose_record(folder: Path) -> None:
    (folder / INFO / "RECORD").unlink()


@pytest.mark.parametrize("harm", [_shorten, _remove, _add, _lose_record])
def test_damage_is_found_and_repaired(
    versions: Versions, tmp_path: Path, harm: Callable[[Path], None]
):
    harm(versions.path(VERSION))
    assert versions.damage(VERSION)
    wheel = tmp_path / f"yt_dlp-{VERSION}-py3-none-any.whl"
    with versions.scratch() as scratch:
        unpack(wheel, RELEASE, scratch / "unpacked")
        versions.keep(scratch / "unpacked", VERSION)
    assert versions.damage(VERSION) is None


def test_what_python_compiles_is_no_damage(versions: Versions):
    cache = versions.path(VERSION) / "yt_dlp/__pycache__"
    cache.mkdir()
    (cache / "x.cpython-311.pyc").write_bytes(b"")
    assert versions.damage(VERSION) is None


def test_other_versions_are_pruned(versions: Versions):
    for name in ("2098.01.05", "2097.1.1", ".new-left", "somebodys"):
        (versions.folder / name).mkdir()
    os.utime(versions.folder / ".new-left", (1, 1))
    (versions.folder / ".new-running").mkdir()
    versions.prune([VERSION, None, "2098.1.5"])
    assert sorted(path.name for path in versions.folder.iterdir()) == [
        *(".new-running", "2098.01.05", VERSION, "selected", "somebodys"),
    ]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    versions = Versions(tmp_path / "file" / "yt-dlp")
    with pytest.raises(UpdateError, match="cannot be written"), versions.scratch():
        pass
    with pytest.raises(UpdateError, match="cannot be written"):
        versions.select(VERSION)
