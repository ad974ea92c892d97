"""Choosing the rendition of a video to download."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from core.errors import NoMediaError, TooLargeError
from core.media import Rendition

#: Higher is better. H.264 plays on every phone; other codecs are re-encoded after the download.
_CODEC_RANK: Final = {"h264": 3, "h265": 2, "vp9": 1, "av1": 1, "vp8": 0}


class Quality(StrEnum):
    """A chat's preferred quality of videos; SOUND means audio only."""

    BEST = "best"
    HD = "720p"
    SMALL = "small"
    SOUND = "sound"


#: Maximum length of the frame's short side, in pixels.
_MAX_SHORT_SIDE: Final = {Quality.HD: 720, Quality.SMALL: 480}


def choose_rendition(
    renditions: Iterable[Rendition],
    ceiling_bytes: int,
    *,
    quality: Quality = Quality.BEST,
    shrinkable_bytes: int = 0,
) -> Rendition:
    """Return the best rendition of at most `ceiling_bytes`.

    H.264 comes before all other codecs, then the larger frame within the quality, then the higher
    bitrate. A rendition of unknown size counts as fitting: the download itself stops at the limit.
    If all are too large, return the smallest if it has at most `shrinkable_bytes`, because it can
    be re-encoded.

    Raises:
        NoMediaError: there is no playable rendition.
        TooLargeError: all playable renditions are too large; the error has the smallest size.
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
    max_side = _MAX_SHORT_SIDE.get(quality)
    if max_side and not any(_short_side(r) <= max_side for r in fitting):
        return min(fitting, key=lambda r: (_short_side(r), -_CODEC_RANK[r.codec]))
    candidates = [r for r in fitting if not max_side or _short_side(r) <= max_side]
    return max(candidates, key=lambda r: (_CODEC_RANK[r.codec], r.width * r.height, r.bitrate))


def _short_side(rendition: Rendition) -> int:
    return min(rendition.width, rendition.height)
