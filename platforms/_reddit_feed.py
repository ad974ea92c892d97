"""Read which posts a user or a community on Reddit has, the newest first.

yt-dlp opens the session without an account. The keys are those of the site's `/submitted/.json` and
`/new/.json`. Never tried against the real site.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from yt_dlp.extractor.reddit import RedditIE
from yt_dlp.utils import ExtractorError

from core.errors import (
    LoginRequiredError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
)
from platforms._json import Json
from platforms._linked_media import has_linked
from platforms._ytdlp_lists import ListPage, first_pages

#: Posts of a page; the most that the site gives.
_PAGE: Final = 100
#: Where the site redirects for a community that does not exist: to a search for its name.
_SEARCH: Final = "/subreddits/"
_OWN_FILE: Final = re.compile(r"https://(?:i|v)\.redd\.it/", re.ASCII)
#: Reasons for which a community is shown to some people only.
_HIDDEN: Final = frozenset({"private", "quarantined", "gold_only"})


class FeedIE(RedditIE):  # type: ignore[misc] # yt-dlp ships no types
    """The posts of a user or a community that have media."""

    def _real_extract(self, url: str) -> dict[str, Any]:
        path = urlsplit(url).path.strip("/")
        first = self._page(path, "")
        title = path.rpartition("/")[0].replace("user/", "u/")
        entries = first_pages(self._pages(path, first))
        result: dict[str, Any] = self.playlist_result(entries, path, title)
        return result

    def _pages(self, path: str, page: Json) -> Iterator[ListPage]:
        while True:
            after = page["after"].text()
            posts = (child["data"] for child in page["children"])
            yield ListPage([_entry(post) for post in posts if _has_media(post)], bool(after))
            if not after:
                return
            page = self._page(path, after)

    def _page(self, path: str, after: str) -> Json:
        """Read a page.

        Raises:
            NotFoundError: there is no such user or community.
            LoginRequiredError, NotAvailableError: the site does not show it.
            ExtractorError, PlatformError: the site could not be read.
        """
        query = {"limit": _PAGE, "raw_json": 1, "sort": "new"} | ({"after": after} if after else {})
        url = f"https://www.reddit.com/{path}/.json"
        try:
            answer, response = self._download_json_handle(
                url, path, query=query, expected_status=(403, 404)
            )
        except ExtractorError as error:
            if isinstance(error.cause, json.JSONDecodeError):  # a page that asks for a login
                raise PlatformRefusedError("no JSON in the answer") from error
            raise
        if urlsplit(response.url).path.startswith(_SEARCH):
            raise NotFoundError("no such community")
        return _listing_in(Json(answer, "reddit"))


def _listing_in(answer: Json) -> Json:
    """Return the listing in an answer.

    Raises:
        NotFoundError, LoginRequiredError, NotAvailableError: the answer is a refusal.
        PlatformChangedError: the answer is neither a listing nor a refusal.
    """
    reason = answer["reason"].text()
    match answer["error"].number():
        case 404:
            raise NotFoundError(reason)
        case 403 if reason in _HIDDEN:
            raise LoginRequiredError(reason)
        case 403:
            raise NotAvailableError(reason)
    if not isinstance(answer["data"]["children"].value, list):
        raise PlatformChangedError("reddit: no listing in the answer")
    return answer["data"]


def _has_media(post: Json) -> bool:
    """Return True if the post, or the one that it repeats, has media that can be read."""
    if post["removed_by_category"]:
        return False
    repeated = next(iter(post["crosspost_parent_list"]), post)
    is_own = repeated["is_gallery"] or repeated["is_video"] or repeated["media_metadata"]
    url = repeated["url"].text()
    is_picture = repeated["post_hint"].text() == "image"
    return bool(is_own) or is_picture or bool(_OWN_FILE.match(url)) or has_linked(url)


def _entry(post: Json) -> dict[str, Any]:
    return {
        "url": f"https://www.reddit.com/comments/{post['id'].text()}",
        "title": post["title"].text(),
        "timestamp": post["created_utc"].number(),
    }
