"""Where the bot is: blocked and let in again, and groups that get another id."""

from typing import Any

import pytest
from aiogram.methods import SendMessage
from aiogram.types import (
    Chat,
    ChatMemberAdministrator,
    ChatMemberBanned,
    ChatMemberLeft,
    ChatMemberMember,
    ChatMemberRestricted,
    ChatMemberUnion,
    ChatMemberUpdated,
)

from core.access import Standing, Visitor
from core.errors import ChatForbiddenError
from data.bans import ban
from data.chats import find_chat, is_channel, register_chat, set_language
from delivery.moved_chats import MovedChats
from handlers.chat_member import BotMembership, on_new_id
from misc.middlewares.ban_list import BanList
from misc.ui.texts import load_texts
from tests.fakes import DATE, PERSON, FakeTelegram, make_access, make_user

pytestmark = pytest.mark.usefixtures("sqlite_db")
TEXTS = load_texts()
BOT = make_user(42, is_bot=True)
GROUP = -7
INSIDE = ChatMemberMember(user=BOT)
LEFT = ChatMemberLeft(user=BOT)
KICKED = ChatMemberBanned(user=BOT, until_date=DATE)


def _rights(model: type[ChatMemberRestricted | ChatMemberAdministrator]) -> dict[str, Any]:
    fields = model.model_fields.items()
    return {name: True for name, field in fields if name.startswith(("can_", "is_"))}


RESTRICTED = ChatMemberRestricted(
    user=BOT, until_date=DATE, **{**_rights(ChatMemberRestricted), "is_member": True}
)
RESTRICTED_AWAY = RESTRICTED.model_copy(update={"is_member": False})
ADMIN = ChatMemberAdministrator(user=BOT, **_rights(ChatMemberAdministrator))


def membership(bans: BanList | None = None, *, answers_channels: bool = False) -> BotMembership:
    return BotMembership(
        TEXTS, bans or BanList(frozenset()), ("TikTok",), answers_channels=answers_channels
    )


def event(
    new: ChatMemberUnion,
    old: ChatMemberUnion = INSIDE,
    *,
    chat_id: int = PERSON,
    kind: str = "private",
    telegram: FakeTelegram | None = None,
    lang: str = "uk",
) -> ChatMemberUpdated:
    updated = ChatMemberUpdated(
        chat=Chat(id=chat_id, type=kind),
        from_user=make_user(language_code=lang),
        date=DATE,
        old_chat_member=old,
        new_chat_member=new,
    )
    return updated.as_(telegram.bot) if telegram else updated


async def is_blocked(chat_id: int = PERSON) -> bool | None:
    record = await find_chat(chat_id)
    return record.is_blocked if record else None


@pytest.mark.parametrize(
    "status", [LEFT, KICKED, RESTRICTED_AWAY], ids=["left", "kicked", "restricted and left"]
)
@pytest.mark.parametrize("back", [INSIDE, RESTRICTED, ADMIN], ids=["member", "restricted", "admin"])
async def test_a_chat_without_the_bot_is_marked_until_it_is_back(
    status: ChatMemberUnion, back: ChatMemberUnion
):
    await register_chat(PERSON, "en")
    await membership().follow(event(status))
    assert await is_blocked()
    await membership().follow(event(back))
    assert await is_blocked() is False


@pytest.mark.parametrize("status", [LEFT, INSIDE], ids=["blocked", "unblocked"])
async def test_an_unknown_person_is_not_registered_by_it(status: ChatMemberUnion):
    await membership().follow(event(status, LEFT))
    assert await is_blocked() is None


@pytest.mark.parametrize("status", [INSIDE, RESTRICTED, ADMIN])
@pytest.mark.parametrize("before", [LEFT, KICKED, RESTRICTED_AWAY])
async def test_a_group_is_welcomed_in_the_language_of_the_person_who_adds_the_bot(
    telegram: FakeTelegram, status: ChatMemberUnion, before: ChatMemberUnion
):
    added = event(status, before, chat_id=GROUP, kind="supergroup", telegram=telegram)
    await membership().follow(added)
    record = await find_chat(GROUP)
    assert record
    assert record.lang == "uk"
    (welcome,) = telegram.of(SendMessage)
    assert TEXTS["uk"]["welcome_members"] in welcome.text
    assert not await is_channel(GROUP)


async def test_a_promotion_is_no_joining(telegram: FakeTelegram):
    promoted = event(ADMIN, INSIDE, chat_id=GROUP, kind="supergroup", telegram=telegram)
    await membership().follow(promoted)
    assert await find_chat(GROUP) is None
    assert telegram.texts == []


async def test_a_group_that_lets_nobody_write_is_registered_all_the_same(telegram: FakeTelegram):
    telegram.fail(SendMessage, ChatForbiddenError())
    await membership().follow(
        event(INSIDE, LEFT, chat_id=GROUP, kind="supergroup", telegram=telegram)
    )
    assert await find_chat(GROUP)


@pytest.mark.parametrize("banned", [GROUP, PERSON])
async def test_a_banned_group_or_person_gets_no_welcome(telegram: FakeTelegram, banned: int):
    bans = BanList(frozenset())
    await bans.add(banned, 1)
    await membership(bans).follow(
        event(INSIDE, LEFT, chat_id=GROUP, kind="supergroup", telegram=telegram)
    )
    assert await find_chat(GROUP) is None
    assert telegram.texts == []


@pytest.mark.parametrize("is_allowed", [True, False])
async def test_a_channel_is_registered_silently_if_the_operator_allows_channels(
    telegram: FakeTelegram, is_allowed: bool
):
    added = event(ADMIN, LEFT, chat_id=GROUP, kind="channel", telegram=telegram)
    await membership(answers_channels=is_allowed).follow(added)
    record = await find_chat(GROUP)
    assert (record.lang if record else None) == ("uk" if is_allowed else None)
    assert await is_channel(GROUP) is is_allowed
    assert telegram.texts == []


@pytest.mark.parametrize(
    "report",
    [
        {"chat_id": -7, "migrate_to_chat_id": -1007},
        {"chat_id": -1007, "migrate_from_chat_id": -7},
    ],
)
async def test_a_group_takes_its_settings_and_its_ban_to_its_new_id(
    telegram: FakeTelegram, report: dict[str, Any]
):
    await set_language(-7, "uk")
    await ban(-7, PERSON)
    bans = BanList(frozenset())
    moved = MovedChats({-7: ["[bot] join_log_chat"]})
    await on_new_id(telegram.message(**report), bans, make_access(telegram), moved)
    assert moved.current(-7) == -1007
    record = await find_chat(-1007)
    assert record
    assert record.lang == "uk"
    assert await find_chat(-7) is None
    assert [bans.is_banned(chat_id) for chat_id in (-7, -1007)] == [False, True]


@pytest.mark.parametrize("is_fixed", [True, False])
async def test_a_listed_group_is_let_in_under_its_new_id_at_once(
    telegram: FakeTelegram, is_fixed: bool
):
    """Whether a setting or an administrator lists it."""
    access = make_access(telegram, "listed", *(["-7", "-8"] if is_fixed else []))
    if not is_fixed:
        await access.add("-7", PERSON)
    moved = telegram.message(chat_id=-7, migrate_to_chat_id=-1007)
    await on_new_id(moved, BanList(frozenset()), access, MovedChats({}))
    standings = [await access.judge(Visitor(5, group_id=group)) for group in (-1007, -1008)]
    assert standings == [Standing.ALLOWED, Standing.NOT_LISTED]
    restarted = make_access(telegram, "listed", *access.fixed)
    await restarted.refresh()
    assert await restarted.judge(Visitor(5, group_id=-1007)) is Standing.ALLOWED
