"""Simulate the parts of Reddit that the bot reads, and of RedGifs and Imgur behind its posts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.web import send_file

_HOSTS = {
    *("www.reddit.com", "old.reddit.com", "v.redd.it", "i.redd.it", "external-preview.redd.it"),
    *("api.redgifs.com", "media.redgifs.com", "api.imgur.com", "i.imgur.com"),
}
#: Posts of a page of a feed. The real site has up to 100.
_FEED_PAGE = 20
#: To where Imgur redirects requests for files that were removed.
_REMOVED = "https://i.imgur.com/removed.png"


@dataclass(slots=True)
class RedditPost:
    """A post on Reddit; its video and its sound are separate files."""

    id: str
    video: Path | None = None
    sound: Path | None = None
    title: str = "A crossing"
    #: Pictures of a gallery, JPEG or GIF, and videos, in order; one alone is a picture post. None
    #: has not been processed.
    pictures: tuple[Path | None, ...] = ()
    #: URL on another site that the post links to.
    link: str = ""
    #: The site's own copy of the picture that the post links to.
    copy: Path | None = None
    #: Id of the post that this one repeats.
    repeats: str = ""
    #: "deleted", "moderator": who removed the media of the post.
    removed_by: str = ""
    #: "private" or "quarantined": visible to members only; "html": the site asks for a login.
    refusal: str = ""
    #: Changes to the object of the post.
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class RedditFeed:
    """The posts of a user or community by id, the newest first."""

    posts: Sequence[str] = ()
    #: HTTP status of the refusal, with its reason; 0 answers normally.
    status: int = 0
    #: "private", "banned"; "html": the site asks for a login.
    refusal: str = ""
    #: The first page is shown, and only what follows is refused.
    is_cut: bool = False


@dataclass(slots=True)
class RedditSite:
    """The site's posts by id."""

    posts: dict[str, RedditPost] = field(default_factory=dict)
    #: The users' and communities' posts: "user/ferry", "r/ferries".
    feeds: dict[str, RedditFeed] = field(default_factory=dict)
    #: Redirect target of each shared link, by its last part.
    shared: dict[str, str] = field(default_factory=dict)
    #: Id of the post of each video, by the video's id.
    videos: dict[str, str] = field(default_factory=dict)
    #: Pictures by file name.
    pictures: dict[str, Path] = field(default_factory=dict)
    #: Media on RedGifs by id: videos, or pictures.
    gifs: dict[str, Path] = field(default_factory=dict)
    #: Albums on Imgur by id; each is a list of file names in `imgur_files`.
    albums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: Files on Imgur by name, such as "demo1.jpg". One that is missing was removed.
    imgur_files: dict[str, Path] = field(default_factory=dict)
    #: HTTP status of the APIs of RedGifs and Imgur; 0 answers normally. 302 redirects to the
    #: placeholder of a removed picture.
    linked_status: int = 0
    #: HTTP status of Imgur's answers about albums; 0 answers normally.
    album_status: int = 0
    #: What these APIs send with status 200 instead of their answers.
    linked_text: str = ""

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host in _HOSTS

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        name = request.path.strip("/")
        if request.host.endswith(("redgifs.com", "imgur.com")):
            return await self._linked(request, name)
        if request.host.endswith("redd.it"):
            return await self._media(request, name)
        if redirect := self._target(name):
            return _redirect(redirect)
        return self._page(request, name)

    def _target(self, name: str) -> str:
        """Return where a shared link or the page of a video leads; empty for other pages."""
        if name.startswith("video/"):
            number = self.videos[name.removeprefix("video/")]
            return f"https://www.reddit.com/r/ferries/comments/{number}/a_crossing/"
        return self.shared[name.rpartition("/")[2]] if "/s/" in name else ""

    def _page(self, request: web.Request, name: str) -> web.Response:
        if not request.path.endswith(".json"):
            response = web.Response(text="<html></html>", content_type="text/html")
            response.headers["Set-Cookie"] = "loid=ferry; Domain=.reddit.com; Path=/"
            return response
        if name.startswith(("user/", "r/", "subreddits/")) and "comments" not in name:
            return self._feed(name, request.query)
        post = self.posts.get(name.split("/")[-2])
        if post is None:
            return web.json_response({"message": "Not Found", "error": 404}, status=404)
        if post.refusal == "html":
            return web.Response(text="<html>log in</html>", content_type="text/html", status=403)
        if post.refusal:
            return web.json_response({"error": 403, "reason": post.refusal}, status=403)
        return web.json_response(
            [{"data": {"children": [{"data": self._post(post) | post.changes}]}}]
        )

    def _feed(self, name: str, query: Mapping[str, str]) -> web.Response:
        """Answer "user/ferry/submitted/.json" or "r/ferries/new/.json"."""
        if name.startswith("subreddits/"):
            return _listing([{"kind": "t5", "data": {"display_name": "ferries"}}], None)
        kind, owner, *_ = name.split("/")
        feed = self.feeds.get(f"{kind}/{owner}")
        if feed is None and kind == "r":
            return _redirect(f"https://www.reddit.com/subreddits/search.json?q={owner}")
        feed = feed or RedditFeed(status=404)
        if feed.is_cut and "after" not in query:
            return self._feed_page(feed, query)
        if feed.refusal == "html":
            return web.Response(text="<html>log in</html>", content_type="text/html", status=403)
        if feed.status:
            about = {"message": "No", "error": feed.status}
            reason = {"reason": feed.refusal} if feed.refusal else {}
            return web.json_response(about | reason, status=feed.status)
        return self._feed_page(feed, query)

    def _feed_page(self, feed: RedditFeed, query: Mapping[str, str]) -> web.Response:
        after = query.get("after", "").removeprefix("t3_")
        start = feed.posts.index(after) + 1 if after else 0
        shown = feed.posts[start:][: min(_FEED_PAGE, int(query["limit"]))]
        children = [
            {
                "kind": "t3",
                "data": self._post(self.posts[number])
                | {"id": number, "created_utc": 1_760_000_000.0}
                | self.posts[number].changes,
            }
            for number in shown
        ]
        has_more = start + len(shown) < len(feed.posts)
        return _listing(children, f"t3_{shown[-1]}" if has_more else None)

    async def _media(self, request: web.Request, name: str) -> web.StreamResponse:
        if request.host == "v.redd.it":
            return await self._file(request) if "/" in name else self._redirect(name)
        if request.host == "i.redd.it":
            path = self.pictures.get(name) or self._picture(name)
        else:
            path = self.posts[name.partition(".")[0]].copy
        return await send_file(request, path) if path else web.Response(status=404)

    def _redirect(self, video: str) -> web.Response:
        if video not in self.videos:
            return web.Response(status=404)
        return _redirect(f"https://www.reddit.com/video/{video}")

    def _post(self, post: RedditPost) -> dict[str, Any]:
        data: dict[str, Any] = {"title": post.title, "author": "ferry_demo", "ups": 7}
        if post.repeats:
            original = self._post(self.posts[post.repeats])
            return data | {"url": original["url"], "crosspost_parent_list": [original]}
        if post.removed_by:
            url = f"https://www.reddit.com/gallery/{post.id}"
            return data | {"url": url, "removed_by_category": post.removed_by}
        if post.link:
            return data | {"url": post.link} | (_copy(post) if post.copy else {})
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
        _, number, name = request.path.split("/", 2)
        post = self.posts[number]
        if name == "DASHPlaylist.mpd" and post.sound:
            return web.Response(text=_MPD, content_type="application/dash+xml")
        if name.startswith("n"):  # a video of a gallery
            return await self._gallery_video(request, post, name)
        path = {"DASH_720.mp4": post.video, "DASH_AUDIO_128.mp4": post.sound}.get(name)
        return await send_file(request, path) if path else web.Response(status=404)

    async def _gallery_video(
        self, request: web.Request, post: RedditPost, name: str
    ) -> web.StreamResponse:
        position, _, file = name.removeprefix("n").partition("/")
        path = post.pictures[int(position)]
        if file == "DASHPlaylist.mpd":
            return web.Response(text=_VIDEO_MPD, content_type="application/dash+xml")
        return await send_file(request, path) if path else web.Response(status=404)

    async def _linked(self, request: web.Request, name: str) -> web.StreamResponse:
        """Answer like RedGifs and Imgur, whose files need the token's client and no Referer."""
        if request.host in {"media.redgifs.com", "i.imgur.com"}:
            path = (self.gifs | self.imgur_files).get(name.removesuffix("-small.mp4"))
            if path is None and request.host == "i.imgur.com":
                return _redirect(_REMOVED)
            return await send_file(request, path) if path else web.Response(status=404)
        if self.linked_status == 302:
            return _redirect(_REMOVED)
        if self.linked_status or self.linked_text:
            return web.Response(status=self.linked_status or 200, text=self.linked_text)
        *_, kind, number = name.split("/")
        if number == "temporary":
            return web.json_response({"token": request.headers["User-Agent"]})
        if request.host == "api.imgur.com":
            return self._imgur(kind, number)
        if request.headers.get("Authorization") != f"Bearer {request.headers['User-Agent']}":
            return web.json_response({"message": "Wrong sender"}, status=401)
        if number not in self.gifs:
            return web.json_response({"error": {"code": "GifDeleted"}}, status=410)
        return web.json_response({"gif": _gif(number, self.gifs[number])})

    def _imgur(self, kind: str, number: str) -> web.Response:
        if kind == "albums" and self.album_status:
            return web.json_response(None, status=self.album_status)
        names = self.albums.get(number) if kind == "albums" else None
        if kind == "media" and any(name.startswith(f"{number}.") for name in self.imgur_files):
            names = tuple(name for name in self.imgur_files if name.startswith(f"{number}."))
        if not names:
            return web.json_response({"errors": [{"code": "404"}]}, status=404)
        return web.json_response({"media": [_imgur_media(name) for name in names]})


def _gif(number: str, path: Path) -> dict[str, Any]:
    is_picture = path.suffix == ".jpg"
    base = f"https://media.redgifs.com/{number}"
    urls = {"hd": base, "sd": f"{base}-small.mp4", "poster": f"{base}-poster.jpg"}
    about = {"id": number, "type": 2 if is_picture else 1, "hasAudio": not is_picture}
    return about | {"urls": urls, "width": 576, "height": 1024, "duration": 3.5}


def _imgur_media(name: str) -> dict[str, Any]:
    number, _, kind = name.partition(".")
    is_video = kind == "mp4"
    return {
        "id": number,
        "type": "video" if is_video else "image",
        "url": f"https://i.imgur.com/{name}",
        "width": 400,
        "height": 500,
        "metadata": {"is_animated": is_video, "has_sound": is_video, "duration": 3},
    }


def _copy(post: RedditPost) -> dict[str, Any]:
    url = f"https://external-preview.redd.it/{post.id}.jpg?auto=webp&amp;s=00"
    source = {"url": url, "width": 400, "height": 500}
    return {"post_hint": "image", "preview": {"images": [{"source": source}]}}


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
        elif path.suffix == ".mp4":
            position = number.removeprefix(post.id)
            dash = f"https://v.redd.it/{post.id}/{position}/DASHPlaylist.mpd?a=1&amp;v=1"
            media[number] = {"id": number, "status": "valid", "e": "RedditVideo", "dashUrl": dash}
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


def _listing(children: list[dict[str, Any]], after: str | None) -> web.Response:
    return web.json_response({"kind": "Listing", "data": {"children": children, "after": after}})


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

_VIDEO_MPD = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">
<Period>
 <AdaptationSet contentType="video"><Representation id="v" bandwidth="900000" width="576"
  height="1024" codecs="avc1.4d401f" mimeType="video/mp4">
  <BaseURL>DASH_720.mp4</BaseURL></Representation></AdaptationSet>
</Period>
</MPD>
"""
