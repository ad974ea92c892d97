"""Simulate YouTube's playlists and channels, as yt-dlp reads them.

The page has the first entries in its `ytInitialData`; the others follow from the interface
`youtubei/v1/browse`, by the token of a continuation.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

#: Entries of one page. The real site has 100.
_PAGE = 20


@dataclass(slots=True)
class YouTubeList:
    """A playlist, or the videos of a channel."""

    title: str
    #: Ids of the videos, in order.
    videos: Sequence[str]
    #: Text of the alert that the site shows instead, such as "The playlist does not exist."
    alert: str = ""


@dataclass(slots=True)
class YouTubeLists:
    """The site's lists: playlists by id, and channels by the path of one of their tabs."""

    by_key: dict[str, YouTubeList] = field(default_factory=dict)
    #: The first page is served, and nothing after it.
    is_cut_off: bool = False

    def page(self, request: web.Request) -> web.Response:
        """Return the page of a list."""
        key = request.query.get("list") or request.path.strip("/")
        found = self.by_key.get(key)
        if found is None and request.path != "/playlist":
            return web.Response(status=404)
        found = found or YouTubeList("", (), alert="The playlist does not exist.")
        data = json.dumps(_initial_data(key, found))
        page = f"<script>ytcfg.set({_CONFIG});var ytInitialData = {data};</script>"
        return web.Response(text=f"<html>{page}</html>", content_type="text/html")

    def browse(self, asked: dict[str, Any]) -> web.Response:
        """Return the next entries, or the first page again with the removed videos."""
        token = asked.get("continuation")
        if token is None:
            key = asked["browseId"].removeprefix("VL")
            return web.json_response(_initial_data(key, self.by_key[key]))
        if self.is_cut_off:
            return web.Response(status=503)
        key, _, start = token.rpartition("|")
        items = _entries(key, self.by_key[key], int(start))
        action = {"appendContinuationItemsAction": {"continuationItems": items}}
        return web.json_response({"onResponseReceivedActions": [action]})


_CONFIG = json.dumps(
    {
        "INNERTUBE_API_KEY": "demo",
        "INNERTUBE_CLIENT_NAME": "WEB",
        "INNERTUBE_CLIENT_VERSION": "2.20260101.00.00",
        "INNERTUBE_CONTEXT": {"client": {"clientName": "WEB", "clientVersion": "2.20260101.00.00"}},
    }
)


def _initial_data(key: str, found: YouTubeList) -> dict[str, Any]:
    if found.alert:
        text = {"runs": [{"text": found.alert}]}
        return {"alerts": [{"alertRenderer": {"type": "ERROR", "text": text}}]}
    is_channel = "/" in key
    videos = {"playlistVideoListRenderer": {"contents": _entries(key, found, 0)}}
    section = {"itemSectionRenderer": {"contents": [videos]}}
    tab: dict[str, Any] = {
        "selected": True,
        "content": {"sectionListRenderer": {"contents": [section]}},
    }
    if is_channel:
        tab["title"] = key.rpartition("/")[2].title()
        tab["endpoint"] = {"commandMetadata": {"webCommandMetadata": {"url": f"/{key}"}}}
    kind = "channelMetadataRenderer" if is_channel else "playlistMetadataRenderer"
    stats = [{"runs": [{"text": str(len(found.videos))}, {"text": " videos"}]}]
    sidebar = [{"playlistSidebarPrimaryInfoRenderer": {"stats": stats}}]
    return {
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": [{"tabRenderer": tab}]}},
        "metadata": {kind: {"title": found.title}},
        "sidebar": {"playlistSidebarRenderer": {"items": [] if is_channel else sidebar}},
    }


def _entries(key: str, found: YouTubeList, start: int) -> list[dict[str, Any]]:
    items = [_video(number, found.videos[number]) for number in range(len(found.videos))]
    page, end = items[start : start + _PAGE], start + _PAGE
    if end < len(items):
        command = {"token": f"{key}|{end}", "request": "CONTINUATION_REQUEST_TYPE_BROWSE"}
        endpoint = {"continuationCommand": command}
        page.append({"continuationItemRenderer": {"continuationEndpoint": endpoint}})
    return page


def _video(number: int, video_id: str) -> dict[str, Any]:
    return {
        "playlistVideoRenderer": {
            "videoId": video_id,
            "title": {"runs": [{"text": f"Crossing {number + 1}"}]},
            "lengthSeconds": str(60 + number),
            "isPlayable": True,
        }
    }
