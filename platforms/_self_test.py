"""Self-test of the yt-dlp that this process has imported: reads stored pages, without a network.

Runs in a process of its own, because it replaces the function that sends requests. The pages are
made up, in the shape that the sites' pages had.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import curl_cffi.requests
from curl_cffi.const import CurlECode

from core.errors import ClipferryError, PlatformChangedError
from core.media import Clip, Link
from platforms._fetcher import Fetcher, FetchPolicy
from platforms._proxies import Proxy, ProxyPool
from platforms._registry import load_registry

#: Limit of one read, in seconds; nothing is waited for.
_BUDGET_S: Final = 20.0
#: Where requests go that are not sent by yt-dlp: nothing listens there.
_NOWHERE: Final = Proxy("nowhere", "http://127.0.0.1:9")


@dataclass(frozen=True, slots=True)
class StoredPost:
    """A post, the pages that lead to it, and the address of its file."""

    url: str
    #: Answers by a part of the URL that is requested.
    pages: Mapping[str, str]
    file: str


_TIKTOK_FILE: Final = "https://v16-webapp-prime.tiktok.com/video/1.mp4?a=1988"
_X_FILE: Final = "https://video.twimg.com/ext_tw_video/1/pu/vid/576x1024/1.mp4?tag=12"
_REDDIT_FILE: Final = "https://v.redd.it/selftest/DASH_720.mp4?source=fallback"
_STREAMABLE_FILE: Final = "https://cdn-cf-east.streamable.com/video/mp4/self01.mp4"


def _tiktok() -> str:
    item = {
        "id": "7300000000000009001",
        "desc": "A self-test",
        "author": {"uniqueId": "self.test"},
        "video": {"width": 576, "height": 1024, "duration": 3, "playAddr": _TIKTOK_FILE},
    }
    detail = {"itemInfo": {"itemStruct": item}, "statusCode": 0, "statusMsg": ""}
    data = json.dumps({"__DEFAULT_SCOPE__": {"webapp.video-detail": detail}})
    script = f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{data}'
    return f"<html><body>{script}</script></body></html>"


def _x() -> str:
    media = {
        "id_str": "17900000000000090010",
        "type": "video",
        "video_info": {
            "duration_millis": 3_000,
            "variants": [{"bitrate": 512_000, "content_type": "video/mp4", "url": _X_FILE}],
        },
        "original_info": {"width": 576, "height": 1024},
    }
    user = {"legacy": {"screen_name": "self_test", "name": "Self"}}
    result = {
        "__typename": "Tweet",
        "legacy": {
            "full_text": "A self-test",
            "favorite_count": 1,
            "entities": {},
            "extended_entities": {"media": [media]},
        },
        "core": {"user_results": {"result": user}},
    }
    return json.dumps({"data": {"tweetResult": {"result": result}}})


def _reddit() -> str:
    video = {
        "fallback_url": _REDDIT_FILE,
        "dash_url": "https://v.redd.it/selftest/DASHPlaylist.mpd?a=1",
        "hls_url": "https://v.redd.it/selftest/HLSPlaylist.m3u8?a=1",
        "width": 576,
        "height": 1024,
        "duration": 3,
    }
    data = {
        "title": "A self-test",
        "author": "self_test",
        "ups": 1,
        "url": "https://v.redd.it/selftest",
        "secure_media": {"reddit_video": video},
    }
    return json.dumps([{"data": {"children": [{"data": data}]}}])


def _streamable() -> str:
    file = {"url": _STREAMABLE_FILE, "width": 576, "height": 1024, "size": 1_000}
    return json.dumps({"status": 2, "title": "A self-test", "files": {"mp4": file}})


#: One post of each kind of site: a page, a JSON API with a token, a JSON API with cookies, and one
#: whose extractor is used as it is.
STORED: Final = (
    StoredPost(
        "https://www.tiktok.com/@self.test/video/7300000000000009001",
        {"tiktok.com/": _tiktok()},
        _TIKTOK_FILE,
    ),
    StoredPost(
        "https://x.com/self_test/status/1790000000000009001",
        {"/guest/activate.json": '{"guest_token": "1790"}', "/TweetResultByRestId": _x()},
        _X_FILE,
    ),
    StoredPost(
        "https://www.reddit.com/r/selftest/comments/1self01/a_test/",
        {".json": _reddit(), "www.reddit.com/": "<html></html>"},
        _REDDIT_FILE,
    ),
    StoredPost(
        "https://streamable.com/self01", {"/videos/self01": _streamable()}, _STREAMABLE_FILE
    ),
)


def self_test() -> list[str]:
    """Read the stored posts, and ask for a post of every site; return what does not work."""
    return asyncio.run(_self_test())


async def _self_test() -> list[str]:
    policy = FetchPolicy(attempts=1, budget_s=_BUDGET_S, stall_s=_BUDGET_S)
    fetcher = Fetcher(load_registry(), ProxyPool([_NOWHERE]), policy)
    try:
        problems = [await _read_stored(fetcher, stored) for stored in STORED]
        problems += [await _ask(fetcher, link) for link in _links(fetcher)]
    finally:
        await fetcher.close()
    return [problem for problem in problems if problem]


def _links(fetcher: Fetcher) -> Iterator[Link]:
    """Yield a link to a post of every site, which is no short link."""
    for platform in fetcher.registry.by_name.values():
        links = (platform.find(example) for example in platform.examples)
        yield from [link for link in links if link and link.post_id][:1]


async def _read_stored(fetcher: Fetcher, stored: StoredPost) -> str | None:
    link = fetcher.registry.find(stored.url)
    assert link
    with _answering(stored.pages):
        try:
            post = await fetcher.read(link)
        except Exception as error:  # noqa: BLE001 - whatever a broken extractor raises
            return f"{link.platform}: {type(error).__name__}: {error}"
    clip = post.items[0]
    urls = clip.renditions[0].urls if isinstance(clip, Clip) else ()
    return None if stored.file in urls else f"{link.platform}: another file was found"


async def _ask(fetcher: Fetcher, link: Link) -> str | None:
    """Try a site that does not answer: its extractor must not fail before it has asked."""
    with _answering({}) as requested:
        try:
            await fetcher.read(link)
        except Exception as error:  # noqa: BLE001 - whatever a broken extractor raises
            is_broken = isinstance(error, PlatformChangedError) and not requested
            if is_broken or not isinstance(error, ClipferryError):
                return f"{link.platform}: {type(error).__name__}: {error}"
    return None


@contextmanager
def _answering(pages: Mapping[str, str]) -> Iterator[list[str]]:
    """Answer all requests in this process from stored pages; yield the URLs that are requested.

    Without any page, no request is answered.
    """
    requested: list[str] = []

    def request(
        session: curl_cffi.requests.Session,
        method: str,  # noqa: ARG001 - curl_cffi's signature
        url: str,
        *,
        content_callback: Callable[[bytes], int],
        **_options: Any,
    ) -> Any:
        requested.append(url)
        if not pages:
            raise curl_cffi.requests.errors.RequestsError("no server", CurlECode.COULDNT_CONNECT)
        page = next((page for part, page in pages.items() if part in url), None)
        content_callback((page or "").encode())
        response = session.response_class()
        response.url, response.status_code = url, 404 if page is None else 200
        return response

    client: Any = curl_cffi.requests.Session
    original, client.request = client.request, request
    try:
        yield requested
    finally:
        client.request = original
