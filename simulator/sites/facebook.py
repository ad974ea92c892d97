"""Simulate Facebook: the pages of posts, photos and videos, and the server of their files."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from simulator.sites.web import send_file

_CDN = "https://scontent-fra5-1.xx.fbcdn.net"
_CRAWLERS = "https://lookaside.fbsbx.com/lookaside/crawler/media/?media_id="
#: The data of the login form, which stands also below the posts that visitors see.
_FORM: dict[str, Any] = {"login_data": {"lsd": {"name": "lsd", "value": "demo"}}}
_FORM_HEAD = '<link rel="canonical" href="https://www.facebook.com/login/" />'
_ERROR_ROOT: dict[str, Any] = {"rootView": {"resource": {"__dr": "CometErrorRoot.react"}}}


@dataclass(slots=True)
class FacebookPost:
    """A post on Facebook, a single photo or video, or an album."""

    #: Pictures and videos (".mp4"), in order. None: a picture that was removed, so that its address
    #: leads nowhere.
    files: tuple[Path | None, ...] = ()
    text: str = "A crossing"
    #: Number of items that the page only counts, or, of an album, does not list.
    unlisted: int = 0
    #: The post that this one shares.
    shared: "FacebookPost | None" = None
    #: "unavailable": a page that says so. "form": the login form. "login": redirects to it. "gone":
    #: there is no such page. "crawlers": all addresses are for crawlers. "changed": a page in
    #: another form.
    trouble: str = ""
    #: Visible to signed-in members only.
    is_private: bool = False
    #: The key of the post in its page; "node" in former ones, which yt-dlp knows. Of an album, the
    #: key of its items.
    key: str = "node_v2"
    #: The number of the post in its page.
    number: str = "7300000002"
    #: The path of the post in its page; empty: that of the link.
    path: str = ""
    #: The first item of several is named a second time, as that of the whole album.
    has_first_twice: bool = False
    #: Videos behind the first one have their files where yt-dlp does not look.
    is_grid: bool = False
    #: Changes to the object of each video.
    changes: dict[str, Any] = field(default_factory=dict)
    #: More objects of the page.
    others: tuple[dict[str, Any], ...] = ()
    #: The id of the user that the post is of.
    author_id: str = "73"
    #: The page lists posts of others, too.
    has_others: bool = True
    #: A post of somebody else that the page has under the key that yt-dlp knows.
    advert: "FacebookPost | None" = None


@dataclass(slots=True)
class FacebookSite:
    """The site's posts by id: "ferry.demo/posts/73", "photo/73", or the number of a video.

    An album has an id such as "set/a.73".
    """

    posts: dict[str, FacebookPost] = field(default_factory=dict)
    #: Redirect target of each shared link or deleted post, by its path; of a video, by its number.
    shared_links: dict[str, str] = field(default_factory=dict)
    _files: dict[str, Path] = field(default_factory=dict)

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        domains = ("facebook.com", "fb.me", "fbcdn.net", "fbsbx.com")
        return any(host == domain or host.endswith(f".{domain}") for domain in domains)

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        if request.host.endswith("fbcdn.net"):
            path = self._files.get(request.path.rpartition("/")[2])
            return await send_file(request, path) if path else web.Response(status=404)
        if request.host.endswith("fbsbx.com"):
            return web.Response(status=403)
        post_id = _id_of(request)
        paths = (request.path.strip("/"), post_id)
        if target := next(filter(None, map(self.shared_links.get, paths)), ""):
            return _redirect(target)
        return self._page(request, post_id)

    def _page(self, request: web.Request, post_id: str) -> web.Response:
        post = self.posts.get(post_id)
        if post is None or post.trouble == "gone":
            return web.Response(status=404)
        if post.trouble == "login":
            return _redirect("https://www.facebook.com/login/?next=x")
        if post.trouble == "form":
            return _html(_FORM, head=_FORM_HEAD)
        is_hidden = post.is_private and "xs=" not in request.headers.get("Cookie", "")
        if post.trouble == "unavailable" or is_hidden:
            return _html(_FORM, _ERROR_ROOT)
        if post.trouble == "changed":
            return _html({"post_v3": {"shown": [{"address": _CDN}]}})
        if post_id.isdigit():
            return _html(_FORM, {"video": self._watched(post_id, post)})
        if post_id.startswith("set/a."):
            return _html(_FORM, *self._album_page(post_id.removeprefix("set/a."), post))
        if post_id.startswith("photo/"):
            return _html(_FORM, *self._photo_page(post_id.removeprefix("photo/"), post))
        return _html(_FORM, *self._post_page(post_id, post))

    def _photo_page(self, number: str, post: FacebookPost) -> tuple[dict[str, Any], ...]:
        """Return the photo, and the next one of its album."""
        (path,) = post.files
        about = {"created_time": 1_790_000_000, "owner": {"id": "73", "name": "Ferry Demo"}}
        text = {"message_preferred_body": {"text": post.text}}
        image = self._images(path, post)["viewer_image"]
        shown = {"__typename": "Photo", "image": image, "__isNode": "Photo", "id": number}
        thumbnail = {"uri": f"{_CDN}/v/next.jpg", "width": 206, "height": 206}
        other = {"__typename": "Photo", "id": "99", "image": thumbnail}
        return {"id": number, **about, **text}, {
            "mediaset": {"currMedia": {"edges": [{"node": shown}]}},
            "nextMedia": {"edges": [{"node": other}]},
        }

    def _album_page(self, album_id: str, post: FacebookPost) -> tuple[dict[str, Any], ...]:
        """Return the head of an album, its items as small crops, and another album."""
        number = post.path or album_id.partition(".")[0]
        edges = [{"node": self._cropped(n, album_id, post)} for n in range(len(post.files))]
        about = {"end_cursor": "demo", "has_next_page": post.unlisted > 0}
        grid = {"id": number, post.key: {"edges": edges, "page_info": about}}
        crop = {"__typename": "Photo", "id": "99", "image": {"uri": f"{_CDN}/v/next.jpg"}}
        other = {"id": "98", post.key: {"edges": [{"node": crop}] * 50}}
        return {"album": {"id": number, "title": {"text": post.text}}}, {"node": grid}, other

    def _cropped(self, position: int, album_id: str, post: FacebookPost) -> dict[str, Any]:
        path, number = post.files[position], f"{post.number}{position}"
        kind = "Video" if path and path.suffix == ".mp4" else "Photo"
        return {
            "__typename": kind,
            "id": number,
            "image": {"uri": f"{self._address(path)}?stp=small", "width": 417, "height": 417},
            "url": f"https://www.facebook.com/photo/?fbid={number}&set=a.{album_id}",
            "accessibility_caption": f"May be an image of item {position + 1}",
        }

    def _post_page(self, post_id: str, post: FacebookPost) -> tuple[dict[str, Any], ...]:
        """Return the post, and a list of others, which have photos, too."""
        scripts = [{post.key: self._node(post_id, post)}, *post.others]
        if post.advert:
            scripts.append({"node": self._node("somebody/posts/96", post.advert)})
        if post.has_others:
            others = FacebookPost((None, None, None), "another post", number="98")
            node = self._node("somebody/posts/98", others)
            scripts.append({"suggestions": {"edges": [{"node": node}]}})
        return tuple(scripts)

    def _node(self, post_id: str, post: FacebookPost) -> dict[str, Any]:
        story = self._story(post_id, post)
        return {"comet_sections": {"content": {"story": story}}, "actors": story["actors"]}

    def _story(self, post_id: str, post: FacebookPost) -> dict[str, Any]:
        media = [self._medium(n, post) for n in range(len(post.files))]
        attachment: dict[str, Any] = {"media": media[0] if media else None}
        if len(media) > 1 or post.unlisted:
            nodes = [{"media": medium} for medium in media]
            count = len(nodes) + post.unlisted
            attachment = {"all_subattachments": {"count": count, "nodes": nodes}}
            if post.has_first_twice:
                attachment["media"] = media[0]
        shared = post.shared and self._story("somebody/posts/97", post.shared)
        return {
            "actors": [{"__typename": "User", "name": "Ferry Demo", "id": post.author_id}],
            "message": {"text": post.text},
            "attachments": [{"styles": {"attachment": attachment}}] if post.files else [],
            "attached_story": shared,
            "post_id": post.number,
            "wwwURL": f"https://www.facebook.com/{post.path or post_id}",
        }

    def _medium(self, position: int, post: FacebookPost) -> dict[str, Any]:
        path, number = post.files[position], f"{post.number}{position}"
        if path and path.suffix == ".mp4":
            video = self._video(number, path, is_former=post.key == "node") | post.changes
            if post.is_grid and position:
                shown = {"__typename": "Video", "id": number}
                return shown | {"video_grid_renderer": {"video": video}}
            return video
        images = self._images(path, post)
        if len(post.files) == 1:
            # A single photo has its full size under another key.
            images["photo_image"] = images.pop("viewer_image")
        return {"__typename": "Photo", "__isMedia": "Photo", "id": number, **images}

    def _images(self, path: Path | None, post: FacebookPost) -> dict[str, Any]:
        """Return the addresses of a picture in full size and as a small crop."""
        address = self._address(path)
        if post.trouble == "crawlers":
            address = f"{_CRAWLERS}{post.number}"
        return {
            "image": {"uri": f"{address}?stp=small", "width": 590, "height": 393},
            "viewer_image": {"uri": address, "width": 1080, "height": 1350},
        }

    def _video(self, number: str, path: Path, *, is_former: bool) -> dict[str, Any]:
        address = self._address(path)
        about = {"__typename": "Video", "id": number, "playable_duration_in_ms": 3_000}
        if is_former:
            former = {"playable_url": address, "playable_url_quality_hd": f"{address}?hd"}
            return about | former | {"dash_manifest": _manifest(address)}
        files = [
            {"progressive_url": address, "metadata": {"quality": "SD"}},
            {"progressive_url": f"{address}?hd", "metadata": {"quality": "HD"}},
        ]
        delivery = {"videoDeliveryResponseResult": {"progressive_urls": files}}
        return about | {"videoDeliveryResponseFragment": delivery}

    def _watched(self, number: str, post: FacebookPost) -> dict[str, Any]:
        """Return the video of a page that shows nothing else."""
        (path,) = post.files
        assert path
        owner = {"media": {"owner": {"name": "Ferry Demo", "id": "73"}}}
        about = {"creation_story": {"attachments": [owner]}, "name": post.text}
        video = self._video(number, path, is_former=True)
        return {**video, **about, **post.changes}

    def _address(self, path: Path | None) -> str:
        if path is None:
            return f"{_CDN}/v/removed.jpg"
        self._files[path.name] = path
        return f"{_CDN}/v/{quote(path.name)}"


def _manifest(address: str) -> str:
    return (
        '<MPD mediaPresentationDuration="PT3S"><Period><AdaptationSet mimeType="video/mp4">'
        '<Representation id="1" codecs="avc1.64001f" width="576" height="1024">'
        f"<BaseURL>{address}?dash</BaseURL></Representation>"
        "</AdaptationSet></Period></MPD>"
    )


def _id_of(request: web.Request) -> str:
    path = request.path.strip("/")
    if path == "watch":
        return request.query.get("v", "")
    if path == "media/set":
        return f"set/{request.query.get('set', '')}"
    return f"photo/{request.query.get('fbid', '')}" if path == "photo" else path


def _html(*results: dict[str, Any], head: str = "") -> web.Response:
    """Return a page with scripts of data in the form in which the site sends them."""
    body = "\n".join(map(_script, results))
    page = f"<html><head><title>Facebook</title>{head}</head><body>{body}</body></html>"
    return web.Response(text=page, content_type="text/html")


def _script(result: dict[str, Any]) -> str:
    cache = ["RelayPrefetchedStreamCache", "next", [], ["adp", _box(result={"data": result})]]
    document = {"require": [["ScheduledServerJS", "handle", None, [_box(require=[cache])]]]}
    data = json.dumps(document, separators=(",", ":")).replace("<", "\\u003C")
    return (
        f'<script type="application/json" data-content-len="{len(data)}" data-sjs>{data}</script>'
    )


def _box(**values: Any) -> dict[str, Any]:
    return {"__bbox": values}


def _redirect(target: str) -> web.Response:
    return web.Response(status=302, headers={"Location": target})
