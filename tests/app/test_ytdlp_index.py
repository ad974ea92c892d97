"""What is downloaded from an index, and what is not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.ytdlp_update.index import Index
from core.errors import ReleaseRefusedError, UpdateError
from core.ytdlp_releases import YTDLP
from tests.ytdlp_releases import FakeIndex, serving_index, wheel_files, write_wheel

VERSION = "2099.1.1"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[FakeIndex]:
    """Serve an index with one release."""
    async with serving_index() as index:
        files = wheel_files(YTDLP, VERSION, {"__init__.py": b""})
        entry = index.add(YTDLP, write_wheel(tmp_path, YTDLP, VERSION, files))
        entry["provenance"] = "../../provenance"
        index.bodies["/provenance"] = b"{}"
        yield index


async def test_releases_wheels_and_attestations(served: FakeIndex, tmp_path: Path):
    index = Index(served.url)
    (release,) = await index.releases(YTDLP)
    assert release.version == VERSION
    path = await index.download(release, tmp_path)
    assert path.read_bytes() == served.bodies[f"/files/{release.filename}"]
    assert await index.provenance(release) == b"{}"
    assert await index.provenance(replace(release, provenance="")) is None


async def test_a_wheel_that_was_changed_is_refused(served: FakeIndex, tmp_path: Path):
    index = Index(served.url)
    (release,) = await index.releases(YTDLP)
    served.bodies[f"/files/{release.filename}"] += b"x"
    (tmp_path / "to").mkdir()
    with pytest.raises(ReleaseRefusedError, match="SHA-256"):
        await index.download(release, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"<html>", "not JSON"), (b"[" * 100_000, "not JSON"), (b"{}", "no list of files")],
)
async def test_an_index_that_says_something_else(served: FakeIndex, body: bytes, reason: str):
    served.bodies["/simple/yt-dlp/"] = body
    with pytest.raises(UpdateError, match=reason):
        await Index(served.url).releases(YTDLP)


async def test_an_index_that_does_not_answer(served: FakeIndex):
    with pytest.raises(UpdateError, match="HTTP 404"):
        await Index(served.url).releases("youtube-dl")
    with pytest.raises(UpdateError, match="cannot be read: ClientConnectorError"):
        await Index("http://127.0.0.1:9").releases(YTDLP)


async def test_redirects_are_not_followed(served: FakeIndex):
    with pytest.raises(UpdateError, match="HTTP 302"):
        await Index(served.url).releases("moved")
    assert "/elsewhere" not in served.requested


async def test_only_tls_is_used_outside_of_this_machine(served: FakeIndex, tmp_path: Path):
    (release,) = await Index(served.url).releases(YTDLP)
    index = Index("https://pypi.example")
    for url in (release.url, "http://files.example/x.whl"):
        with pytest.raises(UpdateError, match="not reached over TLS"):
            await index.download(replace(release, url=url), tmp_path)


async def test_answers_have_a_limit(served: FakeIndex):
    (release,) = await Index(served.url).releases(YTDLP)
    served.bodies["/provenance"] = b"x" * 1_000_001
    with pytest.raises(UpdateError, match="larger than 1000000 bytes"):
        await Index(served.url).provenance(release)
