"""Convert yt-dlp's format dicts to renditions."""

from collections.abc import Sequence
from typing import Final

from core.media import Rendition
from platforms._json import Json
from platforms._playlist import is_playlist

#: Protocols that serve one file at one URL.
_WHOLE_FILES: Final = frozenset({"", "http", "https", "http_dash_segments"})
#: Protocols of HLS playlists.
_PLAYLISTS: Final = frozenset({"m3u8", "m3u8_native"})
#: Containers and codecs of audio that Telegram's player plays without a conversion.
_NATIVE_AUDIO: Final = ("mp4a", "aac", "mp3", "m4a")
#: Files of this bit rate (kbit/s) sound like the original; larger ones are lossless.
_BEST_BIT_RATE: Final = 320
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
    """Return the renditions, each with its audio if that is another file.

    Playlists of segments are used only if there is no video, or no audio, in whole files.
    """
    usable = _usable(formats)
    audios = [f for f in usable if f["vcodec"].text() == "none"]
    audio = max(audios, key=_audio_rank, default=None)
    return tuple(_rendition(f, audio) for f in usable if f["vcodec"].text() != "none")


def read_audio(formats: Sequence[Json]) -> tuple[str, ...]:
    """Return the URLs of audio without video, best first."""
    audios = [f for f in formats if f["vcodec"].text() == "none" and _is_downloadable(f)]
    return tuple(f["url"].text() for f in sorted(audios, key=_track_rank, reverse=True))


def loses_audio(formats: Sequence[Json]) -> bool:
    """Return True if the audio exists, but only in a form that cannot be downloaded."""
    usable = _usable(formats)
    # By identity: there may be as many formats as fit into a page.
    used = set(map(id, usable))
    others = (f for f in formats if id(f) not in used)
    return _is_silent(usable) and any(f["acodec"].text() not in {"", "none"} for f in others)


def is_protected(formats: Sequence[Json]) -> bool:
    """Return True if all formats are encrypted (DRM)."""
    return bool(formats) and all(f["has_drm"].value is True for f in formats)


def _usable(formats: Sequence[Json]) -> list[Json]:
    whole = [f for f in formats if _is_whole_file(f)]
    every = [f for f in formats if _is_downloadable(f)]
    adds_audio = _is_silent(whole) and not _is_silent(every)
    has_video = any(f["vcodec"].text() != "none" for f in whole)
    return whole if has_video and not adds_audio else every


def _is_silent(formats: Sequence[Json]) -> bool:
    return bool(formats) and all(f["acodec"].text() == "none" for f in formats)


def _is_whole_file(entry: Json) -> bool:
    url = entry["url"].text()
    return (
        entry["protocol"].text() in _WHOLE_FILES
        and not entry["fragments"]
        and url.startswith("https://")
        and ".m3u8" not in url
        and entry["has_drm"].value is not True
    )


def _is_downloadable(entry: Json) -> bool:
    """Return True if a format is a whole file, or a playlist whose segments need nothing else."""
    url = entry["url"].text()
    is_list = entry["protocol"].text() in _PLAYLISTS and is_playlist(url)
    is_open = not entry["extra_param_to_segment_url"] and entry["has_drm"].value is not True
    return _is_whole_file(entry) or (is_list and is_open and url.startswith("https://"))


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


def _audio_rank(audio: Json) -> tuple[int, bool, bool, int]:
    """Return a sort key: the original language, then AAC, which needs no transcoding.

    Then the recording as it is, without YouTube's compressed dynamics ("drc" in yt-dlp's ids), then
    the higher bit rate.
    """
    return (
        _signed(audio["language_preference"]),
        audio["acodec"].text().startswith("mp4a"),
        not audio["format_id"].text().endswith("-drc"),
        _bit_rate(audio),
    )


def _track_rank(audio: Json) -> tuple[bool, bool, int, bool]:
    """Return a sort key: what needs no conversion, no lossless files, then the higher bit rate."""
    kind, rate = audio["acodec"].text() or audio["ext"].text(), _bit_rate(audio)
    is_native = kind.startswith(_NATIVE_AUDIO) or audio["ext"].text() in _NATIVE_AUDIO
    return is_native, rate <= _BEST_BIT_RATE, rate, _is_whole_file(audio)


def _bit_rate(audio: Json) -> int:
    return audio["abr"].number() or audio["tbr"].number()


def _signed(value: Json) -> int:
    """Return one of yt-dlp's rankings, which may be negative; 0 if there is none."""
    number = value.value
    is_number = isinstance(number, int | float) and abs(number) < 1_000
    return int(number) if is_number else 0


def _codec(name: str) -> str:
    # The file is probed after the download, so a guess for an unknown codec is safe.
    return next((ours for prefix, ours in _CODECS if name.startswith(prefix)), "h264")
