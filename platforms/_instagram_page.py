"""Read posts from the older forms of Instagram's pages, as a last resort.

Each function returns the JSON object of a post in the form of today's API, or None.
"""

import json
import re
from html.parser import HTMLParser
from typing import Any, Final

from core.text import clean
from platforms._json import Json

#: Limits for the tags of a page: their number, and the characters of each that are read.
_MAX_TAGS: Final = 200
_MAX_TAG: Final = 4_000
#: JSON key of a post's object in pages until 2024.
_LEGACY_KEY: Final = re.compile(r'"(?:xdt_)?shortcode_media"\s*:\s*(?=\{)')


def product_in_page(webpage: str) -> dict[str, Any] | None:
    """Return the post in an old page; only what Open Graph tags say if there is nothing else."""
    return _legacy_product(webpage) or _open_graph_product(webpage)


def _legacy_product(webpage: str) -> dict[str, Any] | None:
    found = _LEGACY_KEY.search(webpage)
    if not found:
        return None
    try:
        node, _ = json.JSONDecoder().raw_decode(webpage, found.end())
    except (ValueError, RecursionError):
        return None
    return _modern_product(Json(node, "instagram.legacy")) if node else None


def _modern_product(node: Json) -> dict[str, Any]:
    """Convert a post of the GraphQL API of 2018 to 2024."""
    captions = list(node["edge_media_to_caption"]["edges"])
    children = [_modern_media(edge["node"]) for edge in node["edge_sidecar_to_children"]["edges"]]
    likes = node["edge_media_preview_like"]["count"].value
    return {
        **_modern_media(node),
        "user": {"username": node["owner"]["username"].text()},
        "caption": {"text": captions[0]["node"]["text"].text() if captions else ""},
        "like_count": node["edge_liked_by"]["count"].value if likes is None else likes,
        "view_count": node["video_view_count"].value,
        "play_count": node["video_play_count"].value,
        "carousel_media": children,
    }


def _modern_media(node: Json) -> dict[str, Any]:
    kind = node["__typename"].text()
    is_video = bool(node["is_video"]) or kind.endswith("Video")
    resources = [
        {
            "url": each["src"].text(),
            "width": each["config_width"].value,
            "height": each["config_height"].value,
        }
        for each in node["display_resources"]
    ]
    dimensions = node["dimensions"]
    size = {"width": dimensions["width"].value, "height": dimensions["height"].value}
    display = {"url": node["display_url"].text(), **size}
    videos = [{"url": node["video_url"].text(), **size}] if node["video_url"] else []
    return {
        "media_type": 2 if is_video else 8 if kind.endswith("Sidecar") else 1,
        "original_width": size["width"],
        "original_height": size["height"],
        "image_versions2": {"candidates": [display, *resources]},
        "video_versions": videos,
        "video_duration": node["video_duration"].value,
    }


def _open_graph_product(webpage: str) -> dict[str, Any] | None:
    """Return a video that only the tags for link previews describe.

    A picture in them may be the still of a video or the first one of several, so it is not used.
    """
    if "og:video" not in webpage:
        return None
    tags = _OpenGraphTags()
    for tag in webpage.split("<meta")[1:_MAX_TAGS]:
        # Each on its own, because the parser needs the square of the length of an unclosed tag.
        tags.reset()
        tags.feed(f"<meta{tag[:_MAX_TAG]}")
    url = tags.found.get("og:video:secure_url") or tags.found.get("og:video")
    if not url:
        return None
    width, height = tags.found.get("og:video:width"), tags.found.get("og:video:height")
    still = tags.found.get("og:image")
    return {
        "media_type": 2,
        "original_width": width,
        "original_height": height,
        "caption": {"text": clean(tags.found.get("og:title", ""))},
        "video_versions": [{"url": url, "width": width, "height": height}],
        "image_versions2": {"candidates": [{"url": still}] if still else []},
    }


class _OpenGraphTags(HTMLParser):
    """Collects the first value of each Open Graph tag of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the content of a `<meta property="og:…">`."""
        values = dict(attrs)
        name, content = values.get("property") or "", values.get("content") or ""
        if tag == "meta" and name.startswith("og:") and content:
            self.found.setdefault(name, content)
