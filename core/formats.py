"""Which encoding of a video to take."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from core.errors import NoMediaError, TooLargeError
from core.media import Rendition

#: H.264 plays on every phone; the others are encoded anew after the download.
_CODEC_RANK: Final = {"h264": 3, "h265": 2, "vp9": 1, "av1": 1, "vp8": 0}


class Quality(StrEnum):
    """What a chat wants of a video."""

    BEST = "best"
    HD = "720p"
    SMALL = "small"
    SOUND = "sound"


#: The short side of a picture may have so many pixels.
_MOST_PIXELS: Final = {Quality.HD: 720, Quality.SMALL: 480}


def choose_rendition(
    renditions: Iterable[Rendition],
    ceiling_bytes: int,
    *,
    quality: Quality = Quality.BEST,
    shrinkable_bytes: int = 0,
) -> Rendition:
    """Pick the best rendition that fits.

    H.264 before all others, then the larger picture within the quality, then the higher bitrate. A
    rendition without a known size counts as fitting: the download itself stops at the ceiling. When
    all are too large, the smallest is taken if it has no more than `shrinkable_bytes`.

    Raises:
        NoMediaError: there is nothing playable.
        TooLargeError: everything playable is known to be too large; names the smallest.
    """
    playable = [r for r in renditions if r.urls and r.codec in _CODEC_RANK]
    if not playable:
        raise NoMediaError("no playable rendition")
    fitting = [r for r in playable if r.size_bytes is None or r.size_bytes <= ceiling_bytes]
    if not fitting:
        smallest = min(playable, key=lambda r: r.size_bytes or 0)
        if (smallest.size_bytes or 0) > shrinkable_bytes:
            raise TooLargeError(smallest.size_bytes, ceiling_bytes)
        return smallest
    most = _MOST_PIXELS.get(quality)
    if most and not any(_short_side(r) <= most for r in fitting):
        return min(fitting, key=lambda r: (_short_side(r), -_CODEC_RANK[r.codec]))
    wanted = [r for r in fitting if not most or _short_side(r) <= most]
    return max(wanted, key=lambda r: (_CODEC_RANK[r.codec], r.width * r.height, r.bitrate))


def _short_side(rendition: Rendition) -> int:
    return min(rendition.width, rendition.height)
