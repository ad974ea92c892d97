"""The least that makes a video play and fit is what is done to it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media import VideoFile
from core.playback import (
    SDR,
    Colours,
    FileLayout,
    Probe,
    Step,
    VideoTrack,
    displayed_size,
    encoding_for,
    fits_live_photo,
    fitted_size,
    may_be_cut,
    next_step,
    still_time_s,
)
from tests.records import changed

MB = 1_000_000
GOOD = Probe(
    size_bytes=10 * MB,
    duration_s=30.0,
    video=VideoTrack(1080, 1920, 30.0, "h264", "yuv420p", "High"),
    audio_codec="aac",
    layout=FileLayout(is_mp4=True, is_fast_start=True),
)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({}, Step.NOTHING),
        ({"audio_codec": ""}, Step.NOTHING),
        ({"audio_codec": "mp3", "profile": "Main"}, Step.NOTHING),
        ({"is_fast_start": False}, Step.MOVE_INDEX),
        ({"is_fast_start": False, "audio_codec": "opus"}, Step.REPACK),
        ({"is_fast_start": False, "tag": "avc3"}, Step.REPACK),
        ({"is_fast_start": False, "is_fragmented": True}, Step.REPACK),
        ({"is_fast_start": False, "size_bytes": 60 * MB}, Step.ENCODE),
        ({"is_mp4": False}, Step.REPACK),
        ({"audio_codec": "opus"}, Step.REPACK),
        ({"codec": "hevc"}, Step.ENCODE),
        ({"codec": "vp9"}, Step.ENCODE),
        ({"pixel_format": "yuv420p10le"}, Step.ENCODE),
        ({"profile": "High 4:4:4 Predictive"}, Step.ENCODE),
        ({"size_bytes": 60 * MB}, Step.ENCODE),
        ({"size_bytes": 400 * MB, "duration_s": 7_200.0}, Step.TOO_LARGE),
        ({"codec": "hevc", "duration_s": 7_200.0}, Step.ENCODE),
        ({"tag": "avc1"}, Step.NOTHING),
        ({"tag": "avc3"}, Step.REPACK),
        ({"is_fragmented": True}, Step.REPACK),
        ({"is_truncated": True}, Step.REPACK),
        ({"has_times": False}, Step.ENCODE),
        ({"colours": Colours(1, 1, 1)}, Step.NOTHING),
        ({"colours": Colours(9, 16, 9)}, Step.ENCODE),
        ({"colours": Colours(transfer=18)}, Step.ENCODE),
    ],
)
def test_each_trouble_has_its_step(change: dict[str, object], step: Step):
    assert next_step(changed(GOOD, **change), 50 * MB) is step


@given(
    width=st.integers(16, 4_000),
    height=st.integers(16, 4_000),
    seconds=st.floats(0, 10_000),
    rate=st.floats(0, 120),
    ceiling=st.integers(1 * MB, 2_000 * MB),
)
def test_an_encoding_fits_keeps_the_shape_and_never_enlarges(
    width: int, height: int, seconds: float, rate: float, ceiling: int
):
    probe = changed(GOOD, width=width, height=height, duration_s=seconds, frames_per_s=rate)
    encoding = encoding_for(probe, ceiling)
    if encoding is None:
        return
    assert encoding.width % 2 == encoding.height % 2 == 0
    assert encoding.width <= width + 1
    assert encoding.height <= height + 1
    assert abs(encoding.width / encoding.height - width / height) <= width / height * 0.15
    total = (encoding.bit_rate + encoding.audio_bit_rate) * max(seconds, 1) / 8
    assert total <= ceiling


def test_the_less_room_the_smaller_the_picture():
    sides = []
    for seconds in (30, 120, 600, 3_000):
        encoding = encoding_for(changed(GOOD, duration_s=float(seconds)), 50 * MB)
        sides.append(min(encoding.width, encoding.height) if encoding else 0)
    assert sides == sorted(sides, reverse=True)
    assert sides[0] == 1080
    assert sides[-1] == 0


def test_only_what_plays_as_it_is_may_be_cut():
    assert may_be_cut(GOOD)
    assert may_be_cut(changed(GOOD, is_mp4=False, is_fast_start=False))
    assert not may_be_cut(changed(GOOD, codec="vp9"))
    assert not may_be_cut(changed(GOOD, audio_codec="opus"))
    assert not may_be_cut(changed(GOOD, has_times=False))


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({}, True),
        ({"codec": "hevc"}, True),
        ({"codec": "vp9"}, False),
        ({"colours": Colours(9, 16, 9)}, True),
        ({"has_times": False}, False),
    ],
)
def test_what_most_phones_play_may_be_copied(change: dict[str, object], may: bool):
    assert changed(GOOD, **change).video.may_be_copied is may


@pytest.mark.parametrize("tag", ["", "avc1", "hvc1"])
def test_only_what_apple_plays_is_a_plain_mp4(tag: str):
    assert changed(GOOD, tag=tag).is_plain_mp4
    assert not changed(GOOD, tag="hev1").is_plain_mp4


# --- shapes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "aspect", "is_turned", "shown"),
    [
        ((720, 576), 64 / 45, False, (1024, 576)),
        ((720, 576), 64 / 45, True, (576, 1024)),
        ((720, 480), 8 / 9, False, (640, 480)),
        ((720, 576), 0.0, False, (720, 576)),  # unknown
        ((100, 50), 4.0, False, (400, 50)),
        ((100, 50), 4.1, False, (100, 50)),
        ((100, 50), 0.25, False, (25, 50)),
        ((100, 50), 0.24, False, (100, 50)),
        ((1, 50), 0.25, False, (1, 50)),
        ((854, 480), 1.0, True, (480, 854)),
    ],
)
def test_pixels_are_shown_in_their_shape_unless_it_is_absurd(
    stored: tuple[int, int], aspect: float, is_turned: bool, shown: tuple[int, int]
):
    assert displayed_size(*stored, aspect, is_turned=is_turned) == shown


@pytest.mark.parametrize(
    ("size", "frame", "fitted"),
    [
        ((1080, 1920), (720, 1280), (720, 1280)),
        ((301, 201), (300, 200), (300, 200)),
        ((102, 100), (100, 100), (100, 100)),  # a margin of 2 % is no use
        ((100, 102), (100, 100), (100, 100)),
        ((104, 100), (100, 100), (100, 96)),
        ((100, 104), (100, 100), (96, 100)),
        ((1920, 1080), (720, 1280), (720, 404)),
        ((50, 100), (200, 100), (50, 100)),
        ((10, 10), (200, 100), (100, 100)),
    ],
)
def test_a_picture_of_another_shape_fits_into_the_frame(
    size: tuple[int, int], frame: tuple[int, int], fitted: tuple[int, int]
):
    assert fitted_size(size, frame) == fitted


@pytest.mark.parametrize(("seconds", "time"), [(0.0, 0.0), (1.0, 0.5), (2.0, 1.0), (600.0, 1.0)])
def test_the_still_is_not_the_first_frame(seconds: float, time: float):
    assert still_time_s(seconds) == time


# --- colours --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colours", "is_hdr", "is_wide", "encoded"),
    [
        (Colours(), False, False, Colours(2, 2, 2)),
        (Colours(1, 1, 1), False, False, SDR),
        (Colours(6, 6, 6), False, False, Colours(6, 6, 6)),
        (Colours(9, 16, 9), True, True, SDR),
        (Colours(9, 18, 9), True, True, SDR),
        (Colours(2, 16, 2), True, True, SDR),
        (Colours(2, 18, 2), True, True, SDR),
        (Colours(9, 14, 9), True, True, SDR),
        (Colours(11, 1, 1), False, True, SDR),
        (Colours(12, 13, 1), False, True, SDR),
        (Colours(1, 13, 0), False, False, SDR),
    ],
)
def test_hdr_and_wide_gamuts_are_encoded_as_bt709(
    colours: Colours, is_hdr: bool, is_wide: bool, encoded: Colours
):
    assert (colours.is_hdr, colours.is_wide) == (is_hdr, is_wide)
    assert colours.for_encoding == encoded
    assert Colours(1, 1, 1) == SDR


def test_a_file_of_exactly_the_limit_needs_nothing():
    assert next_step(GOOD, 10 * MB) is Step.NOTHING
    assert next_step(GOOD, 10 * MB - 1) is Step.ENCODE


#: In 72 s, nine tenths of this many bytes make 2,488,320 bits per second beside the audio's 96,000:
#: 0.04 bits for each of 1080 x 1920 pixels, 30 times per second.
ENOUGH = 25_843_200
#: The same for 60 times per second.
ENOUGH_AT_60 = 50_726_400


@pytest.mark.parametrize(
    ("rate", "ceiling", "size"),
    [
        (30.0, ENOUGH, (1080, 1920)),
        (30.0, ENOUGH - 10, (720, 1280)),
        (0.0, ENOUGH, (1080, 1920)),  # an unknown rate counts as 30
        (0.0, ENOUGH - 10, (720, 1280)),
        (60.0, ENOUGH_AT_60, (1080, 1920)),
        (60.0, ENOUGH_AT_60 - 10, (720, 1280)),
        (120.0, ENOUGH_AT_60, (1080, 1920)),  # nothing is shown more often than 60 times
    ],
)
def test_a_frame_shrinks_only_when_its_pixels_get_too_few_bits(
    rate: float, ceiling: int, size: tuple[int, int]
):
    tall = encoding_for(changed(GOOD, duration_s=72.0, frames_per_s=rate), ceiling)
    assert tall is not None
    assert (tall.width, tall.height) == size
    wide = encoding_for(
        changed(GOOD, width=1920, height=1080, duration_s=72.0, frames_per_s=rate), ceiling
    )
    assert wide is not None
    assert (wide.height, wide.width) == size


@pytest.mark.parametrize(
    ("seconds", "bit_rate"),
    [(0.0, 7_104_000), (0.5, 7_104_000), (1.0, 7_104_000), (2.0, 3_504_000)],
)
def test_nine_tenths_of_the_room_are_for_video_and_audio(seconds: float, bit_rate: int):
    encoding = encoding_for(changed(GOOD, duration_s=seconds), 1 * MB)
    assert encoding is not None
    # 7,200,000 bits, over the seconds but at least one, less the audio.
    assert encoding.bit_rate == bit_rate
    assert encoding.audio_bit_rate == 96_000


def test_a_frame_larger_than_1080_is_reduced_to_it():
    encoding = encoding_for(changed(GOOD, width=2160, height=3840), 2_000 * MB)
    assert encoding is not None
    assert (encoding.width, encoding.height) == (1080, 1920)


def test_no_side_is_ever_less_than_two_pixels():
    encoding = encoding_for(changed(GOOD, width=1000, height=1), 50 * MB)
    assert encoding is not None
    assert (encoding.width, encoding.height) == (1000, 2)


@pytest.mark.parametrize(
    ("seconds", "audio", "is_loop"), [(60.0, "", True), (60.1, "", False), (5.0, "aac", False)]
)
def test_a_loop_is_silent_and_at_most_a_minute_long(seconds: float, audio: str, is_loop: bool):
    assert changed(GOOD, duration_s=seconds, audio_codec=audio).is_loop is is_loop


@pytest.mark.parametrize(
    ("size", "seconds", "expected"),
    [(10 * MB, 10, True), (10 * MB + 1, 10, False), (10 * MB, 11, False), (0, 0, True)],
)
def test_a_live_photo_takes_a_small_and_short_video(size: int, seconds: int, *, expected: bool):
    assert fits_live_photo(VideoFile(Path("a.mp4"), size, 1080, 1920, seconds)) is expected
