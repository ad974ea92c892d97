"""Calls that wait at the same time share statements, and one that fails harms no other."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection, bindparam, insert, select, text, update

from core.ads import SEED_RULE
from core.errors import RequestTakenOverError, StorageError
from core.media import Link
from core.request import Progress, Request
from data import database
from data.chats import register_chat, toggle_file_mode
from data.database import read, run, table_of, write
from data.db_service import create_user, get_user
from data.downloads import record_download
from data.groups import Group, Kind
from data.models import Users
from data.prepared_statements import PreparedStatement
from data.requests import Claim, finish_request, store_progress, store_requests
from tests.fakes import make_request

USERS = table_of(Users)
COUNT = PreparedStatement(
    update(USERS)
    .where(USERS.c.user_id == bindparam("who"))
    .values(ad_count=USERS.c.ad_count + 1)
    .returning(USERS.c.user_id, USERS.c.ad_count)
)
READ = PreparedStatement(
    select(USERS.c.user_id, USERS.c.ad_count).where(USERS.c.user_id == bindparam("who"))
)
CHATS = range(1, 21)


def group_of(statement: PreparedStatement, kind: Kind) -> tuple[Group[int, Any], list[int]]:
    """Return a group that executes a statement, and the sizes of the groups it has run."""
    sizes: list[int] = []

    def work(db: Connection, whom: Any) -> list[Any]:
        sizes.append(len(whom))
        rows = {row.user_id: row for row in statement.many(db, [{"who": who} for who in whom])}
        return [rows.get(who) for who in whom]

    return Group(work, lambda who: who, kind), sizes


async def register() -> None:
    """Register the chats."""
    rows = [
        {"user_id": n, "lang": "en", "file_mode": False, "ad_count": 0, "ad_cooldown": 0}
        for n in CHATS
    ]
    await write(lambda db: db.execute(insert(USERS), rows))


@pytest.mark.parametrize("kind", [Kind.STATEMENT, Kind.TRANSACTION])
async def test_every_call_gets_its_own_row(db, kind):
    await register()
    group, sizes = group_of(COUNT, kind)
    rows = await asyncio.gather(*(run(group, who) for who in (*CHATS, 99)))
    assert [row and row.user_id for row in rows] == [*CHATS, None]
    assert len(sizes) == (21 if db.startswith("sqlite") else 1)


async def test_two_changes_of_the_same_row_are_two(db):
    await register()
    group, _ = group_of(COUNT, Kind.STATEMENT)
    rows = await asyncio.gather(*(run(group, 1) for _ in range(3)))
    assert sorted(row.ad_count for row in rows) == [1, 2, 3]


async def test_equal_reads_share_the_answer(db):
    await register()
    group, sizes = group_of(READ, Kind.READ)
    rows = await asyncio.gather(*(run(group, 7) for _ in range(5)))
    assert [row.user_id for row in rows] == [7] * 5
    assert sum(sizes) == (5 if db.startswith("sqlite") else 1)


@pytest.mark.usefixtures("postgres_db")
async def test_the_calls_of_a_running_group_are_counted():
    await register()
    busy: list[int] = []
    group, _ = group_of(COUNT, Kind.TRANSACTION)

    def work(db: Connection, whom: Any) -> Any:
        busy.append(database.busy())
        return group.work(db, whom)

    counted: Group[int, Any] = Group(work, group.key, group.kind)
    await asyncio.gather(*(run(counted, who) for who in CHATS))
    assert busy == [len(CHATS)]
    assert database.busy() == 0


@pytest.mark.usefixtures("postgres_db")
async def test_the_calls_that_wait_for_postgresql_are_counted():
    await register()
    group, _ = group_of(COUNT, Kind.STATEMENT)
    grouped = [run(group, who) for who in CHATS for _ in range(3)]
    alone = [write(lambda db: db.execute(select(1)).scalar()) for _ in range(60)]
    calls = asyncio.gather(*grouped, *alone)
    await asyncio.sleep(0)  # every call has begun, and none has its answer
    assert database.busy() == 120
    await calls
    assert database.busy() == 0


async def test_a_locked_row_holds_up_only_those_who_need_it(new_postgres):
    database.initialize_database_components(new_postgres)
    await database.init_db()
    await register()
    group, _ = group_of(COUNT, Kind.TRANSACTION)
    assert database.engine
    async with database.engine.begin() as other:
        await other.execute(text("SELECT 1 FROM users WHERE user_id = 5 FOR UPDATE"))
        blocked = asyncio.ensure_future(run(group, 5))
        free = await asyncio.gather(*(run(group, who) for who in CHATS if who != 5))
        assert {row.ad_count for row in free} == {1}
        assert not blocked.done()
    assert (await blocked).ad_count == 1
    await database.close()


async def test_a_delivery_that_cannot_be_recorded_leaves_the_others(db):
    await register()
    rows = await store_requests(1, 1, [a_request(1), a_request(2)], "me")
    claims = [Claim(row, "me") for row in rows if row]
    await finish_request(claims[0], Progress(), "delivered")
    claims[0] = Claim(claims[0].row, "somebody else", 7)

    def recording(chat: int, claim: Claim | None) -> Any:
        return record_download(
            chat,
            "https://example.org/1",
            is_images=False,
            is_processed=False,
            is_inline=False,
            ads=SEED_RULE,
            answers=(claim, Progress()) if claim else None,
        )

    outcomes = await asyncio.gather(
        recording(1, claims[0]),
        recording(2, claims[1]),
        recording(3, None),
        recording(3, None),
        recording(99, None),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], RequestTakenOverError)
    assert list(outcomes[1:4]) == [True, True, False]
    assert isinstance(outcomes[4], StorageError)
    users = [await get_user(chat) for chat in (1, 2, 3)]
    assert [user and user.posts for user in users] == [0, 1, 2]
    counted = await read(lambda db: db.execute(text("SELECT sum(posts) FROM stats")).scalar())
    assert counted == 3


async def test_new_chats_of_the_same_moment_share_a_transaction(db):
    known, _ = await register_chat(7, "ru")
    chats = [*range(1, 121), -1, -1]
    results = await asyncio.gather(*(register_chat(chat, "en", "ad") for chat in chats))
    assert sum(is_new for _, is_new in results) == 120
    assert results[6] == (known, False)
    assert results[0][0].lang == "en"
    users = [await get_user(chat) for chat in (1, 7, -1)]
    assert [user and (user.lang, user.link, user.posts) for user in users] == [
        ("en", "ad", 0),
        ("ru", None, 0),
        ("en", "ad", 0),
    ]
    counted = await read(lambda db: db.execute(text("SELECT is_group, chats FROM stats")).all())
    assert {bool(is_group): number for is_group, number in counted} == {False: 120, True: 1}
    if not db.startswith("sqlite"):
        # The transaction that inserted a row. One more for the first chat and the repeated one.
        query = text("SELECT count(DISTINCT xmin::text) FROM users")
        assert await read(lambda db: db.execute(query).scalar_one()) <= 4


async def test_a_chat_that_cannot_be_registered_leaves_the_others(db):
    nothing: Any = None
    outcomes = await asyncio.gather(
        *(register_chat(chat, lang) for chat, lang in ((1, "en"), (2, nothing), (3, "en"))),
        return_exceptions=True,
    )
    assert [isinstance(outcome, StorageError) for outcome in outcomes] == [False, True, False]
    assert [await get_user(chat) is None for chat in (1, 2, 3)] == [False, True, False]
    counted = await read(lambda db: db.execute(text("SELECT sum(chats) FROM stats")).scalar())
    assert counted == 2


async def test_settings_of_a_registered_chat_are_kept_by_its_registration(db):
    await register_chat(1, "en", is_channel=True)
    assert await toggle_file_mode(1, "en")
    record, is_new = await register_chat(1, "ru")
    assert (record.lang, record.file_mode, is_new) == ("en", True, False)
    user = await create_user(1, "ru")
    assert (user.file_mode, user.is_channel) == (True, True)


async def test_updates_of_the_same_moment_keep_their_own_rows(db):
    ids = await asyncio.gather(
        *(store_requests(1, number, [a_request(1), a_request(1)], "me") for number in range(10)),
        store_requests(1, 3, [a_request(1)], "me"),
    )
    assert ids.pop() == [None]
    rows = [row for pair in ids for row in pair]
    assert None not in rows
    assert len(set(rows)) == 20
    claims = [Claim(row, "me") for row in rows[:2] if row] + [Claim(rows[2] or 0, "other")]
    stored = await asyncio.gather(
        *(store_progress(claim, Progress(total=1)) for claim in claims), return_exceptions=True
    )
    assert stored[:2] == [None, None]
    assert isinstance(stored[2], RequestTakenOverError)


async def test_connections_that_the_server_has_closed_are_replaced(new_postgres):
    database.initialize_database_components(new_postgres)
    await database.init_db()
    await create_user(1, "en")
    group, _ = group_of(COUNT, Kind.STATEMENT)
    await run(group, 1)
    admin = await asyncpg.connect(new_postgres)
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    await admin.execute(f"SELECT pg_terminate_backend(pid, 5000) {others}")
    await admin.close()
    assert (await run(group, 1)).ad_count == 2
    assert await get_user(1)
    await database.close()


def a_request(chat_id: int) -> Request:
    """Return a request of a chat."""
    link = Link("tiktok", "https://www.tiktok.com/@_/video/1", "1")
    return make_request(link=link, chat_id=chat_id, message_id=1)
