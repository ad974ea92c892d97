"""Simulate the lists of SoundCloud, Bandcamp, Mixcloud, Dailymotion and Rutube."""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

#: Entries of a page. The real sites have 50 or more.
_PAGE = 20


@dataclass(slots=True)
class SampleList:
    """A list on one of the sites."""

    title: str
    #: Ids of the posts, in order: "ferry-demo/bell-1", "x9demo1".
    posts: Sequence[str]
    #: How many tracks of a set SoundCloud names; the others have only their numbers.
    named: int = 5


@dataclass(slots=True)
class MusicLists:
    """The lists of all sites, by the address of each without its host's prefix.

    For example "soundcloud.com/ferry-demo/sets/crossings".
    """

    by_key: dict[str, SampleList] = field(default_factory=dict)
    #: SoundCloud does not name tracks by their numbers.
    hides_titles: bool = False

    def soundcloud(self, request: web.Request) -> web.Response | None:
        """Answer a request about a list; None if it is about something else."""
        path, query = request.path, request.query
        if path == "/resolve":
            key = query["url"].partition("://")[2]
            user = re.fullmatch(r"soundcloud\.com/([\w-]+)", key)
            if user:
                found = self.by_key.get(f"{key}/tracks")
                about = {"id": 73, "username": user[1]}
                return web.json_response(about if found else {}, status=200 if found else 404)
            return self._set(key)
        if path.startswith("/playlists/"):
            # A private set is found with its key alone.
            key = f"api.soundcloud.com{path}"
            key += f"?secret_token={query['secret_token']}" if "secret_token" in query else ""
            return self._set(key) or web.json_response({}, status=404)
        if path == "/tracks" and self.hides_titles:
            return web.Response(status=503)
        if path == "/tracks":
            return web.json_response([_track(int(n), "") for n in query["ids"].split(",")])
        return self._uploads(int(query.get("offset", 0))) if path == "/users/73/tracks" else None

    def _set(self, key: str) -> web.Response | None:
        found = self.by_key.get(key)
        if found is None:
            return None
        tracks = [
            _track(number, post) if number <= found.named else {"id": number}
            for number, post in enumerate(found.posts, 1)
        ]
        about = {"id": 7300000009, "title": found.title}
        return web.json_response(about | {"tracks": tracks})

    def _uploads(self, start: int) -> web.Response:
        (found,) = (lst for key, lst in self.by_key.items() if key.endswith("/tracks"))
        page = [_track(start + n, post) for n, post in enumerate(found.posts[start:][:_PAGE], 1)]
        more = start + _PAGE < len(found.posts)
        after = f"https://api-v2.soundcloud.com/users/73/tracks?offset={start + _PAGE}"
        return web.json_response({"collection": page, "next_href": after if more else None})

    def bandcamp(self, request: web.Request) -> web.Response | None:
        """Answer the request for an album; None if it is another page."""
        found = self.by_key.get(f"{request.host}{request.path}")
        if found is None:
            return None
        tracks = [
            {"track_id": n, "title": f"Bell {n}", "duration": 3.0, "title_link": f"/track/{post}"}
            for n, post in enumerate(found.posts, 1)
        ]
        about = html.escape(json.dumps({"current": {"title": found.title}, "trackinfo": tracks}))
        page = f'<html><script data-tralbum="{about}"></script></html>'
        return web.Response(text=page, content_type="text/html")

    def mixcloud(self, query: str) -> web.Response | None:
        """Answer a query about a list; None if it is about a show."""
        asked = re.search(r'(user|playlist)Lookup\(lookup: {username: "(.*?)"', query)
        if asked is None:
            return None
        slug = re.search(r'slug: "(.*?)"', query)
        key = f"{asked[2]}/playlists/{slug[1]}" if slug else f"{asked[2]}/uploads"
        found = self.by_key.get(f"mixcloud.com/{key}")
        answer = _mixcloud_list(found, query, is_playlist=bool(slug)) if found else None
        return web.json_response({"data": {f"{asked[1]}Lookup": answer}})


@dataclass(slots=True)
class DailymotionLists:
    """The playlists and channels of Dailymotion, by id."""

    by_key: dict[str, SampleList] = field(default_factory=dict)

    def answer(self, query: str, number: str) -> web.Response:
        """Answer a query about a list."""
        kind = "collection" if "collection" in query else "channel"
        found = self.by_key.get(number)
        if found is None:
            errors = [{"message": f"{kind.title()} not found"}]
            return web.json_response({"data": {kind: None}, "errors": errors})
        page = re.search(r"page: (\d+)", query)
        start = (int(page[1]) - 1) * _PAGE if page else 0
        edges = [
            {"node": {"xid": post, "title": f"Crossing {n}", "duration": 60 + n, "createdAt": _AT}}
            for n, post in enumerate(found.posts, 1)
        ]
        more = start + _PAGE < len(found.posts)
        videos = {"pageInfo": {"hasNextPage": more}, "edges": edges[start : start + _PAGE]}
        title = "name" if kind == "collection" else "displayName"
        return web.json_response({"data": {kind: {title: found.title, "videos": videos}}})


@dataclass(slots=True)
class RutubeLists:
    """The lists of Rutube: "person/73", "person/73/rshorts", "custom/73", and a series "tv/73".

    The channel of "ferry" has the number 73.
    """

    by_key: dict[str, SampleList] = field(default_factory=dict)

    def answer(self, request: web.Request) -> web.Response | None:
        """Answer a request about a list; None if it is about something else."""
        if request.path.startswith("/u/"):
            ids = {'channelIdBySlug("ferry")': {"data": {"channel_id": 73}}}
            state = json.dumps({"api": {"queries": ids if "/ferry" in request.path else {}}})
            page = f"<script>window.reduxState = {state};</script>"
            return web.Response(text=page, content_type="text/html")
        asked = re.fullmatch(
            r"/api/(?:video|playlist|metainfo)/((?:person|custom|tv)/\w+)/?(videos?)?", request.path
        )
        return self._list(request, asked[1], asked[2] or "") if asked else None

    def _list(self, request: web.Request, key: str, part: str) -> web.Response:
        key += "/rshorts" if request.query.get("origin__type") == "rshorts" else ""
        found = self.by_key.get(key)
        if found is None:
            return web.json_response({"detail": "Страница не найдена"}, status=404)
        if not (part or key.startswith("person/")):
            return web.json_response({"id": 73, "title": found.title, "name": found.title})
        page = int(request.query["page"])
        videos = [
            {
                "id": post,
                "video_url": f"https://rutube.ru/video/{post}/",
                "title": f"Crossing {n}",
                "duration": 60 + n,
                "created_ts": _AT.removesuffix("Z"),
                "author": {"id": 73, "name": found.title},
            }
            for n, post in enumerate(found.posts, 1)
        ][(page - 1) * _PAGE : page * _PAGE]
        after = f"https://rutube.ru{request.rel_url.update_query(page=page + 1)}"
        has_more = page * _PAGE < len(found.posts)
        about = {"has_next": has_more, "next": after if has_more else None}
        return web.json_response({"page": page, "results": videos} | about)


#: When every sample was published: 1 760 000 000 as a Unix time.
_AT = "2025-10-09T08:53:20Z"


def _track(number: int, post: str) -> dict[str, Any]:
    named = {"title": f"Bell {number}", "duration": 3_000}
    address = {"permalink_url": f"https://soundcloud.com/{post}"} if post else {}
    return {"id": number, **named, **address}


def _mixcloud_list(found: SampleList, query: str, *, is_playlist: bool) -> dict[str, Any]:
    after = re.search(r'after: "(\d+)"', query)
    start = int(after[1]) if after else 0
    shows = [
        {
            "name": f"Crossing {n}",
            "url": f"https://www.mixcloud.com/{post}/",
            "audioLength": 3_600,
            "publishDate": _AT,
        }
        for n, post in enumerate(found.posts, 1)
    ]
    end = start + _PAGE
    edges = [{"node": {"cloudcast": s} if is_playlist else s} for s in shows[start:end]]
    info = {"endCursor": str(end), "hasNextPage": end < len(shows)}
    title, listed = ("name", "items") if is_playlist else ("displayName", "uploads")
    return {title: found.title, listed: {"edges": edges, "pageInfo": info}}
