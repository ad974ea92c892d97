"""What inline mode looks up: people, links and cached media, and what a failing database costs."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import StorageError
from core.formats import Quality
from core.media import Link
from core.preferences import DEFAULT_PREFERENCES, Preferences
from data.chats import register_chat
from handlers.inline.lookup import Person
from tests.fakes import LINK, PERSON, VIDEO, FakeTelegram, make_user
from tests.handlers.inline.bench import AUDIO, Bench, cache, make_bench, register

SHORT = Link(LINK.platform, "https://vm.tiktok.com/abc", None)


@pytest.fixture
def bench(sqlite_db: None, telegram: FakeTelegram, tmp_path: Path) -> Bench:
    return make_bench(telegram, tmp_path)


async def test_somebody_unknown_speaks_the_language_of_the_app(bench: Bench):
    person = await bench.lookup.person(make_user(language_code="uk"))
    assert person == Person("uk", DEFAULT_PREFERENCES, is_registered=False)


async def test_somebody_known_has_a_language_and_a_quality(bench: Bench):
    await register("uk", Quality.SMALL)
    person = await bench.lookup.person(make_user(language_code="en"))
    assert person == Person("uk", Preferences(quality=Quality.SMALL), is_registered=True)


async def test_a_language_that_is_gone_is_replaced_by_that_of_the_app(bench: Bench):
    await register_chat(PERSON, "tlh")
    assert (await bench.lookup.person(make_user(language_code="uk"))).lang == "uk"


@pytest.mark.parametrize("error", [StorageError(), TimeoutError()])
async def test_without_the_database_nobody_is_turned_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    async def failing(_chat_id: int) -> None:
        raise error

    monkeypatch.setattr("handlers.inline.lookup.find_chat", failing)
    known = await bench.lookup.in_time(make_user(language_code="uk"), [LINK])
    assert known.person == Person("uk", DEFAULT_PREFERENCES, is_registered=None)
    assert known.link == LINK


async def test_post_and_audio_of_the_first_link_are_looked_up(bench: Bench):
    await cache(bench)
    await cache(bench, AUDIO, quality=Quality.SOUND)
    other = replace(LINK, post_id="2")
    known = await bench.lookup.in_time(make_user(), [LINK, other])
    assert known.link == LINK
    assert known.post
    assert known.post.files == (VIDEO,)
    assert known.audio == AUDIO
    known = await bench.lookup.in_time(make_user(), [other, LINK])
    assert (known.post, known.audio) == (None, None)


async def test_a_person_whose_quality_is_audio_gets_no_second_card_for_it(bench: Bench):
    await register(quality=Quality.SOUND)
    await cache(bench, AUDIO, quality=Quality.SOUND)
    known = await bench.lookup.in_time(make_user(), [LINK])
    assert known.post
    assert known.post.files == (AUDIO,)
    assert known.audio is None


async def test_a_short_link_is_known_once_it_was_resolved(bench: Bench):
    await cache(bench)
    known = await bench.lookup.in_time(make_user(), [SHORT])
    assert (known.link, known.post) == (SHORT, None)
    bench.tools.fetcher.resolved[SHORT.url] = LINK.post_id or ""
    assert (await bench.lookup.in_time(make_user(), [SHORT])).post is not None


async def test_without_a_link_only_the_person_is_looked_up(bench: Bench):
    known = await bench.lookup.in_time(make_user(), [])
    assert (known.link, known.post, known.person.is_registered) == (None, None, False)


@pytest.mark.parametrize(
    ("quality", "is_registered", "kind", "is_recorded"),
    [
        (Quality.BEST, True, "post", True),
        (Quality.SOUND, True, "sound", True),
        (Quality.BEST, False, "post", False),
        (Quality.BEST, None, "post", False),
    ],
)
def test_a_request_is_made_for_the_sender(
    telegram: FakeTelegram,
    tmp_path: Path,
    quality: Quality,
    is_registered: bool | None,
    kind: str,
    is_recorded: bool,
):
    lookup = make_bench(telegram, tmp_path).lookup
    person = Person("uk", Preferences(quality=quality), is_registered)
    request = lookup.request("post", LINK, make_user(), person, "inline-1")
    assert (request.kind, request.chat_id, request.target.inline_id) == (kind, PERSON, "inline-1")
    assert (request.target.is_private, request.is_recorded, request.chat.lang) == (
        True,
        is_recorded,
        "uk",
    )
    assert request.chat.preferences.quality is quality
