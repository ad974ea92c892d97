"""A post whose files Telegram already stores: file ids and metadata, as pure values."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from core.media import (
    Access,
    Audio,
    Clip,
    Details,
    Item,
    LivePhoto,
    Picture,
    Post,
    RemoteFile,
    Unreadable,
)

#: Letters for the kinds of items, in stored posts.
_KINDS: Final[dict[str, Item]] = {
    "c": Clip(()),
    "p": Picture(()),
    "a": Audio(()),
    "l": LivePhoto(Picture(()), Clip(())),
    "u": Unreadable(),
}

#: Likes and views older than this, in seconds, are fetched again.
FRESH_S: Final = 24 * 3_600


@dataclass(frozen=True, slots=True)
class CacheKey:
    """Key of an entry in the file-id cache. File ids are valid only for the bot that got them."""

    bot_id: int
    platform: str
    post_id: str
    #: Kind and quality, such as "media/best", "document" or "sound".
    variant: str


@dataclass(frozen=True, slots=True)
class CachedPost:
    """A complete post whose files Telegram stores. Incomplete posts are never cached."""

    #: Without URLs: they expire, and the files are sent by file id.
    post: Post
    #: In sending order.
    files: tuple[RemoteFile, ...]
    is_processed: bool
    #: Number of times the key was stored. Prevents an outdated entry from evicting a newer one.
    version: int = 0
    #: Unix time at which likes and views were last fetched from the site.
    refreshed_at: int = 0

    def is_fresh(self, now: int) -> bool:
        """Return True if likes and views need no refresh at the Unix time `now`."""
        return now - self.refreshed_at < FRESH_S

    def about_json(self) -> str:
        """Return the metadata of the post as JSON, for the database."""
        post, details = self.post, self.post.details
        return json.dumps(
            {
                "url": post.url,
                "author": details.author,
                "text": details.text,
                "likes": details.likes,
                "views": details.views,
                "kinds": "".join(map(_kind, post.items)),
                "has_sound": post.audio is not None,
                "is_sensitive": post.is_sensitive,
                "is_processed": self.is_processed,
                **({"is_silent": True} if post.is_silent else {}),
            },
            ensure_ascii=False,
        )

    def files_json(self) -> str:
        """Return the files as a JSON list, for the database."""
        stored = [asdict(file) for file in self.files]
        for values in stored:
            if not values["still_id"]:
                del values["still_id"]  # as in the rows of versions without live photos
        return json.dumps(stored)


def read_cached(
    key: CacheKey, about: str, files: str, *, version: int, refreshed_at: int
) -> CachedPost | None:
    """Parse a stored entry. Return None if it is not valid or has no files."""
    try:
        facts: dict[str, Any] = json.loads(about)
        items = tuple(_KINDS[kind] for kind in facts["kinds"])
        if facts.get("is_silent"):
            items = (Clip((), is_silent=True),)
        remote = tuple(RemoteFile(**file) for file in json.loads(files))
        post = Post(
            platform=key.platform,
            id=key.post_id,
            url=facts["url"],
            access=Access(proxy="cache"),
            details=Details(facts["author"], facts["text"], facts["likes"], facts["views"]),
            items=items,
            audio=Audio(urls=()) if facts["has_sound"] else None,
            is_sensitive=facts["is_sensitive"],
        )
        is_processed = bool(facts["is_processed"])
    except (ValueError, KeyError, TypeError):
        return None
    return CachedPost(post, remote, is_processed, version, refreshed_at) if remote else None


def is_same_media(cached: Post, fresh: Post) -> bool:
    """Return True if a post still has the cached items; the site may fail to read some now."""
    return len(cached.items) == len(fresh.items) and all(
        isinstance(now, Unreadable | type(then))
        for then, now in zip(cached.items, fresh.items, strict=True)
    )


def _kind(item: Item) -> str:
    return next(letter for letter, kind in _KINDS.items() if isinstance(item, type(kind)))
