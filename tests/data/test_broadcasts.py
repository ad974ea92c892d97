"""Broadcasts in the database: albums, and audiences that are counted in one pass."""

import asyncio

from core.broadcasts import Audience, Chats, Outcome, State
from data.bans import ban, banned_chats, list_bans
from data.broadcasts import (
    add_content,
    change_broadcast,
    claim_broadcast,
    confirm_broadcast,
    count_audiences,
    discard_broadcast,
    draft_of_album,
    find_broadcast,
    has_due_broadcast,
    hold_broadcasts,
    list_recipients,
    mark_told,
    new_draft,
    open_broadcasts,
    record_outcome,
    record_sending_to,
)
from data.chats import mark_blocked, move_chat, register_chat
from data.key_values import read_value
from data.workers import renew_lease
from tests.leases import LEASE_S, expire

BOT, ADMIN = 42, 7


async def test_an_album_is_stored_in_order_whatever_comes_first(db: str):
    number = await new_draft(BOT, ADMIN)
    firsts = await asyncio.gather(
        *(add_content(number, message, "g", None) for message in (12, 10, 11, 10))
    )
    assert sorted(firsts) == [False, False, False, True]
    found = await find_broadcast(number)
    assert found
    assert found.content.album == (10, 11, 12)
    assert found.content.is_album
    assert await draft_of_album(ADMIN, "g") == number
    assert await draft_of_album(ADMIN, "other") is None
    assert await draft_of_album(8, "g") is None
    assert [one.content.album for one in await open_broadcasts(BOT)] == [(10, 11, 12)]


async def test_a_single_message_is_no_album_and_keeps_its_buttons(db: str):
    number = await new_draft(BOT, ADMIN)
    assert await add_content(number, 10, None, "{}")
    assert not await add_content(number, 11, None, None)
    found = await find_broadcast(number)
    assert found
    assert (found.content.message_id, found.content.buttons, found.content.album) == (10, "{}", ())


async def test_a_held_broadcast_is_named_until_the_administrators_are_told(db: str):
    """The process that held it may have ended before; and it may be held again later."""
    number = await new_draft(BOT, ADMIN)
    await confirm_broadcast(number)
    for _ in range(2):
        assert await hold_broadcasts(BOT, None, "broadcast_restored") == [number]
        assert await hold_broadcasts(BOT, None, "broadcast_restored") == [number]
        assert await hold_broadcasts(BOT + 1, None, "broadcast_restored") == []
        assert [await mark_told(number), await mark_told(number)] == [True, False]
        assert await hold_broadcasts(BOT, None, "broadcast_restored") == []
        await change_broadcast(number, State.PAUSED, state=State.RUNNING, trouble=None)


async def test_only_a_started_broadcast_of_this_bot_whose_time_has_come_is_due(db: str):
    number = await new_draft(BOT, ADMIN)
    assert not await has_due_broadcast(BOT)
    await confirm_broadcast(number)
    assert await has_due_broadcast(BOT)
    assert not await has_due_broadcast(BOT + 1)
    await change_broadcast(number, State.RUNNING, starts_at=2**40)
    assert not await has_due_broadcast(BOT)
    await change_broadcast(number, State.RUNNING, starts_at=1, state=State.PAUSED)
    assert not await has_due_broadcast(BOT)


async def test_a_started_broadcast_takes_no_more_messages(db: str):
    number = await new_draft(BOT, ADMIN)
    await add_content(number, 10, "g", None)
    await confirm_broadcast(number)
    assert not await add_content(number, 11, "g", None)
    assert await draft_of_album(ADMIN, "g") is None
    found = await find_broadcast(number)
    assert found
    assert found.content.album == (10,)


async def test_only_a_discarded_draft_loses_its_album(db: str):
    number = await new_draft(BOT, ADMIN)
    await add_content(number, 10, "g", None)
    await confirm_broadcast(number)
    await discard_broadcast(number)
    assert await read_value(f"album/{number}") is not None
    other = await new_draft(BOT, ADMIN)
    await add_content(other, 20, "h", None)
    await discard_broadcast(other)
    assert await read_value(f"album/{other}") is None


async def test_after_a_crash_an_album_in_flight_is_unknown_and_not_sent_again(db: str):
    await register_chat(5, "en")
    number = await new_draft(BOT, ADMIN)
    for message in (10, 11):
        await add_content(number, message, "g", None)
    await confirm_broadcast(number)
    claimed = await claim_broadcast(BOT, "first")
    assert claimed
    assert claimed.content.album == (10, 11)
    await list_recipients(number)
    assert await record_sending_to(number, 5, "first")
    # The process dies here; another one takes over.
    again = await claim_broadcast(BOT, "first")
    assert again
    assert (again.counts.unknown, again.content.album) == (1, (10, 11))
    assert not await record_sending_to(number, 5, "first")
    await record_outcome(number, 5, Outcome.SENT)
    assert (await find_broadcast(number) or again).state is State.RUNNING


async def test_a_worker_that_has_lost_a_broadcast_sends_and_counts_nothing(db: str):
    for chat_id in (5, 6):
        await register_chat(chat_id, "en")
    number = await new_draft(BOT, ADMIN)
    await add_content(number, 10, None, None)
    await confirm_broadcast(number)
    for name in ("first", "second"):
        await renew_lease(name, LEASE_S)
    assert await claim_broadcast(BOT, "first")
    await list_recipients(number)
    assert await record_sending_to(number, 5, "first")
    assert await claim_broadcast(BOT, "second") is None
    await expire("first")
    assert await claim_broadcast(BOT, "second")
    assert not await record_sending_to(number, 6, "first")
    await record_outcome(number, 5, Outcome.SENT)
    found = await find_broadcast(number)
    assert found
    assert (found.counts.sent, found.counts.unknown) == (0, 1)
    assert await record_sending_to(number, 6, "second")


async def test_audiences_are_counted_together(db: str):
    for chat_id, lang, link in (
        (1, "en", None),
        (2, "uk", "spring"),
        (3, "uk", None),
        (-4, "uk", None),
        (5, "uk", None),
        (6, "uk", None),
    ):
        await register_chat(chat_id, lang, link)
    await ban(5, ADMIN)
    await mark_blocked(6)
    assert await count_audiences(
        [
            Audience(),
            Audience(Chats.ALL),
            Audience(Chats.GROUPS),
            Audience(lang="uk"),
            Audience(referral="spring"),
            Audience(referral=""),
            Audience(active_days=7),
        ]
    ) == [3, 4, 1, 2, 1, 1, 0]


async def test_bans_are_listed_in_pages_newest_first(db: str):
    assert await list_bans(0, 2) == ([], 0)
    for chat_id in (-3, 1, 2):
        await ban(chat_id, ADMIN)
    first, total = await list_bans(0, 2)
    second, _ = await list_bans(2, 2)
    assert total == 3
    assert sorted(one.chat_id for one in [*first, *second]) == [-3, 1, 2]


async def test_a_ban_moves_with_its_group_even_if_the_group_is_not_registered(db: str):
    await ban(-1, ADMIN)
    for _ in range(2):
        await move_chat(-1, -100)
    assert await banned_chats() == {-100}
    await ban(-2, ADMIN)
    await ban(-200, ADMIN)
    await move_chat(-2, -200)
    assert await banned_chats() == {-100, -200}
