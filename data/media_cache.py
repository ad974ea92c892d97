"""The file-id cache: complete sets of file ids of posts that Telegram already stores."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.cached_post import CachedPost, CacheKey, read_cached
from data.database import run, table_of, unix_now, write
from data.groups import Group, Kind
from data.models import CachedPosts
from data.prepared_statements import PreparedStatement, parameters

#: Minimum interval between two updates of `used_at`, in seconds. Saves a write for each hit.
_TOUCH_INTERVAL_S: Final = 86_400
_COLUMNS = ("bot_id", "platform", "post_id", "variant")
_CONTENT = ("files", "about", "refreshed_at", "used_at")
# Prepared once, because the lookup runs for every link, and the other for every new post.
_TABLE = table_of(CachedPosts)
_BY_KEY = PreparedStatement(
    select(
        *(_TABLE.c[name] for name in _COLUMNS),
        _TABLE.c.files,
        _TABLE.c.about,
        _TABLE.c.version,
        _TABLE.c.refreshed_at,
        _TABLE.c.used_at,
    ).where(*(_TABLE.c[name] == bindparam(name) for name in _COLUMNS))
)


def _store(insert: Any) -> Any:
    """Return the statement that inserts an entry, or replaces the one with its key."""
    statement = insert(_TABLE).values(parameters(*_COLUMNS, "version", *_CONTENT))
    newer = {name: statement.excluded[name] for name in _CONTENT}
    return statement.on_conflict_do_update(
        index_elements=_COLUMNS, set_={"version": _TABLE.c.version + 1, **newer}
    )


_STORE = PreparedStatement(*(_store(insert) for insert in (sqlite.insert, postgresql.insert)))


def _find(db: Connection, keys: Sequence[CacheKey]) -> list[Any]:
    rows = _BY_KEY.many(db, [_values(key) for key in keys])
    found = {tuple(row[: len(_COLUMNS)]): row for row in rows}
    return [found.get(tuple(_values(key).values())) for key in keys]


_FIND: Final = Group[CacheKey, Any](_find, lambda key: key, Kind.READ)


async def find_cached(key: CacheKey) -> CachedPost | None:
    """Return the cached post of a key, or None on a miss."""
    row = await run(_FIND, key)
    if row is None or row.files is None:
        return None
    if unix_now() - row.used_at > _TOUCH_INTERVAL_S:
        await touch_cached(key)
    return read_cached(
        key, row.about, row.files, version=row.version, refreshed_at=row.refreshed_at
    )


async def store_cached(key: CacheKey, cached: CachedPost) -> None:
    """Insert or replace the entry of a key; replacing it increases the entry's version."""
    now = unix_now()
    values = {
        **_values(key),
        "version": 1,
        "files": cached.files_json(),
        "about": cached.about_json(),
        "refreshed_at": now,
        "used_at": now,
    }
    await write(lambda db: _STORE.first(db, values))


async def refresh_cached(key: CacheKey, cached: CachedPost) -> None:
    """Store newer likes and views. Do nothing if the entry was replaced in the meantime."""
    statement = (
        update(CachedPosts)
        .where(_is(key), CachedPosts.version == cached.version)
        .values(about=cached.about_json(), refreshed_at=unix_now(), used_at=unix_now())
    )
    await write(lambda db: db.execute(statement))


async def forget_cached(key: CacheKey, version: int) -> None:
    """Evict the entry with this version; a newer entry stays."""
    statement = (
        update(CachedPosts).where(_is(key), CachedPosts.version == version).values(files=None)
    )
    await write(lambda db: db.execute(statement))


async def touch_cached(key: CacheKey) -> None:
    """Set the entry's time of last use to now."""
    statement = update(CachedPosts).where(_is(key)).values(used_at=unix_now())
    await write(lambda db: db.execute(statement))


async def sweep_cached(unused_since: int) -> int:
    """Delete entries not used since a Unix time. Return the number of deleted entries."""
    statement = delete(CachedPosts).where(CachedPosts.used_at < unused_since)
    return await write(lambda db: db.execute(statement).rowcount)


def _is(key: CacheKey) -> ColumnElement[bool]:
    return and_(*(getattr(CachedPosts, name) == value for name, value in _values(key).items()))


def _values(key: CacheKey) -> dict[str, str | int]:
    return {name: getattr(key, name) for name in _COLUMNS}
