"""Wrong timestamps: what is believed, and what becomes of a file in which one is wrong."""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from core.playback import Encoding
from media import audio, encoding, video
from media.reading import length_s
from media.timeline import StreamClock, Timeline
from tests.media.corpus import Video, scene
from tests.media.test_corpus import look, sent

pytestmark = pytest.mark.simulator

HOUR_MS = 3_600_000
SOUND, PICTURES = 8, 9
Change = Callable[[bytes], bytes]


def placed(clock: StreamClock, times: list[float], duration: float = 1.0) -> list[float]:
    """Return the times that a clock makes of those of successive frames."""
    return [time + clock.corrected(time, duration)[0] for time in times]


def clocks(stated_s: float = 0.0) -> tuple[StreamClock, StreamClock]:
    timeline = Timeline(0.0, stated_s)
    return StreamClock(timeline, "video"), StreamClock(timeline, "audio")


def test_right_times_are_kept():
    pictures, sound = clocks()
    times = [-2.0, -1.0, 0.0, 1.0, 3.0, 2.0, 4.0, 12.0, 11.0]
    assert placed(pictures, times) == times
    assert placed(sound, times) == times


@pytest.mark.parametrize("wrong", [-50_000.0, 100.0, 3_043.0, 1e12])
def test_one_wrong_time_continues_and_changes_nothing_after_it(wrong: float):
    for clock in clocks():
        assert placed(clock, [0.0, 1.0, wrong, 3.0, 4.0]) == [0.0, 1.0, 2.0, 3.0, 4.0]
    for clock in clocks():
        assert placed(clock, [wrong, 1.0, 2.0]) == [0.0, 1.0, 2.0]


def test_a_gap_in_the_sound_is_believed_if_the_pictures_go_on():
    pictures, sound = clocks()
    assert placed(sound, [0.0]) == [0.0]
    assert placed(pictures, [float(number) for number in range(40)])[-1] == 39.0
    assert placed(sound, [40.0, 41.0]) == [40.0, 41.0]


def test_silence_is_bounded_even_if_every_time_is_wrong():
    _, sound = clocks(stated_s=10_000)
    assert placed(sound, [number * 9.0 for number in range(1_000)], 0.02)[-1] < 60


def test_a_picture_stands_still_as_long_as_the_file_states():
    pictures, _ = clocks(stated_s=120)
    assert placed(pictures, [0.0, 60.0, 119.0]) == [0.0, 60.0, 119.0]
    pictures, _ = clocks()
    assert placed(pictures, [0.0, 60.0], 60.0)[1] < 10


@pytest.mark.parametrize("jump", [-100.0, 5_000.0])
def test_a_clock_that_jumps_midway_keeps_both_streams_in_step(jump: float):
    pictures, sound = clocks()
    times = [float(number) for number in range(200)]
    for number, time in enumerate(times):
        later = time + jump if number >= 150 else time
        (shown,), (heard,) = placed(pictures, [later]), placed(sound, [later + 0.25])
        assert shown == time
        assert heard == time + 0.25


def test_a_wrong_duration_is_not_believed():
    pictures, _ = clocks()
    assert pictures.corrected(0.0, 1e9)[1] < 1
    assert placed(pictures, [1.0, 2.0]) == [1.0, 2.0]


# --- files ----------------------------------------------------------------------------------------


def flv_times(kind: int, number: int, milliseconds: int, count: int = 1) -> Change:
    """Return a change of the times of some FLV tags of a kind (FLV specification 10.1, E.4.1)."""

    def edit(content: bytes) -> bytes:
        changed, start, seen = bytearray(content), 9 + 4, 0
        while start < len(content):
            size = int.from_bytes(content[start + 1 : start + 4], "big")
            if content[start] == kind:
                if number <= seen < number + count:
                    time = struct.pack(">I", milliseconds + seen * 20)
                    changed[start + 4 : start + 8] = time[1:] + time[:1]
                seen += 1
            start += 11 + size + 4
        assert seen > number + count
        return bytes(changed)

    return edit


#: H.264 with AAC is copied; the other is encoded.
CODECS = {"copied": ("libx264", "aac"), "encoded": ("flv", "libmp3lame")}
WRONG = {
    "one of sound": flv_times(SOUND, 20, HOUR_MS),
    "most of sound": flv_times(SOUND, 5, HOUR_MS, 40),
    "one of pictures": flv_times(PICTURES, 12, HOUR_MS),
    "most of pictures": flv_times(PICTURES, 12, HOUR_MS, 20),
    "first of pictures": flv_times(PICTURES, 1, 20 * HOUR_MS),
}


@pytest.fixture(params=list(WRONG.values()), ids=list(WRONG))
def edit(request: pytest.FixtureRequest) -> Change:
    found: Change = request.param
    return found


@pytest.fixture(params=list(CODECS.values()), ids=list(CODECS))
def flv(request: pytest.FixtureRequest, edit: Change, tmp_path: Path) -> Path:
    """Return a video of 1.6 seconds in which times are wrong by an hour."""
    encoder, sound = request.param
    path = tmp_path / "source"
    Video("", encoder=encoder, container="flv", sound=sound, edit=edit).make(path)
    return path


async def test_wrong_times_do_not_make_a_video_longer(flv: Path, tmp_path: Path):
    file = await sent(flv, tmp_path)
    view = look(file.path)
    assert file.duration_s == 2
    assert 1.5 < view.length_s < 3
    assert view.has_sound
    assert view.frames >= 19


def test_wrong_times_do_not_make_silence(flv: Path, tmp_path: Path):
    path = encoding.encode(flv, Encoding(160, 120, 500_000))
    assert length_s(path) < 3
    assert length_s(flv) < 3
    assert video.measure(flv).duration_s < 3


def test_wrong_times_do_not_make_audio_longer(flv: Path):
    path, seconds = audio.make_native(Path(shutil.copy(flv, flv.with_name("post.audio"))))
    assert seconds == 2
    with av.open(str(path)) as container:
        assert (container.duration or 0) / av.time_base < 3


def test_wrong_times_do_not_lengthen_a_slideshow(flv: Path, tmp_path: Path):
    picture = tmp_path / "slide.jpg"
    scene((64, 64)).save(picture)
    path = encoding.show_slides([picture, picture], flv, (64, 64), 2.5)
    assert abs(length_s(path) - 5) < 0.2
