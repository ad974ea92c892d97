"""Simulate the parts of YouTube that yt-dlp reads, with and without a JavaScript runtime."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.web import send_file
from simulator.sites.youtube_lists import YouTubeLists


@dataclass(slots=True)
class Stream:
    """One file of a video: only pictures, or only audio."""

    path: Path
    itag: int
    mime: str = 'video/mp4; codecs="avc1.64001f"'
    #: Pixels; none for audio.
    size: tuple[int, int] | None = None
    #: Language of dubbed audio, and whether it is the original.
    track: tuple[str, bool] | None = None


@dataclass(slots=True)
class YouTubeVideo:
    """A video or a short."""

    streams: tuple[Stream, ...] = ()
    title: str = "A crossing"
    seconds: int = 3
    #: `status` and `reason` of a refusal.
    refusal: tuple[str, str] = ("", "")
    is_live: bool = False
    #: Value in the addresses of its files that the player's script has to reverse; empty: none.
    challenge: str = ""


@dataclass(slots=True)
class YouTubeSite:
    """The site's videos by id, and its lists."""

    videos: dict[str, YouTubeVideo] = field(default_factory=dict)
    lists: YouTubeLists = field(default_factory=YouTubeLists)
    #: HTTP status of every response; 0 answers normally.
    status: int = 0

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host.endswith(("youtube.com", "googlevideo.com"))

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        if self.status:
            return web.Response(status=self.status)
        if request.host.endswith("googlevideo.com"):
            number, itag = request.query["id"], int(request.query["itag"])
            video = self.videos[number]
            if request.query.get("n", "") != video.challenge[::-1]:
                return web.Response(status=403)
            stream = next(s for s in video.streams if s.itag == itag)
            return await send_file(request, stream.path)
        if request.path == "/youtubei/v1/player":
            number = (await request.json())["videoId"]
            return web.json_response(_player(number, self.videos.get(number)))
        if request.path == "/youtubei/v1/browse":
            return self.lists.browse(await request.json())
        if request.path.startswith("/youtubei/"):
            return web.json_response({"contents": {"demo": True}})
        if request.path.startswith(_LISTS):
            return self.lists.page(request)
        if script := _SCRIPTS.get(request.path):
            return web.Response(text=script, content_type="text/javascript")
        script = _EMBEDDED if request.path.startswith("/embed/") else ""
        return web.Response(text=f"<html>{script}</html>", content_type="text/html")


#: Start of the paths of playlists and channels.
_LISTS = ("/playlist", "/@", "/channel/", "/c/", "/user/")
_PLAYER = "/s/player/0123abcd"
#: The script that names the player, and the player; only a runtime needs them.
_SCRIPTS = {
    "/iframe_api": f'var scriptUrl = "https://www.youtube.com{_PLAYER}/www-widgetapi.js";',
    f"{_PLAYER}/player_ias.vflset/en_US/base.js": "var player = {signatureTimestamp: 20000};",
}
#: What the page of an embedded player says about its client.
_EMBEDDED = (
    '<script>ytcfg.set({"INNERTUBE_CONTEXT": {"client": '
    '{"clientName": "WEB_EMBEDDED_PLAYER", "clientVersion": "1.0"}}});</script>'
)


def _player(number: str, video: YouTubeVideo | None) -> dict[str, Any]:
    if video is None:
        return {"playabilityStatus": {"status": "ERROR", "reason": "Video unavailable"}}
    status, reason = video.refusal
    about = {
        "videoId": number,
        "title": video.title,
        "author": "Ferry Demo",
        "lengthSeconds": str(video.seconds),
        "viewCount": "730",
        "isLive": video.is_live,
        "isLiveContent": video.is_live,
        "shortDescription": video.title,
    }
    answer = {
        "playabilityStatus": {"status": status or "OK", "reason": reason},
        "videoDetails": about,
    }
    if not status:
        formats = [_format(number, stream, video) for stream in video.streams]
        answer["streamingData"] = {"adaptiveFormats": formats}
    return answer


def _format(number: str, stream: Stream, video: YouTubeVideo) -> dict[str, Any]:
    size, seconds = stream.path.stat().st_size, video.seconds
    query = f"id={number}&itag={stream.itag}"
    if video.challenge:
        query += f"&n={video.challenge}"
    values: dict[str, Any] = {
        "itag": stream.itag,
        "url": f"https://rr1---sn-demo.googlevideo.com/videoplayback?{query}",
        "mimeType": stream.mime,
        "bitrate": size * 8 // seconds,
        "contentLength": str(size),
        "approxDurationMs": str(seconds * 1_000),
        "quality": "medium",
    }
    if stream.size:
        values |= {"width": stream.size[0], "height": stream.size[1]}
    if stream.track:
        name, is_original = stream.track
        kind = 4 if is_original else 3
        values["audioTrack"] = {
            "id": f"{name}.{kind}",
            "displayName": f"{name} original" if is_original else name,
            "audioIsDefault": False,
        }
    return values
