"""Membership of channels: asked once, remembered for a while, unknown without an answer."""

import asyncio
import logging
from typing import Any

import pytest
from aiogram import Bot
from aiogram.methods import GetChatMember

from core.access import Standing
from core.errors import ChatMovedError, FileRejectedError, TelegramUnreachableError
from delivery import membership
from delivery.membership import MEMBER_S, OTHERS_S, STALE_S, Membership
from delivery.moved_chats import MovedChats
from tests.fakes import FakeTelegram

ALLOWED, NO, UNKNOWN = Standing.ALLOWED, Standing.NOT_A_MEMBER, Standing.UNKNOWN


class Bench:
    def __init__(self, telegram: FakeTelegram, *channels: str) -> None:
        self.telegram, self.now = telegram, 1_000.0
        moved = MovedChats({-7: ["[access] channels"]})
        self.membership = Membership(
            telegram.bot, channels or ("@news",), lambda: self.now, moved=moved
        )

    async def after(self, seconds: float, person: int = 7) -> Standing:
        self.now += seconds
        return await self.membership.standing(person)

    @property
    def asked(self) -> list[int | str]:
        return [call.chat_id for call in self.telegram.of(GetChatMember)]


async def test_a_member_is_asked_again_after_ten_minutes(telegram: FakeTelegram):
    telegram.session.group_admins = {7}
    bench = Bench(telegram)
    assert [await bench.after(0), await bench.after(MEMBER_S - 1)] == [ALLOWED] * 2
    assert bench.asked == ["@news"]
    telegram.session.group_admins = set()
    assert await bench.after(1) is NO
    assert bench.asked == ["@news"] * 2


async def test_a_new_member_is_allowed_within_seconds(telegram: FakeTelegram):
    bench = Bench(telegram)
    assert [await bench.after(0), await bench.after(OTHERS_S - 1)] == [NO] * 2
    assert bench.asked == ["@news"]
    telegram.session.group_admins = {7}
    assert await bench.after(1) is ALLOWED


async def test_a_group_is_asked_under_its_new_id(telegram: FakeTelegram):
    """It has become a supergroup since the setting was written."""
    telegram.session.group_admins = {7}
    bench = Bench(telegram, "-7")
    assert bench.membership.has_channel(-7, "")
    telegram.fail(GetChatMember, ChatMovedError(-1_007))
    assert await bench.after(0) is ALLOWED
    assert await bench.after(MEMBER_S) is ALLOWED
    assert bench.asked == [-7, -1_007, -1_007]
    assert [bench.membership.has_channel(chat, "") for chat in (-7, -1_007)] == [False, True]


async def test_one_of_several_channels_is_enough(telegram: FakeTelegram):
    bench = Bench(telegram, "@news", "-1005")
    assert await bench.after(0) is NO
    assert bench.asked == ["@news", -1005]
    telegram.session.group_admins = {8}
    assert await bench.after(0, 8) is ALLOWED
    assert bench.asked[2:] == ["@news"]


async def test_without_an_answer_it_is_unknown_and_logged(
    telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
):
    bench = Bench(telegram)
    telegram.fail(GetChatMember, FileRejectedError("member list is inaccessible"))
    with caplog.at_level(logging.WARNING):
        assert await bench.after(0) is UNKNOWN
    assert "member list is inaccessible" in caplog.text
    assert await bench.after(0) is NO  # a failure is not remembered


async def test_one_silent_channel_of_two_leaves_it_unknown_unless_the_other_says_yes(
    telegram: FakeTelegram,
):
    bench = Bench(telegram, "@news", "@more")
    telegram.fail(GetChatMember, TelegramUnreachableError())
    assert await bench.after(0) is UNKNOWN
    telegram.session.group_admins = {7}
    telegram.fail(GetChatMember, TelegramUnreachableError())
    assert await bench.after(0) is ALLOWED


async def test_members_of_the_last_day_stay_members_while_telegram_fails(telegram: FakeTelegram):
    telegram.session.group_admins = {7}
    bench = Bench(telegram)
    assert await bench.after(0) is ALLOWED
    telegram.fail(GetChatMember, *[TelegramUnreachableError()] * 2)
    assert await bench.after(STALE_S - 1) is ALLOWED
    assert await bench.after(1) is UNKNOWN


@pytest.mark.parametrize("said", ["PARTICIPANT_ID_INVALID", "user not found", "member not found"])
async def test_a_person_unknown_to_the_channel_is_no_member(telegram: FakeTelegram, said: str):
    telegram.fail(GetChatMember, FileRejectedError(f"Bad Request: {said}"))
    assert await Bench(telegram).after(0) is NO


async def test_several_messages_at_once_ask_once(telegram: FakeTelegram):
    async def later(make_request: Any, bot: Bot, method: Any) -> Any:
        await asyncio.sleep(0)  # the others come meanwhile
        return await make_request(bot, method)

    telegram.session.middleware(later)
    bench = Bench(telegram)
    answers = await asyncio.gather(*(bench.membership.standing(7) for _ in range(5)))
    assert answers == [NO] * 5
    assert bench.asked == ["@news"]


async def test_the_oldest_answers_are_forgotten(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(membership, "KEPT", 3)
    bench = Bench(telegram)
    for person in (1, 2, 3, 4):
        await bench.after(0, person)
    assert len(bench.membership) == 3
    await bench.after(0, 4)
    assert len(bench.asked) == 4
    await bench.after(0, 1)
    assert len(bench.asked) == 5
