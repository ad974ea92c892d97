"""Subtitles in yt-dlp's info dicts."""

from typing import Any

from core.media import Subtitles
from platforms._json import Json
from platforms._ytdlp_subtitles import read_subtitles

SITE = "https://www.youtube.com/api/timedtext"


def read(info: Any) -> tuple[Subtitles, ...]:
    return read_subtitles(Json(info, "youtube"))


def files(language: str, *formats: str) -> list[dict[str, str]]:
    return [{"ext": ext, "url": f"{SITE}?lang={language}&fmt={ext}"} for ext in formats]


def test_written_and_automatic_subtitles_in_the_best_formats():
    info = {
        "language": "en",
        "subtitles": {
            "de": files("de", "vtt", "ttml", "srv3", "json3"),
            "live_chat": [{"ext": "json", "protocol": "youtube_live_chat", "url": f"{SITE}/chat"}],
        },
        "automatic_captions": {
            "en-orig": files("en", "vtt"),
            "fr": files("fr", "vtt"),
        },
    }
    assert read(info) == (
        Subtitles("de", (f"{SITE}?lang=de&fmt=json3", f"{SITE}?lang=de&fmt=vtt")),
        Subtitles("en", (f"{SITE}?lang=en&fmt=vtt",), is_automatic=True, is_original=True),
        Subtitles("fr", (f"{SITE}?lang=fr&fmt=vtt",), is_automatic=True),
    )


def test_subtitles_without_a_format_are_read_and_segments_are_not():
    info = {
        "subtitles": {
            "en_US": [{"url": "https://cdn.example/bad-name.srt"}],
            "es": [{"url": "https://cdn.example/1"}],
            "pl": [{"ext": "vtt", "url": "https://cdn.example/pl.m3u8"}],
            "it": [{"ext": "vtt", "protocol": "m3u8_native", "url": "https://cdn.example/it"}],
            "cs": [{"ext": "vtt", "url": "http://cdn.example/cs"}, {"data": "WEBVTT"}],
        }
    }
    assert read(info) == (Subtitles("es", ("https://cdn.example/1",)),)


def test_other_shapes_have_no_subtitles():
    shapes: tuple[Any, ...] = (None, [], "x", 1, {"en": None}, {"en": [None, "x"]}, {1: [{}]})
    for value in shapes:
        assert read({"subtitles": value, "automatic_captions": value}) == ()
