"""Objects of Instagram's posts."""

from typing import Any, Final

from core.errors import PlatformChangedError
from core.media import Audio
from tests.platforms.pages import Page

CDN: Final = "https://scontent.cdninstagram.com"
STILL: Final = {"candidates": [{"url": f"{CDN}/still"}]}


def picture(name: str, **values: Any) -> dict[str, Any]:
    return {
        "media_type": 1,
        "image_versions2": {"candidates": [{"url": f"{CDN}/{name}"}]},
        **values,
    }


def video(name: str, **values: Any) -> dict[str, Any]:
    versions = [{"type": 101, "url": f"{CDN}/{name}"}]
    return {"media_type": 2, "video_versions": versions, "image_versions2": STILL, **values}


def candidates(*sizes: tuple[int, int]) -> dict[str, Any]:
    return {
        "candidates": [{"url": f"{CDN}/{w}x{h}", "width": w, "height": h} for w, h in sizes],
    }


MUSIC: Final = {
    "music_info": {
        "music_asset_info": {
            "progressive_download_url": f"{CDN}/song",
            "title": "Shanty",
            "display_artist": "The Crew",
            "duration_in_ms": 31_200,
            "cover_artwork_uri": f"{CDN}/artwork",
            "cover_artwork_thumbnail_uri": None,
        }
    }
}
ORIGINAL_SOUND: Final = {
    "progressive_download_url": f"{CDN}/sound",
    "original_audio_title": "Original",
    "ig_artist": {"username": "ferry.demo"},
    "duration_in_ms": 4_000,
}
NO_MUSIC: Final[list[Any]] = [
    None,
    {"music_info": None, "original_sound_info": None},
    {"music_info": {"music_asset_info": {"progressive_download_url": None, "title": "x"}}},
    {"music_info": {"music_asset_info": {"progressive_download_url": "http://127.0.0.1/"}}},
]
NO_VERSIONS: Final[list[Any]] = [None, [], {}, [None], [{}], [{"url": ""}], [{"url": None}], "x"]


def unreadable(**values: Any) -> dict[str, Any]:
    """Return the object of a video without any file, as the site sometimes sends it."""
    return {"media_type": 2, "image_versions2": STILL, **values}


PAGES: Final = [
    Page("a picture", picture("a"), (f"{CDN}/a",)),
    Page("a picture with empty videos", picture("a", video_versions=None), (f"{CDN}/a",)),
    Page("a video", video("v"), (f"{CDN}/v",)),
    # A video whose files are missing is not its still.
    *(
        Page(
            f"a reel with {versions!r}",
            unreadable(video_versions=versions),
            (),
            PlatformChangedError,
        )
        for versions in NO_VERSIONS
    ),
    *(
        Page(
            f"a video that only {key} tells",
            {"image_versions2": STILL, "video_versions": None, key: value},
            (),
            PlatformChangedError,
        )
        for key, value in {
            "has_audio": True,
            "video_duration": 3.5,
            "is_video": True,
            "play_count": 17,
            "view_count": 17,
            "product_type": "clips",
            "clips_metadata": {"audio_type": "original_sounds"},
            "video_codec": "avc1",
        }.items()
    ),
    Page(
        "a carousel with one unreadable video",
        {"carousel_media": [picture("a"), unreadable(video_versions=[]), video("v")]},
        (f"{CDN}/a", None, f"{CDN}/v"),
    ),
    Page(
        "a carousel with one empty item",
        {"carousel_media": [picture("a"), None, {"image_versions2": None}]},
        (f"{CDN}/a", None, None),
    ),
    Page(
        "a carousel in a carousel",
        {"carousel_media": [picture("a"), {"media_type": 8, "image_versions2": STILL}]},
        (f"{CDN}/a", None),
    ),
    Page(
        "a carousel of which the page has only the beginning",
        {"media_type": 8, "carousel_media_count": 3, "carousel_media": [picture("a"), video("v")]},
        (f"{CDN}/a", f"{CDN}/v", None),
    ),
    Page(
        "a carousel with an absurd count",
        {"carousel_media_count": 2**50, "carousel_media": [picture("a")]},
        (f"{CDN}/a", *[None] * 49),
    ),
    Page(
        "a carousel without items is not its cover",
        {"media_type": 8, "carousel_media": None, "image_versions2": STILL},
        (),
        PlatformChangedError,
    ),
    Page(
        "a carousel with unreadable items only",
        {"carousel_media": [unreadable(), unreadable()]},
        (),
        PlatformChangedError,
    ),
    # The best of the pictures.
    Page(
        "the first candidate is smaller than another",
        {"image_versions2": candidates((480, 307), (612, 392), (320, 205))},
        (f"{CDN}/612x392",),
    ),
    Page(
        "a square crop is larger than the original",
        {
            "image_versions2": candidates((1080, 1080), (1080, 1350), (640, 640)),
            "original_width": 1440,
            "original_height": 1800,
        },
        (f"{CDN}/1080x1350",),
    ),
    Page(
        "only crops",
        {
            "image_versions2": candidates((640, 640), (1080, 1080)),
            "original_width": 1440,
            "original_height": 1800,
        },
        (f"{CDN}/1080x1080",),
    ),
    Page(
        "rounded sides are no other shape",
        {
            "image_versions2": candidates((320, 426), (1080, 1439)),
            "original_width": 3024,
            "original_height": 4032,
        },
        (f"{CDN}/1080x1439",),
    ),
    Page(
        "a child of a carousel with crops",
        {
            "carousel_media": [
                {
                    "image_versions2": candidates((1080, 1080), (720, 1280)),
                    "original_width": 720,
                    "original_height": 1280,
                },
                picture("b"),
            ]
        },
        (f"{CDN}/720x1280", f"{CDN}/b"),
    ),
    Page(
        "without sizes the first one is in full size",
        {"image_versions2": {"candidates": [{"url": f"{CDN}/full"}, {"url": f"{CDN}/small"}]}},
        (f"{CDN}/full",),
    ),
    # Live photos, and music.
    Page("a live photo", {**video("v"), "media_type": 1}, ((f"{CDN}/still", f"{CDN}/v"),)),
    Page(
        "a live photo in a carousel",
        {"carousel_media": [picture("a"), {**video("v"), "media_type": 1}, video("w")]},
        (f"{CDN}/a", (f"{CDN}/still", f"{CDN}/v"), f"{CDN}/w"),
    ),
    Page(
        "a reel without audio",
        video("v", has_audio=False),
        (f"{CDN}/v",),
        facts={"is_silent": True},
    ),
    Page(
        "a reel with audio", video("v", has_audio=True), (f"{CDN}/v",), facts={"is_silent": False}
    ),
    Page(
        "a picture with music",
        picture("a", music_metadata=MUSIC),
        (f"{CDN}/a",),
        facts={
            "audio": Audio((f"{CDN}/song",), "Shanty", "The Crew", 31, (f"{CDN}/artwork",)),
        },
    ),
    Page(
        "a picture with a sound of its own",
        picture("a", music_metadata={"original_sound_info": ORIGINAL_SOUND}),
        (f"{CDN}/a",),
        facts={"audio": Audio((f"{CDN}/sound",), "Original", "ferry.demo", 4)},
    ),
    *(
        Page(
            f"a picture with {music!r}",
            picture("a", music_metadata=music),
            (f"{CDN}/a",),
            facts={"audio": None},
        )
        for music in NO_MUSIC
    ),
    Page(
        "music of a video is in it",
        video("v", music_metadata=MUSIC),
        (f"{CDN}/v",),
        facts={"audio": None},
    ),
    # Numbers.
    Page(
        "hidden likes",
        picture("a", like_count=-1),
        (f"{CDN}/a",),
        facts={"likes": None},
    ),
    Page(
        "counts that the author hides",
        picture("a", like_count=3, view_count=9, like_and_view_counts_disabled=True),
        (f"{CDN}/a",),
        facts={"likes": None, "views": None},
    ),
    Page(
        "plays count as views",
        video("v", play_count=7),
        (f"{CDN}/v",),
        facts={"views": 7},
    ),
    Page(
        "an empty view count is not the number of plays",
        video("v", view_count=0, ig_play_count=8),
        (f"{CDN}/v",),
        facts={"views": 8},
    ),
    Page(
        "half an emoji in the text",
        picture("a", caption={"text": "Dawn \ud83d\u202e!\x00"}),
        (f"{CDN}/a",),
        facts={"text": "Dawn !"},
    ),
]
