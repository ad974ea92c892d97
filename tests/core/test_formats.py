"""Which rendition of a video is taken: ties and exact limits."""

from dataclasses import replace
from typing import Any

import pytest

from core.errors import NoMediaError, TooLargeError
from core.formats import Quality, rank_renditions
from core.media import Rendition


def rendition(
    width: int = 1080,
    height: int = 1920,
    size: int | None = 10,
    codec: str = "h264",
    bitrate: int = 0,
) -> Rendition:
    return Rendition(("u",), codec, width, height, size, bitrate)


def first_of(*arguments: Any, **options: Any) -> Rendition:
    """Return the rendition that is tried first."""
    return rank_renditions(*arguments, **options)[0].rendition


def test_a_file_of_exactly_the_limit_fits():
    exact, smaller = rendition(size=50), rendition(width=720, size=49)
    assert first_of([smaller, exact], 50) is exact
    assert first_of([smaller, rendition(size=51)], 50) is smaller


def test_a_file_of_exactly_what_can_be_shrunk_is_shrunk():
    exact = rendition(size=70)
    assert first_of([exact], 50, shrinkable_bytes=70) is exact
    with pytest.raises(TooLargeError) as caught:
        first_of([rendition(size=71)], 50, shrinkable_bytes=70)
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (71, 50)


def test_nothing_is_shrunk_unless_it_is_allowed():
    with pytest.raises(TooLargeError):
        first_of([rendition(size=1)], 0)


def test_the_frame_with_more_pixels_wins_whatever_its_shape():
    square, tall, wide = rendition(1000, 1000), rendition(1080, 1920), rendition(1900, 1080)
    assert first_of([square, tall, wide], 50) is tall
    assert first_of([square, wide], 50) is wide


@pytest.mark.parametrize(
    ("codecs", "best"),
    [
        (["vp8", "av1"], "av1"),
        (["vp8", "vp9"], "vp9"),
        (["av1", "h265"], "h265"),
        (["h265", "h264"], "h264"),
        (["unknown", "vp8"], "vp8"),
    ],
)
def test_codecs_that_play_on_more_phones_win(codecs: list[str], best: str):
    renditions = [rendition(codec=codec) for codec in codecs]
    assert first_of(renditions, 50).codec == best
    assert first_of(renditions[::-1], 50).codec == best


@pytest.mark.parametrize(("quality", "side"), [(Quality.HD, 720), (Quality.SMALL, 480)])
def test_a_short_side_of_exactly_the_quality_is_within_it(quality: Quality, side: int):
    short, long = rendition(side, 1000), rendition(side, 1280)
    over = rendition(side + 1, 1281)
    for turned in (long, rendition(1280, side)):
        assert first_of([short, turned, over], 50, quality=quality) is turned


def test_if_all_frames_are_larger_than_the_quality_the_smallest_is_taken():
    h265, h264 = rendition(900, codec="h265"), rendition(900)
    larger = rendition(1000)
    for order in ([larger, h265, h264], [h264, h265, larger]):
        assert first_of(order, 50, quality=Quality.HD) is h264


def test_the_quality_sound_sets_no_limit_on_the_frame():
    small, large = rendition(480), rendition(2160, 3840)
    assert first_of([small, large], 50, quality=Quality.SOUND) is large


def test_a_post_that_nobody_can_play_is_logged_as_such():
    with pytest.raises(NoMediaError) as caught:
        first_of([rendition(codec="bytevc2")], 50)
    assert str(caught.value) == (
        "The post contains neither videos nor pictures. (no playable rendition)"
    )


def test_each_candidate_has_the_limit_up_to_which_it_is_of_use():
    fits, large, unknown = rendition(size=50), rendition(size=60), rendition(size=None)
    ranked = rank_renditions([large, fits, unknown], 50, shrinkable_bytes=70)
    assert [(one.rendition, one.limit_bytes) for one in ranked[:2]] == [(fits, 50), (unknown, 50)]
    # What should fit gets another chance, because sizes may be wrong.
    assert [(one.rendition, one.limit_bytes) for one in ranked[2:]] == [
        *((unknown, 70), (fits, 70), (large, 70)),
    ]


def test_what_may_be_shrunk_is_tried_smallest_first():
    ranked = rank_renditions(
        [rendition(size=size) for size in (90, 70, 80)], 50, shrinkable_bytes=100
    )
    assert [one.rendition.size_bytes for one in ranked] == [70, 80, 90]


def test_without_shrinking_nothing_is_tried_twice():
    ranked = rank_renditions([rendition(size=50), rendition(size=40)], 50)
    assert [one.limit_bytes for one in ranked] == [50, 50]
    # A size that was only estimated may be too high.
    guess = rendition(size=None, bitrate=8_000)
    assert rank_renditions([guess], 50, duration_s=1)[0].limit_bytes == 50


def test_a_size_is_estimated_from_the_bitrate_and_the_length():
    slow, fast = rendition(720, size=None, bitrate=80), rendition(size=None, bitrate=800)
    assert first_of([fast, slow], 50, duration_s=5) is slow
    assert first_of([fast, slow], 50) is fast  # without a length nothing is known


def test_without_sizes_in_pixels_small_is_the_lowest_ranking():
    low, high = (
        Rendition(("u",), "h264", bitrate=bitrate, quality=quality)
        for quality, bitrate in ((1, 100), (2, 200))
    )
    assert first_of([high, low], 50, quality=Quality.SMALL) is low
    assert first_of([low, high], 50, quality=Quality.HD) is high
    doubtful = replace(low, quality=0, is_doubtful=True)
    assert first_of([high, low, doubtful], 50, quality=Quality.SMALL) is low
    other = replace(low, quality=0, codec="vp9")
    assert first_of([high, low, other], 50, quality=Quality.SMALL) is low


def test_what_may_be_missing_is_tried_last():
    sound, doubtful = rendition(720), replace(rendition(), is_doubtful=True)
    assert first_of([doubtful, sound], 50) is sound
    large, unsure = rendition(900), replace(rendition(800), is_doubtful=True)
    assert first_of([unsure, large], 50, quality=Quality.HD) is large


def test_no_size_at_all_is_named_as_such():
    with pytest.raises(TooLargeError) as caught:
        first_of([rendition(size=90), rendition(size=80)], 50)
    assert caught.value.size_bytes == 80
