"""Downloading only the part of a file that a piece needs."""

from pathlib import Path

import pytest

from core.choices import Part
from core.errors import PlatformError
from core.formats import Quality
from core.media import Clip
from platforms import Attempt, FileRequest, SelectPart
from services.requests.file_requests import video_request
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from tests.sites import Web

URL = "https://www.tiktok.com/@ferry.demo/video/7300000000000000001"
HEAD = 2_000_000
LARGE = VideoSpec(width=1080, height=1920, seconds=10, bit_rate=4_000_000)


@pytest.fixture
def file(web: Web) -> Path:
    """Return the only file of the post."""
    path = web.samples.video(LARGE)
    assert path.stat().st_size > 2 * HEAD
    web.video_post(encodings=(Encoding(path),))
    return path


async def saved(web: Web, select: SelectPart, limit: int = 50_000_000) -> bytes:
    """Save the part that `select` returns, and return the file."""
    async with web.fetcher(attempts=1) as fetcher:
        link = fetcher.registry.find(URL)
        assert link

        async def work(attempt: Attempt) -> bytes:
            post = await attempt.read()
            (clip,) = post.items
            assert isinstance(clip, Clip)
            (version, *_) = video_request(clip, "v.mp4", limit, Quality.BEST).versions
            wanted = FileRequest((version,), "v.mp4", part=select)
            async with web.spool().workspace() as space:
                (found,) = await attempt.save(post, [wanted], space)
                assert found
                return found.path.read_bytes()

        return await fetcher.attempt(link, work)


def selecting(part: Part | None, heads: list[int] | None = None) -> SelectPart:
    """Return a selection of one part, which notes how much of the file it has seen."""

    async def select(path: Path) -> Part | None:
        if heads is not None:
            heads.append(path.stat().st_size)
        return part

    return select


def requested(web: Web) -> int:
    return sum(entry.path.startswith("/video/") for entry in web.log)


async def test_only_the_beginning_and_the_part_are_downloaded(web: Web, file: Path):
    content = file.read_bytes()
    heads: list[int] = []
    part = Part(3_000_000, 3_500_000)
    got = await saved(web, selecting(part, heads))
    assert heads == [HEAD]
    assert len(got) == len(content)
    assert got[:HEAD] == content[:HEAD]
    assert not got[HEAD : part.start].strip(b"\0")
    assert got[part.start : part.end] == content[part.start : part.end]
    assert not got[part.end :].strip(b"\0")
    assert requested(web) == 2


async def test_a_part_that_the_beginning_contains_needs_no_second_request(web: Web, file: Path):
    got = await saved(web, selecting(Part(0, 1_000, content_end=HEAD + 5)))
    assert got == file.read_bytes()[:HEAD] + bytes(5)
    assert requested(web) == 1


async def test_a_part_that_reaches_behind_the_end_ends_there(web: Web, file: Path):
    content = file.read_bytes()
    got = await saved(web, selecting(Part(4_000_000, 10**15)))
    assert got[4_000_000:] == content[4_000_000:]


async def test_a_small_file_is_its_own_beginning(web: Web):
    path = web.samples.video(VideoSpec())
    web.video_post(encodings=(Encoding(path),))
    heads: list[int] = []
    assert await saved(web, selecting(None, heads)) == path.read_bytes()
    assert (requested(web), heads) == (1, [])


async def test_without_a_known_part_the_whole_file_is_downloaded(web: Web, file: Path):
    assert await saved(web, selecting(None)) == file.read_bytes()


@pytest.mark.parametrize("trouble", ["chunked"])
async def test_a_server_without_ranges_sends_the_whole_file(web: Web, file: Path, trouble: str):
    (post,) = web.site.posts.values()
    post.file_trouble = trouble
    heads: list[int] = []
    assert await saved(web, selecting(Part(0, 1), heads)) == file.read_bytes()
    assert heads == []


@pytest.mark.usefixtures("file")
async def test_a_dead_file_is_the_error_of_the_whole_file(web: Web):
    (post,) = web.site.posts.values()
    post.file_trouble = "gone"
    with pytest.raises(PlatformError):
        await saved(web, selecting(Part(0, 1)))
