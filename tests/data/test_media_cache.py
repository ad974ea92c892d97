"""Sets of file ids on both databases: whole, versioned, and forgotten exactly."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cached_post import CachedPost, CacheKey, read_cached
from core.media import Access, Audio, Clip, Details, Picture, Post, RemoteFile
from data import media_cache as cache

KEY = CacheKey(42, "tiktok", "7300000000000000001", "media/best")
POST = Post(
    "tiktok",
    KEY.post_id,
    "https://www.tiktok.com/@a/video/7300000000000000001",
    Access("cache"),
    Details("ferry.demo", "Переправа ⛴️", likes=None, views=7),
    items=(Clip(()), Picture(())),
    audio=Audio(urls=()),
)
CACHED = CachedPost(POST, (RemoteFile("video", "a"), RemoteFile("photo", "b", "1/2")), False)


async def test_a_set_is_found_as_it_was_stored(db: str):
    assert await cache.find_cached(KEY) is None
    await cache.store_cached(KEY, CACHED)
    found = await cache.find_cached(KEY)
    assert found is not None
    assert replace(found, version=0, refreshed_at=0) == CACHED
    assert found.version == 1
    for other in (
        replace(KEY, bot_id=43),
        replace(KEY, platform="x"),
        replace(KEY, post_id="1"),
        replace(KEY, variant="document"),
    ):
        assert await cache.find_cached(other) is None


async def test_only_the_dead_version_is_forgotten(db: str):
    await cache.store_cached(KEY, CACHED)
    await cache.store_cached(KEY, replace(CACHED, files=CACHED.files[:1]))
    await cache.forget_cached(KEY, 1)
    found = await cache.find_cached(KEY)
    assert found is not None
    assert (found.version, len(found.files)) == (2, 1)
    await cache.forget_cached(KEY, 2)
    assert await cache.find_cached(KEY) is None
    await cache.store_cached(KEY, CACHED)
    again = await cache.find_cached(KEY)
    assert again is not None
    assert again.version == 3


async def test_a_refresh_changes_the_words_and_not_the_files(db: str):
    await cache.store_cached(KEY, CACHED)
    found = await cache.find_cached(KEY)
    assert found is not None
    await cache.refresh_cached(KEY, replace(found, post=replace(POST, details=Details(likes=5))))
    fresh = await cache.find_cached(KEY)
    assert fresh is not None
    assert (fresh.post.details.likes, fresh.files, fresh.version) == (5, CACHED.files, 1)


async def test_many_stores_at_once_leave_one_row(db: str):
    await asyncio.gather(*(cache.store_cached(KEY, CACHED) for _ in range(20)))
    found = await cache.find_cached(KEY)
    assert found is not None
    assert found.version == 20


async def test_unused_sets_are_deleted(db: str, monkeypatch: pytest.MonkeyPatch):
    moment = 1_000_000
    monkeypatch.setattr("data.media_cache.unix_now", lambda: moment)
    await cache.store_cached(KEY, CACHED)
    other = replace(KEY, post_id="2")
    await cache.store_cached(other, CACHED)
    moment += 90 * 86_400
    await cache.touch_cached(other)
    assert await cache.sweep_cached(unused_since=moment - 30 * 86_400) == 1
    assert await cache.find_cached(KEY) is None
    assert await cache.find_cached(other) is not None


@given(about=st.text(max_size=80), files=st.text(max_size=80))
def test_unreadable_sets_are_ignored(about: str, files: str):
    assert read_cached(KEY, about, files, version=1, refreshed_at=0) is None


def test_an_empty_set_is_ignored():
    assert read_cached(KEY, CACHED.about_json(), "[]", version=1, refreshed_at=0) is None
