"""The cards of lists on both databases."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import text

from core.lists import Entry, Listing, toggled
from core.media import Link
from core.request import Asker, Progress, press_id
from data import database
from data.lists import change_ticks, find_list, forget_list, move_list, store_list, sweep_lists
from data.privacy import erase, personal_data
from data.requests import Claim, finish_request, store_requests, stored_numbers
from tests.fakes import make_request
from tests.records import changed

LINK = Link("tiktok", "https://www.tiktok.com/@ferry.demo", "@ferry.demo")
LISTING = Listing(LINK, "Ferry ⛴️", tuple(Entry(str(n)) for n in range(20)), total=20)
REQUEST = make_request("list", LINK)


async def test_a_card_is_found_by_its_bot_only(db: str):
    card = await store_list(42, REQUEST, LISTING)
    assert (card.chat_id, card.message_id, card.person_id) == (7, 70, 7)
    assert card.listing == LISTING
    assert await find_list(42, card.id) == card
    assert await find_list(43, card.id) is None
    assert await find_list(42, card.id + 1) is None


async def test_in_a_group_the_card_belongs_to_the_person_who_asked(db: str):
    asked = changed(REQUEST, chat_id=-100, asker=Asker(9), is_private=False)
    card = await store_list(42, asked, LISTING)
    assert (card.chat_id, card.person_id) == (-100, 9)


async def test_presses_at_the_same_time_are_all_kept(db: str):
    card = await store_list(42, REQUEST, LISTING)
    presses = [partial(toggled, index=index, listing=LISTING) for index in range(12)]
    await asyncio.gather(*(change_ticks(card, press) for press in presses))
    found = await find_list(42, card.id)
    assert found is not None
    assert found.ticked == set(range(12))


async def test_a_card_that_is_gone_cannot_be_changed(db: str):
    card = await store_list(42, REQUEST, LISTING)
    await forget_list(card)
    assert await change_ticks(card, lambda _: frozenset({1})) is None
    assert await find_list(42, card.id) is None


async def test_the_id_of_a_card_that_is_gone_is_not_that_of_another_list(db: str):
    """Otherwise the buttons of the old card, which may still be shown, would fetch other posts."""
    old = await store_list(42, REQUEST, LISTING)
    await sweep_lists(database.unix_now() + 1)
    assert (await store_list(42, REQUEST, LISTING)).id != old.id


async def test_a_card_whose_stored_list_is_unreadable_is_gone(db: str):
    card = await store_list(42, REQUEST, LISTING)
    await database.write(lambda db: db.execute(text("UPDATE lists SET what = 'nonsense'")))
    assert await find_list(42, card.id) is None
    assert await change_ticks(card, lambda ticked: ticked) is None


async def test_old_cards_are_swept(db: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "clock", lambda: 1_000)
    old = await store_list(42, REQUEST, LISTING)
    monkeypatch.setattr(database, "clock", lambda: 2_000)
    new = await store_list(42, REQUEST, LISTING)
    assert await sweep_lists(2_000) == 1
    assert await find_list(42, old.id) is None
    assert await find_list(42, new.id) == new


async def test_a_persons_data_has_their_cards_also_those_in_groups(db: str):
    await store_list(42, REQUEST, LISTING)
    in_group = changed(REQUEST, chat_id=-100, asker=Asker(7), is_private=False)
    await store_list(42, in_group, LISTING)
    other = await store_list(42, changed(REQUEST, chat_id=8), LISTING)
    assert [row["chat_id"] for row in (await personal_data(7))["lists"]] == [7, -100]
    await erase(7)
    assert (await personal_data(7))["lists"] == []
    assert await find_list(42, other.id) == other


async def test_each_entry_of_a_card_is_stored_once_whichever_press_asks(db: str):
    key = press_id(7, 71, "list/1")
    requests = [changed(REQUEST, kind="post", entry=index) for index in range(4)]
    assert None not in await store_requests(42, key, requests[:2], None)
    assert [row is None for row in await store_requests(42, key, requests[1:], None)] == [
        True,
        False,
        False,
    ]
    assert await stored_numbers(42, key) == {0, 1, 2, 3}
    assert await stored_numbers(42, key - 1) == set()
    assert await stored_numbers(43, key) == set()


async def test_an_entry_that_found_no_room_or_was_cancelled_can_be_asked_for_again(db: str):
    key = press_id(7, 71, "list/1")
    again = ["QueueFullError", "BusyError", "LinksLeftOutError", "CalledOffError"]
    outcomes = [*again, "NotFoundError", "delivered"]
    requests = [changed(REQUEST, kind="post", entry=index) for index in range(6)]
    rows = await store_requests(42, key, requests, "a")
    for row, outcome in zip(rows, outcomes, strict=True):
        assert row
        await finish_request(Claim(row, "a"), Progress(), outcome)
    assert await stored_numbers(42, key) == {4, 5}
    assert [row is None for row in await store_requests(42, key, requests, "a")] == [
        *[False] * 4,
        *[True] * 2,
    ]


async def test_a_card_follows_its_group(db: str):
    card = await store_list(42, changed(REQUEST, chat_id=-100), LISTING)
    await move_list(card, -1_007)
    found = await find_list(42, card.id)
    assert found == replace(card, chat_id=-1_007, message_id=0)
