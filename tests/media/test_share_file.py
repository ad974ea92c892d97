"""How much of a call in a worker process is done, seen from outside while it runs."""

import asyncio
from pathlib import Path

import pytest
from PIL import Image

from core.playback import Encoding
from core.progress import Share
from media import encoding
from media.processor import MediaProcessor
from media.share_file import metered, read_share, share_file
from media.worker_pool import WorkerPool
from simulator.samples import SampleStore, VideoSpec

MPEG4 = VideoSpec(width=854, height=480, seconds=10, bit_rate=500_000, encoder="mpeg4")


def test_a_share_is_read_while_it_is_written(tmp_path: Path):
    path = tmp_path / "v.share"
    assert read_share(path) == 0
    with share_file(path) as meter:
        assert read_share(path) == 0
        for share, seen in ((0.0, 0.0), (0.129, 0.12), (0.05, 0.12), (0.6, 0.6), (1.7, 1.0)):
            meter(share)
            assert read_share(path) == seen
    assert path.stat().st_size == 1


def test_a_repeated_call_begins_at_zero(tmp_path: Path):
    path = tmp_path / "v.share"
    with share_file(path) as meter:
        meter(0.5)
    with share_file(path):
        assert read_share(path) == 0


def test_without_a_file_nothing_is_written(tmp_path: Path):
    with share_file(None) as meter:
        meter(0.5)
    assert list(tmp_path.iterdir()) == []


def test_packets_are_passed_on_and_their_positions_measured():
    class Packet:
        def __init__(self, pos: int | None) -> None:
            self.pos = pos

    shares: list[float] = []
    given = [Packet(0), Packet(None), Packet(30), Packet(100)]
    assert list(metered(given, 100, shares.append)) == given
    assert shares == [0, 0.3, 1]


def test_an_encoded_video_ends_at_all_of_it(samples: SampleStore, tmp_path: Path):
    path, share = tmp_path / "v.mp4", tmp_path / "v.share"
    path.write_bytes(samples.video(VideoSpec()).read_bytes())
    encoding.encode(path, Encoding(288, 512, 300_000), share)
    assert read_share(share) > 0.9


def test_a_slideshow_is_measured_by_its_pictures(samples: SampleStore, tmp_path: Path):
    pictures = [tmp_path / f"{number}.jpg" for number in range(4)]
    for picture in pictures:
        Image.new("RGB", (64, 64)).save(picture)
    sound = tmp_path / "s.mp3"
    sound.write_bytes(samples.sound().read_bytes())
    encoding.show_slides(pictures, sound, (64, 64), 0.5, tmp_path / "s.share")
    assert read_share(tmp_path / "s.share") == 0.75


async def followed(media: MediaProcessor, path: Path) -> tuple[list[Share], list[float]]:
    """Encode a video; return what could be watched of that, and what was seen meanwhile."""
    seen: list[float] = []
    watched: list[Share] = []
    making = asyncio.ensure_future(media.video(path, None, watched.append))
    while not making.done():
        if watched:
            seen.append(watched[0]())
        await asyncio.sleep(0.01)
    await making
    return watched, seen


@pytest.mark.slow
async def test_an_encoding_in_a_worker_is_followed_from_outside(
    samples: SampleStore, tmp_path: Path
):
    path = tmp_path / "v.mp4"
    pool = WorkerPool(1, limit_s=60, memory_mb=1_500)
    media = MediaProcessor(pool, pool, ceiling_bytes=50_000_000, may_split=False)
    seen: list[float] = []
    try:
        for _ in range(3):  # a pause of this process may be as long as the encoding
            path.write_bytes(samples.video(MPEG4).read_bytes())
            watched, seen = await followed(media, path)
            assert len(watched) == 1
            assert seen == sorted(seen)
            assert watched[0]() > 0.9
            if len(set(seen)) > 3:
                break
    finally:
        media.close()
    assert len(set(seen)) > 3
