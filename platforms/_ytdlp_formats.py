"""Convert yt-dlp's format dicts to renditions."""

from collections.abc import Sequence
from typing import Final

from core.media import Rendition
from platforms._json import Json

#: Protocols that serve one file at one URL; playlists of segments are not supported.
_WHOLE_FILES: Final = frozenset({"", "http", "https", "http_dash_segments"})
#: Prefixes of yt-dlp's codec names, and our names.
_CODECS: Final = (
    ("avc", "h264"),
    ("h264", "h264"),
    ("hev", "h265"),
    ("hvc", "h265"),
    ("vp09", "vp9"),
    ("vp9", "vp9"),
    ("av01", "av1"),
    ("vp8", "vp8"),
)


def read_formats(formats: Sequence[Json]) -> tuple[Rendition, ...]:
    """Return the renditions that are whole files, each with its audio if that is another file."""
    whole = [f for f in formats if _is_whole_file(f)]
    audios = [f for f in whole if f["vcodec"].text() == "none"]
    audio = max(audios, key=_audio_rank, default=None)
    return tuple(_rendition(f, audio) for f in whole if f["vcodec"].text() != "none")


def loses_audio(formats: Sequence[Json]) -> bool:
    """Return True if the audio exists, but only in segments, which cannot be downloaded."""
    whole = [f for f in formats if _is_whole_file(f)]
    segmented = [f for f in formats if not _is_whole_file(f)]
    is_silent = bool(whole) and all(f["acodec"].text() == "none" for f in whole)
    return is_silent and any(f["acodec"].text() not in {"", "none"} for f in segmented)


def _is_whole_file(entry: Json) -> bool:
    url = entry["url"].text()
    return (
        entry["protocol"].text() in _WHOLE_FILES
        and not entry["fragments"]
        and url.startswith("https://")
        and ".m3u8" not in url
    )


def _rendition(entry: Json, audio: Json | None) -> Rendition:
    is_silent = entry["acodec"].text() == "none"
    return Rendition(
        urls=(entry["url"].text(),),
        codec=_codec(entry["vcodec"].text()),
        width=entry["width"].number(),
        height=entry["height"].number(),
        size_bytes=entry["filesize"].count() or entry["filesize_approx"].count(),
        bitrate=(entry["tbr"].number() or entry["vbr"].number()) * 1_000,
        audio_urls=(audio["url"].text(),) if audio and is_silent else (),
        # yt-dlp compares `preference` first.
        quality=_signed(entry["preference"]) * 1_000 + _signed(entry["quality"]),
    )


def _audio_rank(audio: Json) -> tuple[bool, int]:
    """Return a sort key that prefers AAC, which needs no transcoding, then the higher bit rate."""
    return (
        audio["acodec"].text().startswith("mp4a"),
        audio["abr"].number() or audio["tbr"].number(),
    )


def _signed(value: Json) -> int:
    """Return one of yt-dlp's rankings, which may be negative; 0 if there is none."""
    number = value.value
    is_number = isinstance(number, int | float) and abs(number) < 1_000
    return int(number) if is_number else 0


def _codec(name: str) -> str:
    # The file is probed after the download, so a guess for an unknown codec is safe.
    return next((ours for prefix, ours in _CODECS if name.startswith(prefix)), "h264")
