"""Info dicts of yt-dlp's extractors for X, Facebook, Twitch, Reddit and others."""

from typing import Any, Final

from core.errors import DrmError, NoMediaError, PlatformChangedError
from tests.platforms.pages import Page

CDN: Final = "https://video.twimg.com"


def plain(name: str, **values: Any) -> dict[str, Any]:
    return {"url": f"{CDN}/{name}", **values}


def info(*formats: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {"formats": list(formats), "duration": 60, **values}


PAGES: Final = [
    # X states bitrates and no sizes: 11.2 Mbit/s for 60 s are 84 MB.
    Page(
        "the large one does not fit by its bitrate",
        info(plain("small", tbr=53, width=270, height=480), plain("large", tbr=11_200, width=1080)),
        (f"{CDN}/small",),
    ),
    Page(
        "without sizes and bitrates the larger frame is tried first",
        info(plain("small", width=270, height=480), plain("large", width=1080, height=1920)),
        (f"{CDN}/large",),
        order=(f"{CDN}/large", f"{CDN}/small"),
    ),
    # Facebook names two qualities and nothing else.
    Page(
        "the better quality is listed last",
        info(plain("sd", quality=-3), plain("hd", quality=-2)),
        (f"{CDN}/hd",),
        order=(f"{CDN}/hd", f"{CDN}/sd"),
    ),
    Page(
        "the better quality is listed first",
        info(plain("hd", quality=-2), plain("sd", quality=-3)),
        (f"{CDN}/hd",),
        order=(f"{CDN}/hd", f"{CDN}/sd"),
    ),
    Page(
        "the extractor's preference comes before its quality",
        info(plain("a", preference=-1, quality=9), plain("b", quality=1)),
        (f"{CDN}/b",),
    ),
    # Twitch states the height only; its portrait crops have a lower quality.
    Page(
        "heights only",
        info(plain("480", height=480), plain("1080", height=1080), plain("720", height=720)),
        (f"{CDN}/1080",),
        order=(f"{CDN}/1080", f"{CDN}/720", f"{CDN}/480"),
    ),
    Page(
        "a portrait crop of a wide clip",
        info(plain("wide", height=720), plain("tall", height=1280, quality=-2)),
        (f"{CDN}/wide",),
    ),
    Page(
        "one of two videos has no files",
        {"_type": "playlist", "entries": [info(plain("a")), info()]},
        (f"{CDN}/a", None),
    ),
    Page("no files at all", info(), (), NoMediaError),
    # Reddit: the video is a file, its audio another one, a playlist, or only in other segments.
    Page(
        "the audio is another file",
        info(plain("v", acodec="none"), plain("a", acodec="mp4a.40.2", vcodec="none")),
        (f"{CDN}/v",),
        facts={"is_silent": False},
    ),
    Page(
        "the audio is only a playlist",
        info(
            plain("v", acodec="none"),
            plain("a.m3u8", acodec="mp4a.40.2", vcodec="none", protocol="m3u8_native"),
        ),
        (f"{CDN}/v",),
        facts={"is_silent": False},
    ),
    Page(
        "the audio is only in segments",
        info(
            plain("v", acodec="none"),
            plain("a", acodec="mp4a.40.2", vcodec="none", fragments=[{}]),
        ),
        (),
        PlatformChangedError,
    ),
    # Dailymotion: nothing but playlists. Whole files come first, and nothing encrypted at all.
    Page(
        "only playlists",
        info(
            plain("low.m3u8", protocol="m3u8_native", height=288),
            plain("high.m3u8", protocol="m3u8_native", height=720),
        ),
        (f"{CDN}/high.m3u8",),
        order=(f"{CDN}/high.m3u8", f"{CDN}/low.m3u8"),
    ),
    Page(
        "a file beside better playlists",
        info(plain("v", height=288), plain("high.m3u8", protocol="m3u8_native", height=720)),
        (f"{CDN}/v",),
        order=(f"{CDN}/v",),
    ),
    Page(
        "only encrypted files",
        info(plain("v", has_drm=True), plain("w.m3u8", protocol="m3u8", has_drm=True)),
        (),
        DrmError,
    ),
    Page(
        "a video without audio",
        info(plain("v", acodec="none"), plain("v.m3u8", acodec="none", protocol="m3u8_native")),
        (f"{CDN}/v",),
        facts={"is_silent": True},
    ),
    Page(
        "numbers that are none",
        info(plain("a"), like_count=-1, view_count=-5),
        (f"{CDN}/a",),
        facts={"likes": None, "views": None},
    ),
    Page(
        "controls in the text",
        info(plain("a"), description="a\u202eb\x00c\ud83d", uploader_id="fer\x07ry"),
        (f"{CDN}/a",),
        facts={"text": "abc", "author": "ferry"},
    ),
]
