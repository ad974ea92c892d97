"""Choosing the renditions of a video to download, and their order."""

from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rendition to download."""

    rendition: Rendition
    #: The download is stopped at this size, in bytes.
    limit_bytes: int


def rank_renditions(
    renditions: Iterable[Rendition],
    ceiling_bytes: int,
    *,
    quality: Quality = Quality.BEST,
    shrinkable_bytes: int = 0,
    duration_s: int = 0,
) -> list[Candidate]:
    """Return the renditions to try, in this order, until one can be downloaded.

    First come those of at most `ceiling_bytes`: H.264 before all other codecs, then the site's own
    ranking, then the larger frame within the quality, then the higher bitrate. A size that the site
    does not state is estimated from the bitrate and `duration_s`; without both, the rendition
    counts as fitting, and the download itself stops at the limit.

    Then come those of at most `shrinkable_bytes`, smallest first, because they can be re-encoded.

    Raises:
        NoMediaError: there is no playable rendition.
        TooLargeError: all playable renditions are too large; the error has the smallest size.
    """
    playable = [r for r in renditions if r.urls and r.codec in _CODEC_RANK]
    if not playable:
        raise NoMediaError("no playable rendition")
    sizes = {r: expected_bytes(r, duration_s) for r in playable}
    fitting = [r for r in playable if (sizes[r] or 0) <= ceiling_bytes]
    most = max(ceiling_bytes, shrinkable_bytes)
    # Sizes may be wrong, so what should fit gets another chance with the higher limit.
    large = [r for r in playable if (r.size_bytes or 0) <= most]
    if most == ceiling_bytes:
        large = [r for r in large if r not in fitting]
    ranked = [
        *(Candidate(r, ceiling_bytes) for r in _by_preference(fitting, quality)),
        *(Candidate(r, most) for r in sorted(large, key=lambda r: (sizes[r] or 0, _frame(r)))),
    ]
    if not ranked:
        raise TooLargeError(min(r.size_bytes or 0 for r in playable), ceiling_bytes)
    return ranked


def expected_bytes(rendition: Rendition, duration_s: int) -> int | None:
    """Return the size of a rendition as stated or estimated; None if neither is possible."""
    if rendition.size_bytes is not None:
        return rendition.size_bytes
    return rendition.bitrate * duration_s // 8 or None


def _by_preference(renditions: list[Rendition], quality: Quality) -> list[Rendition]:
    """Sort renditions: those within the quality best first, then the others smallest first."""
    max_side = _MAX_SHORT_SIDE.get(quality)
    if max_side is None:
        return sorted(renditions, key=_rank, reverse=True)
    within = [r for r in renditions if r.short_side <= max_side]
    above = [r for r in renditions if r.short_side > max_side]
    # Without sizes in pixels, the smallest is the only one that is certainly small.
    is_unknown = quality is Quality.SMALL and not any(r.short_side for r in within)
    return [
        *sorted(within, key=_rank_small if is_unknown else _rank, reverse=True),
        *sorted(above, key=lambda r: (r.is_doubtful, r.short_side, -_CODEC_RANK[r.codec])),
    ]


def _rank(rendition: Rendition) -> tuple[int, ...]:
    """Return a sort key: higher is better."""
    return (not rendition.is_doubtful, _CODEC_RANK[rendition.codec], *_frame(rendition))


def _rank_small(rendition: Rendition) -> tuple[int, ...]:
    """Return a sort key like `_rank`, but the smaller frame is better."""
    frame = (-number for number in _frame(rendition))
    return (not rendition.is_doubtful, _CODEC_RANK[rendition.codec], *frame)


def _frame(rendition: Rendition) -> tuple[int, int, int]:
    """Return what orders renditions of one codec: the site's ranking, pixels, the bitrate."""
    width, height = rendition.width or rendition.height, rendition.height or rendition.width
    return rendition.quality, width * height, rendition.bitrate
