"""Simulate Instagram: GraphQL, pages, the members' API, shared links and the CDN.

Follows media-sources.md section 4: the session's LSD, the ruling that sets the CSRF cookie, the
signed-out GraphQL query, the page's `data-sjs` scripts, and the response to each refusal.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.web import send_file

_WEB_HOSTS = {"www.instagram.com", "instagram.com", "m.instagram.com", "i.instagram.com"}
_CDN_HOST = "scontent-fra3-1.cdninstagram.com"
_LSD, _CSRF, _SESSION = "AdFerryLsd01", "ferrycsrf", "ferry-session"
_QUERY_NAME = "PolarisLoggedOutDesktopWWWPostRootContentQuery"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#: Query string that must reach the CDN unchanged, byte for byte.
_SIGNATURE = "stp=dst-jpg_e35&_nc_sid=10d13b&oh=00_AfA%2Bb%2Fc&oe=77FFFFFF"


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, or a video with its still; sizes in pixels."""

    path: Path
    is_video: bool = False
    still: Path | None = None
    width: int = 576
    height: int = 1024
    #: Replaces parts of the item's object.
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class InstagramPost:
    """A post, and how the site responds to requests for it."""

    code: str
    media: tuple[Media, ...] = ()
    author: str = "ferry.demo"
    text: str = ""
    likes: int = 4_321
    #: "", "missing", "throttled", "gated", "age", "ruled-out", "login", or "html": GraphQL answers
    #: with a page.
    trouble: str = ""
    #: Names of the proxies that get the trouble; empty means all.
    trouble_for: frozenset[str] = frozenset()
    #: Visible to signed-in members only.
    is_private: bool = False
    file_trouble: str = ""
    #: The post's object as it is served, instead of one that is made of the fields above.
    product: Mapping[str, Any] | None = None
    #: HTML of the post's page, instead of today's; GraphQL then has nothing.
    old_page: str = ""

    @property
    def pk(self) -> int:
        """Return the post's numeric id, which the code encodes in base 64."""
        number = 0
        for character in self.code[:11]:
            number = number * 64 + _ALPHABET.index(character)
        return number


@dataclass(slots=True)
class InstagramSite:
    """The site's posts, stories and shared links."""

    posts: dict[str, InstagramPost] = field(default_factory=dict)
    #: Stories by their numeric id.
    stories: dict[str, InstagramPost] = field(default_factory=dict)
    #: Stories of each highlight by their ids, by a name such as "highlight:17".
    highlights: dict[str, dict[str, InstagramPost]] = field(default_factory=dict)
    #: Redirect target of each shared link, by path.
    shared: dict[str, str] = field(default_factory=dict)
    #: Kinds of files that the CDN has lost: "video", "still", "small" or "audio".
    missing: frozenset[str] = frozenset()
    #: Value of a signed-in member's session cookie.
    session: str = _SESSION

    def add(self, post: InstagramPost) -> InstagramPost:
        """Add a post and return it."""
        self.posts[post.code] = post
        return post

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host in _WEB_HOSTS or host == _CDN_HOST

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:
        """Answer a request that came through the named proxy."""
        if request.host == _CDN_HOST:
            return await self._file(request)
        match request.path.strip("/").split("/"):
            case ["api", "v1", *rest]:
                return self._api(request, rest, proxy_name)
            case ["api", "graphql"]:
                return await self._graphql(request, proxy_name)
            case ["p", code]:
                return self._page(code, proxy_name)
            case ["share", *_]:
                target = self.shared.get(request.path.rstrip("/"), "https://www.instagram.com/")
                return web.Response(status=302, headers={"Location": target})
            case ["accounts", "login"]:
                return _html("<html>PolarisCAAIGLoginHomepageRoute</html>")
        session = json.dumps({"l": _LSD})
        return _html(f'<script type="application/json" id="__eqmc">{session}</script>')

    def _api(self, request: web.Request, path: list[str], proxy_name: str) -> web.Response:
        match path:
            case ["web", "get_ruling_for_content"]:
                return self._ruling(request, proxy_name)
            case ["media", number, "info"]:
                return self._info(request, number)
            case ["feed", "reels_media"]:
                return self._reels(request)
            case ["users", "web_profile_info"]:
                return self._profile(request)
        return web.Response(status=404)

    def _ruling(self, request: web.Request, proxy_name: str) -> web.Response:
        post = self._by_number(request.query["target_id"])
        answer: dict[str, Any] = {"status": "ok"}
        if post and self._trouble(post, proxy_name) == "age":
            answer |= {"title": "Restricted Video", "description": "You must be 18 years old"}
        elif post and self._trouble(post, proxy_name) == "ruled-out":
            answer |= {"title": "Sorry", "description": "This page isn't available right now"}
        response = web.json_response(answer)
        response.headers["Set-Cookie"] = f"csrftoken={_CSRF}; Domain=.instagram.com; Path=/; Secure"
        return response

    async def _graphql(self, request: web.Request, proxy_name: str) -> web.Response:
        form = await request.post()
        is_known = (
            form.get("lsd") == _LSD == request.headers.get("X-FB-LSD")
            and request.headers.get("X-CSRFToken") == _CSRF == self._cookie(request, "csrftoken")
            and form.get("fb_api_req_friendly_name") == _QUERY_NAME
        )
        if not is_known:
            return _html("<html>something else</html>")
        post = self._by_number(json.loads(str(form["variables"]))["media_id"])
        trouble = self._trouble(post, proxy_name) if post else "missing"
        if trouble == "html":
            return _html("<html>something else</html>")
        if post is None or trouble or post.is_private or post.old_page:
            return web.json_response({"data": {"xig_polaris_media": None}})
        product = {"if_not_gated_logged_out": self._product(post, signed_in=False)}
        return web.json_response({"data": {"xig_polaris_media": product}})

    def _page(self, code: str, proxy_name: str) -> web.Response:
        post = self.posts.get(code)
        trouble = self._trouble(post, proxy_name) if post else "missing"
        if post and post.is_private:
            trouble = trouble or "gated"
        match trouble:
            case "missing":
                return _html('{"canonicalRouteName":"comet.igweb.PolarisErrorRoute"}')
            case "login":
                login = "https://www.instagram.com/accounts/login/?next=x"
                return web.Response(status=302, headers={"Location": login})
            case "throttled":
                return _html('{"canonicalRouteName":"PolarisLoggedOutDesktopWWWPostRoute"}')
            case "gated":
                return _html('{"xig_polaris_media":{"if_not_gated_logged_out":null}}')
        assert post
        if post.old_page:
            return _html(post.old_page)
        return _html(_page_with({"if_not_gated_logged_out": self._product(post, signed_in=False)}))

    def _info(self, request: web.Request, number: str) -> web.Response:
        if self._cookie(request, "sessionid") != self.session:
            # The real site answers an expired session with a login page and status 200.
            return _html("<html>PolarisCAAIGLoginHomepageRoute</html>")
        post = self._by_number(number)
        if post is None:
            return web.json_response({"message": "Media not found", "status": "fail"}, status=404)
        return web.json_response({"items": [self._product(post, signed_in=True)], "status": "ok"})

    def _profile(self, request: web.Request) -> web.Response:
        if self._cookie(request, "sessionid") != self.session:
            return web.json_response({"message": "login_required", "status": "fail"}, status=401)
        if request.query["username"] != "ferry.demo":
            return web.json_response({"status": "ok"}, status=404)
        return web.json_response({"data": {"user": {"id": "77", "username": "ferry.demo"}}})

    def _reels(self, request: web.Request) -> web.Response:
        if self._cookie(request, "sessionid") != self.session:
            return web.json_response({"status": "fail"}, status=403)
        name = request.query["reel_ids"]
        stories = self.stories if name == "77" else self.highlights.get(name, {})
        if not stories:
            return web.json_response({"reels": {}, "reels_media": [], "status": "ok"})
        items = [
            self._product(story, signed_in=True) | {"pk": number}
            for number, story in stories.items()
        ]
        user = {"pk": "77", "username": "ferry.demo", "full_name": "Ferry"}
        title = "Crossings" if name != "77" else None
        reel = {"id": name, "user": user, "title": title, "items": items}
        return web.json_response({"reels": {name: reel}, "status": "ok"})

    def _product(self, post: InstagramPost, *, signed_in: bool) -> dict[str, Any]:
        if post.product is not None:
            return dict(post.product)
        product: dict[str, Any] = {
            "pk": str(post.pk),
            "code": post.code,
            "user": {"pk": "77", "username": post.author, "full_name": post.author.title()},
            "caption": {"text": post.text},
            "taken_at": 1_760_000_000,
            "like_count": post.likes,
        }
        children = [self._media(post, number, signed_in) for number in range(len(post.media))]
        if len(children) == 1:
            return product | children[0]
        return product | {"carousel_media": children, "original_width": 1080}

    def _media(self, post: InstagramPost, number: int, signed_in: bool) -> dict[str, Any]:
        """Return one item; signed-out responses have no sizes and no durations."""
        media = post.media[number]
        size = {"width": media.width, "height": media.height}
        entry: dict[str, Any] = {
            "pk": str(post.pk + number),
            "original_width": media.width,
            "original_height": media.height,
            "image_versions2": {
                "candidates": [
                    {"url": file_address(post, number, kind), **(size if signed_in else {})}
                    for kind in ("still", "small")
                ]
            },
        }
        if media.is_video:
            url = file_address(post, number, "video")
            entry["video_versions"] = [
                {"type": kind, "url": url, **(size if signed_in else {})}
                for kind in (101, 102, 103)
            ]
            entry["has_audio"] = True
            if signed_in:
                entry["video_duration"] = 3.023
        return {**entry, **media.changes}

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.raw_path.partition("?")[2] != _SIGNATURE:
            return web.Response(status=403, text="URL signature mismatch")
        _, code, number, kind = request.path.strip("/").split("/")
        post = self.posts.get(code) or self._story(code)
        media = post.media[int(number)]
        path = media.path if kind in {"video", "audio"} or not media.is_video else media.still
        if path is None or kind in self.missing:
            return web.Response(status=404)
        return await send_file(request, path, post.file_trouble)

    def _story(self, code: str) -> InstagramPost:
        every = [self.stories, *self.highlights.values()]
        return next(post for reel in every for post in reel.values() if post.code == code)

    def _by_number(self, number: str) -> InstagramPost | None:
        return next((post for post in self.posts.values() if str(post.pk) == number), None)

    @staticmethod
    def _trouble(post: InstagramPost, proxy_name: str) -> str:
        return post.trouble if not post.trouble_for or proxy_name in post.trouble_for else ""

    @staticmethod
    def _cookie(request: web.Request, name: str) -> str:
        cookies = SimpleCookie(request.headers.get("Cookie", ""))
        return cookies[name].value if name in cookies else ""


def file_address(post: InstagramPost, number: int, kind: str) -> str:
    """Return the URL of a file of a post: its "video", "still", "small" or "audio"."""
    return f"https://{_CDN_HOST}/v/{post.code}/{number}/{kind}?{_SIGNATURE}"


def _page_with(media: dict[str, Any]) -> str:
    result = {"__bbox": {"complete": True, "result": {"data": {"xig_polaris_media": media}}}}
    entry = ["RelayPrefetchedStreamCache", "next", [], ["adp_Polaris", result]]
    data = {"require": [["ScheduledServerJS", "handle", None, [{"__bbox": {"require": [entry]}}]]]}
    return (
        '<!DOCTYPE html><html><body><script type="application/json" data-content-len="1" data-sjs>'
        f"{json.dumps(data)}</script></body></html>"
    )


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
