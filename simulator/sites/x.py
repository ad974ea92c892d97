"""Simulate the parts of X that the bot reads: the API for guests, and the endpoint of embeds."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.web import send_file

_HOSTS = {
    "x.com",
    "api.x.com",
    "cdn.syndication.twimg.com",
    "video.twimg.com",
    "pbs.twimg.com",
    "pic.x.com",
    "t.co",
}
_FRAMES = ("288x512", "576x1024")
_GONE = "This Post was deleted by the Post author."


@dataclass(slots=True)
class XPost:
    """A post on X: its videos first, then its other media."""

    id: str
    #: Each has several encodings, the best one last.
    videos: tuple[tuple[Path, ...], ...] = ()
    author: str = "ferry_demo"
    text: str = ""
    #: Reason for a refusal, as the site words it: "Protected", "NsfwLoggedOut" or a tombstone's
    #: text.
    refusal: str = ""
    #: A ".jpg" is a photo, a ".mp4" a GIF, and None a video that the site no longer has.
    others: tuple[Path | None, ...] = ()
    #: Id of the post that this one quotes.
    quotes: str = ""
    #: The card below the text, as the API describes it.
    card: dict[str, Any] = field(default_factory=dict)
    #: Names of the sizes that the photos lack, such as "orig".
    missing_sizes: frozenset[str] = frozenset()


@dataclass(slots=True)
class XSite:
    """The site's posts by id."""

    posts: dict[str, XPost] = field(default_factory=dict)
    #: HTTP status of every response; 0 answers normally.
    status: int = 0
    #: HTTP status of the responses of the API alone.
    api_status: int = 0
    #: Redirect target of each short link, by host and path: "pic.x.com/Demo01".
    short_links: dict[str, str] = field(default_factory=dict)

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host in _HOSTS

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        if self.status:
            return web.Response(status=self.status)
        match request.host:
            case "video.twimg.com" | "pbs.twimg.com":
                return await self._file(request)
            case "cdn.syndication.twimg.com":
                return self._embed(request)
            case "pic.x.com" | "t.co":
                return self._redirect(request)
        return self._api(request)

    def _redirect(self, request: web.Request) -> web.Response:
        target = self.short_links.get(f"{request.host}{request.path}")
        headers = {"Location": target} if target else {}
        return web.Response(status=301 if target else 404, headers=headers)

    def _api(self, request: web.Request) -> web.Response:
        if self.api_status:
            return web.Response(status=self.api_status)
        if request.path.endswith("/guest/activate.json"):
            return web.json_response({"guest_token": "1790"})
        if not request.path.endswith("/TweetResultByRestId"):
            return web.Response(status=404)
        if request.headers.get("x-guest-token") != "1790":
            return web.json_response({"errors": [{"message": "Bad guest token"}]}, status=403)
        variables = json.loads(request.query["variables"])
        result = self._result(variables["tweetId"])
        return web.json_response({"data": {"tweetResult": {"result": result} if result else {}}})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """Send a photo ("/media/POST-2.jpg?name=orig") or an encoding of a video."""
        *_, name = request.path.split("/")
        number, _, kind = name.partition(".")
        post_id, position = number.split("-")[:2]
        post = self.posts[post_id]
        if request.host == "video.twimg.com" and int(position) < len(post.videos):
            encoding = int(number.split("-")[2])
            return await send_file(request, post.videos[int(position)][encoding])
        if int(position) < len(post.videos):  # a still
            return web.Response(status=404)
        path = post.others[int(position) - len(post.videos)]
        is_missing = request.query.get("name") in post.missing_sizes
        if path is None or is_missing or path.suffix != f".{kind}":
            return web.Response(status=404)
        return await send_file(request, path)

    def _result(self, number: str) -> dict[str, Any] | None:
        post = self.posts.get(number)
        if post is None:
            return None
        if post.refusal in {"Protected", "NsfwLoggedOut"}:
            return {"__typename": "TweetUnavailable", "reason": post.refusal}
        if post.refusal:
            return _tombstone(post.refusal)
        legacy = {
            "full_text": post.text,
            "favorite_count": 12,
            "entities": {},
            "extended_entities": {"media": _media(post)},
        }
        card = {"card": {"legacy": post.card}} if post.card else {}
        user = {"core": {"screen_name": post.author, "name": post.author.title()}, "legacy": {}}
        return {
            "__typename": "Tweet",
            **card,
            "legacy": legacy,
            "core": {"user_results": {"result": user}},
            "views": {"count": "345"},
            "quoted_status_result": {"result": self._result(post.quotes)} if post.quotes else {},
        }

    def _embed(self, request: web.Request) -> web.Response:
        """Answer like `/tweet-result`: without the reason for most refusals."""
        post = self.posts.get(request.query["id"])
        if not request.query.get("token"):
            return web.Response(status=400)
        if post is None or post.refusal in {"Protected", _GONE}:
            return web.Response(status=404)
        if post.refusal:
            return web.json_response(_tombstone(post.refusal))
        quoted = self.posts.get(post.quotes)
        answer = _status(post) | ({"quoted_tweet": _status(quoted)} if quoted else {})
        return web.json_response(answer)


def _tombstone(text: str) -> dict[str, Any]:
    return {"__typename": "TweetTombstone", "tombstone": {"text": {"text": text}}}


def _status(post: XPost) -> dict[str, Any]:
    return {
        "__typename": "Tweet",
        "text": post.text,
        "favorite_count": 12,
        "user": {"screen_name": post.author},
        "entities": {},
        "mediaDetails": _media(post),
    }


def _media(post: XPost) -> list[dict[str, Any]]:
    videos = [_video(post, number) for number in range(len(post.videos))]
    first = len(videos)
    return videos + [_other(post, first + n, path) for n, path in enumerate(post.others)]


def _other(post: XPost, position: int, path: Path | None) -> dict[str, Any]:
    name = f"{post.id}-{position}"
    media: dict[str, Any] = {
        "media_url_https": f"https://pbs.twimg.com/media/{name}.jpg",
        "original_info": {"width": 120, "height": 90},
    }
    if path and path.suffix == ".jpg":
        return media | {"type": "photo"}
    if path is None:
        return media | {"type": "video", "video_info": {"variants": []}}
    url = f"https://video.twimg.com/tweet_video/{name}.mp4"
    variant = {"bitrate": 0, "content_type": "video/mp4", "url": url}
    return media | {"type": "animated_gif", "video_info": {"variants": [variant]}}


def _video(post: XPost, number: int) -> dict[str, Any]:
    base = f"https://video.twimg.com/ext_tw_video/{post.id}/pu/vid"
    variants: list[dict[str, Any]] = [
        {
            "bitrate": 256_000 * (n + 1),
            "content_type": "video/mp4",
            "url": f"{base}/{size}/{post.id}-{number}-{n}.mp4?tag=12",
        }
        for n, size in enumerate(_FRAMES[: len(post.videos[number])])
    ]
    playlist = {"content_type": "application/x-mpegURL", "url": f"{base}/{post.id}.m3u8?tag=12"}
    return {
        "id_str": f"{post.id}{number}",
        "type": "video",
        "media_url_https": f"https://pbs.twimg.com/ext_tw_video_thumb/{post.id}-{number}.jpg",
        "video_info": {"duration_millis": 3_000, "variants": [playlist, *variants]},
        "original_info": {"width": 576, "height": 1024},
    }
