"""Simulate the parts of Bilibili that yt-dlp reads: pages, signed requests, and separate tracks."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from simulator.sites.web import send_file

#: Which characters of both keys together the site's script signs with, in this order. Source:
#: https://github.com/SocialSisterYi/bilibili-API-collect, "WBI".
_MIXED = (
    *(46, 47, 18, 2, 53, 8, 23, 32, 15, 50, 10, 31, 58, 3, 45, 35),
    *(27, 43, 5, 49, 33, 9, 42, 19, 29, 28, 14, 39, 12, 38, 41, 13),
)
_FILES = "https://upos-sz-mirrorali.bilivideo.com"
SHORT_HOSTS = ("b23.tv", "bili2233.cn")


@dataclass(slots=True)
class BilibiliVideo:
    """A video on Bilibili, which may have several parts."""

    #: The picture and the sound of each part.
    parts: tuple[tuple[Path, Path], ...]
    title: str = "A crossing"
    #: Code of the error in the page: -403 asks for an account, -404 says that it is gone.
    trouble: int = 0
    #: What the API answers instead of naming files, with status 200.
    refusal: dict[str, Any] = field(default_factory=dict)
    #: Only the beginning is shown without paying.
    is_preview: bool = False


@dataclass(slots=True)
class BilibiliSite:
    """The site's videos by id: "BV1demo00001"."""

    videos: dict[str, BilibiliVideo] = field(default_factory=dict)
    #: Id of the video behind each short link.
    short_links: dict[str, str] = field(default_factory=dict)
    #: The two keys with which requests for files are signed; the real ones change every day.
    keys: tuple[str, str] = ("7cd084941338484aae1ad9425b84077c", "4932caff0ff746eab6f01bf08b70ac45")
    #: HTTP status of every answer of the API; 412 refuses the client.
    status: int = 200

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        name = request.path.strip("/")
        if request.host in SHORT_HOSTS:
            target = f"https://www.bilibili.com/video/{self.short_links.get(name, '')}"
            return web.Response(status=302, headers={"Location": target})
        if request.host == "api.bilibili.com":
            return self._api(request, name)
        if request.host == "www.bilibili.com":
            return web.Response(text=self._page(name), content_type="text/html")
        if not request.headers.get("Referer", "").startswith("https://www.bilibili.com/"):
            return web.Response(status=403)
        number, part, track = name.split("/")
        return await send_file(request, self.videos[number].parts[int(part)][track == "sound"])

    def _page(self, name: str) -> str:
        number = name.rpartition("/")[2]
        video = self.videos.get(number)
        trouble = video.trouble if video else -404
        state: dict[str, Any] = {"error": {"trueCode": trouble}}
        if video and not trouble:
            pages = [{"cid": cid} for cid in range(len(video.parts))]
            stat = {"view": 730, "like": 12}
            about = {"bvid": number, "aid": 73, "title": video.title, "desc": video.title}
            state = {
                "videoData": about | {"cid": 0, "pages": pages, "stat": stat},
                "upData": {"name": "Ferry Demo", "mid": "73"},
            }
        return f"<html><script>window.__INITIAL_STATE__={json.dumps(state)};</script></html>"

    def _api(self, request: web.Request, name: str) -> web.Response:
        if self.status != 200:
            return web.Response(status=self.status)
        match name:
            case "x/web-interface/nav":
                images = (f"https://i0.hdslb.com/bfs/wbi/{key}.png" for key in self.keys)
                wbi = dict(zip(("img_url", "sub_url"), images, strict=True))
                answer = {"code": -101, "message": "账号未登录", "data": {"wbi_img": wbi}}
            case "x/player/pagelist":
                parts = self.videos[request.query["bvid"]].parts
                pages = [
                    {"cid": n, "page": n + 1, "part": f"Part {n + 1}"} for n in range(len(parts))
                ]
                answer = {"code": 0, "data": pages}
            case "x/player/wbi/playurl" if self._is_signed(request):
                answer = self._files(request.query["bvid"], request.query["cid"])
            case "x/player/wbi/playurl":
                answer = {"code": -403, "message": "访问权限不足"}
            case _:
                answer = {"code": 0, "data": {}}
        return web.json_response(answer)

    def _files(self, number: str, part: str) -> dict[str, Any]:
        video = self.videos[number]
        quality = "试看" if video.is_preview else "清晰 480P"
        tracks = _tracks(number, part) | {"accept_description": [quality]}
        return video.refusal or {"code": 0, "data": tracks}

    def _is_signed(self, request: web.Request) -> bool:
        values = dict(parse_qsl(request.query_string, keep_blank_values=True))
        signature, both = values.pop("w_rid", ""), "".join(self.keys)
        key = "".join(both[position] for position in _MIXED)
        signed = f"{urlencode(sorted(values.items()))}{key}"
        return signature == hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest()


def _tracks(number: str, part: str) -> dict[str, Any]:
    base = f"{_FILES}/{number}/{part}"
    video = {"id": 32, "codecs": "avc1.64001F", "width": 576, "height": 1024, "bandwidth": 900_000}
    sound = {"id": 30280, "codecs": "mp4a.40.2", "mimeType": "audio/mp4", "bandwidth": 128_000}
    tracks = {
        "video": [video | {"mimeType": "video/mp4", "baseUrl": f"{base}/video"}],
        "audio": [sound | {"baseUrl": f"{base}/sound"}],
    }
    formats = [{"quality": 32, "new_description": "480P"}]
    return {"timelength": 3_000, "support_formats": formats, "dash": tracks}
