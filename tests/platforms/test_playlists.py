"""HLS playlists: what is read of them, what is refused, and what a download of one observes."""

import pytest

from core.errors import (
    ClipferryError,
    DrmError,
    ListError,
    LiveError,
    PlatformChangedError,
    PlatformUnreachableError,
    TooLargeError,
)
from platforms import Attempt, FileRequest, FileVersion
from platforms._playlist import Segment, is_playlist, read_playlist
from simulator.samples import VideoSpec
from simulator.sites.videos import Clip
from tests.sites import Web

URL = "https://cdn.example/a/list.m3u8?token=1"
END = "#EXT-X-ENDLIST"
LINK = "https://rutube.ru/video/7300000000000000000000000000de01/"
LIST = "https://bl.rutube.ru/7300000000000000000000000000de01/list.m3u8"


def playlist(*lines: str) -> str:
    return "\n".join(["#EXTM3U", *lines])


@pytest.mark.parametrize(
    ("lines", "segments"),
    [
        (
            (
                "#EXTINF:4,",
                "0.ts",
                "#EXTINF:4,",
                "../b/1.ts?x=1",
                "https://other.example/2.ts",
                END,
            ),
            (
                Segment("https://cdn.example/a/0.ts"),
                Segment("https://cdn.example/b/1.ts?x=1"),
                Segment("https://other.example/2.ts"),
            ),
        ),
        # An initialisation section comes first, and counts once.
        (
            ('#EXT-X-MAP:URI="i.mp4"', "0.m4s", '#EXT-X-MAP:URI="i.mp4"', "1.m4s", END),
            tuple(Segment(f"https://cdn.example/a/{n}") for n in ("i.mp4", "0.m4s", "1.m4s")),
        ),
        # Adjacent ranges of one file are requested at once.
        (
            (
                '#EXT-X-MAP:URI="a.mp4",BYTERANGE="700@0"',
                "#EXT-X-BYTERANGE:300@700",
                "a.mp4",
                "#EXT-X-BYTERANGE:50",
                "a.mp4",
                "#EXT-X-BYTERANGE:10@2000",
                "a.mp4",
                END,
            ),
            (
                Segment("https://cdn.example/a/a.mp4", (0, 1_050)),
                Segment("https://cdn.example/a/a.mp4", (2_000, 2_010)),
            ),
        ),
        (("#EXT-X-KEY:METHOD=NONE", "0.ts", END), (Segment("https://cdn.example/a/0.ts"),)),
    ],
)
def test_the_segments_of_a_playlist(lines: tuple[str, ...], segments: tuple[Segment, ...]):
    assert read_playlist(playlist(*lines), URL) == segments
    assert read_playlist("\ufeff" + playlist(*lines).replace("\n", "\r\n\r\n"), URL) == segments


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", PlatformChangedError),
        ("<html>", PlatformChangedError),
        (playlist(END), PlatformChangedError),
        (playlist("0.ts"), LiveError),
        (playlist("#EXT-X-STREAM-INF:BANDWIDTH=1", "a.m3u8", END), PlatformChangedError),
        (playlist('#EXT-X-KEY:METHOD=AES-128,URI="k"', "0.ts", END), DrmError),
        (playlist('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://k"', "0.ts", END), DrmError),
        (playlist('#EXT-X-MAP:URI="a"', "0", '#EXT-X-MAP:URI="b"', "1", END), PlatformChangedError),
        (playlist("#EXT-X-BYTERANGE:a@b", "0.ts", END), PlatformChangedError),
        (playlist("https://[::1", END), PlatformChangedError),
        (playlist(*["0.ts"] * 10_001, END), ListError),
    ],
)
def test_what_is_no_complete_playlist_of_one_open_file_is_refused(
    text: str, error: type[ClipferryError]
):
    with pytest.raises(error):
        read_playlist(text, URL)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, True),
        ("https://cdn.example/a.m3u8", True),
        ("https://cdn.example/a.mp4?next=.m3u8", False),
        ("https://[", False),
    ],
)
def test_playlists_are_told_by_their_path(url: str, expected: bool):
    assert is_playlist(url) is expected


@pytest.fixture
def clip(web: Web) -> Clip:
    path = web.samples.video(VideoSpec(container="ts"))
    clips = web.videos.clips
    return clips.setdefault("rutube/7300000000000000000000000000de01", Clip(path))


async def saved(web: Web, *urls: str, limit_bytes: int = 50_000_000) -> bytes:
    """Save one file of a post on Rutube, in the first of its versions, and return its content."""
    versions = tuple(FileVersion((url,), limit_bytes) for url in urls or (LIST,))
    async with web.fetcher(attempts=1) as fetcher:
        link = fetcher.registry.find(LINK)
        assert link

        async def work(attempt: Attempt) -> bytes:
            wanted = [FileRequest(versions, "v.mp4")]
            async with web.spool().workspace() as space:
                (file,) = await attempt.save(await attempt.read(), wanted, space)
                assert file
                return file.path.read_bytes()

        return await fetcher.attempt(link, work)


async def test_the_segments_together_are_the_file(web: Web, clip: Clip):
    assert await saved(web) == clip.path.read_bytes()


async def test_segments_are_where_the_playlist_really_is(web: Web, clip: Clip):
    assert await saved(web, LIST.replace("list.m3u8", "moved.m3u8")) == clip.path.read_bytes()
    pieces = {asked.path for asked in web.log if asked.path.rpartition("/")[2].isdigit()}
    assert pieces
    assert all("/large/" in path for path in pieces)


@pytest.mark.parametrize("line", ['#EXT-X-KEY:METHOD=AES-128,URI="k"', "#EXT-X-VERSION:3"])
async def test_after_a_playlist_that_cannot_be_used_the_next_version_is(
    web: Web, clip: Clip, line: str
):
    """One is encrypted, the other one has no end."""
    web.videos.playlist = playlist(line, "0", *([END] if "KEY" in line else []))
    assert await saved(web, LIST, LIST.replace("list.m3u8", "0"))
    with pytest.raises(DrmError if "KEY" in line else LiveError):
        await saved(web)


async def test_segments_together_are_not_larger_than_the_limit(web: Web, clip: Clip):
    size = clip.path.stat().st_size
    assert len(await saved(web, limit_bytes=size)) == size
    with pytest.raises(TooLargeError) as caught:
        await saved(web, limit_bytes=size - 1)
    assert caught.value.limit_bytes == size - 1


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        # None of these hosts is one of the site's.
        (["https://127.0.0.1/0.ts", END], PlatformChangedError),
        (["http://169.254.169.254/latest/meta-data", END], PlatformChangedError),
        (["https://rutube.ru.evil.example/0.ts", END], PlatformChangedError),
        (["https://rutube.ru@evil.example/0.ts", END], PlatformChangedError),
        (["file:///etc/passwd", END], PlatformChangedError),
        (['#EXT-X-MAP:URI="https://evil.example/i"', "0", END], PlatformChangedError),
        # The server ignores the range.
        (["#EXT-X-BYTERANGE:10@0", "0", END], PlatformUnreachableError),
        (["missing", END], PlatformUnreachableError),
    ],
)
async def test_segments_elsewhere_or_incomplete_are_not_accepted(
    web: Web, clip: Clip, lines: list[str], error: type[ClipferryError]
):
    web.videos.playlist = playlist(*lines)
    with pytest.raises(error):
        await saved(web)
    assert web.asked_hosts() == {"rutube.ru", "bl.rutube.ru"}


async def test_a_playlist_without_end_is_aborted(web: Web, clip: Clip):
    web.videos.playlist = "#" * 4_000_001
    with pytest.raises(PlatformChangedError):
        await saved(web)
