"""Which files of a post are requested, with their limits and expected sizes."""

from dataclasses import replace
from typing import Final

from core.choices import Piece
from core.formats import Quality, expected_bytes, rank_renditions
from core.media import Clip, Picture, Rendition, Subtitles
from platforms import FileRequest, FileVersion

#: Still pictures of videos are small; a larger file is something else.
_MAX_STILL_BYTES: Final = 5_000_000
#: Ten hours of speech have 1 MB of text, and twice as much with the time of each word.
_MAX_SUBTITLES_BYTES: Final = 4_000_000
#: Space that is reserved for pictures and audio whose size is unknown, in bytes.
_PICTURE_BYTES: Final = 2_000_000
_AUDIO_BYTES: Final = 5_000_000
#: What is downloaded before and behind a piece, in seconds: it begins with a key frame.
_AROUND_PIECE_S: Final = 10


def piece_share(piece: Piece | None, duration_s: int) -> float:
    """Return how much of a file must be downloaded for a piece, if the server sends parts."""
    if piece is None or not duration_s:
        return 1.0
    end = duration_s if piece.end_s is None else min(piece.end_s + _AROUND_PIECE_S, duration_s)
    start = max(piece.start_s - _AROUND_PIECE_S, 0)
    return max(end - start, 0) / duration_s or 1.0


def video_request(
    clip: Clip,
    name: str,
    ceiling_bytes: int,
    quality: Quality,
    shrinkable_bytes: int = 0,
    share: float = 1.0,
) -> FileRequest:
    """Return the request for a video, with all renditions that may be used; see `rank_renditions`.

    `share` is how much of each file is needed.

    Raises:
        NoMediaError: there is no playable rendition.
        TooLargeError: all playable renditions are too large.
    """
    duration_s = round(clip.duration_s * share)
    ranked = rank_renditions(
        [_share_of(rendition, share) for rendition in clip.renditions],
        ceiling_bytes,
        quality=quality,
        shrinkable_bytes=shrinkable_bytes,
        duration_s=duration_s,
    )
    versions = tuple(
        FileVersion(
            urls=one.rendition.urls,
            limit_bytes=one.limit_bytes,
            size_bytes=one.rendition.size_bytes,
            estimated_bytes=expected_bytes(one.rendition, duration_s),
            audio_urls=one.rendition.audio_urls,
        )
        for one in ranked
    )
    return FileRequest(versions, name)


def _share_of(rendition: Rendition, share: float) -> Rendition:
    if rendition.size_bytes is None or share >= 1:
        return rendition
    return replace(rendition, size_bytes=round(rendition.size_bytes * share))


def picture_request(picture: Picture, name: str, limit_bytes: int) -> FileRequest:
    """Return the request for a picture."""
    version = FileVersion(picture.urls, limit_bytes, estimated_bytes=_PICTURE_BYTES)
    return FileRequest((version,), name)


def audio_request(urls: tuple[str, ...], name: str, limit_bytes: int) -> FileRequest:
    """Return the request for an audio file; its URLs may have different sizes."""
    versions = (FileVersion((url,), limit_bytes, estimated_bytes=_AUDIO_BYTES) for url in urls)
    return FileRequest(tuple(versions), name)


def subtitles_request(subtitles: Subtitles, name: str) -> FileRequest:
    """Return the request for subtitles, in the first format that can be downloaded."""
    versions = (FileVersion((url,), _MAX_SUBTITLES_BYTES) for url in subtitles.urls)
    return FileRequest(tuple(versions), name)


def still_request(urls: tuple[str, ...], name: str) -> FileRequest:
    """Return the request for a small preview image, which the answer does not depend on."""
    return FileRequest((FileVersion(urls[:1], _MAX_STILL_BYTES),), name, is_optional=True)
