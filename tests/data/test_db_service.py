"""The seed page's functions, on both databases: values, races and indexes."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from core.ads import SEED_RULE, AdRule, is_ad_due
from core.errors import StorageError
from core.statistics import Period
from data import database, db_service
from data.db_service import (
    add_music,
    add_video,
    create_user,
    get_other_stats,
    get_referral_stats,
    get_stats_by_period,
    get_user,
    get_user_ids,
    get_user_settings,
    get_user_stats,
    get_user_videos,
    increase_ad_count,
    insert_user,
    people_before,
    record_ad_show,
    should_show_ad,
    update_user_lang,
    update_user_mode,
)
from data.downloads import record_download

NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The database's clock; a test may change its one element."""
    moment = [NOW]
    monkeypatch.setattr(database, "clock", lambda: moment[0])
    return moment


async def test_a_created_user_is_stored_as_the_seed_says(db: str):
    user = await create_user(42, "ru", "friend")
    assert (user.user_id, user.registered_at, user.lang, user.link) == (42, NOW, "ru", "friend")
    assert (user.file_mode, user.ad_count, user.ad_cooldown) == (False, 0, 0)
    stored = await get_user(42)
    assert stored is not None
    assert (stored.lang, stored.link, stored.file_mode) == ("ru", "friend", False)


async def test_registering_again_changes_nothing(db: str):
    await create_user(42, "ru", "first")
    again, created = await insert_user(42, "en", "second")
    assert not created
    assert (again.lang, again.link) == ("ru", "first")


async def test_parallel_registrations_make_one_row(db: str):
    results = await asyncio.gather(*(insert_user(42, "en") for _ in range(20)))
    assert sum(created for _, created in results) == 1
    assert await get_user_ids() == [42]


async def test_settings_are_read_and_written(db: str):
    assert await get_user_settings(1) is None
    await create_user(1, "en")
    await update_user_lang(1, "uk")
    await update_user_mode(1, True)
    assert await get_user_settings(1) == ("uk", True)
    await update_user_mode(1, False)
    assert await get_user_settings(1) == ("uk", False)


async def test_deliveries_are_in_the_history_and_counts_of_a_chat(db: str, now: list[int]):
    assert await get_user_stats(1) == (None, 0, 0)
    assert await get_user_videos(1) == []
    await create_user(1, "en")
    await add_video(user_id=1, video_link="https://a", is_images=False)
    now[0] += 5
    await add_video(1, "https://b", True, True, True)
    await add_music(1, 7123456789012345678)
    assert await get_user_videos(1) == [(NOW, "https://a"), (NOW + 5, "https://b")]
    user, videos, images = await get_user_stats(1)
    assert user is not None
    assert (user.user_id, videos, images) == (1, 2, 1)


async def test_history_of_an_unknown_chat_is_refused(db: str):
    with pytest.raises(StorageError):
        await add_video(404, "https://a", False)
    with pytest.raises(StorageError):
        await add_music(404, 1)
    assert await get_stats_by_period() == []


async def test_downloads_are_listed_by_period_and_kind_of_chat(db: str, now: list[int]):
    await create_user(1, "en")
    await create_user(-1, "en")
    await add_video(1, "old", False)
    now[0] += 100
    await add_video(-1, "group", False)
    await add_video(1, "new", False)
    assert await get_stats_by_period() == [(NOW, "old"), (NOW + 100, "group"), (NOW + 100, "new")]
    assert await get_stats_by_period(99, "all") == [(NOW + 100, "group"), (NOW + 100, "new")]
    assert await get_stats_by_period(100, "users") == [(NOW, "old"), (NOW + 100, "new")]
    assert await get_stats_by_period(0, "groups") == [(NOW + 100, "group")]
    with pytest.raises(ValueError, match="chat_type"):
        await get_stats_by_period(0, "channels")


async def test_the_people_of_the_periods_before_are_counted_in_the_history(db: str, now: list[int]):
    start, day = now[0], 86_400
    for chat in (1, 2, 3, -1):
        await create_user(chat, "en")
    for days, chats in ((0, (1, 2)), (9, (1, -1)), (19, (1, 2, 3, 3, -1)), (20, (1,))):
        now[0] = start + days * day + 3_600
        for chat in chats:
            await add_video(chat, "x", False)
    end = start + 20 * day + 7_200
    # Both weeks are known, but not both months; whoever has come back counts in the day before.
    assert await people_before(end) == {Period.DAY: 3, Period.WEEK: 1}
    assert await people_before(start) == {}


async def test_top_lists_have_a_stable_order(db: str):
    for chat in range(1, 13):
        await create_user(chat, "ru" if chat < 5 else "en", f"ref{chat}" if chat != 3 else "ref1")
    await create_user(-9, "ar")
    await add_video(2, "x", False)
    await add_video(2, "x", False)
    await add_video(-9, "x", False)
    await update_user_mode(2, True)
    referrals = await get_referral_stats()
    assert referrals[:3] == [("ref1", 2), ("ref10", 1), ("ref11", 1)]
    assert len(referrals) == 10
    assert await get_other_stats() == (1, [("en", 8), ("ru", 4), ("ar", 1)], [(2, 2), (-9, 1)])


async def test_the_ids_for_a_broadcast_can_leave_out_groups(db: str):
    for chat in (5, -5, 3):
        await create_user(chat, "en")
    assert await get_user_ids() == [3, 5]
    assert await get_user_ids(only_positive=False) == [-5, 3, 5]


async def test_the_ad_rule_of_the_seed(db: str, now: list[int]):
    assert await should_show_ad(404) is False
    await create_user(1, "en")
    assert await should_show_ad(1) is True  # the timestamp of a new chat has passed long ago
    await record_ad_show(1)
    user = await get_user(1)
    assert user is not None
    assert (user.ad_count, user.ad_cooldown) == (1, NOW + 86_400)
    assert await should_show_ad(1) is False
    await increase_ad_count(1)
    assert await should_show_ad(1) is False
    await increase_ad_count(1)
    assert await should_show_ad(1) is True
    await record_ad_show(1)
    now[0] += 86_400
    assert await should_show_ad(1) is False
    now[0] += 1
    assert await should_show_ad(1) is True


async def test_twenty_parallel_increases_count_twenty(db: str):
    await create_user(1, "en")
    await asyncio.gather(*(increase_ad_count(1) for _ in range(20)))
    user = await get_user(1)
    assert user is not None
    assert user.ad_count == 20


@pytest.mark.parametrize("ads", [SEED_RULE, None])
async def test_a_delivery_is_recorded_and_counted_at_once(db: str, ads: AdRule | None):
    await create_user(1, "en")
    shown = [
        await record_download(
            1, "https://a", is_images=False, is_processed=False, is_inline=False, ads=ads
        )
        for _ in range(7)
    ]
    # The first download brings an ad, then every third after it: 1, 4, 7 …
    assert shown == ([True, False, False, True, False, False, True] if ads else [False] * 7)
    user, videos, _ = await get_user_stats(1)
    assert user is not None
    assert videos == 7
    assert user.ad_count == (1 if ads else 7)


async def test_the_cadence_of_ads_survives_parallel_downloads(db: str):
    await create_user(1, "en")
    shown = await asyncio.gather(
        *(
            record_download(
                1, "https://a", is_images=False, is_processed=False, is_inline=False, ads=SEED_RULE
            )
            for _ in range(20)
        )
    )
    assert sum(shown) == 7  # the 1st, 4th, 7th … 19th
    user = await get_user(1)
    assert user is not None
    assert user.ad_count == 2


async def test_fifty_parallel_writers_never_see_a_locked_database(db: str):
    with database.without_time_limits():  # a busy machine is not what this is about
        await asyncio.gather(*(create_user(chat, "en") for chat in range(1, 51)))
        await asyncio.gather(
            *(
                record_download(
                    chat,
                    "https://a",
                    is_images=False,
                    is_processed=False,
                    is_inline=False,
                    ads=SEED_RULE,
                )
                for chat in range(1, 51)
                for _ in range(4)
            ),
            *(add_video(chat, "https://b", True) for chat in range(1, 51)),
            *(get_user_stats(chat) for chat in range(1, 51)),
        )
    assert len(await get_stats_by_period()) == 250


@given(count=st.integers(0, 10), cooldown=st.integers(0, 50), now=st.integers(0, 50))
def test_an_ad_is_due_by_count_or_by_time(count: int, cooldown: int, now: int):
    assert is_ad_due(count, cooldown, now) == (count >= 3 or cooldown < now)


async def test_no_function_reads_a_whole_table(tmp_path):
    """Every statement that the functions make is answered through an index (SQLite's own plan)."""
    database.initialize_database_components(f"sqlite:///{tmp_path / 'plan.db'}")
    await database.init_db()
    await create_user(1, "en", "ref")
    statements: list[tuple[str, Any]] = []

    def remember(_c, _cursor, statement, parameters, _context, _many):
        if statement.startswith(("SELECT", "UPDATE")):
            statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", remember)
    await get_user(1)
    await get_user_settings(1)
    await get_user_stats(1)
    await get_user_videos(1)
    await get_user_ids()
    await get_stats_by_period(60)
    await get_referral_stats()
    await get_other_stats()
    await should_show_ad(1)
    await record_ad_show(1)
    await increase_ad_count(1)
    await update_user_mode(1, True)
    await update_user_lang(1, "en")
    await record_download(
        1, "x", is_images=False, is_processed=False, is_inline=False, ads=SEED_RULE
    )
    event.remove(Engine, "before_cursor_execute", remember)
    assert len(statements) > 14
    assert database.engine is not None
    asked = list(statements)
    async with database.engine.connect() as connection:
        for statement, parameters in asked:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            for *_, step in plan:
                assert not step.startswith("SCAN") or "INDEX" in step, f"{statement}: {step}"
    await database.close()


def test_all_functions_of_the_seed_are_there():
    names = [
        "get_user",
        "create_user",
        "update_user_mode",
        "update_user_lang",
        "get_user_settings",
        "add_video",
        "add_music",
        "get_user_stats",
        "get_stats_by_period",
        "get_referral_stats",
        "get_other_stats",
        "should_show_ad",
        "record_ad_show",
        "increase_ad_count",
        "get_user_ids",
        "get_user_videos",
    ]
    assert len(names) == 16
    assert all(asyncio.iscoroutinefunction(getattr(db_service, name)) for name in names)
