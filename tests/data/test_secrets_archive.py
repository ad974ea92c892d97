"""Secrets beside a backup: packed on demand, put back without trusting the archive."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import StorageError, WrongFileError
from core.identities import MAX_FILE_BYTES
from data.secrets_archive import archive_of, pack, unpack

TOKEN = "7:hunter2"


def a_folder(path: Path) -> Path:
    site = path / "demo"
    site.mkdir(parents=True)
    for name in ("a.txt", "a.json", "a.lock", ".new", "b.txt", "Not a name.txt"):
        (site / name).write_text(f"hunter2 of {name}")
    return path


def test_accounts_come_back_and_what_they_replace_is_kept(tmp_path: Path):
    folder, archive = a_folder(tmp_path / "identities"), archive_of(tmp_path / "x.db")
    assert archive.name == "x.db.secrets.tar"
    assert pack(folder, TOKEN, archive) == 2
    assert archive.stat().st_mode & 0o777 == 0o600
    assert TOKEN.encode() in archive.read_bytes()
    with tarfile.open(archive) as members:
        names = sorted(members.getnames())
    files = [f"identities/demo/{name}" for name in ("a.json", "a.txt", "b.txt")]
    assert names == [*files, "token.env"]
    (folder / "demo" / "a.txt").write_text("newer")
    (folder / "demo" / "b.txt").unlink()
    assert unpack(archive, folder) == 2
    assert (folder / "demo" / "b.txt").read_text() == "hunter2 of b.txt"
    assert (folder / "demo" / "b.txt").stat().st_mode & 0o777 == 0o600
    assert (folder / "demo" / "a.txt").read_text() == "hunter2 of a.txt"
    assert (folder / "demo" / "a.txt.before-restore").read_text() == "newer"
    assert unpack(archive, tmp_path / "elsewhere") == 2
    # Repeated after it was cut off, it does not take its own work for the operator's.
    assert unpack(archive, folder) == 2
    assert (folder / "demo" / "a.txt.before-restore").read_text() == "newer"
    assert not list(folder.rglob("*.restoring*"))


def test_a_file_that_is_too_large_for_the_chat_comes_back(tmp_path: Path):
    folder, archive = a_folder(tmp_path / "identities"), tmp_path / "x.tar"
    (folder / "demo" / "a.txt").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    assert pack(folder, TOKEN, archive) == unpack(archive, tmp_path / "elsewhere") == 2


def test_members_that_lead_elsewhere_are_ignored(tmp_path: Path):
    archive = tmp_path / "x.tar"
    names = (
        *("../a.txt", "/etc/a.txt", "identities/../a.txt", "identities/demo/../../a.txt"),
        *("identities/demo/a.sh", "identities/a.txt", "token.env"),
    )
    with tarfile.open(archive, "w") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 1
            file.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("identities/demo/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
        large = tarfile.TarInfo("identities/demo/large.txt")
        large.size = 20_000_001
        file.addfile(large, io.BytesIO(b"x" * large.size))
    assert unpack(archive, tmp_path / "folder") == 0
    assert not (tmp_path / "folder").exists()


def test_what_cannot_be_done_is_said(tmp_path: Path):
    archive = tmp_path / "x.tar"
    with pytest.raises(WrongFileError, match=r"cannot read .*x\.tar: No such file"):
        unpack(archive, tmp_path)
    archive.write_text("no archive")
    with pytest.raises(WrongFileError, match=r"cannot read .*x\.tar: "):
        unpack(archive, tmp_path)
    with pytest.raises(StorageError, match="exists already"):
        pack(tmp_path, TOKEN, archive)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:600],  # in the content of a member
        lambda content: content[: 2 * 512],  # between two members
        lambda content: content[: 5 * 512 - 100],
        lambda content: content[: 2 * 512] + b"\xff" * 512 + content[3 * 512 :],
        lambda content: content[:-10_240] + b"\0" * 512,
        lambda content: content[2 * 512 :],  # without the token
        lambda content: gzip.compress(content)[:200],
        lambda content: b"",
        lambda content: b"\0" * 10_240,
    ],
)
def test_a_damaged_archive_is_refused_as_a_whole(tmp_path: Path, damage: Callable[[bytes], bytes]):
    archive = tmp_path / "x.tar"
    pack(a_folder(tmp_path / "identities"), TOKEN, archive)
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(WrongFileError):
        unpack(archive, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_an_archive_that_fails_half_way_leaves_nothing(tmp_path: Path):
    """Otherwise it would look complete, and the next attempt would find it there."""
    folder, archive = a_folder(tmp_path / "identities"), tmp_path / "x.tar"
    (folder / "demo" / "b.txt").unlink()
    (folder / "demo" / "b.txt").mkdir()
    with pytest.raises(StorageError, match=r"cannot read .*b\.txt: Is a directory"):
        pack(folder, TOKEN, archive)
    assert [path.name for path in tmp_path.iterdir()] == ["identities"]
    (folder / "demo" / "b.txt").rmdir()
    assert pack(folder, TOKEN, archive) == 1
    with pytest.raises(StorageError, match="exists already"):
        pack(folder, TOKEN, archive)
