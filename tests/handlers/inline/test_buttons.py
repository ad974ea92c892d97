"""The buttons below inline messages: who may press them, and what they do."""

from pathlib import Path

import pytest
from aiogram.methods import AnswerCallbackQuery, EditMessageMedia
from aiogram.types import CallbackQuery

from core.errors import FileUnknownError, FloodError, StorageError, TelegramUnreachableError
from core.media import RemoteFile
from core.request import Request
from data.inline_messages import find_inline, record_shown_post, store_inline
from tests.fakes import LINK, PERSON, FakeTelegram, make_ack, make_request
from tests.handlers.inline.bench import TEXTS, Bench, cache, make_bench, register

WORDS = TEXTS["en"]
INLINE = "inline-1"
REQUEST = make_request(message_id=0, inline_id=INLINE)
FILES = tuple(RemoteFile("photo", f"photo-{n}") for n in range(3))
STRANGER = 8


@pytest.fixture
async def bench(sqlite_db: None, telegram: FakeTelegram, tmp_path: Path) -> Bench:
    await store_inline(INLINE, PERSON, REQUEST)
    return make_bench(telegram, tmp_path)


def query(bench: Bench, data: str, user_id: int = PERSON) -> CallbackQuery:
    return bench.telegram.query(data, user_id=user_id, inline_message_id=INLINE)


def submitted(bench: Bench) -> list[Request]:
    origins = [submission.origin for submission in bench.intake.submissions]
    return [origin for origin in origins if isinstance(origin, Request)]


async def retry(bench: Bench, user_id: int = PERSON) -> None:
    await bench.buttons.retry(query(bench, "again", user_id), make_ack()[0])


async def test_the_owner_can_try_again_once_at_a_time(bench: Bench):
    await retry(bench)
    await retry(bench)
    (request,) = submitted(bench)
    assert (request.target.inline_id, request.link) == (INLINE, LINK)
    assert request.asked_at > REQUEST.asked_at
    assert bench.telegram.alerts == [(WORDS["inline_fetching"], False)] * 2
    await bench.intake.end()
    await retry(bench)
    assert len(submitted(bench)) == 2


async def test_a_press_that_cannot_be_answered_counts_all_the_same(bench: Bench):
    bench.telegram.fail(AnswerCallbackQuery, TelegramUnreachableError())
    with pytest.raises(TelegramUnreachableError):
        await retry(bench)
    assert len(submitted(bench)) == 1


async def test_only_the_owner_can_try_again(bench: Bench):
    await retry(bench, STRANGER)
    assert submitted(bench) == []
    assert bench.telegram.alerts == [(WORDS["not_yours"], False)]


async def test_a_message_that_is_not_known_has_expired(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    other = bench.telegram.query("again", inline_message_id="other")
    await bench.buttons.retry(other, make_ack()[0])

    async def failing(_inline_id: str) -> None:
        raise StorageError

    monkeypatch.setattr("handlers.inline.buttons.find_inline", failing)
    await retry(bench)
    assert submitted(bench) == []
    assert bench.telegram.alerts == [(WORDS["button_expired"], True)] * 2


# --- pages ----------------------------------------------------------------------------------------


async def turn(bench: Bench, page: str, user_id: int = PERSON) -> None:
    await bench.buttons.turn_page(query(bench, f"page/{page}", user_id), make_ack()[0])


async def show_album(bench: Bench) -> None:
    await record_shown_post(INLINE, LINK.post_id or "")
    await cache(bench, *FILES)


@pytest.mark.parametrize("user_id", [PERSON, STRANGER])
async def test_everybody_can_turn_a_page(bench: Bench, user_id: int):
    await show_album(bench)
    await turn(bench, "1", user_id)
    (edit,) = bench.telegram.of(EditMessageMedia)
    assert edit.inline_message_id == INLINE
    assert edit.media.media == "photo-1"
    assert bench.telegram.alerts == [(None, False)]
    assert submitted(bench) == []


@pytest.mark.parametrize("page", ["", "-1", "x", "²"])
async def test_an_invalid_page_has_expired(bench: Bench, page: str):
    await show_album(bench)
    await turn(bench, page)
    assert bench.telegram.alerts == [(WORDS["button_expired"], True)]


async def test_a_message_that_shows_no_post_has_no_pages(bench: Bench):
    await cache(bench, *FILES)
    await turn(bench, "1")
    assert bench.telegram.alerts == [(WORDS["button_expired"], True)]
    assert bench.telegram.of(EditMessageMedia) == []


@pytest.mark.parametrize("is_owner", [True, False])
async def test_a_page_that_is_gone_is_fetched_for_the_owner_only(bench: Bench, is_owner: bool):
    await record_shown_post(INLINE, LINK.post_id or "")
    await turn(bench, "1", PERSON if is_owner else STRANGER)
    assert [request.is_recorded for request in submitted(bench)] == ([False] if is_owner else [])
    key = "inline_fetching" if is_owner else "not_yours"
    assert bench.telegram.alerts == [(WORDS[key], False)]


async def test_a_page_beyond_the_last_is_fetched_again(bench: Bench):
    await show_album(bench)
    await turn(bench, "3")
    assert len(submitted(bench)) == 1


async def test_a_file_that_telegram_has_forgotten_is_evicted_and_fetched(bench: Bench):
    await show_album(bench)
    bench.telegram.fail(EditMessageMedia, FileUnknownError())
    await turn(bench, "1")
    assert len(submitted(bench)) == 1
    await turn(bench, "1", STRANGER)
    assert bench.telegram.alerts[-1] == (WORDS["not_yours"], False)
    assert len(bench.telegram.of(EditMessageMedia)) == 1


async def test_presses_that_are_too_fast_raise_nothing(bench: Bench):
    await show_album(bench)
    bench.telegram.fail(EditMessageMedia, FloodError(3))
    await turn(bench, "1")
    assert bench.telegram.alerts == [(None, False)]
    assert submitted(bench) == []


# --- older bots -----------------------------------------------------------------------------------

OWNER_36 = "7"  # 7 in base 36
OLD_LINK = f"www.tiktok.com/@demo/video/{LINK.post_id}"


async def revive(bench: Bench, data: str, user_id: int = PERSON) -> None:
    press = bench.telegram.query(data, user_id=user_id, inline_message_id="old")
    await bench.buttons.revive(press, make_ack()[0])


@pytest.mark.parametrize("data", [f"ir:tt:{OWNER_36}:{OLD_LINK}", f"sr:{OWNER_36}:2:{OLD_LINK}"])
async def test_a_button_of_an_older_bot_works_for_its_owner(bench: Bench, data: str):
    await register("uk")
    await revive(bench, data)
    (request,) = submitted(bench)
    assert (request.link.post_id, request.target.inline_id, request.chat.lang) == (
        LINK.post_id,
        "old",
        "uk",
    )
    message = await find_inline("old")
    assert message
    assert message.owner_id == PERSON


async def test_a_button_of_an_older_bot_is_not_for_others(bench: Bench):
    await revive(bench, f"ir:tt:{OWNER_36}:{OLD_LINK}", STRANGER)
    assert submitted(bench) == []
    assert bench.telegram.alerts == [(WORDS["not_yours"], False)]


@pytest.mark.parametrize(
    "data", ["ir:tt", f"ir:tt:{OLD_LINK}", "ir:tt:7:example.org/x", "sr:7:x:nothing"]
)
async def test_a_button_without_owner_or_link_has_expired(bench: Bench, data: str):
    await revive(bench, data)
    assert submitted(bench) == []
    assert bench.telegram.alerts == [(WORDS["button_expired"], True)]


async def test_an_old_button_works_without_the_database(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object) -> None:
        raise StorageError

    monkeypatch.setattr("handlers.inline.buttons.store_inline", failing)
    await revive(bench, f"ir:tt:{OWNER_36}:{OLD_LINK}")
    assert len(submitted(bench)) == 1
