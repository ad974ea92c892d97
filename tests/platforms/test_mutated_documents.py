"""Documents of the sites, mutated in every place: a post with allowed URLs, or an error of ours."""

from copy import deepcopy
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.errors import ClipferryError
from core.media import Access, Clip, Item, Link, LivePhoto, Picture, Post, Unreadable
from platforms import _cobalt, bluesky, reddit, threads, tiktok, tumblr
from platforms._instagram_product import read_product
from platforms._instagram_stories import read_reel
from platforms._json import Json
from platforms._ytdlp_site import read_info
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
COBALT: Final[dict[str, Any]] = {
    "status": "picker",
    "audio": "https://cobalt.example.com/a",
    "picker": [{"type": "photo", "url": "https://cobalt.example.com/i"}],
    "error": {"code": "error.api.fetch.empty"},
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


CASES: Final = {
    "tiktok": (read_tiktok, TIKTOK),
    "instagram": (read_instagram, INSTAGRAM),
    "yt-dlp": (read_ytdlp, INFO),
    "reddit": (read_reddit, REDDIT),
    "cobalt": (read_cobalt, COBALT),
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
    assert isinstance(post.text, str)
    assert isinstance(post.author, str)
    assert all(count is None or count >= 0 for count in (post.likes, post.views))
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


def _urls(item: Item) -> list[str]:
    if isinstance(item, Unreadable):
        return []
    if isinstance(item, LivePhoto):
        return _urls(item.picture) + _urls(item.clip)
    if isinstance(item, Picture):
        return list(item.urls)
    return [url for rendition in item.renditions for url in rendition.urls] + list(item.cover_urls)
