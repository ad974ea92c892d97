"""Read stories and highlights of Instagram, which only members may see.

The API calls the stories of a person, and a highlight, a "reel". Source of its requests and keys:
public readers of the API; whole reels were never tried against the real site.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from yt_dlp.utils import ExtractorError

from core.errors import (
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
    StoryExpiredError,
)
from core.media import Access, Details, Post, Unreadable
from platforms._instagram_product import read_item, read_product
from platforms._json import Json

#: Start of the id of all stories of a person, which continues with the name, and of a highlight,
#: which continues with its number. A single story has an id such as "stories.ferry.demo.37".
STORIES: Final = "stories:"
HIGHLIGHT: Final = "highlights:"
_ONE_STORY: Final = "stories."
#: Length of a post's edition, in characters. Callback data have no room for more.
_EDITION_LENGTH: Final = 6


def is_story(post_id: str) -> bool:
    """Return True if the id is that of a story, of stories or of a highlight."""
    return post_id.startswith((STORIES, HIGHLIGHT, _ONE_STORY))


def find_reel(extractor: Any, _ydl: object, post_id: str) -> Any:
    """Return the object of the reel that is, or contains, the post; runs in the reader's thread.

    `extractor` is one of yt-dlp's for Instagram, which keeps what it reads in `products`.

    Raises:
        NotFoundError: there is no such person or highlight.
        StoryExpiredError: the person has no stories that the account may see.
        PlatformRefusedError: the cookies were rejected.
    """
    if post_id.startswith(HIGHLIGHT):
        reel_id = f"highlight:{post_id.removeprefix(HIGHLIGHT)}"
    else:
        reel_id = _user_id(extractor, _user_in(post_id))
    answer = _ask(extractor, "feed/reels_media", {"reel_ids": reel_id})
    reel = answer["reels"][reel_id]
    if not reel["items"]:
        is_highlight = post_id.startswith(HIGHLIGHT)
        raise NotFoundError("no highlight") if is_highlight else StoryExpiredError("no stories")
    # For the manifests of the videos, which are added to the objects.
    extractor._extract_product(reel["items"].value)
    return reel.value


def _user_in(post_id: str) -> str:
    if post_id.startswith(STORIES):
        return post_id.removeprefix(STORIES)
    return post_id.removeprefix(_ONE_STORY).rpartition(".")[0]


def _user_id(extractor: Any, user: str) -> str:
    answer = _ask(extractor, "users/web_profile_info", {"username": user})
    if user_id := answer["data"]["user"]["id"].text():
        return user_id
    raise NotFoundError("no such person")


def _ask(extractor: Any, path: str, query: dict[str, str]) -> Json:
    """Return the answer of the members' API.

    Raises:
        NotFoundError: HTTP 404.
        PlatformRefusedError: the cookies were rejected: the answer is a refusal or a login page.
    """
    url = f"{extractor._API_BASE_URL}/{path}/"
    try:
        answer = extractor._download_json(
            url, None, query=query, headers=extractor._api_headers, impersonate=True
        )
    except (ExtractorError, PlatformRefusedError) as error:
        raise PlatformRefusedError("the cookies were rejected") from error
    return Json(answer, "instagram.reels")


def read_reel(reel: Any, post_id: str, url: str, access: Access) -> Post:
    """Convert a reel to a post: all of its stories in order, or the one that the id names.

    Raises:
        StoryExpiredError: the story is no longer in the reel.
        PlatformChangedError: no story is readable.
    """
    page = Json(reel, "instagram.reel").needed()
    stories = list(page["items"])
    if post_id.startswith(_ONE_STORY):
        number = post_id.rpartition(".")[2]
        found = next((story.value for story in stories if _number(story) == number), None)
        if found is None:
            raise StoryExpiredError("the story is gone")
        return read_product({**found, "user": page["user"].value}, post_id, url, access)
    items = tuple(map(read_item, stories))
    if all(isinstance(item, Unreadable) for item in items):
        raise PlatformChangedError(f"instagram: none of {len(items)} stories is readable")
    return Post(
        platform="instagram",
        id=post_id,
        url=url,
        access=access,
        details=Details(
            author=page["user"]["username"].text(),
            text=page["title"].text(),
        ),
        items=items,
        edition=_edition(map(_number, stories)),
    )


def _number(story: Json) -> str:
    """Return the number of a story, whose `pk` may continue with that of its author."""
    key = story["pk"]
    return (key.text() or str(key.number())).partition("_")[0]


def _edition(numbers: Iterable[str]) -> str:
    """Return a name for what a reel consists of now."""
    digest = hashlib.sha256(" ".join(numbers).encode())
    return digest.hexdigest()[:_EDITION_LENGTH]
