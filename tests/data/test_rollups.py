"""What is counted as it happens is what the history says, whatever has happened in between."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, update

from core.ads import SEED_RULE
from core.statistics import (
    DAY_S,
    FINE_OUTCOMES_S,
    FINE_S,
    SLOT_S,
    Counts,
    Metric,
    Scope,
    slot_of,
)
from data import database
from data.ads import ad_shows_since, count_ad_show, fold_ad_shows
from data.chats import move_chat
from data.database import table_of
from data.db_service import add_music, add_video, create_user, get_other_stats, get_user_stats
from data.downloads import record_download
from data.lifespan import upgrade
from data.models import AdShows, KeyValues, Music, Outcomes, Stats, Users, Video
from data.privacy import erase
from data.rollups import fold_stats, recount
from data.statistics import (
    add_outcomes,
    by_slot,
    counts_since,
    first_slot,
    fold_outcomes,
    history_before,
    outcomes_since,
)

NOW = 1_800_000_000
COUNTED_COLUMNS = ("posts", "slideshows", "sounds", "post_at", "slideshow_at", "sound_at")


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The database's clock; a test may change its one element."""
    moment = [NOW]
    monkeypatch.setattr(database, "clock", lambda: moment[0])
    return moment


async def counted() -> tuple[set[Any], set[Any]]:
    """Give everything that is counted, without rows of zeros."""
    users, stats = table_of(Users), table_of(Stats)
    chats = select(users.c.user_id, *(users.c[name] for name in COUNTED_COLUMNS))
    rows = await database.read(lambda db: db.execute(select(stats)).all())
    return (
        {tuple(row) for row in await database.read(lambda db: db.execute(chats).all())},
        {(slot, bool(kind), *numbers) for slot, kind, *numbers in rows if any(numbers)},
    )


def add(table: Table, rows: Sequence[Mapping[str, object]], db: Connection) -> None:
    db.execute(insert(table), rows)


async def assert_counted_right() -> None:
    """Count anew from the history: nothing may change."""
    with database.without_time_limits():  # as the bot does both
        await fold_stats()
        before = await counted()
        assert before[1]
        await recount()
    assert await counted() == before


async def one_event(chance: random.Random, chats: list[int]) -> None:
    """Record a download or register a chat, at random."""
    chat = chance.choice(chats)
    match chance.randrange(5):
        case 0 | 1:
            await record_download(
                chat,
                "https://vm.tiktok.com/x",
                is_images=chance.random() < 0.4,
                is_processed=False,
                is_inline=chance.random() < 0.2,
                ads=SEED_RULE if chance.random() < 0.5 else None,
            )
        case 2:
            await add_video(chat, "https://vm.tiktok.com/y", chance.random() < 0.4)
        case 3:
            await add_music(chat, 7)
        case 4:
            await create_user(chance.randrange(-50, 50) or 1, "en")


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_counted_as_it_happens_is_what_a_recount_finds(
    db: str, now: list[int], seed: int
):
    chance = random.Random(seed)
    chats = [11, 12, 13, -14, -15]
    for chat in chats:
        await create_user(chat, "en")
    for _ in range(120):
        # Mostly forward, now and then back: clocks are set.
        now[0] += chance.choice([0, 7, SLOT_S, 3 * SLOT_S, DAY_S, 9 * DAY_S, -SLOT_S])
        await one_event(chance, chats)
        if chance.random() < 0.1:
            await fold_stats()
    await assert_counted_right()
    await erase(12)
    await move_chat(-14, -1014)
    await move_chat(-15, -1014)
    await assert_counted_right()
    totals = (await counts_since(None))[Scope.ALL]
    assert totals.post_chats == 3


async def test_many_at_once_are_all_counted(db: str):
    for chat in range(1, 6):
        await create_user(chat, "en")
    with database.without_time_limits():  # downloads of one chat wait for each other
        await asyncio.gather(
            *(
                record_download(
                    chat, "link", is_images=True, is_processed=False, is_inline=False, ads=SEED_RULE
                )
                for chat in range(1, 6)
                for _ in range(20)
            )
        )
    counts = (await counts_since(None))[Scope.PRIVATE]
    assert (counts.posts, counts.post_chats, counts.slideshow_chats) == (100, 5, 5)
    await assert_counted_right()


async def test_windows_count_different_chats_once(db: str, now: list[int]):
    for chat in (1, 2, -3):
        await create_user(chat, "en")
        await add_video(chat, "old", is_images=False)
    now[0] += 10 * DAY_S
    await add_video(1, "new", is_images=True)
    await add_video(1, "new", is_images=False, is_inline=True)
    await add_music(-3, 5)
    counts = await counts_since(slot_of(now[0] - DAY_S))
    assert counts[Scope.PRIVATE] == Counts(
        posts=2, post_chats=1, slideshows=1, slideshow_chats=1, inline_posts=1
    )
    assert counts[Scope.GROUPS] == Counts(sounds=1, sound_chats=1)
    ever = (await counts_since(None))[Scope.ALL]
    assert (ever.chats, ever.posts, ever.post_chats) == (3, 5, 3)
    assert await first_slot() == slot_of(NOW)
    everybody = await by_slot(Metric.POSTS, Scope.ALL, slot_of(NOW), now[0] + 1)
    assert sorted(everybody) == [
        (slot_of(NOW), 1),
        (slot_of(NOW), 2),
        (slot_of(now[0]), 0),
        (slot_of(now[0]), 2),
    ]
    groups = await by_slot(Metric.POSTS, Scope.GROUPS, slot_of(NOW), slot_of(now[0]))
    assert groups == [(slot_of(NOW), 1)]


async def test_old_half_hours_become_days_and_lose_nothing(db: str, now: list[int]):
    await create_user(1, "en")
    for _ in range(100):
        now[0] += SLOT_S
        await add_video(1, "link", is_images=False)
    now[0] += FINE_S + 3 * DAY_S
    before = await counts_since(None)
    rows = len((await counted())[1])
    saved = await fold_stats()
    assert saved >= 95
    assert len((await counted())[1]) <= rows - saved + 1
    assert await counts_since(None) == before
    # A chat that comes back is subtracted from a half-hour whose row was folded.
    await add_video(1, "link", is_images=False)
    assert (await counts_since(None))[Scope.ALL].post_chats == 1
    await assert_counted_right()


async def test_a_history_that_was_written_before_there_were_counts_is_counted_at_the_start(
    db: str,
):
    for chat, posts in ((1, 3), (-2, 2)):
        await create_user(chat, "en")
        rows = [
            {
                "user_id": chat,
                "downloaded_at": None if number == 0 else NOW + number,
                "video_link": "link",
                "is_images": number == 1,
                "is_processed": False,
                "is_inline": False,
            }
            for number in range(posts)
        ]
        music = {"user_id": chat, "downloaded_at": None, "video_id": 9}
        await database.write(partial(add, table_of(Video), rows))
        await database.write(partial(add, table_of(Music), [music]))
    await database.write(lambda db: db.execute(delete(KeyValues)))
    await upgrade()
    _, posts, slideshows = await get_user_stats(1)
    assert (posts, slideshows) == (3, 1)
    assert (await get_other_stats())[2] == [(1, 3), (-2, 2)]
    ever = (await counts_since(None))[Scope.ALL]
    assert (ever.posts, ever.post_chats, ever.sounds, ever.sound_chats) == (5, 2, 2, 2)
    await assert_counted_right()


async def test_a_history_comes_newest_first_and_in_pieces(db: str, now: list[int]):
    await create_user(1, "en")
    await create_user(2, "en")
    for number in range(7):
        now[0] += number % 3
        await add_video(1, f"link {number}", is_images=False)
        await add_video(2, "somebody else's", is_images=False)
    undated = update(Video).where(Video.video_link.in_(["link 2", "link 5"]))
    await database.write(lambda db: db.execute(undated.values(downloaded_at=None)))
    found, last = [], None
    while piece := await history_before(1, last, 3):
        found += piece
        last = piece[-1]
    order = [6, 4, 3, 1, 0, 5, 2]  # what nobody knows the time of comes last
    assert [entry.link for entry in found] == [f"link {number}" for number in order]


async def test_old_outcomes_become_days_too(db: str, now: list[int]):
    for _ in range(5):
        now[0] += SLOT_S
        await add_outcomes([("tiktok", "known", 2), ("instagram", "known", 1)])
    recent = await outcomes_since(slot_of(NOW + 3 * SLOT_S))
    assert recent == [("tiktok", "known", 6), ("instagram", "known", 3)]
    now[0] += FINE_S + 2 * DAY_S
    await fold_outcomes()
    assert await outcomes_since(None) == [("tiktok", "known", 10), ("instagram", "known", 5)]
    rows = await database.read(lambda db: db.execute(select(Outcomes.slot)).scalars().all())
    assert all(slot % DAY_S == 0 for slot in rows)
    assert len(rows) <= 4


async def test_old_ad_shows_become_days_too(db: str, now: list[int]):
    for _ in range(5):
        now[0] += SLOT_S
        await count_ad_show("tea")
        await count_ad_show("tea")
        await count_ad_show("chai")
    first = slot_of(NOW + 3 * SLOT_S)
    assert await ad_shows_since(first) == [("tea", 6), ("chai", 3)]
    now[0] += FINE_OUTCOMES_S + 2 * DAY_S
    await fold_ad_shows()
    assert await ad_shows_since(None) == [("tea", 10), ("chai", 5)]
    rows = await database.read(lambda db: db.execute(select(AdShows.slot)).scalars().all())
    assert all(slot % DAY_S == 0 for slot in rows)
    assert len(rows) <= 4
    assert await ad_shows_since(first) == [("tea", 10), ("chai", 5)]  # of that whole day
    await count_ad_show("tea")
    await fold_ad_shows()  # what is recent keeps its half-hour
    assert await ad_shows_since(slot_of(now[0])) == [("tea", 1)]
