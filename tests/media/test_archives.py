"""ZIP archives of files on disk."""

import tracemalloc
import zipfile
from pathlib import Path

from media.archives import pack


def test_files_are_moved_into_an_archive_uncompressed_and_in_order(tmp_path: Path):
    files = []
    for number, name in enumerate(("02.jpg", "01.mp4")):
        path = tmp_path / f"file{number}"
        path.write_bytes(bytes([number]) * 1_000)
        files.append((path, name))
    target = pack(tmp_path / "post.zip", files)
    assert [path.name for path in tmp_path.iterdir()] == ["post.zip"]
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["02.jpg", "01.mp4"]
        assert archive.read("01.mp4") == b"\x01" * 1_000
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_a_large_file_needs_no_more_memory_than_a_small_one(tmp_path: Path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    tracemalloc.start()
    pack(tmp_path / "post.zip", [(path, "01.mp4")])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
