"""Simulate the parts of X, Reddit and Pinterest that yt-dlp reads."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.web import send_file

_X_HOSTS = {
    "x.com",
    "api.x.com",
    "cdn.syndication.twimg.com",
    "video.twimg.com",
    "pbs.twimg.com",
}


@dataclass(slots=True)
class XPost:
    """A post on X with its videos; each has several encodings, the best one last."""

    id: str
    videos: tuple[tuple[Path, ...], ...] = ()
    author: str = "ferry_demo"
    text: str = ""
    #: Reason for a refusal, as the site words it: "Protected", "NsfwLoggedOut" or a tombstone's
    #: text.
    refusal: str = ""


@dataclass(slots=True)
class XSite:
    """The site's posts by id."""

    posts: dict[str, XPost] = field(default_factory=dict)
    #: HTTP status of every response; 0 answers normally.
    status: int = 0

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host in _X_HOSTS

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        if self.status:
            return web.Response(status=self.status)
        if request.path.endswith("/guest/activate.json"):
            return web.json_response({"guest_token": "1790"})
        if request.path.endswith("/TweetResultByRestId"):
            if request.headers.get("x-guest-token") != "1790":
                return web.json_response({"errors": [{"message": "Bad guest token"}]}, status=403)
            variables = json.loads(request.query["variables"])
            return web.json_response({"data": {"tweetResult": self._result(variables["tweetId"])}})
        if request.host == "video.twimg.com":
            _, post, video, _, number = request.path.strip("/").split("/")
            path = self.posts[post].videos[int(video)][int(number.partition(".")[0])]
            return await send_file(request, path)
        return web.Response(status=404)

    def _result(self, number: str) -> dict[str, Any]:
        post = self.posts.get(number)
        if post is None:
            return {}
        if post.refusal in {"Protected", "NsfwLoggedOut"}:
            return {"result": {"__typename": "TweetUnavailable", "reason": post.refusal}}
        if post.refusal:
            tombstone = {"text": {"text": post.refusal}}
            return {"result": {"__typename": "TweetTombstone", "tombstone": tombstone}}
        legacy = {
            "full_text": post.text,
            "favorite_count": 12,
            "entities": {},
            "extended_entities": {"media": [_video(post, n) for n in range(len(post.videos))]},
        }
        user = {"legacy": {"screen_name": post.author, "name": post.author.title()}}
        return {
            "result": {
                "__typename": "Tweet",
                "legacy": legacy,
                "core": {"user_results": {"result": user}},
                "views": {"count": "345"},
            }
        }


def _video(post: XPost, number: int) -> dict[str, Any]:
    variants = [
        {
            "bitrate": 256_000 * (n + 1),
            "content_type": "video/mp4",
            "url": f"https://video.twimg.com/ext_tw_video/{post.id}/{number}/{size}/{n}.mp4?tag=12",
        }
        for n, size in enumerate(("288x512", "576x1024")[: len(post.videos[number])])
    ]
    return {
        "id_str": f"{post.id}{number}",
        "type": "video",
        "video_info": {"duration_millis": 3_000, "variants": variants},
        "original_info": {"width": 576, "height": 1024},
    }


@dataclass(slots=True)
class RedditPost:
    """A post on Reddit; its video and its sound are separate files."""

    id: str
    video: Path | None = None
    sound: Path | None = None
    title: str = "A crossing"
    #: Pictures of a gallery, JPEG or GIF, in order; one alone is a picture post. None has not been
    #: processed.
    pictures: tuple[Path | None, ...] = ()
    #: URL on another site that the post links to.
    link: str = ""
    #: "deleted", "moderator": who removed the media of the post.
    removed_by: str = ""
    #: "private" or "quarantined": visible to members only; "html": the site asks for a login.
    refusal: str = ""


@dataclass(slots=True)
class RedditSite:
    """The site's posts by id."""

    posts: dict[str, RedditPost] = field(default_factory=dict)
    #: Id of the post of each video, by the video's id.
    videos: dict[str, str] = field(default_factory=dict)
    #: Pictures by file name.
    pictures: dict[str, Path] = field(default_factory=dict)

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host in {"www.reddit.com", "old.reddit.com", "v.redd.it", "i.redd.it"}

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        name = request.path.strip("/")
        if request.host == "i.redd.it":
            path = self.pictures.get(name) or self._picture(name)
            return await send_file(request, path) if path else web.Response(status=404)
        if request.host == "v.redd.it":
            return await self._file(request) if "/" in name else self._redirect(name)
        if name.startswith("video/"):
            number = self.videos[name.removeprefix("video/")]
            return _redirect(f"https://www.reddit.com/r/ferries/comments/{number}/a_crossing/")
        if not request.path.endswith("/.json"):
            response = web.Response(text="<html></html>", content_type="text/html")
            response.headers["Set-Cookie"] = "loid=ferry; Domain=.reddit.com; Path=/"
            return response
        post = self.posts.get(request.path.strip("/").split("/")[-2])
        if post is None:
            return web.json_response({"message": "Not Found", "error": 404}, status=404)
        if post.refusal == "html":
            return web.Response(text="<html>log in</html>", content_type="text/html", status=403)
        if post.refusal:
            return web.json_response({"error": 403, "reason": post.refusal}, status=403)
        return web.json_response([{"data": {"children": [{"data": self._post(post)}]}}])

    def _redirect(self, video: str) -> web.Response:
        if video not in self.videos:
            return web.Response(status=404)
        return _redirect(f"https://www.reddit.com/video/{video}")

    def _post(self, post: RedditPost) -> dict[str, Any]:
        data: dict[str, Any] = {"title": post.title, "author": "ferry_demo", "ups": 7}
        if post.removed_by:
            url = f"https://www.reddit.com/gallery/{post.id}"
            return data | {"url": url, "removed_by_category": post.removed_by}
        if post.link:
            return data | {"url": post.link}
        if len(post.pictures) == 1:
            return data | {"url": f"https://i.redd.it/{_media_id(post, 0)}.jpg"}
        if post.pictures:
            return data | _gallery(post)
        base = f"https://v.redd.it/{post.id}"
        video = {
            "fallback_url": f"{base}/DASH_720.mp4?source=fallback",
            "dash_url": f"{base}/DASHPlaylist.mpd?a=1",
            "hls_url": f"{base}/HLSPlaylist.m3u8?a=1",
            "width": 576,
            "height": 1024,
            "duration": 3,
        }
        return data | {"url": base, "secure_media": {"reddit_video": video}}

    def _picture(self, name: str) -> Path | None:
        """Return a picture of a post by its file name."""
        number = name.partition(".")[0]
        for post in self.posts.values():
            for position, path in enumerate(post.pictures):
                if number == _media_id(post, position):
                    return path
        return None

    async def _file(self, request: web.Request) -> web.StreamResponse:
        _, number, name = request.path.split("/")
        post = self.posts[number]
        if name == "DASHPlaylist.mpd" and post.sound:
            return web.Response(text=_MPD, content_type="application/dash+xml")
        path = {"DASH_720.mp4": post.video, "DASH_AUDIO_128.mp4": post.sound}.get(name)
        return await send_file(request, path) if path else web.Response(status=404)


def _media_id(post: RedditPost, position: int) -> str:
    return f"{post.id}n{position}"


def _gallery(post: RedditPost) -> dict[str, Any]:
    """Return what a post's object says about its gallery; the URLs are escaped for HTML."""
    ids = [_media_id(post, position) for position in range(len(post.pictures))]
    media: dict[str, Any] = {}
    for number, path in zip(ids, post.pictures, strict=True):
        suffix = path.suffix if path else ""
        preview = f"https://preview.redd.it/{number}{suffix}?width=640&amp;auto=webp&amp;s=00"
        media[number] = {
            "id": number,
            "status": "valid",
            "e": "Image",
            "m": "image/jpg",
            "p": [{"u": f"{preview}1", "x": 108, "y": 135}, {"u": f"{preview}2"}],
            "s": {"u": preview, "x": 400, "y": 500},
        }
        if path is None:
            media[number] = {"id": number, "status": "unprocessed"}
        elif path.suffix == ".gif":
            gif = f"https://i.redd.it/{number}.gif"
            media[number] |= {"e": "AnimatedImage", "m": "image/gif", "s": {"gif": gif}}
    return {
        "url": f"https://www.reddit.com/gallery/{post.id}",
        "is_gallery": True,
        "gallery_data": {"items": [{"media_id": number} for number in ids]},
        # The order of the object says nothing.
        "media_metadata": dict(reversed(media.items())),
    }


def _redirect(target: str) -> web.Response:
    return web.Response(status=302, headers={"Location": target})


_MPD = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">
<Period>
 <AdaptationSet contentType="audio"><Representation id="a" bandwidth="128000"
  codecs="mp4a.40.2" mimeType="audio/mp4" audioSamplingRate="44100">
  <BaseURL>DASH_AUDIO_128.mp4</BaseURL></Representation></AdaptationSet>
</Period>
</MPD>
"""


@dataclass(slots=True)
class PinterestSite:
    """Pins, each as an HLS playlist and as one file, and short links to them."""

    pins: dict[str, Path] = field(default_factory=dict)
    #: Pin id of each short link, by code.
    short_links: dict[str, str] = field(default_factory=dict)

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host in {"www.pinterest.com", "pin.it", "v1.pinimg.com"}

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        name = request.path.strip("/")
        if request.host == "pin.it":
            number = self.short_links.get(name, "")
            target = f"https://www.pinterest.com/pin/{number}/sent/?invite_code=x"
            return web.Response(status=308, headers={"Location": target})
        if request.host == "v1.pinimg.com":
            if name.endswith(".m3u8"):
                return web.Response(text=_PIECES, content_type="application/x-mpegURL")
            return await send_file(request, self.pins[name.partition(".")[0]])
        number = json.loads(request.query["data"])["options"]["id"]
        if number not in self.pins:
            return web.json_response({"resource_response": {"status": "failure"}}, status=404)
        videos = {
            "V_HLSV4": {"url": f"https://v1.pinimg.com/{number}.m3u8", "duration": 3_000},
            "V_720P": {
                "url": f"https://v1.pinimg.com/{number}.mp4",
                "width": 576,
                "height": 1024,
                "duration": 3_000,
            },
        }
        pin = {"id": number, "title": "A pin", "videos": {"video_list": videos}}
        return web.json_response({"resource_response": {"data": pin}})


_PIECES = """#EXTM3U
#EXT-X-TARGETDURATION:3
#EXTINF:3.0,
piece0.ts
#EXT-X-ENDLIST
"""
