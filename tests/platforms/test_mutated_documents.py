"""Documents of the sites, mutated in every place: a post with allowed URLs, or an error of ours."""

import time
from copy import deepcopy
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.errors import ClipferryError, PlatformChangedError
from core.media import Access, Audio, Clip, Item, Link, LivePhoto, Picture, Post, Unreadable
from platforms import _cobalt, bluesky, instagram, reddit, threads, tiktok, tumblr
from platforms._instagram_product import read_product
from platforms._instagram_stories import read_reel
from platforms._json import Json
from platforms._linked_media import read_imgur, read_redgifs
from platforms._pinterest_pin import read_pin
from platforms._playlist import read_playlist
from platforms._x_post import needs_card, read_answer
from platforms._ytdlp_site import read_info
from platforms._ytdlp_tracks import read_track
from tests.updates import mutated

ACCESS: Final = Access("exit-1")
CDN: Final = "https://v16-webapp-prime.tiktok.com/video/1/?a=1988"
TIKTOK: Final[dict[str, Any]] = {
    "statusCode": 0,
    "statusMsg": "",
    "itemInfo": {
        "itemStruct": {
            "id": "1",
            "desc": "text",
            "author": {"uniqueId": "ada"},
            "music": {"title": "t", "playUrl": CDN, "duration": 10, "coverLarge": CDN},
            "stats": {"diggCount": 5, "playCount": 7},
            "statsV2": {"diggCount": "5", "playCount": "7"},
            "video": {
                "width": 576,
                "height": 1024,
                "duration": 10,
                "cover": CDN,
                "playAddr": CDN,
                "bitrateInfo": [
                    {
                        "Bitrate": 500_000,
                        "CodecType": "h264",
                        "PlayAddr": {"DataSize": "1000", "Width": 576, "UrlList": [CDN, CDN]},
                    }
                ],
            },
            "imagePost": {"images": [{"imageURL": {"urlList": [CDN]}, "imageWidth": 1080}]},
        }
    },
}
INSTAGRAM: Final[dict[str, Any]] = {
    "user": {"username": "ada"},
    "caption": {"text": "text"},
    "like_count": 5,
    "view_count": 7,
    "carousel_media": [
        {
            "original_width": 1080,
            "original_height": 1350,
            "video_duration": 9.5,
            "video_versions": [{"url": "https://scontent.cdninstagram.com/v", "width": 720}],
            "image_versions2": {
                "candidates": [{"url": "https://scontent.cdninstagram.com/i", "width": 1080}]
            },
        }
    ],
}
INFO: Final[dict[str, Any]] = {
    "_type": "video",
    "uploader": "ada",
    "description": "text",
    "like_count": 5,
    "age_limit": 0,
    "duration": 9.5,
    "thumbnails": [{"url": "https://cdn.example.com/i.jpg"}],
    "formats": [
        {
            "url": "https://cdn.example.com/v.mp4",
            "protocol": "https",
            "vcodec": "avc1.4d401f",
            "acodec": "none",
            "width": 720,
            "height": 1280,
            "tbr": 900.5,
            "filesize": 1_000,
        },
        {"url": "https://cdn.example.com/a.m4a", "vcodec": "none", "acodec": "mp4a.40.2"},
    ],
}
TRACK: Final[dict[str, Any]] = {
    "_type": "video",
    "title": "Bell",
    "track": "Bell",
    "artists": ["Ada", "Bo"],
    "uploader": "Ada",
    "duration": 3.5,
    "like_count": 5,
    "view_count": 7,
    "thumbnails": [{"url": "https://i1.sndcdn.com/a.jpg", "width": 500}],
    "formats": [
        {
            "url": "https://cf-media.sndcdn.com/a.m3u8",
            "protocol": "m3u8_native",
            "vcodec": "none",
            "acodec": "mp4a.40.2",
            "ext": "m4a",
            "abr": 160.0,
        },
        {"url": "https://cf-media.sndcdn.com/a.mp3", "vcodec": "none", "ext": "mp3", "tbr": 128},
    ],
}
COBALT: Final[dict[str, Any]] = {
    "status": "picker",
    "audio": "https://cobalt.example.com/a",
    "picker": [{"type": "photo", "url": "https://cobalt.example.com/i"}],
    "error": {"code": "error.api.fetch.empty"},
}
RAPIDAPI: Final[dict[str, Any]] = {
    "media": [
        {
            "type": "video",
            "url": "https://cdn.example.com/v",
            "thumbnail": "https://cdn.example.com/i",
        },
        {"type": "image", "url": "https://cdn.example.com/i"},
    ]
}
REDDIT: Final[dict[str, Any]] = {
    "author": "ferry",
    "title": "A crossing",
    "ups": 7,
    "gallery_data": {"items": [{"media_id": "a"}, {"media_id": "b"}]},
    "media_metadata": {
        "a": {
            "id": "a",
            "status": "valid",
            "e": "Image",
            "p": [{"u": "https://preview.redd.it/a.jpg?s=1"}],
            "s": {"u": "https://preview.redd.it/a.jpg?s=2"},
        },
        "b": {
            "id": "b",
            "status": "valid",
            "e": "AnimatedImage",
            "s": {"mp4": "https://preview.redd.it/b.gif?s=1", "x": 3, "y": 2},
        },
    },
}
REDDIT_LINK: Final[dict[str, Any]] = {
    "url": "https://i.imgur.com/a.jpg",
    "post_hint": "image",
    "preview": {
        "images": [
            {
                "source": {"url": "https://external-preview.redd.it/a.jpg?s=1", "width": 3},
                "resolutions": [{"url": "https://external-preview.redd.it/a.jpg?width=1"}],
                "variants": {"mp4": {"source": {"url": "https://external-preview.redd.it/a"}}},
            }
        ],
        "reddit_video_preview": {"fallback_url": "https://v.redd.it/a/b.mp4", "is_gif": True},
    },
}
PBS: Final = "https://pbs.twimg.com/media/a.jpg"
X_MEDIA: Final[list[dict[str, Any]]] = [
    {"type": "photo", "media_url_https": PBS},
    {
        "type": "video",
        "media_url_https": PBS,
        "original_info": {"width": 576, "height": 1024},
        "video_info": {
            "duration_millis": 3_000,
            "variants": [
                {
                    "bitrate": 256_000,
                    "content_type": "video/mp4",
                    "url": "https://video.twimg.com/ext_tw_video/1/vid/288x512/a.mp4",
                }
            ],
        },
    },
]
X_STATUS: Final[dict[str, Any]] = {
    "full_text": "text https://t.co/a",
    "favorite_count": 5,
    "entities": {"urls": [{"url": "https://t.co/a", "expanded_url": "https://example.com"}]},
    "extended_entities": {"media": X_MEDIA},
}
X: Final[dict[str, Any]] = {
    "tweetResult": {
        "result": {
            "__typename": "Tweet",
            "legacy": X_STATUS,
            "views": {"count": "7"},
            "core": {"user_results": {"result": {"core": {"screen_name": "ada"}}}},
            "quoted_status_result": {"result": {"legacy": X_STATUS}},
        }
    }
}
PIN_IMAGES: Final[dict[str, Any]] = {
    "orig": {"url": "https://i.pinimg.com/originals/aa/a.jpg", "width": 1_080},
    "736x": {"url": "https://i.pinimg.com/736x/aa/a.jpg", "width": 736},
}
PIN_VIDEOS: Final[dict[str, Any]] = {
    "video_list": {
        "V_720P": {"url": "https://v1.pinimg.com/a.mp4", "width": 576, "duration": 3_000},
        "V_HLSV4": {"url": "https://v1.pinimg.com/hls/a.m3u8"},
    }
}
PIN: Final[dict[str, Any]] = {
    "data": {
        "title": "text",
        "pinner": {"username": "ada"},
        "images": PIN_IMAGES,
        "videos": PIN_VIDEOS,
        "story_pin_data": {
            "page_count": 2,
            "pages": [
                {
                    "blocks": [
                        {"type": "story_pin_image_block", "image": {"images": PIN_IMAGES}},
                        {"type": "story_pin_video_block", "video": PIN_VIDEOS},
                        {"type": "story_pin_image_block", "image_signature": "ab" * 16},
                    ]
                }
            ],
        },
    }
}
REDGIFS_ANSWER: Final[dict[str, Any]] = {
    "gifs": [
        {
            "type": 1,
            "urls": {"hd": "https://media.redgifs.com/a.mp4", "poster": CDN},
            "width": 576,
            "duration": 3.5,
            "hasAudio": True,
        }
    ]
}
IMGUR_ANSWER: Final[dict[str, Any]] = {
    "image_count": 2,
    "media": [
        {
            "type": "video",
            "url": "https://i.imgur.com/a.mp4",
            "width": 576,
            "metadata": {"has_sound": False, "duration": 3},
        }
    ],
}
MEDIA: Final = INSTAGRAM["carousel_media"][0]
THREADS: Final = {
    "user": {"username": "ada"},
    "caption": {"text": "text"},
    "like_count": 5,
    "media_type": 19,
    "text_post_app_info": {"share_info": {"quoted_post": {"media_type": 2, **MEDIA}}},
}
REEL: Final = {"user": {"username": "ada"}, "title": "t", "items": [{"pk": "37_7", **MEDIA}]}
BLUESKY: Final = {
    "author": {"handle": "ada.example"},
    "record": {"text": "text"},
    "likeCount": 5,
    "labels": [{"val": "nudity"}],
    "embed": {
        "$type": "app.bsky.embed.record#view",
        "record": {
            "embeds": [
                {
                    "$type": "app.bsky.embed.recordWithMedia#view",
                    "media": {
                        "$type": "app.bsky.embed.images#view",
                        "images": [{"fullsize": "https://cdn.bsky.app/1"}],
                    },
                }
            ]
        },
    },
}
TUMBLR_FILE: Final = {
    "url": "https://64.media.tumblr.com/1",
    "type": "image/gif",
    "width": 500,
    "height": 400,
    "poster": {"url": "https://64.media.tumblr.com/2"},
}
TUMBLR: Final = {
    "blogName": "ada",
    "likeCount": 5,
    "trail": [{"content": [{"type": "image", "media": [TUMBLR_FILE]}]}],
    "layout": [{"type": "rows", "display": [{"blocks": [1, 0]}]}],
    "content": [
        {"type": "text", "text": "text"},
        {"type": "video", "provider": "tumblr", "media": TUMBLR_FILE, "poster": [TUMBLR_FILE]},
        {"type": "audio", "media": TUMBLR_FILE, "title": "t", "artist": "a"},
    ],
}
LINK: Final = Link("reddit", "https://www.reddit.com/r/a/comments/1/b/", "1")


def read_tiktok(document: Any) -> Post:
    return tiktok.read_post(document, "1", ACCESS)


def read_instagram(document: Any) -> Post:
    return read_product(document, "abc", LINK.url, ACCESS)


def read_ytdlp(document: Any) -> Post:
    return read_info(document, Post("reddit", "1", LINK.url, ACCESS))


def read_reddit(document: Any) -> Post:
    return reddit.read_post(
        {"_type": "url_transparent"}, document, Post("reddit", "1", LINK.url, ACCESS)
    )


def read_reddit_link(document: Any) -> Post:
    linked = read_redgifs(Json(document, "redgifs"))
    info = {"_type": "url_transparent"}
    return reddit.read_post(info, REDDIT_LINK, Post("reddit", "1", LINK.url, ACCESS), linked)


def read_reddit_album(document: Any) -> Post:
    linked = read_imgur(Json(document, "imgur"))
    info = {"_type": "url_transparent"}
    return reddit.read_post(info, REDDIT_LINK, Post("reddit", "1", LINK.url, ACCESS), linked)


def read_x(document: Any) -> Post:
    needs_card(document)
    return read_answer(document, Post("x", "1", LINK.url, ACCESS))


def read_pinterest(document: Any) -> Post:
    return read_pin(document, Post("pinterest", "1", LINK.url, ACCESS))


def read_music(document: Any) -> Post:
    about = Post("soundcloud", "1", LINK.url, ACCESS)
    return read_track(document, about, ("artists", "uploader"))


def read_thread(document: Any) -> Post:
    return threads.read_post(document, "abcde", ACCESS)


def read_stories(document: Any) -> Post:
    return read_reel(document, "stories:ada", LINK.url, ACCESS)


def read_bluesky(document: Any) -> Post:
    return bluesky.read_post(document, [], Post("bluesky", "1", LINK.url, ACCESS))


def read_tumblr(document: Any) -> Post:
    return tumblr.read_post(document, "ada/1", ACCESS)


def read_cobalt(document: Any) -> Post:
    return _cobalt.read_answer(Json(document, "cobalt"), LINK, "https://cobalt.example.com")


def read_provider(document: Any) -> Post:
    return instagram.read_provider_answer(200, document, LINK)


CASES: Final = {
    "tiktok": (read_tiktok, TIKTOK),
    "instagram": (read_instagram, INSTAGRAM),
    "yt-dlp": (read_ytdlp, INFO),
    "reddit": (read_reddit, REDDIT),
    "reddit, a linked picture": (read_reddit, REDDIT_LINK),
    "redgifs": (read_reddit_link, REDGIFS_ANSWER),
    "imgur": (read_reddit_album, IMGUR_ANSWER),
    "x": (read_x, X),
    "pinterest": (read_pinterest, PIN),
    "cobalt": (read_cobalt, COBALT),
    "rapidapi": (read_provider, RAPIDAPI),
    "track": (read_music, TRACK),
    "threads": (read_thread, THREADS),
    "stories": (read_stories, REEL),
    "bluesky": (read_bluesky, BLUESKY),
    "tumblr": (read_tumblr, TUMBLR),
}


@pytest.mark.parametrize("name", CASES)
def test_the_whole_document_is_a_post(name: str):
    read, document = CASES[name]
    assert read(deepcopy(document)).items


@hypothesis_settings(max_examples=500)
@given(data=st.data())
@pytest.mark.parametrize("name", CASES)
def test_a_mutated_document_is_a_post_or_an_error_of_ours(name: str, data: st.DataObject):
    read, document = CASES[name]
    try:
        post = read(data.draw(mutated(document)))
    except ClipferryError:
        return
    assert post.items
    assert isinstance(post.details.text, str)
    assert isinstance(post.details.author, str)
    assert all(count is None or count >= 0 for count in (post.details.likes, post.details.views))
    for item in post.items:
        for url in _urls(item):
            assert isinstance(url, str)
            urlsplit(url) if url.isascii() and "[" not in url else None
        if isinstance(item, Clip):
            assert item.renditions
            assert item.duration_s >= 0
            for rendition in item.renditions:
                assert min(rendition.width, rendition.height, rendition.bitrate) >= 0
                assert rendition.size_bytes is None or rendition.size_bytes >= 0


def test_as_many_formats_as_fit_into_a_page_are_read_in_no_time():
    silent = {"url": "https://cdn.example.com/v.mp4", "vcodec": "avc1", "acodec": "none"}
    other = {"url": "", "vcodec": "avc1", "acodec": "none"}
    began_at = time.process_time()
    assert read_ytdlp({"formats": [silent, other] * 20_000}).items
    # Typical: 0.5 s; comparing every format with every other took minutes.
    assert time.process_time() - began_at < 60


_PLAYLIST_LINES: Final = st.sampled_from(
    [
        *("#EXTM3U", "#EXT-X-ENDLIST", "#EXTINF:4,", "0.ts", "../list.m3u8", "https://[::1", ""),
        *(
            "https://evil.example/0.ts",
            "file:///etc/passwd",
            "#EXT-X-KEY:METHOD=NONE",
            "#EXT-X-KEY",
        ),
        *("#EXT-X-BYTERANGE:10@0", "#EXT-X-BYTERANGE:10", "#EXT-X-BYTERANGE:-1@9", "#EXT-X-MAP:"),
        *('#EXT-X-MAP:URI="init.mp4",BYTERANGE="9@0"', "#EXT-X-STREAM-INF:BANDWIDTH=1", "\ufeff"),
        "#EXT-X-BYTERANGE:" + "9" * 15 + "@" + "9" * 15,
    ]
)


@given(lines=st.lists(_PLAYLIST_LINES | st.text(max_size=30), max_size=30))
def test_any_playlist_is_a_list_of_segments_or_an_error_of_ours(lines: list[str]):
    try:
        segments = read_playlist("\n".join(["#EXTM3U", *lines]), "https://cdn.example.com/a.m3u8")
    except ClipferryError:
        return
    assert segments
    assert all(part.part is None or part.part[0] <= part.part[1] for part in segments)


@pytest.mark.parametrize("target", ["a.m3u8", "https://cdn.example.com/a.m3u8", "?x=1"])
def test_a_playlist_that_names_itself_is_not_followed(target: str):
    master = f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n#EXT-X-ENDLIST"
    with pytest.raises(PlatformChangedError):
        read_playlist(master, "https://cdn.example.com/a.m3u8")
    media = f"#EXTM3U\n#EXTINF:4,\n{target}\n#EXT-X-ENDLIST"
    (segment,) = read_playlist(media, "https://cdn.example.com/a.m3u8")
    assert segment.part is None  # a segment is a file, whatever it contains


def _urls(item: Item) -> list[str]:
    if isinstance(item, Unreadable):
        return []
    if isinstance(item, LivePhoto):
        return _urls(item.picture) + _urls(item.clip)
    if isinstance(item, Picture | Audio):
        return list(item.urls)
    return [url for rendition in item.renditions for url in rendition.urls] + list(item.cover_urls)
