"""Which version of a file is saved, and how much space is reserved for it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import BrokenFileError, PlatformUnreachableError, SpoolError, TooLargeError
from core.formats import Quality
from core.media import Clip, Post
from core.progress import DownloadProgress
from platforms import Attempt, Fetcher, FileRequest, FileVersion, SavedFile, Spool
from platforms._fetcher import Deadline
from services.requests.file_requests import still_request, video_request
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from tests.sites import Web

URL = "https://www.tiktok.com/@ferry.demo/video/{}"
ID = "7300000000000000001"


def sizes(web: Web) -> tuple[Encoding, Encoding]:
    """Return a large and a small encoding of a video."""
    large = web.samples.video(VideoSpec())
    small = web.samples.video(VideoSpec(width=288, height=512, bit_rate=100_000))
    assert large.stat().st_size > 2 * small.stat().st_size
    return Encoding(large, width=720, height=1280), Encoding(small, width=288, height=512)


async def save(
    fetcher: Fetcher, spool: Spool, ceiling: int, *, shrinkable: int = 0, post_id: str = ID
) -> bytes:
    """Read a post, save its video and return the content of the file."""
    link = fetcher.registry.find(URL.format(post_id))
    assert link

    async def work(attempt: Attempt) -> bytes:
        post = await attempt.read()
        (clip,) = post.items
        assert isinstance(clip, Clip)
        wanted = video_request(clip, "v.mp4", ceiling, Quality.BEST, shrinkable)
        async with spool.workspace() as space:
            (file,) = await attempt.save(post, [wanted], space)
            assert file
            return file.path.read_bytes()

    return await fetcher.attempt(link, work)


async def until_requested(web: Web, files: int) -> None:
    async with asyncio.timeout(60):
        while len(requested(web)) < files:  # noqa: ASYNC110 - the log has no event
            await asyncio.sleep(0.05)


async def saved(web: Web, ceiling: int = 50_000_000, *, shrinkable: int = 0) -> bytes:
    async with web.fetcher(attempts=1) as fetcher:
        return await save(fetcher, web.spool(), ceiling, shrinkable=shrinkable)


def requested(web: Web) -> list[str]:
    """Return the number of the encoding of each file that was requested."""
    return [entry.path.split("/")[3] for entry in web.log if entry.path.startswith("/video/")]


async def test_a_dead_format_goes_on_to_the_next_format(web: Web):
    large, small = sizes(web)
    dead = Encoding(large.path, width=large.width, height=large.height, is_dead=True)
    web.video_post(encodings=(dead, small))
    assert await saved(web) == small.path.read_bytes()
    # The player's address is that of the first encoding.
    assert requested(web) == ["0", "0", "1"]


async def test_formats_that_are_all_dead_are_given_up_after_three(web: Web):
    large, _ = sizes(web)
    encodings = [
        Encoding(large.path, width=width, height=1024, is_dead=True) for width in range(500, 506)
    ]
    web.video_post(encodings=tuple(encodings))
    with pytest.raises(PlatformUnreachableError):
        await saved(web)
    assert len(set(requested(web))) == 3


@pytest.mark.parametrize("stated", [None, 1_000])
async def test_a_format_that_turns_out_too_large_goes_on_to_the_next(web: Web, stated: int | None):
    large, small = sizes(web)
    claimed = Encoding(large.path, width=720, height=1280, stated_bytes=stated)
    web.video_post(encodings=(claimed, small), duration_s=0)
    ceiling = small.path.stat().st_size
    assert await saved(web, ceiling, shrinkable=50_000_000) == small.path.read_bytes()


async def test_only_without_a_smaller_format_a_larger_one_is_made_smaller(web: Web):
    large, small = sizes(web)
    claimed = Encoding(small.path, width=288, height=512, stated_bytes=1_000)
    web.video_post(encodings=(large, claimed))
    ceiling = small.path.stat().st_size - 1
    assert await saved(web, ceiling, shrinkable=50_000_000) == small.path.read_bytes()
    with pytest.raises(TooLargeError) as caught:
        await saved(web, ceiling)
    assert caught.value.size_bytes == small.path.stat().st_size


async def test_a_soundless_h265_is_not_taken_while_there_is_another(web: Web):
    h265 = web.samples.video(VideoSpec(encoder="libx265", seconds=1))
    _, small = sizes(web)
    hvc1 = Encoding(h265, codec="h265", width=1080, height=1920, label="media-video-hvc1")
    web.video_post(encodings=(small, hvc1))
    assert await saved(web) == small.path.read_bytes()
    assert requested(web) == ["0"]


# --- space ----------------------------------------------------------------------------------------


async def test_twelve_files_of_unknown_size_are_fetched_at_once(web: Web):
    path = web.samples.video(VideoSpec())
    ids = [f"73000000000000000{n:02}" for n in range(12)]
    for post_id in ids:
        web.video_post(post_id, encodings=(Encoding(path, stated_bytes=None),), duration_s=0)
    web.site.serves_files.clear()
    spool = web.spool(quota_bytes=400_000_000)
    async with web.fetcher(attempts=1) as fetcher, asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(
                save(fetcher, spool, 50_000_000, shrinkable=400_000_000, post_id=post_id)
            )
            for post_id in ids
        ]
        await until_requested(web, 12)
        assert spool.reserved_bytes < 400_000_000
        web.site.serves_files.set()
    assert {task.result() for task in running} == {path.read_bytes()}
    assert spool.reserved_bytes == 0


Save = Callable[[FileVersion], Awaitable[SavedFile | None]]


@pytest.fixture
async def save_version(web: Web) -> Save:
    """Return a function that saves one version of the sample post's file; the spool is small."""

    async def save_version(version: FileVersion) -> SavedFile | None:
        async with web.fetcher(attempts=1) as fetcher:
            link = fetcher.registry.find(URL.format(ID))
            assert link

            async def work(attempt: Attempt) -> SavedFile | None:
                spool = web.spool(quota_bytes=300_000)
                async with spool.workspace() as other, spool.workspace() as space:
                    await other.reserve(100_000)
                    wanted = [FileRequest((version,), "v.mp4")]
                    (file,) = await attempt.save(await attempt.read(), wanted, space)
                    return file

            return await fetcher.attempt(link, work)

    return save_version


def address() -> tuple[str]:
    return (
        f"https://v16-webapp-prime.tiktok.com/video/{ID}/0/?a=1988&br=430"
        "&signature=ab%2Fcd%3D%3D&expire=1999999999&tk=tt_chain_token",
    )


@pytest.mark.parametrize("trouble", ["", "chunked"])
async def test_a_file_larger_than_expected_gets_no_more_than_the_quota(
    web: Web, save_version: Save, trouble: str
):
    path = web.samples.video(VideoSpec())
    assert 200_000 < path.stat().st_size < 1_000_000
    web.video_post(file_trouble=trouble)
    with pytest.raises(SpoolError):
        await save_version(FileVersion(address(), 1_000_000, estimated_bytes=1_000))


async def test_a_file_larger_than_expected_gets_space_if_there_is_some(
    web: Web, save_version: Save
):
    path = web.samples.video(VideoSpec(width=288, height=512, bit_rate=100_000))
    assert 1_000 < path.stat().st_size < 200_000
    web.video_post(encodings=(Encoding(path),))
    file = await save_version(FileVersion(address(), 1_000_000, estimated_bytes=1_000))
    assert file


@pytest.mark.parametrize("trouble", ["", "chunked"])
async def test_files_larger_than_expected_wait_for_each_other_and_none_is_refused(
    web: Web, trouble: str
):
    path = web.samples.video(VideoSpec())
    size = path.stat().st_size
    ids = [f"73000000000000000{n:02}" for n in range(6)]
    for post_id in ids:
        encoding = Encoding(path, stated_bytes=1_000)
        web.video_post(post_id, encodings=(encoding,), duration_s=0, file_trouble=trouble)
    # Two at a time: no more fit, whatever they reserve at first.
    spool = web.spool(quota_bytes=2 * size + 100_000)
    held = 0

    async def fetch(post_id: str) -> None:
        nonlocal held
        link = fetcher.registry.find(URL.format(post_id))
        assert link

        async def work(attempt: Attempt) -> None:
            nonlocal held
            post = await attempt.read()
            (clip,) = post.items
            assert isinstance(clip, Clip)
            wanted = video_request(clip, "v.mp4", size + 10_000, Quality.BEST)
            async with spool.workspace() as space:
                await attempt.save(post, [wanted], space)
                held += 1
                assert held <= 2
                await asyncio.sleep(0.2)
                assert spool.reserved_bytes <= spool.quota_bytes
                held -= 1

        await fetcher.attempt(link, work)

    async with web.fetcher(attempts=1) as fetcher, asyncio.timeout(60):
        await asyncio.gather(*map(fetch, ids))
    assert spool.reserved_bytes == 0


async def test_a_second_attempt_gives_up_what_the_first_one_held(tmp_path: Path):
    spool = Spool(tmp_path / "spool", 100)
    spool.prepare()
    async with spool.workspace() as one, spool.workspace() as other, asyncio.timeout(60):
        await one.reserve(45)
        await other.reserve(45)
        (one.folder / "half.mp4").write_bytes(b"x")
        await one.reserve(55)
        assert spool.reserved_bytes == 100
        assert list(one.folder.iterdir()) == []
        assert not other.extend(46)
        await one.shrink(10)
        assert other.extend(90)
        assert spool.reserved_bytes == 100
    assert spool.reserved_bytes == 0


async def test_a_deadline_that_passes_while_the_disk_is_waited_for_is_no_bug():
    deadline = Deadline(0.05)

    async def work() -> None:
        async with deadline.enforced():
            try:
                await asyncio.sleep(1)
            finally:
                async with deadline.suspended():
                    pass

    with pytest.raises(TimeoutError):
        await work()


# --- files that were cut off ----------------------------------------------------------------------


@pytest.mark.parametrize("is_truncated", [False, True])
@pytest.mark.parametrize("stated", [None, -1, 10_000_000, 1_000])
async def test_without_a_length_only_the_file_itself_says_that_it_was_cut_off(
    web: Web, stated: int | None, is_truncated: bool
):
    path = web.samples.video(VideoSpec())
    web.video_post(encodings=(Encoding(path, stated_bytes=stated),), file_trouble="half")
    checked: list[int] = []

    async def check(file: Path) -> bool:
        checked.append(file.stat().st_size)
        return is_truncated

    async with web.fetcher(attempts=2) as fetcher:
        fetcher.is_truncated = check
        half = path.read_bytes()[: path.stat().st_size // 2]
        if is_truncated and stated != 1_000:
            with pytest.raises(PlatformUnreachableError, match="cut off"):
                await save(fetcher, web.spool(), 50_000_000)
            assert web.site.posts[ID].page_requests == 2
            assert len(checked) >= 2
        else:
            assert await save(fetcher, web.spool(), 50_000_000) == half
    # A body that is no shorter than the page says is not suspect.
    assert bool(checked) is (stated != 1_000)


async def test_a_length_is_believed(web: Web):
    web.video_post()

    async def check(_file: Path) -> bool:
        raise AssertionError

    async with web.fetcher(attempts=1) as fetcher:
        fetcher.is_truncated = check
        assert await save(fetcher, web.spool(), 50_000_000)


async def test_a_check_that_fails_says_nothing_about_the_file(web: Web):
    web.video_post(file_trouble="chunked", encodings=sizes(web)[:1])

    async def check(_file: Path) -> bool:
        raise BrokenFileError("the worker crashed")

    async with web.fetcher(attempts=1) as fetcher:
        fetcher.is_truncated = check
        path = sizes(web)[0].path
        web.site.posts[ID].encodings = (Encoding(path, stated_bytes=10_000_000),)
        assert await save(fetcher, web.spool(), 50_000_000) == path.read_bytes()


# --- progress -------------------------------------------------------------------------------------


async def counted(web: Web, wanted: Callable[[Post], list[FileRequest]]) -> DownloadProgress:
    """Save files of the post, and return what was counted."""
    progress = DownloadProgress(items=9, items_done=9)
    async with web.fetcher(attempts=1) as fetcher:
        link = fetcher.registry.find(URL.format(ID))
        assert link

        async def work(attempt: Attempt) -> None:
            post = await attempt.read()
            async with web.spool().workspace() as space:
                await attempt.save(post, wanted(post), space, progress)

        await fetcher.attempt(link, work)
    return progress


def main_video(post: Post) -> FileRequest:
    (clip,) = post.items
    assert isinstance(clip, Clip)
    return video_request(clip, "v.mp4", 50_000_000, Quality.BEST)


@pytest.mark.parametrize(("trouble", "is_announced"), [("", True), ("chunked", False)])
async def test_what_arrives_is_counted_against_what_was_announced(
    web: Web, trouble: str, is_announced: bool
):
    large, _ = sizes(web)
    web.video_post(encodings=(large,), file_trouble=trouble)
    progress = await counted(web, lambda post: [main_video(post)])
    size = large.path.stat().st_size
    assert (progress.items, progress.items_done) == (1, 1)
    assert progress.received == size
    assert progress.total == (size if is_announced else None)


async def test_only_items_are_counted_as_such_and_stills_not_at_all(web: Web):
    large, _ = sizes(web)
    cover = web.samples.picture(576, 1024, "cover")
    web.video_post(encodings=(large,), cover=cover)

    def wanted(post: Post) -> list[FileRequest]:
        video = main_video(post)
        return [
            video,
            replace(video, name="w.mp4"),
            replace(video, name="motion.mp4", is_companion=True),
            still_request(post.cover_urls, "still"),
        ]

    progress = await counted(web, wanted)
    assert (progress.items, progress.items_done) == (2, 2)
    assert set(progress.files) == {"v.mp4", "w.mp4", "motion.mp4"}
