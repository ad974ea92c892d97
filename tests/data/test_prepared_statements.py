"""Statements that are handed to SQLite's driver behave like SQLAlchemy's own."""

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import CompileError

from core.errors import StorageError
from data import database
from data.database import table_of
from data.models import Users, Video
from data.prepared_statements import PreparedStatement, parameters

USERS, VIDEOS = table_of(Users), table_of(Video)
BY_ID = PreparedStatement(
    select(USERS.c.lang, USERS.c.ad_count).where(USERS.c.user_id == bindparam("who"))
)
COUNT = PreparedStatement(
    update(USERS)
    .where(USERS.c.user_id == bindparam("who"))
    .values(ad_count=USERS.c.ad_count + 5, link=None)
    .returning(USERS.c.ad_count)
)
ADA = {"user_id": 1, "lang": "uk", "file_mode": True, "ad_count": 2, "ad_cooldown": 0}


async def test_a_row_has_the_columns_names(db):
    await database.write(lambda db: db.execute(insert(USERS), ADA))
    row = await database.read_one(lambda db: BY_ID.first(db, {"who": 1}))
    assert (row.lang, row.ad_count) == ("uk", 2)
    assert await database.read_one(lambda db: BY_ID.first(db, {"who": 2})) is None


async def test_what_a_statement_says_itself_is_kept(db):
    await database.write(lambda db: db.execute(insert(USERS), ADA))
    row = await database.write(lambda db: COUNT.first(db, {"who": 1}))
    assert row.ad_count == 7
    assert await database.write(lambda db: COUNT.first(db, {"who": 2})) is None


async def test_a_refusal_is_sqlalchemys_and_quotes_no_values(db):
    video = PreparedStatement(
        insert(VIDEOS).values(
            parameters("user_id", "video_link", "is_images", "is_processed", "is_inline")
        )
    )
    of_nobody = {
        "user_id": 77,
        "video_link": "https://secret",
        "is_images": False,
        "is_processed": False,
        "is_inline": False,
    }
    with pytest.raises(StorageError) as refusal:
        await database.write(lambda db: video.first(db, of_nobody))
    assert "secret" not in str(refusal.value)


async def test_several_sets_of_values_are_stored_with_the_statements_own(db):
    counts = {"posts": 4, "slideshows": 0, "sounds": 0}
    insertion = PreparedStatement(
        insert(USERS).values({**parameters(*ADA, "is_channel"), **counts})
    )
    users = [{**ADA, "is_channel": False, "user_id": n, "ad_count": n} for n in (1, 2)]
    await database.write(lambda db: insertion.run(db, users))
    rows = await database.read(
        lambda db: db.execute(select(USERS.c.ad_count, USERS.c.posts).order_by("ad_count")).all()
    )
    assert rows == [(1, 4), (2, 4)]
    with pytest.raises(StorageError) as refusal:
        await database.write(lambda db: insertion.run(db, [{**users[0], "lang": "secret"}]))
    assert "secret" not in str(refusal.value)


async def test_it_is_part_of_the_transaction(db):
    def work(db):
        COUNT.first(db, {"who": 1})
        raise RuntimeError("no")

    await database.write(lambda db: db.execute(insert(USERS), ADA))
    with pytest.raises(RuntimeError):
        await database.write(work)
    row = await database.read_one(lambda db: BY_ID.first(db, {"who": 1}))
    assert row.ad_count == 2


def test_a_place_that_would_be_taken_for_a_column_is_refused_at_once():
    """SQLite's driver would run it; SQLAlchemy on PostgreSQL would set the column."""
    with pytest.raises(CompileError):
        PreparedStatement(
            update(USERS)
            .where(USERS.c.user_id == bindparam("user_id"))
            .values(ad_count=USERS.c.ad_count + 1)
        )
