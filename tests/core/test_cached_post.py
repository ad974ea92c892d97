"""What a cached post keeps of the original one, and when it must be refreshed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from core.cached_post import CachedPost, CacheKey, is_same_media, read_cached
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
    Rendition,
    Unreadable,
)

KEY = CacheKey(bot_id=1, platform="tiktok", post_id="77", variant="media/best")
FILES = (RemoteFile("video", "AAA", label="1/2"), RemoteFile("photo", "BBB"))
POST = Post(
    platform="tiktok",
    id="77",
    url="https://tiktok.example/77",
    access=Access(proxy="exit-1", headers={"a": "b"}, cookies={"c": "d"}),
    details=Details("Zoë", "naïve", likes=5, views=600),
    items=(Clip((Rendition(("https://cdn.example/v",), "h264"),)), Picture(("https://p",))),
    audio=Audio(("https://cdn.example/a",), title="song"),
    is_sensitive=True,
)
CACHED = CachedPost(POST, FILES, is_processed=True, version=3, refreshed_at=1_000)


def read(about: str, files: str = CACHED.files_json()) -> CachedPost | None:
    return read_cached(KEY, about, files, version=3, refreshed_at=1_000)


def test_everything_but_the_urls_of_files_comes_back():
    expected = replace(
        POST,
        access=Access(proxy="cache"),
        items=(Clip(()), Picture(())),
        audio=Audio(urls=()),
    )
    assert read(CACHED.about_json()) == replace(CACHED, post=expected)


def test_a_post_without_audio_or_numbers_comes_back_so():
    post = replace(POST, audio=None, details=Details("Zoë"), is_sensitive=False)
    found = read(replace(CACHED, post=post, is_processed=False).about_json())
    assert found is not None
    assert found.post.audio is None
    assert (found.post.details.likes, found.post.details.views, found.post.is_sensitive) == (
        None,
        None,
        False,
    )
    assert found.is_processed is False


def test_every_kind_of_item_comes_back():
    clip, picture = Clip(()), Picture(())
    items = (clip, picture, LivePhoto(picture, clip), Unreadable())
    found = read(replace(CACHED, post=replace(POST, items=items)).about_json())
    assert found
    assert found.post.items == items
    assert not found.post.is_silent


def test_a_silent_video_stays_silent():
    post = replace(POST, items=(Clip((), is_silent=True),))
    found = read(replace(CACHED, post=post).about_json())
    assert found
    assert found.post.is_silent


def test_the_two_files_of_a_live_photo_come_back():
    live = RemoteFile("live_photo", "AgADvideo", still_id="AgADstill")
    cached = replace(CACHED, files=(live, RemoteFile("photo", "AgADphoto")))
    found = read(CACHED.about_json(), cached.files_json())
    assert found
    assert found.files == cached.files


@pytest.mark.parametrize(
    ("now", "is_same"),
    [
        ((Clip(()), Picture(("x",))), True),
        # The site may fail to read an item for a while.
        ((Unreadable(), Picture(())), True),
        ((Picture(()), Picture(())), False),
        ((Clip(()),), False),
        ((Clip(()), LivePhoto(Picture(()), Clip(()))), False),
    ],
)
def test_a_post_is_the_same_as_long_as_its_items_are(now: tuple[Item, ...], is_same: bool):
    assert is_same_media(POST, replace(POST, items=now)) is is_same


def test_texts_are_stored_readably():
    stored = CACHED.about_json()
    assert "Zoë" in stored
    assert "naïve" in stored
    assert json.loads(stored)["kinds"] == "cp"


def changed(**values: Any) -> str:
    """Return the stored form with some values replaced; None removes one."""
    facts = {**json.loads(CACHED.about_json()), **values}
    return json.dumps({name: value for name, value in facts.items() if value is not None})


REQUIRED = [
    {name: None}
    for name in ("url", "author", "text", "kinds", "has_sound", "is_sensitive", "is_processed")
]


@pytest.mark.parametrize(
    "about", ["", "{", "[]", "null", "7", changed(kinds=5), *(changed(**gap) for gap in REQUIRED)]
)
def test_an_entry_with_a_wrong_or_missing_part_is_no_entry(about: str):
    assert read(about) is None


@pytest.mark.parametrize(
    "files",
    ["", "[]", "{}", "null", "5", '[{"kind": "video"}]', '[{"kind": "v", "id": "A"}]', "[1]"],
)
def test_without_proper_files_there_is_no_entry(files: str):
    assert read(CACHED.about_json(), files) is None


def test_an_entry_from_before_labels_is_still_read():
    found = read(CACHED.about_json(), '[{"kind": "video", "file_id": "AAA"}]')
    assert found is not None
    assert found.files == (RemoteFile("video", "AAA", label=""),)


@pytest.mark.parametrize(
    ("age_s", "is_fresh"), [(0, True), (86_399, True), (86_400, False), (86_401, False)]
)
def test_numbers_are_fresh_for_less_than_a_day(age_s: int, is_fresh: bool):
    entry = replace(CACHED, refreshed_at=1_800_000_000)
    assert entry.is_fresh(1_800_000_000 + age_s) is is_fresh


def test_numbers_that_were_never_fetched_are_not_fresh():
    assert not CachedPost(POST, FILES, is_processed=False).is_fresh(1_800_000_000)


def test_a_track_comes_back_as_a_track():
    track = Audio(("https://cdn.example/a",), title="song", author="Zoë")
    post = replace(POST, items=(track,), audio=track)
    found = read(replace(CACHED, post=post).about_json())
    assert found is not None
    assert found.post.is_track
    assert found.post.audio == found.post.items[0]
    assert is_same_media(found.post, post)
    assert not is_same_media(found.post, POST)
    assert not POST.is_track
