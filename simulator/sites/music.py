"""Simulate the parts of SoundCloud, Bandcamp and Mixcloud that yt-dlp reads."""

import base64
import html
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.music_lists import MusicLists
from simulator.sites.playlists import media_playlist, piece
from simulator.sites.web import send_file

#: The key of SoundCloud's own client.
_CLIENT_ID = "ferry0demo0client0id0ferry0demo0"
#: The key in Mixcloud's player.
_MIXCLOUD_KEY = "IFYOUWANTTHEARTISTSTOGETPAIDDONOTDOWNLOADFROMMIXCLOUD"


@dataclass(slots=True)
class Track:
    """A track on one of the sites."""

    #: MP3 or M4A.
    path: Path
    title: str = "Harbour bell"
    artist: str = "Ferry Demo"
    seconds: int = 3
    cover: Path | None = None
    #: Served as a playlist of pieces; SoundCloud only.
    is_list: bool = False
    #: SoundCloud: "drm", "region", "preview". Mixcloud: a `restrictedReason`.
    refusal: str = ""


@dataclass(slots=True)
class MusicSites:
    """The tracks of all sites, by site and id: "soundcloud/ferry-demo/harbour-bell"."""

    tracks: dict[str, Track] = field(default_factory=dict)
    #: Id of the track behind each short link of SoundCloud, by code.
    short_links: dict[str, str] = field(default_factory=dict)
    lists: MusicLists = field(default_factory=MusicLists)
    #: SoundCloud accepts only this key; its page names it.
    client_id: str = _CLIENT_ID

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
            (("soundcloud.com", "sndcdn.com", "soundcloud.cloud"), self._soundcloud),
            (("bandcamp.com", "bcbits.com"), self._bandcamp),
            (("mixcloud.com",), self._mixcloud),
        ):
            if any(host == domain or host.endswith(f".{domain}") for domain in domains):
                return answer
        return None

    async def _soundcloud(self, request: web.Request) -> web.StreamResponse:
        host, path = request.host, request.path
        if host == "on.soundcloud.com":
            target = self.short_links.get(path.strip("/"), "")
            return _redirect(f"https://soundcloud.com/{target}")
        if host == "a-v2.sndcdn.com":
            return web.Response(text=f'e({{client_id:"{self.client_id}"}})')
        if host == "soundcloud.com":
            script = '<script crossorigin src="https://a-v2.sndcdn.com/assets/1.js"></script>'
            return web.Response(text=f"<html>{script}</html>", content_type="text/html")
        if host == "api-v2.soundcloud.com":
            return self._soundcloud_api(request)
        return await self._file(request, "soundcloud")

    def _soundcloud_api(self, request: web.Request) -> web.Response:
        if request.query.get("client_id") != self.client_id:
            return web.json_response({}, status=401)
        if answer := self.lists.soundcloud(request):
            return answer
        if request.path == "/resolve":
            number = request.query["url"].partition("soundcloud.com/")[2]
            track = self.tracks.get(f"soundcloud/{number}")
            if track is None:
                return web.json_response({"status": "404 - Not Found"}, status=404)
            return web.json_response(_soundcloud_track(number, track))
        number = request.path.removeprefix("/media/").rpartition("/stream/")[0]
        track = self.tracks[f"soundcloud/{number}"]
        preview = "preview/0/30/" if track.refusal == "preview" else ""
        url = f"https://cf-media.sndcdn.com/{preview}{number}/file?Policy=x"
        if track.is_list:
            host = "playback.media-streaming.soundcloud.cloud"
            url = f"https://{host}/{number}/playlist.m3u8?expires=1"
        return web.json_response({"url": url})

    async def _bandcamp(self, request: web.Request) -> web.StreamResponse:
        if request.host.endswith("bcbits.com"):
            return await self._file(request, "bandcamp")
        if answer := self.lists.bandcamp(request):
            return answer
        number = f"{request.host.partition('.')[0]}/{request.path.rpartition('/track/')[2]}"
        track = self.tracks.get(f"bandcamp/{number}")
        if track is None:
            return web.Response(status=404, text="<html><title>gone</title></html>")
        page = _bandcamp_page(number, track)
        return web.Response(text=page, content_type="text/html")

    async def _mixcloud(self, request: web.Request) -> web.StreamResponse:
        if request.host != "app.mixcloud.com":
            return await self._file(request, "mixcloud")
        query = request.query["query"]
        if answer := self.lists.mixcloud(query):
            return answer
        names = ("username", "slug")
        user, slug = (query.partition(f'{n}: "')[2].partition('"')[0] for n in names)
        track = self.tracks.get(f"mixcloud/{user}/{slug}")
        found = _mixcloud_show(f"{user}/{slug}", track) if track else None
        return web.json_response({"data": {"cloudcastLookup": found}})

    async def _file(self, request: web.Request, site: str) -> web.StreamResponse:
        number, _, name = request.path.strip("/").rpartition("/")
        track = self.tracks.get(f"{site}/{number}")
        if track is None:
            return web.Response(status=404)
        if name.startswith("cover"):
            return (
                await send_file(request, track.cover) if track.cover else web.Response(status=404)
            )
        if name == "playlist.m3u8":
            return media_playlist(has_map=True)
        return piece(track.path, name) if name.isdigit() else await send_file(request, track.path)


def _redirect(target: str) -> web.Response:
    return web.Response(status=302, headers={"Location": target})


def _soundcloud_track(number: str, track: Track) -> dict[str, Any]:
    protocol, mime = (
        ("hls", 'audio/mp4; codecs="mp4a.40.2"')
        if track.is_list
        else (
            "progressive",
            "audio/mpeg",
        )
    )
    transcoding = {
        "url": f"https://api-v2.soundcloud.com/media/{number}/stream/{protocol}",
        "preset": "aac_160k" if track.is_list else "mp3_1_0",
        "snipped": track.refusal == "preview",
        "format": {
            "protocol": "ctr-encrypted-hls" if track.refusal == "drm" else protocol,
            "mime_type": mime,
        },
    }
    return {
        "id": 7300000001,
        "title": track.title,
        "duration": track.seconds * 1_000,
        "description": "Recorded at the quay",
        "artwork_url": f"https://i1.sndcdn.com/{number}/cover-large.jpg" if track.cover else None,
        "playback_count": 730,
        "likes_count": 12,
        "policy": "BLOCK" if track.refusal == "region" else "ALLOW",
        "user": {"id": 73, "username": track.artist},
        "media": {"transcodings": [] if track.refusal == "region" else [transcoding]},
    }


def _bandcamp_page(number: str, track: Track) -> str:
    about = {
        "artist": track.artist,
        "current": {"artist": track.artist, "title": track.title},
        "trackinfo": [
            {
                "track_id": 73,
                "title": track.title,
                "duration": float(track.seconds),
                "file": {"mp3-128": f"https://t4.bcbits.com/{number}/file?token=x"},
            }
        ],
    }
    cover = f"https://f4.bcbits.com/{number}/cover.jpg" if track.cover else ""
    return (
        f"<html><head><title>{track.title}</title>"
        f'<meta property="og:image" content="{cover}"></head>'
        f'<script data-tralbum="{html.escape(json.dumps(about))}" '
        f'data-embed="{html.escape(json.dumps({"artist": track.artist}))}"></script></html>'
    )


def _mixcloud_show(number: str, track: Track) -> dict[str, Any]:
    url = f"https://stream1.mixcloud.com/{number}/file"
    sealed = bytes(
        ord(letter) ^ ord(key)
        for letter, key in zip(url, itertools.cycle(_MIXCLOUD_KEY), strict=False)
    )
    return {
        "audioLength": track.seconds,
        "name": track.title,
        "owner": {"displayName": track.artist, "username": number.partition("/")[0]},
        "picture": {"url": f"https://thumbnailer.mixcloud.com/{number}/cover.jpg"},
        "plays": 730,
        "favorites": {"totalCount": 12},
        "restrictedReason": track.refusal or None,
        "streamInfo": {"url": base64.b64encode(sealed).decode()},
    }
