"""A post that Telegram already has: file ids and what is said around them, as pure values."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from core.media import Access, Audio, Clip, Item, Picture, Post, RemoteFile

#: Likes and views are asked for again after so long, in seconds.
FRESH_S: Final = 24 * 3_600


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What a set of file ids is for. Ids of one bot are worth nothing to another."""

    bot_id: int
    platform: str
    post_id: str
    #: Kind and quality, such as "media/best", "document" or "sound".
    variant: str


@dataclass(frozen=True, slots=True)
class CachedPost:
    """A whole post in Telegram's store; parts of one are never kept."""

    #: Without addresses: they expire, and the files are Telegram's now.
    post: Post
    #: In the order in which they are sent.
    files: tuple[RemoteFile, ...]
    is_processed: bool
    #: Counts what was stored under the key, so that an outdated set never erases a newer one.
    version: int = 0
    #: Unix time at which the site was last asked for likes and views.
    refreshed_at: int = 0

    def is_fresh(self, now: int) -> bool:
        """Tell whether likes and views are young enough."""
        return now - self.refreshed_at < FRESH_S

    def about_json(self) -> str:
        """Give what is said around the files, for the database."""
        post = self.post
        return json.dumps(
            {
                "url": post.url,
                "author": post.author,
                "text": post.text,
                "likes": post.likes,
                "views": post.views,
                "kinds": "".join("c" if isinstance(item, Clip) else "p" for item in post.items),
                "has_sound": post.audio is not None,
                "is_sensitive": post.is_sensitive,
                "is_processed": self.is_processed,
            },
            ensure_ascii=False,
        )

    def files_json(self) -> str:
        """Give the files, for the database."""
        return json.dumps([asdict(file) for file in self.files])


def read_cached(
    key: CacheKey, about: str, files: str, *, version: int, refreshed_at: int
) -> CachedPost | None:
    """Read what the database has; None if it cannot be understood any more."""
    try:
        facts: dict[str, Any] = json.loads(about)
        items: tuple[Item, ...] = tuple(
            Clip(()) if kind == "c" else Picture(()) for kind in facts["kinds"]
        )
        remote = tuple(RemoteFile(**file) for file in json.loads(files))
        post = Post(
            platform=key.platform,
            id=key.post_id,
            url=facts["url"],
            access=Access(proxy="cache"),
            author=facts["author"],
            text=facts["text"],
            likes=facts["likes"],
            views=facts["views"],
            items=items,
            audio=Audio(urls=()) if facts["has_sound"] else None,
            is_sensitive=facts["is_sensitive"],
        )
        is_processed = bool(facts["is_processed"])
    except (ValueError, KeyError, TypeError):
        return None
    return CachedPost(post, remote, is_processed, version, refreshed_at) if remote else None
