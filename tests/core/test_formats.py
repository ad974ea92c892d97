"""Which rendition of a video is taken: ties and exact limits."""

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
