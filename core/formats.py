"""Which encoding of a video to take."""

from collections.abc import Iterable

from core.errors import NoMediaError, TooLargeError
from core.media import Rendition

#: H.264 plays on every phone; H.265 on most; anything else is not worth sending.
_CODEC_RANK = {"h264": 2, "h265": 1}


def choose_rendition(renditions: Iterable[Rendition], ceiling_bytes: int) -> Rendition:
    """Pick the best rendition that fits.

    H.264 before H.265, then the larger picture, then the higher bitrate.
    A rendition without a known size counts as fitting: the download itself stops at the ceiling.

    Raises:
        NoMediaError: there is nothing playable.
        TooLargeError: everything playable is known to be too large; names the smallest.
    """
    playable = [r for r in renditions if r.urls and r.codec in _CODEC_RANK]
    if not playable:
        raise NoMediaError("no playable rendition")
    fitting = [r for r in playable if r.size_bytes is None or r.size_bytes <= ceiling_bytes]
    if not fitting:
        raise TooLargeError(min(r.size_bytes or 0 for r in playable), ceiling_bytes)
    return max(fitting, key=lambda r: (_CODEC_RANK[r.codec], r.width * r.height, r.bitrate))
