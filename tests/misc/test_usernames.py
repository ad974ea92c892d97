"""Names are stored once per chat, after the handler, and never delay or break it."""

from typing import Any

import pytest
from aiogram.types import Chat

from core.errors import StorageError
from core.pseudonyms import Pseudonyms
from data.privacy import erase
from data.usernames import find_by_name
from misc.middlewares.registration import ChatView
from misc.middlewares.usernames import Usernames
from tests.fakes import FakeTelegram

PSEUDONYMS = Pseudonyms("token")
pytestmark = pytest.mark.usefixtures("sqlite_db")


async def send(
    middleware: Usernames, telegram: FakeTelegram, name: str | None, *, is_new: bool = False
) -> str:
    async def handle(_event: Any, _data: dict[str, Any]) -> str:
        return "handled"

    message = telegram.message("hi", chat=Chat(id=8, type="private", username=name))
    result: str = await middleware(handle, message, {"chat": ChatView("en", is_new=is_new)})
    return result


async def find(name: str) -> int | None:
    return await find_by_name(PSEUDONYMS.of_name(name))


async def test_names_are_stored_replaced_and_dropped(telegram: FakeTelegram):
    middleware = Usernames(PSEUDONYMS)
    assert await send(middleware, telegram, "Ann_Ferry") == "handled"
    assert await find("ann_ferry") == 8
    await send(middleware, telegram, "Ann_Crew")
    assert (await find("ann_ferry"), await find("ann_crew")) == (None, 8)
    await send(middleware, telegram, None)
    assert await find("ann_crew") is None


async def test_a_known_name_is_not_stored_again(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    middleware = Usernames(PSEUDONYMS)
    await send(middleware, telegram, "Ann_Ferry")
    calls = []

    async def store(chat_id: int, _hash: str | None) -> None:
        calls.append(chat_id)

    monkeypatch.setattr("misc.middlewares.usernames.store_name", store)
    await send(middleware, telegram, "Ann_Ferry")
    assert calls == []
    await send(middleware, telegram, None)
    assert calls == [8]


async def test_a_chat_that_comes_back_after_an_erasure_is_found_again(telegram: FakeTelegram):
    middleware = Usernames(PSEUDONYMS)
    await send(middleware, telegram, "Ann_Ferry")
    await erase(8)
    assert await find("ann_ferry") is None
    await send(middleware, telegram, "Ann_Ferry", is_new=True)
    assert await find("ann_ferry") == 8


async def test_without_the_database_the_handler_still_answers(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    async def fail(_chat_id: int, _hash: str | None) -> None:
        raise StorageError("no disk")

    monkeypatch.setattr("misc.middlewares.usernames.store_name", fail)
    assert await send(Usernames(PSEUDONYMS), telegram, "Ann_Ferry") == "handled"
