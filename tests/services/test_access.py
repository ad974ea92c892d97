"""Access: modes, exempt people, channels that write themselves, and the stored list."""

import pytest
from aiogram.methods import GetChatMember

from core.access import Mode, Standing, Visitor
from core.errors import TelegramUnreachableError
from data.chats import move_chat, register_chat
from tests.fakes import FakeTelegram, make_access

ADMIN = 1


@pytest.mark.parametrize(
    ("mode", "visitor", "expected", "asks"),
    [
        ("everyone", Visitor(9), Standing.ALLOWED, False),
        ("everyone", Visitor(None), Standing.ALLOWED, False),
        ("listed", Visitor(ADMIN), Standing.ALLOWED, False),
        ("listed", Visitor(5), Standing.ALLOWED, False),
        ("listed", Visitor(9, "", -7), Standing.ALLOWED, False),
        ("listed", Visitor(9), Standing.NOT_LISTED, False),
        ("listed", Visitor(None), Standing.NOT_LISTED, False),
        ("members", Visitor(ADMIN), Standing.ALLOWED, False),
        ("members", Visitor(5), Standing.ALLOWED, False),
        ("members", Visitor(9), Standing.NOT_A_MEMBER, True),
        ("members", Visitor(8), Standing.ALLOWED, True),
        ("members", Visitor(None), Standing.NOT_A_MEMBER, False),
        ("members", Visitor(-50, "News", is_person=False), Standing.ALLOWED, False),
        ("members", Visitor(-51, "", is_person=False), Standing.ALLOWED, False),
        ("members", Visitor(-52, "", is_person=False), Standing.NOT_A_MEMBER, False),
        ("members", Visitor(9, "news"), Standing.NOT_A_MEMBER, True),
    ],
)
async def test_the_mode_decides_who_may_use_the_bot(
    telegram: FakeTelegram, mode: Mode, visitor: Visitor, expected: Standing, asks: bool
):
    telegram.session.group_admins = {8}
    access = make_access(telegram, mode, "5", "-7", channels=("@news", "-51"))
    assert await access.judge(visitor) is expected
    assert bool(telegram.of(GetChatMember)) is asks


async def test_without_an_answer_of_telegram_nobody_new_is_let_in(telegram: FakeTelegram):
    telegram.fail(GetChatMember, TelegramUnreachableError())
    access = make_access(telegram, "members")
    assert await access.judge(Visitor(9)) is Standing.UNKNOWN


async def test_the_list_is_shared_through_the_database(telegram: FakeTelegram, db: str):
    one, other = make_access(telegram, "listed", "5"), make_access(telegram, "listed")
    assert [await one.add("9", ADMIN), await one.add("9", ADMIN)] == [True, False]
    assert not await one.add("5", ADMIN)  # of the settings
    assert await one.judge(Visitor(9)) is Standing.ALLOWED
    assert await other.judge(Visitor(9)) is Standing.NOT_LISTED
    await other.refresh()
    assert await other.judge(Visitor(9)) is Standing.ALLOWED
    assert other.entries == {"9"}
    assert [await other.remove("9"), await other.remove("9")] == [True, False]
    assert await other.judge(Visitor(9)) is Standing.NOT_LISTED


@pytest.mark.parametrize("is_registered", [True, False])
@pytest.mark.parametrize("is_listed_already", [True, False])
async def test_a_listed_group_stays_listed_as_a_supergroup(
    telegram: FakeTelegram, db: str, is_registered: bool, is_listed_already: bool
):
    access = make_access(telegram, "listed")
    await access.add("-7", ADMIN)
    if is_listed_already:
        await access.add("-1007", ADMIN)
    if is_registered:
        await register_chat(-7, "en")
    for _ in range(2):
        await move_chat(-7, -1007)
    await access.refresh()
    assert await access.judge(Visitor(9, "", -1007)) is Standing.ALLOWED
