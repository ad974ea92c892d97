"""Simulate the parts of Dailymotion, Rutube, OK, VK, Loom and Bilibili that yt-dlp reads."""

import html
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.bilibili import SHORT_HOSTS, BilibiliSite
from simulator.sites.music_lists import DailymotionLists, RutubeLists
from simulator.sites.playlists import master_playlist, media_playlist, piece
from simulator.sites.web import send_file


@dataclass(slots=True)
class Clip:
    """A video on one of the sites."""

    #: An MPEG transport stream for Dailymotion and Rutube, an MP4 for the others.
    path: Path
    title: str = "A crossing"
    author: str = "Ferry Demo"
    seconds: int = 3
    size: tuple[int, int] = (576, 1024)
    #: Dailymotion: the code of an error. OK: the words on the page. VK: a code of `al_video.php`.
    refusal: str = ""
    #: Dailymotion: the stream has not ended.
    is_live: bool = False


@dataclass(slots=True)
class VideoSites:
    """The videos of all sites, by site and id: "dailymotion/x9demo1"; Bilibili has its own."""

    clips: dict[str, Clip] = field(default_factory=dict)
    #: The playlists and channels of Dailymotion.
    lists: DailymotionLists = field(default_factory=DailymotionLists)
    #: The channels and playlists of Rutube.
    rutube_lists: RutubeLists = field(default_factory=RutubeLists)
    bilibili: BilibiliSite = field(default_factory=BilibiliSite)
    #: Dailymotion accepts only this token, and gives it to every client.
    token: str = "demo-1"  # noqa: S105 - no secret
    #: The text of every playlist of pieces; empty for the real one.
    playlist: str = ""

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to one of the sites."""
        return self._answerer(host) is not None

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        answer = self._answerer(request.host)
        assert answer
        return await answer(request)

    def _answerer(self, host: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]] | None:
        for domains, answer in (
            (("dailymotion.com", "dai.ly", "dmcdn.net"), self._dailymotion),
            (("rutube.ru",), self._rutube),
            (("ok.ru", "mycdn.me"), self._ok),
            (("vk.com", "okcdn.ru"), self._vk),
            (("loom.com",), self._loom),
            (("bilibili.com", *SHORT_HOSTS, "bilivideo.com"), self.bilibili.answer),
        ):
            if any(host == domain or host.endswith(f".{domain}") for domain in domains):
                return answer
        return None

    async def _dailymotion(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path == "/oauth/token":
            return web.json_response({"access_token": self.token})
        if request.host == "graphql.api.dailymotion.com":
            return await self._dailymotion_api(request)
        if path.startswith("/player/metadata/video/"):
            number = path.rpartition("/")[2]
            return web.json_response(
                _dailymotion_video(number, self.clips[f"dailymotion/{number}"])
            )
        return await self._pieces(request, "dailymotion")

    async def _dailymotion_api(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"error": "invalid_token"}, status=401)
        asked = await request.text()
        number = asked.partition('xid: \\"')[2].partition("\\")[0]
        if "videos(" in asked:
            return self.lists.answer(json.loads(asked)["query"], number)
        clip = self.clips.get(f"dailymotion/{number}")
        if clip is None:
            errors = [{"message": "Video not found"}]
            return web.json_response({"data": {"media": None}, "errors": errors})
        stats = {"likes": {"total": 12}, "views": {"total": 730}}
        media = {"xid": number, "description": clip.title, "stats": stats, "isOnAir": clip.is_live}
        return web.json_response({"data": {"media": media}})

    async def _rutube(self, request: web.Request) -> web.StreamResponse:
        if answer := self.rutube_lists.answer(request):
            return answer
        parts = request.path.strip("/").split("/")
        if parts[0] != "api":
            return await self._pieces(request, "rutube")
        number = parts[-1]
        clip = self.clips.get(f"rutube/{number}")
        if clip is None:
            return web.json_response({"detail": "Страница не найдена"}, status=404)
        if parts[1] == "play":
            url = f"https://bl.rutube.ru/{number}/master.m3u8"
            return web.json_response({"video_balancer": {"m3u8": url}})
        about = {"id": number, "title": clip.title, "duration": clip.seconds, "hits": 730}
        return web.json_response(about | {"author": {"id": 73, "name": clip.author}})

    async def _ok(self, request: web.Request) -> web.StreamResponse:
        number = request.path.strip("/").rpartition("/")[2]
        clip = self.clips.get(f"ok/{number}")
        if request.host != "ok.ru":
            return await send_file(request, self.clips[f"ok/{number}"].path)
        if clip is None or clip.refusal:
            words = clip.refusal if clip else "Video not found"
            page = f'<div class="vp_video_stub_txt">{words}</div>'
            return web.Response(text=page, content_type="text/html")
        return web.Response(text=_ok_page(number, clip), content_type="text/html")

    async def _vk(self, request: web.Request) -> web.StreamResponse:
        if request.host != "vk.com":
            return await send_file(request, self.clips[f"vk/{request.path.strip('/')}"].path)
        number = str((await request.post())["video"])
        clip = self.clips.get(f"vk/{number}")
        if clip is None:
            return web.json_response({"payload": ["8", ['"This video does not exist"']]})
        if clip.refusal:
            return web.json_response({"payload": [clip.refusal, ['"x"']]})
        return web.json_response({"payload": ["0", ["", "<div></div>", _vk_video(number, clip)]]})

    async def _loom(self, request: web.Request) -> web.StreamResponse:
        if request.host == "cdn.loom.com":
            return await send_file(request, self.clips[f"loom/{request.path.strip('/')}"].path)
        if request.path.startswith("/api/"):
            *_, number, kind = request.path.split("/")
            if kind != "transcoded-url" or f"loom/{number}" not in self.clips:
                return web.json_response({}, status=204)
            return web.json_response({"url": f"https://cdn.loom.com/{number}?Policy=x"})
        asked = await request.json()
        clip = self.clips.get(f"loom/{asked['variables']['videoId']}")
        return web.json_response({"data": {"getVideo": _loom_video(clip) if clip else None}})

    async def _pieces(self, request: web.Request, site: str) -> web.StreamResponse:
        number, *_, name = request.path.strip("/").split("/")
        clip = self.clips[f"{site}/{number}"]
        if name == "master.m3u8":
            small = clip.size[0] // 2, clip.size[1] // 2
            return master_playlist({"small/list.m3u8": small, "large/list.m3u8": clip.size})
        if name == "moved.m3u8":
            return web.Response(status=302, headers={"Location": f"/{number}/large/list.m3u8"})
        if name == "list.m3u8":
            return web.Response(text=self.playlist) if self.playlist else media_playlist()
        return piece(clip.path, name) if name.isdigit() else web.Response(status=404)


def _dailymotion_video(number: str, clip: Clip) -> dict[str, Any]:
    if clip.refusal:
        return {"error": {"code": clip.refusal, "title": "Content rejected", "raw_message": "x"}}
    url = f"https://www.dmcdn.net/{number}/master.m3u8"
    return {
        "title": clip.title,
        "duration": clip.seconds,
        "owner": {"id": "x73", "screenname": clip.author},
        "qualities": {"auto": [{"type": "application/x-mpegURL", "url": url}]},
    }


def _ok_page(number: str, clip: Clip) -> str:
    files = [
        {"name": name, "url": f"https://vd1.mycdn.me/{number}?type={kind}"}
        for name, kind in (("sd", 2), ("hd", 3))
    ]
    metadata = {
        "provider": "UPLOADED_ODKL",
        "movie": {"id": number, "title": clip.title, "duration": clip.seconds},
        "author": {"id": "73", "name": clip.author},
        "videos": files,
    }
    options = json.dumps({"flashvars": {"metadata": metadata}, "id": number})
    return f'<html><div data-options="{html.escape(options)}"></div></html>'


def _vk_video(number: str, clip: Clip) -> dict[str, Any]:
    files = {
        f"url{height}": f"https://vkvd1.okcdn.ru/{number}?type={height}" for height in (240, 720)
    }
    about = {"md_title": clip.title, "md_author": clip.author, "duration": clip.seconds}
    return {
        "mvData": {"title": clip.title, "duration": clip.seconds, "likes": 12},
        "player": {"params": [files | about]},
    }


def _loom_video(clip: Clip) -> dict[str, Any]:
    return {
        "__typename": "RegularUserVideo",
        "name": clip.title,
        "owner": {"display_name": clip.author},
        "video_properties": {
            "duration": clip.seconds,
            "width": clip.size[0],
            "height": clip.size[1],
        },
        "nullableRawCdnUrl": None,
    }
