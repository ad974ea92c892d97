"""Simulate TikTok: pages, short links, firewall and CDN, with the structure of the real site.

Follows media-sources.md section 3: the page's `__UNIVERSAL_DATA_FOR_REHYDRATION__` script, status
codes, the firewall's puzzle, the CDN that checks the page's cookie, and short links that redirect.
"""

import asyncio
import base64
import gzip
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.web import send_file
from simulator.throttle import Throttle

_WEB_HOSTS = {"www.tiktok.com", "tiktok.com", "m.tiktok.com"}
_SHORT_HOSTS = {"vm.tiktok.com", "vt.tiktok.com", "tt.site", "www.tt.site"}
_CDN_HOSTS = {"v16-webapp-prime.tiktok.com", "v19-webapp-prime.tiktok.com"}
_STATIC_HOSTS = {"p16-sign.tiktokcdn-us.com"}


_LEADS_AWAY = {
    "login": "https://www.tiktok.com/login?redirect=1",
    "leave": "http://127.0.0.1:1/secret",
    "region": "https://www.tiktok.com/hk/notfound",
}
_USELESS_PAGES = {
    "empty": "",
    "no-script": "<html><body>hello</body></html>",
    "garbled": '<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__">{"__DEFAULT_SCOPE__":'
    '{"webapp.video-detail":{"itemInfo":{"itemStruct":{"vid":1}},"statusCode":0}}}</script>',
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """One encoding of a sample video on the CDN."""

    path: Path
    codec: str = "h264"
    width: int = 576
    height: int = 1024
    #: Size in the page: the file's own (-1), none (None), or another number.
    stated_bytes: int | None = -1
    #: The CDN has no such file.
    is_dead: bool = False
    #: Part of its URL's path, such as "media-video-hvc1".
    label: str = ""


@dataclass(slots=True)
class SamplePost:
    """A post, and how the site responds to requests for it."""

    id: str
    author: str = "ferry.demo"
    text: str = ""
    encodings: tuple[Encoding, ...] = ()
    cover: Path | None = None
    #: Files of the pictures; if there are any, the post is a slideshow.
    pictures: tuple[Path, ...] = ()
    #: File of the sound; None leaves the sound out of the page.
    sound: Path | None = None
    sound_title: str = "original sound"
    duration_s: int = 3
    #: Content of the subtitles (WebVTT), by the site's language code, such as "eng-US". The first
    #: ones are of recognised speech, the others their translations.
    subtitles: Mapping[str, str] = field(default_factory=dict)
    #: The site marks the post as sensitive.
    is_sensitive: bool = False
    likes: int = 12_500
    views: int = 1_234_567
    #: Status code in the page; anything but 0 means the post is not shown.
    status: int = 0
    status_message: str = ""
    #: Names of the proxies that get the status; empty means all.
    status_for: frozenset[str] = frozenset()
    #: "", "login", "leave", "region", "empty", "puzzle", "no-script", "garbled", "age", "members",
    #: "mobile" (the page for phones), "2022" (an old page), or an HTTP status.
    page_trouble: str = ""
    #: Number of requests that get the page trouble; 0 means all of them.
    trouble_times: int = 0
    #: "", "truncated", "empty", "gone-first", "gone", "stall", "chunked" (without a Content-Length)
    #: or "half" (half of the file, without a Content-Length).
    file_trouble: str = ""
    #: Holds the bytes of the post's files back.
    throttle: Throttle | None = None
    page_requests: int = 0
    #: The page's detail object as it is served, instead of one that is made of the fields above.
    detail: Mapping[str, Any] | None = None


@dataclass(slots=True)
class SampleProfile:
    """An account and the ids of its posts, the newest first; they need not be in the site."""

    name: str
    posts: Sequence[str] = ()
    #: Status code in the page; anything but 0 means the account is not shown.
    status: int = 0
    #: Number of pages of posts that are served; 0 means all. Status 503 follows.
    pages: int = 0

    @property
    def number(self) -> str:
        """Return what the site calls the account's secUid."""
        return f"MS4wLjABAAAA{hashlib.sha256(self.name.encode()).hexdigest()}"


@dataclass(slots=True)
class TikTokSite:
    """The site's posts, short links and lists."""

    posts: dict[str, SamplePost] = field(default_factory=dict)
    profiles: dict[str, SampleProfile] = field(default_factory=dict)
    #: Ids of the posts of collections and playlists, by the list's number.
    collections: dict[str, Sequence[str]] = field(default_factory=dict)
    #: Redirect target of each short link, by code.
    short_links: dict[str, str] = field(default_factory=dict)
    #: Delay before every page and every file, in seconds.
    latency_s: float = 0.0
    file_latency_s: float = 0.0
    #: Files are served only while this event is set.
    serves_files: asyncio.Event = field(default_factory=asyncio.Event)
    #: The same for pages.
    serves_pages: asyncio.Event = field(default_factory=asyncio.Event)
    #: Names of the proxies that get status 403 for every page.
    refused_proxies: set[str] = field(default_factory=set)
    _cookies: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Allow file downloads."""
        self.serves_files.set()
        self.serves_pages.set()

    def add(self, post: SamplePost) -> SamplePost:
        """Add a post and return it."""
        self.posts[post.id] = post
        return post

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host in _WEB_HOSTS | _SHORT_HOSTS | _CDN_HOSTS | _STATIC_HOSTS

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:
        """Answer a request that came through the named proxy."""
        host = request.host.partition(":")[0]
        if host in _SHORT_HOSTS or request.path.startswith("/t/"):
            return self._redirect(request)
        if host in _CDN_HOSTS | _STATIC_HOSTS:
            await asyncio.sleep(self.file_latency_s)
            await self.serves_files.wait()
            return await self._file(request)
        await asyncio.sleep(self.latency_s)
        await self.serves_pages.wait()
        if proxy_name in self.refused_proxies:
            return web.Response(status=403, text="Access Denied")
        return self._page(request, proxy_name)

    def _redirect(self, request: web.Request) -> web.StreamResponse:
        code = request.path.rstrip("/").rpartition("/")[2]
        target = self.short_links.get(code, "https://www.tiktok.com/?_r=1")
        return web.Response(status=301, headers={"Location": target})

    def _page(self, request: web.Request, proxy_name: str) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        if request.path.endswith("/item_list/"):
            return self._list(request)
        if len(parts) == 1 and parts[0].startswith("@"):
            return self._html(self._profile_page(parts[0][1:]), request)
        if len(parts) != 3 or parts[1] != "video":
            return web.Response(text="<html>not a post</html>", content_type="text/html")
        post = self.posts.get(parts[2])
        if post is None:
            post = SamplePost(parts[2], status=10204, status_message="status_deleted")
        post.page_requests += 1
        is_over = post.trouble_times and post.page_requests > post.trouble_times
        answer = None if is_over else self._trouble(post, request)
        if answer is not None:
            return answer
        status = post.status if not post.status_for or proxy_name in post.status_for else 0
        detail = self._refused(post) if status else self._detail(post)
        return self._html(_page_with(detail), request)

    def _profile_page(self, name: str) -> str:
        profile = self.profiles.get(name) or SampleProfile(name, status=10221)
        user = {"id": "7000", "uniqueId": name, "secUid": profile.number}
        stats = {"videoCount": len(profile.posts)}
        info = {} if profile.status else {"user": user, "stats": stats}
        detail = {"userInfo": info, "statusCode": profile.status, "statusMsg": ""}
        return _page_with(detail, "webapp.user-detail")

    def _list(self, request: web.Request) -> web.Response:
        """Return a page of the posts of an account, a collection or a playlist."""
        query, count = request.query, int(request.query["count"])
        number = query.get("collectionId") or query.get("mixId")
        if number:
            start, posts = int(query["cursor"]), self.collections.get(number, ())
            left = len(posts) > start + count
            items = self._items(posts, start, count)
            return web.json_response({"itemList": items, "hasMore": left, "statusCode": 0})
        profile = next(p for p in self.profiles.values() if p.number == query["secUid"])
        times = [_posted_at(place) * 1_000 for place in range(len(profile.posts))]
        start = sum(time >= int(query["cursor"]) for time in times)
        if profile.pages and start >= profile.pages * count:
            return web.Response(status=503)
        items = self._items(profile.posts, start, count)
        left = len(profile.posts) > start + count
        return web.json_response({"itemList": items, "hasMorePrevious": left, "statusCode": 0})

    def _items(self, posts: Sequence[str], start: int, count: int) -> list[dict[str, Any]]:
        return [
            {
                **self._item(self.posts.get(post) or SamplePost(post, text=f"Crossing {place}")),
                "createTime": _posted_at(place),
            }
            for place, post in list(enumerate(posts))[start : start + count]
        ]

    def _trouble(self, post: SamplePost, request: web.Request) -> web.Response | None:
        match post.page_trouble:
            case "login" | "leave" | "region" as kind:
                return web.Response(status=302, headers={"Location": _LEADS_AWAY[kind]})
            case "empty" | "no-script" | "garbled" as kind:
                return self._html(_USELESS_PAGES[kind], request)
            case "members":
                is_member = "sid_tt" in SimpleCookie(request.headers.get("Cookie", ""))
                return None if is_member else web.Response(status=403)
            case "puzzle":
                return None if _puzzle_is_solved(request, post.id) else _puzzle(post.id)
            case "2022":
                data = json.dumps({"ItemModule": {post.id: self._item(post)}})
                script = f'<script id="SIGI_STATE" type="application/json">{data}</script>'
                return self._html(script, request)
            case "mobile":
                data = json.dumps({"videoDetail": self._detail(post)})
                return self._html(f'<script id="api-data">{data}</script>', request)
            case "" | "age":
                return None
            case status:
                return web.Response(status=int(status), text="Service Unavailable")

    def _html(self, page: str, request: web.Request) -> web.Response:
        token = f"{random.getrandbits(64):016x}=="
        self._cookies.add(token)
        response = web.Response(body=page.encode(), content_type="text/html", charset="utf-8")
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.body = _gzipped(page)
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Set-Cookie"] = (
            f'tt_chain_token="{token}"; Domain=.tiktok.com; Path=/; Secure; HttpOnly'
        )
        return response

    def _refused(self, post: SamplePost) -> dict[str, Any]:
        return {"itemInfo": {}, "statusCode": post.status, "statusMsg": post.status_message}

    def _detail(self, post: SamplePost) -> dict[str, Any]:
        if post.detail is not None:
            return dict(post.detail)
        return {"itemInfo": {"itemStruct": self._item(post)}, "statusCode": 0, "statusMsg": ""}

    def _item(self, post: SamplePost) -> dict[str, Any]:
        item: dict[str, Any] = {
            "id": post.id,
            "desc": post.text,
            "createTime": "1760000000",
            "author": {"id": "7000", "uniqueId": post.author, "nickname": post.author.title()},
            "music": self._music(post),
            "stats": {"diggCount": post.likes, "playCount": post.views, "collectCount": "17"},
            "statsV2": {"diggCount": str(post.likes), "playCount": str(post.views)},
            "video": self._video(post),
        }
        if post.is_sensitive:
            item["isContentClassified"] = True
        if post.pictures:
            item["imagePost"] = {"images": [_picture(post, i) for i in range(len(post.pictures))]}
        if post.page_trouble == "age":
            item["isContentClassified"] = True
            item["video"] = {}
        return item

    def _music(self, post: SamplePost) -> dict[str, Any]:
        still = f"https://p16-sign.tiktokcdn-us.com/cover/{post.id}.jpeg?x-expires=1999999999"
        address = f"https://v16-webapp-prime.tiktok.com/music/{post.id}.mp3?a=1988"
        return {
            "id": "7100",
            "title": post.sound_title,
            "authorName": post.author,
            "playUrl": address if post.sound else "",
            "coverLarge": still if post.cover else "",
            "duration": post.duration_s,
        }

    def _video(self, post: SamplePost) -> dict[str, Any]:
        if post.pictures or not post.encodings:
            return {"id": post.id, "width": 0, "height": 0, "duration": 0, "playAddr": ""}
        first = post.encodings[0]
        still = f"https://p16-sign.tiktokcdn-us.com/cover/{post.id}.jpeg?x-expires=1999999999"
        return {
            "id": post.id,
            "width": first.width,
            "height": first.height,
            "duration": post.duration_s,
            "ratio": "540p",
            "codecType": first.codec,
            "cover": still if post.cover else "",
            "originCover": still if post.cover else "",
            "playAddr": file_address(post, 0),
            "downloadAddr": file_address(post, 0) + "&logo_name=tiktok",
            "subtitleInfos": [_subtitles(post, number) for number in range(len(post.subtitles))],
            "bitrateInfo": [_bitrate(post, i, e) for i, e in enumerate(post.encodings)],
        }

    async def _file(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        post = self.posts.get(parts[1].partition(".")[0])
        if post is None:
            return web.Response(status=404)
        if parts[0] == "music":
            return web.FileResponse(post.sound) if post.sound else web.Response(status=404)
        if parts[0] == "picture":
            path = post.pictures[int(parts[2].partition(".")[0])]
            return await send_file(request, path, post.file_trouble, post.throttle)
        if parts[0] == "cover":
            return web.FileResponse(post.cover) if post.cover else web.Response(status=404)
        if parts[0] == "subtitles":
            return web.Response(text=post.subtitles[parts[2]], content_type="text/vtt")
        if not self._is_known(request):
            return web.Response(status=403, text="Access Denied")
        trouble = post.file_trouble
        if trouble == "gone" or (trouble == "gone-first" and request.host.startswith("v16")):
            return web.Response(status=404)
        encoding = post.encodings[int(parts[2])]
        if encoding.is_dead:
            return web.Response(status=404)
        path = encoding.path
        trouble = "" if trouble.startswith("gone") else trouble
        return await send_file(request, path, trouble, post.throttle)

    def _is_known(self, request: web.Request) -> bool:
        """Return True if the request has the page's cookie and a Referer, if its URL needs them."""
        if request.query.get("tk") != "tt_chain_token":
            return True
        cookies = SimpleCookie(request.headers.get("Cookie", ""))
        token = cookies["tt_chain_token"].value if "tt_chain_token" in cookies else ""
        return token in self._cookies and "tiktok.com" in request.headers.get("Referer", "")


def file_address(post: SamplePost, number: int, host: str = "v16-webapp-prime") -> str:
    """Return the URL of a file of a post. Its percent escapes must arrive unchanged."""
    label = post.encodings[number].label
    return (
        f"https://{host}.tiktok.com/video/{post.id}/{number}/{label and label + '/'}?a=1988&br=430"
        "&signature=ab%2Fcd%3D%3D&expire=1999999999&tk=tt_chain_token"
    )


def _bitrate(post: SamplePost, number: int, encoding: Encoding) -> dict[str, Any]:
    codec = {"h264": "h264", "h265": "bytevc1"}.get(encoding.codec, encoding.codec)
    size = encoding.path.stat().st_size
    stated = size if encoding.stated_bytes == -1 else encoding.stated_bytes
    return {
        "Bitrate": size * 8 // max(post.duration_s, 1),
        "CodecType": "h265_hvc1" if encoding.codec == "h265" else encoding.codec,
        "GearName": f"normal_{encoding.width}_0",
        "QualityType": 20,
        "PlayAddr": {
            **({} if stated is None else {"DataSize": str(stated)}),
            "Width": encoding.width,
            "Height": encoding.height,
            "UrlKey": f"v09044g40000{post.id[-6:]}_{codec}_{encoding.width}p_430000",
            "UrlList": [
                file_address(post, number),
                file_address(post, number, "v19-webapp-prime"),
                f"https://www.tiktok.com/aweme/v1/play/?video_id={post.id}",
            ],
        },
    }


def _subtitles(post: SamplePost, number: int) -> dict[str, Any]:
    code = list(post.subtitles)[number]
    return {
        "LanguageID": str(number),
        "LanguageCodeName": code,
        "Url": f"https://v16-webapp-prime.tiktok.com/subtitles/{post.id}/{code}?a=1988",
        "Format": "webvtt",
        "Source": "MT" if number else "ASR",
        "Version": "1:whisper_lid" if number else "4",
        "Size": len(post.subtitles[code].encode()),
    }


def _picture(post: SamplePost, number: int) -> dict[str, Any]:
    url = f"https://p16-sign.tiktokcdn-us.com/picture/{post.id}/{number}.jpeg?x-expires=1999999999"
    return {"imageURL": {"urlList": [url]}, "imageWidth": 1080, "imageHeight": 1440}


def _filler(seed: int, size: int) -> dict[str, str]:
    """Return about `size` characters of text that compresses like the real translations."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("etaoinshrdlucmfw", k=rng.randint(2, 9))) for _ in range(900)]
    entries: dict[str, str] = {}
    total = 0
    while total < size:
        key = "_".join(rng.choices(words, k=3))
        entries[key] = " ".join(rng.choices(words, k=rng.randint(2, 12)))
        total += len(key) + len(entries[key]) + 6
    return entries


#: Sizes as in the recorded page of media-sources.md section 6: 504 kB of HTML with 277 kB of JSON,
#: 184 kB of it translations.
_TRANSLATIONS = _filler(1, 184_000)
_CONTEXT = {"user": None, "region": "US", "abTest": _filler(2, 80_000)}
_MARKUP = " ".join(f'<i class="{k}">{v}</i>' for k, v in _filler(3, 200_000).items())


def _posted_at(place: int) -> int:
    """Return the Unix time of a post in a profile: one was posted each day."""
    return 1_760_000_000 - place * 86_400


def _page_with(detail: Mapping[str, Any], key: str = "webapp.video-detail") -> str:
    scope = {
        "webapp.app-context": _CONTEXT,
        "webapp.i18n-translation": {"en": _TRANSLATIONS},
        key: detail,
    }
    data = json.dumps({"__DEFAULT_SCOPE__": scope}, separators=(",", ":")).replace("/", "\\u002F")
    return (
        "<!DOCTYPE html><html><head><title>TikTok</title></head><body>"
        '<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">'
        f"{data}</script>{_MARKUP}</body></html>"
    )


def _gzipped(page: str) -> bytes:
    return gzip.compress(page.encode(), compresslevel=1)


def _puzzle(seed: str) -> web.Response:
    """Return the firewall's page: a proof of work over a SHA-256 hash with a known prefix."""
    prefix, number = f"ferry-{seed}".encode(), _puzzle_number(seed)
    challenge = {
        "v": {
            "a": base64.b64encode(prefix).decode(),
            "c": base64.b64encode(hashlib.sha256(prefix + number).digest()).decode(),
        }
    }
    packed = base64.b64encode(json.dumps(challenge).encode()).decode().rstrip("=")
    page = (
        "<html><body>Please wait..."
        f'<p id="cs" class="{packed}"></p><p id="wci" class="_wafchallengeid"></p>'
        '<p id="rci" class="waforiginalreid"></p><p id="rs" class="rs-value"></p></body></html>'
    )
    return web.Response(text=page, content_type="text/html")


def _puzzle_number(seed: str) -> bytes:
    return str(random.Random(seed).randint(100, 5_000)).encode()


def _puzzle_is_solved(request: web.Request, seed: str) -> bool:
    cookies = SimpleCookie(request.headers.get("Cookie", ""))
    if "_wafchallengeid" not in cookies:
        return False
    answer = json.loads(base64.b64decode(cookies["_wafchallengeid"].value + "==="))
    return base64.b64decode(answer["d"]) == _puzzle_number(seed)
