"""Simulate Threads, Bluesky and Tumblr: their pages or API, and the servers of their files."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.instagram import Media
from simulator.sites.web import send_file

_THREADS_CDN = "scontent-fra5-1.cdninstagram.com"
#: Posts of a page of a profile on Bluesky. The real one has up to 100.
_FEED_PAGE = 20


@dataclass(slots=True)
class ThreadsPost:
    """A post on Threads."""

    code: str
    media: tuple[Media, ...] = ()
    text: str = "A crossing"
    author: str = "ferry.demo"
    #: A post whose media are shown with this one, by the key of the object that has it:
    #: "quoted_post", "reposted_post" or "linked_inline_media".
    shared: Mapping[str, "ThreadsPost"] = field(default_factory=dict)
    #: "invalid": redirects to the home page. "login": redirects to the login page. "missing": the
    #: page does not contain it.
    trouble: str = ""
    #: Visible to signed-in members only.
    is_private: bool = False


@dataclass(slots=True)
class ThreadsSite:
    """The site's posts by code."""

    posts: dict[str, ThreadsPost] = field(default_factory=dict)
    #: Redirect target of each shared link, by code.
    shared: dict[str, str] = field(default_factory=dict)
    #: Browsers get a page without posts.
    needs_scripts: bool = False

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host in {"www.threads.com", "www.threads.net", "threads.net", _THREADS_CDN}

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        if request.host.endswith("threads.net"):
            return _redirect(f"https://www.threads.com{request.path_qs}")
        match request.path.strip("/").split("/"):
            case ["v", code, number, kind]:
                return await self._file(request, code, int(number), kind)
            case ["t", code]:
                user = self.posts[code].author if code in self.posts else "x"
                return _redirect(f"https://www.threads.com/@{user}/post/{code}")
            case ["share", code]:
                return _redirect(self.shared.get(code, "https://www.threads.com/"))
            case [_, "post", code]:
                return self._page(request, code)
        return _html("<html></html>")

    def _page(self, request: web.Request, code: str) -> web.Response:
        post = self.posts.get(code)
        if post is None or post.trouble == "invalid":
            return _redirect("https://www.threads.com/?error=invalid_post")
        if post.trouble == "login":
            return _redirect("https://www.threads.com/login/?show_choice_screen=false")
        is_browser = "Mozilla" in request.headers.get("User-Agent", "")
        is_hidden = post.is_private and "sessionid=" not in request.headers.get("Cookie", "")
        if post.trouble == "missing" or is_hidden or (is_browser and self.needs_scripts):
            return _html(_scripts({"route": f"/post/{code}"}))
        answer = ThreadsPost("DemoReply01", media=post.media, text="an answer")
        threads = [{"thread_items": [{"post": _threads_post(one)}]} for one in (post, answer)]
        edges = [{"node": node} for node in threads]
        return _html(_scripts({"nothing": code}, {"require": [[{"data": {"edges": edges}}]]}))

    async def _file(
        self, request: web.Request, code: str, number: int, kind: str
    ) -> web.StreamResponse:
        every = [*self.posts.values()]
        every += [other for post in self.posts.values() for other in post.shared.values()]
        media = next(post for post in every if post.code == code).media[number]
        path = media.path if kind == "video" or not media.is_video else media.still
        return await send_file(request, path) if path else web.Response(status=404)


def _threads_post(post: ThreadsPost) -> dict[str, Any]:
    items = [_threads_item(post, number) for number in range(len(post.media))]
    shared = {key: _threads_post(other) for key, other in post.shared.items()}
    about: dict[str, Any] = {"linked_inline_media": shared.pop("linked_inline_media", None)}
    about["share_info"] = {"quoted_post": None, "reposted_post": None, **shared}
    content: dict[str, Any] = {"media_type": 19, "image_versions2": {"candidates": []}}
    if len(items) == 1:
        content = items[0]
    elif items:
        content = {"media_type": 8, "carousel_media": items}
    return {
        "pk": "3700000000000000001",
        "code": post.code,
        "user": {"pk": "77", "username": post.author},
        "caption": {"text": post.text},
        "like_count": 21,
        "text_post_app_info": about,
        **content,
    }


def _threads_item(post: ThreadsPost, number: int) -> dict[str, Any]:
    media = post.media[number]
    base = f"https://{_THREADS_CDN}/v/{post.code}/{number}"
    size = {"width": media.width, "height": media.height}
    videos = [{"type": 101, "url": f"{base}/video", **size}] if media.is_video else None
    return {
        "media_type": 2 if media.is_video else 1,
        "original_width": media.width,
        "original_height": media.height,
        "image_versions2": {"candidates": [{"url": f"{base}/still", **size}]},
        "video_versions": videos,
        "has_audio": media.is_video or None,
        **media.changes,
    }


@dataclass(slots=True)
class BlueskyPost:
    """A post on Bluesky: up to ten pictures, or one video."""

    pictures: tuple[Path, ...] = ()
    video: Path | None = None
    text: str = "A crossing"
    quoted: "BlueskyPost | None" = None
    #: URL that the post links to, with a preview.
    link: str = ""
    labels: tuple[str, ...] = ()
    number: str = "3demo01"


@dataclass(slots=True)
class BlueskyFeed:
    """The profile of an account: the numbers of its posts, the newest first."""

    posts: Sequence[str] = ()
    #: Those that are posts of others, which the account has shared.
    shared: Collection[str] = ()


@dataclass(slots=True)
class BlueskySite:
    """The network's posts by number; all of them are by ferry.example."""

    posts: dict[str, BlueskyPost] = field(default_factory=dict)
    #: The profiles by account.
    feeds: dict[str, BlueskyFeed] = field(default_factory=dict)
    #: The handle that the API names for the author of all posts.
    handle: str = "ferry.example"
    #: The answer to a request for a post or profile, by number or account, instead of it.
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def add(self, post: BlueskyPost) -> BlueskyPost:
        """Add a post and the one that it quotes."""
        self.posts[post.number] = post
        if post.quoted:
            self.posts[post.quoted.number] = post.quoted
        return post

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the network."""
        return host.endswith(("bsky.app", "bsky.network")) or host == "plc.directory"

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        match request.host:
            case "public.api.bsky.app":
                return self._api(request.query)
            case "plc.directory":
                kind, host = "AtprotoPersonalDataServer", "https://pds.host.bsky.network"
                return web.json_response({"service": [{"type": kind, "serviceEndpoint": host}]})
            case "cdn.bsky.app":
                _, number, position = request.path.removesuffix("@jpeg").rsplit("/", 2)
                return await send_file(request, self.posts[number].pictures[int(position)])
            case "pds.host.bsky.network":
                path = self.posts[request.query["cid"]].video
                return await send_file(request, path) if path else web.Response(status=404)
        return web.Response(text="#EXTM3U\n", content_type="application/x-mpegURL")

    def _api(self, query: Mapping[str, str]) -> web.Response:
        key = query["actor"] if "actor" in query else query["uri"].rpartition("/")[2]
        if key in self.answers:
            status, answer = self.answers[key]
            return web.json_response(answer, status=status)
        return self._feed(query) if "actor" in query else self._thread(key)

    def _feed(self, query: Mapping[str, str]) -> web.Response:
        feed = self.feeds.get(query["actor"])
        if feed is None:
            answer = {"error": "InvalidRequest", "message": "Profile not found"}
            return web.json_response(answer, status=400)
        start = int(query.get("cursor", 0))
        end = start + min(_FEED_PAGE, int(query["limit"]))
        items = [self._item(number, number in feed.shared) for number in feed.posts[start:end]]
        more = {"cursor": str(end)} if end < len(feed.posts) else {}
        return web.json_response({"feed": items, **more})

    def _item(self, number: str, is_shared: bool) -> dict[str, Any]:
        post = self._view(self.posts[number])
        kind = "app.bsky.feed.defs#reasonRepost"
        return {"post": post} | ({"reason": {"$type": kind}} if is_shared else {})

    def _thread(self, number: str) -> web.Response:
        if number not in self.posts:
            answer = {"error": "NotFound", "message": f"Post not found: {number}"}
            return web.json_response(answer, status=400)
        kind = "app.bsky.feed.defs#threadViewPost"
        post = self._view(self.posts[number])
        return web.json_response({"thread": {"$type": kind, "post": post}})

    def _view(self, post: BlueskyPost) -> dict[str, Any]:
        about = {**_bluesky_record(post), "likeCount": 12, "embed": _embed(post)}
        about["record"] = about.pop("value")
        about["author"]["handle"] = self.handle
        return about


def _bluesky_record(post: BlueskyPost) -> dict[str, Any]:
    """Return what a post and a quoted post have in common."""
    return {
        "uri": f"at://did:plc:demo01/app.bsky.feed.post/{post.number}",
        "author": {"did": "did:plc:demo01", "handle": "ferry.example", "displayName": "Ferry"},
        "value": {"text": post.text, "embed": {}, "createdAt": "2025-10-09T08:53:20.000Z"},
        "labels": [{"val": label} for label in post.labels],
    }


def _embed(post: BlueskyPost) -> dict[str, Any] | None:
    media = _bluesky_media(post)
    if post.quoted is None:
        return media
    own = _embed(post.quoted)
    quoted = {
        "$type": "app.bsky.embed.record#viewRecord",
        **_bluesky_record(post.quoted),
        "embeds": [own] if own else [],
    }
    if media is None:
        return {"$type": "app.bsky.embed.record#view", "record": quoted}
    kind = "app.bsky.embed.recordWithMedia#view"
    return {"$type": kind, "media": media, "record": {"record": quoted}}


def _bluesky_media(post: BlueskyPost) -> dict[str, Any] | None:
    base = f"https://cdn.bsky.app/img/feed_fullsize/plain/did:plc:demo01/{post.number}"
    if post.video:
        playlist = f"https://video.bsky.app/watch/did/{post.number}/playlist.m3u8"
        video = {"cid": post.number, "playlist": playlist}
        return {"$type": "app.bsky.embed.video#view", **video}
    if post.link:
        return {"$type": "app.bsky.embed.external#view", "external": {"uri": post.link}}
    if not post.pictures:
        return None
    # More than four are a gallery, whose keys are others.
    names = ("images", "images") if len(post.pictures) <= 4 else ("gallery", "items")
    pictures = [
        {"fullsize": f"{base}/{position}@jpeg", "alt": "A boat"}
        for position in range(len(post.pictures))
    ]
    return {"$type": f"app.bsky.embed.{names[0]}#view", names[1]: pictures}


@dataclass(slots=True)
class TumblrPost:
    """A post on Tumblr. Its blocks are those of the site's format, with the file of each."""

    number: str
    blocks: tuple[dict[str, Any], ...] = ()
    blog: str = "ferry-demo"
    #: Replaces parts of the post's object.
    changes: Mapping[str, Any] = field(default_factory=dict)
    #: "members": redirects to the login. "hidden": the page does not contain the post.
    trouble: str = ""


@dataclass(slots=True)
class TumblrSite:
    """The site's posts by number, and files by name."""

    posts: dict[str, TumblrPost] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    #: Redirect target of each short link, by path.
    short_links: dict[str, str] = field(default_factory=dict)

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host.endswith("tumblr.com") or host == "tmblr.co"

    def picture(self, path: Path, **changes: Any) -> dict[str, Any]:
        """Store a picture, and return its block."""
        kind = "image/gif" if path.suffix == ".gif" else "image/jpeg"
        file = {"url": self._store(path), "type": kind, "width": 1280, "height": 960}
        small = {**file, "url": f"{file['url']}?small", "width": 75, "height": 75, "cropped": True}
        return {"type": "image", "media": [small, file], **changes}

    def video(self, path: Path, **changes: Any) -> dict[str, Any]:
        """Store a video, and return its block."""
        file = {"url": self._store(path), "type": "video/mp4", "width": 576, "height": 1024}
        return {"type": "video", "provider": "tumblr", "media": file, **changes}

    def _store(self, path: Path) -> str:
        name = path.name.replace(" ", "-")
        self.files[name] = path
        return f"https://64.media.tumblr.com/{name}"

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        name = request.path.rpartition("/")[2]
        if request.host == "64.media.tumblr.com":
            path = self.files.get(name)
            return await send_file(request, path) if path else web.Response(status=404)
        if target := self.short_links.get(request.path):
            return _redirect(target)
        post = self.posts.get(name)
        if post is None:
            return web.Response(status=404)
        if post.trouble == "members":
            return _redirect(f"https://www.tumblr.com/login_required/{post.blog}")
        state = {"PeeprRoute": {"initialTimeline": {"objects": self._objects(post)}}}
        document = json.dumps({"apiUrl": "https://api.tumblr.com", **state})
        return _html(
            f'<script type="application/json" id="___INITIAL_STATE___">{document}</script>'
        )

    def _objects(self, post: TumblrPost) -> list[dict[str, Any]]:
        other = {"objectType": "post", "id": "1", "content": [{"type": "text", "text": "other"}]}
        if post.trouble == "hidden":
            return [other]
        about: dict[str, Any] = {
            "objectType": "post",
            "id": post.number,
            "blogName": post.blog,
            "likeCount": 12,
            "trail": [],
            "content": list(post.blocks),
        }
        return [other, {**about, **post.changes}]


def _scripts(*documents: dict[str, Any]) -> str:
    tag = '<script type="application/json" data-content-len="1" data-sjs>'
    return "".join(f"{tag}{json.dumps(document)}</script>" for document in documents)


def _redirect(target: str) -> web.Response:
    return web.Response(status=302, headers={"Location": target})


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
