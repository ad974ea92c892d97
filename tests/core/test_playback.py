"""The least that makes a video play and fit is what is done to it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.playback import Probe, Step, encoding_for, may_be_cut, next_step

MB = 1_000_000
GOOD = Probe(
    size_bytes=10 * MB,
    width=1080,
    height=1920,
    duration_s=30.0,
    frames_per_s=30.0,
    video_codec="h264",
    pixel_format="yuv420p",
    profile="High",
    audio_codec="aac",
    is_mp4=True,
    is_fast_start=True,
)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({}, Step.NOTHING),
        ({"audio_codec": ""}, Step.NOTHING),
        ({"audio_codec": "mp3", "profile": "Main"}, Step.NOTHING),
        ({"is_fast_start": False}, Step.REPACK),
        ({"is_mp4": False}, Step.REPACK),
        ({"audio_codec": "opus"}, Step.REPACK),
        ({"video_codec": "hevc"}, Step.ENCODE),
        ({"video_codec": "vp9"}, Step.ENCODE),
        ({"pixel_format": "yuv420p10le"}, Step.ENCODE),
        ({"profile": "High 4:4:4 Predictive"}, Step.ENCODE),
        ({"size_bytes": 60 * MB}, Step.ENCODE),
        ({"size_bytes": 400 * MB, "duration_s": 7_200.0}, Step.TOO_LARGE),
        ({"video_codec": "hevc", "duration_s": 7_200.0}, Step.ENCODE),
    ],
)
def test_each_trouble_has_its_step(change: dict[str, object], step: Step):
    assert next_step(replace(GOOD, **change), 50 * MB) is step  # type: ignore[arg-type]


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
    probe = replace(GOOD, width=width, height=height, duration_s=seconds, frames_per_s=rate)
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
        encoding = encoding_for(replace(GOOD, duration_s=float(seconds)), 50 * MB)
        sides.append(min(encoding.width, encoding.height) if encoding else 0)
    assert sides == sorted(sides, reverse=True)
    assert sides[0] == 1080
    assert sides[-1] == 0


def test_only_what_plays_as_it_is_may_be_cut():
    assert may_be_cut(GOOD)
    assert may_be_cut(replace(GOOD, is_mp4=False, is_fast_start=False))
    assert not may_be_cut(replace(GOOD, video_codec="vp9"))
    assert not may_be_cut(replace(GOOD, audio_codec="opus"))
