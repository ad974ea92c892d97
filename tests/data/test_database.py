"""Engine, sessions and schema, on both databases."""

import asyncio
import logging
import re
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from core.errors import NewerDatabaseError, StorageError
from data import database
from data.database import get_async_db_url, get_session, init_db, initialize_database_components
from data.key_values import check_writable, read_value, set_value
from data.lifespan import database_lifespan
from tests.ports import free_port
from tests.seed_tables import make_seed_database


async def _rows(query: str) -> list[tuple[object, ...]]:
    async with await get_session() as db:
        return [tuple(row) for row in await db.execute(text(query))]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgres://u:p@h:5/d", "postgresql+asyncpg://u:p@h:5/d"),
        ("postgresql+psycopg2://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgresql:///d?host=/run", "postgresql+asyncpg:///d?host=%2Frun"),
        (
            "postgresql:///d?host=/run&user=me&timeout=5&command_timeout=9",
            "postgresql+asyncpg:///d?command_timeout=9&host=%2Frun&timeout=5&user=me",
        ),
        ("postgresql://h/d?ssl=verify_full", "postgresql+asyncpg://h/d?ssl=verify_full"),
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        (
            "sqlite:///x.db?check_same_thread=false",
            "sqlite+aiosqlite:///x.db?check_same_thread=false",
        ),
        ("sqlite+pysqlite:////x.db", "sqlite+aiosqlite:////x.db"),
    ],
)
def test_every_address_gets_its_asynchronous_driver(given: str, expected: str):
    assert get_async_db_url(given).render_as_string(hide_password=False) == expected


def test_an_empty_address_means_the_embedded_database():
    url = get_async_db_url("")
    assert url.drivername == "sqlite+aiosqlite"
    assert url.database is not None
    assert url.database.endswith("var/clipferry.db")


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("mysql://root:hunter2@h/d", "only postgresql and sqlite are supported, not mysql"),
        ("hunter2", "not a database URL"),
        ("://hunter2", "not a database URL"),
        ("postgresql://u:hunter2@h:no/d", "not a database URL"),
        ("postgresql://u:hunter2@h:99999/d", "there is no port 99999"),
        ("postgresql://u:hunter2@/d?host=h:99999", "there is no port 99999"),
        ("postgresql://u:hunter2@h/d?port=hunter2", "its hosts and ports cannot be read"),
        ("postgresql://u:hunter2@/d?host=a&host=b&port=1", "its hosts and ports cannot be read"),
        ("postgresql://u@h/d?password=hunter2", "password belongs before the host"),
        ("postgresql://u:hunter2@h/d?channel_binding=require", "channel_binding is not supported "),
        ("postgresql://u:hunter2@h/d?sslrootcert=/ca", "in it: set PGSSLROOTCERT instead"),
        ("postgresql://u:hunter2@h/d?sslmode=hunter2", "sslmode must be one of disable, allow, "),
        ("postgresql://u:hunter2@h/d?target_session_attrs=x", "must be one of any, primary, "),
        ("postgresql://u@h/d?prepared_statement_cache_size=x", "must be a whole number"),
        ("postgresql://u:hunter2@db..example.org/d", "no host can have that name"),
        (f"postgresql://u:hunter2@{'h' * 64}/d", "no host can have that name"),
        ("postgresql://u:hunter2@h/d?ssl=true", "ssl must be one of disable, allow, "),
        ("sqlite://", "names no file: write sqlite:///file "),
        ("sqlite:///:memory:", "a database in memory is not supported"),
        ("sqlite+aiosqlite:///:memory:", "a database in memory is not supported"),
        ("sqlite://bot.db", "names no file"),
        ("sqlite:///file:hunter2?mode=memory&uri=true", "mode is not supported in it: leave it"),
        ("sqlite:///file:hunter2", "names no file"),
        ("sqlite:///bot.db?sslrootcert=/ca", "sslrootcert is not supported in it: leave it out"),
    ],
)
def test_a_wrong_address_is_refused_without_repeating_it(bad: str, sentence: str):
    """Before anything connects, so that it is named with all other wrong settings."""
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        initialize_database_components(bad)
    assert "hunter2" not in str(caught.value)


async def test_before_initialisation_the_missing_call_is_named():
    await database.close()
    with pytest.raises(RuntimeError, match="initialize_database_components"):
        await get_session()
    with pytest.raises(RuntimeError, match="initialize_database_components"):
        await init_db()
    with pytest.raises(RuntimeError, match="initialize_database_components"):
        await database.read(lambda db: None)
    with pytest.raises(RuntimeError, match="initialize_database_components"):
        await database.write(lambda db: None)


async def test_a_second_initialisation_replaces_the_first_and_says_so(
    db: str, caplog: pytest.LogCaptureFixture
):
    first = database.engine
    assert first is not None
    async with await get_session() as session:
        await session.execute(text("SELECT 1"))
    with caplog.at_level(logging.WARNING):
        initialize_database_components(db)
    assert database.engine is not first
    assert "twice" in caplog.text
    await init_db()
    assert first.pool.checkedin() == 0  # type: ignore[attr-defined]
    assert await _rows("SELECT count(*) FROM users") == [(0,)]


async def test_the_password_is_not_logged(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        initialize_database_components("postgresql://ferry:hunter2@127.0.0.1:1/none")
    await database.close()
    assert "ferry" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_session_is_open_inside_and_rolled_back_after_an_error(db: str):
    async def write_and_fail() -> None:
        async with await get_session() as session:
            await session.execute(
                text(
                    "INSERT INTO users (user_id, lang, file_mode, ad_count, ad_cooldown) "
                    "VALUES (1, 'en', false, 0, 0)"
                )
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await _rows("SELECT count(*) FROM users") == [(0,)]


async def test_migrating_twice_changes_nothing(db: str):
    await init_db()
    assert await _rows("SELECT version_num FROM alembic_version") == [("0017",)]


@pytest.mark.parametrize("with_ads", [True, False])
async def test_a_seed_made_database_is_upgraded_with_every_row(db_url: str, with_ads: bool):
    initialize_database_components(db_url)
    dialect = await make_seed_database(with_ads=with_ads)
    tables = {
        "users": "user_id, registered_at, lang, link, file_mode",
        "videos": "pk_id, user_id, downloaded_at, video_link, is_images, is_processed, is_inline",
        "music": "pk_id, user_id, downloaded_at, video_id",
    }
    before = {t: await _rows(f"SELECT {c} FROM {t} ORDER BY 1") for t, c in tables.items()}
    assert [len(rows) for rows in before.values()] == [2, 3, 1]

    await init_db()
    await init_db()

    after = {t: await _rows(f"SELECT {c} FROM {t} ORDER BY 1") for t, c in tables.items()}
    assert after == before
    ads = (2, 1700) if with_ads else (0, 0)
    assert await _rows("SELECT ad_count, ad_cooldown FROM users") == [ads, ads]
    assert await _rows("SELECT version_num FROM alembic_version") == [("0017",)]
    await _assert_schema_is_that_of_the_models(dialect)

    from data.db_service import add_music, add_video, get_user_videos

    await add_video(7, "https://new", False)
    await add_music(7, 1)
    assert (await get_user_videos(7))[-1][1] in {"https://new", "https://b"}
    assert await _rows("SELECT max(pk_id) FROM videos") == [(6,)]
    assert await _rows("SELECT max(pk_id) FROM music") == [(2,)]
    await database.close()


async def test_orphans_of_an_unchecked_sqlite_database_are_kept(tmp_path):
    initialize_database_components(f"sqlite:///{tmp_path / 'old.db'}")
    await make_seed_database(with_ads=True)
    assert database.engine is not None
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute("PRAGMA foreign_keys = OFF")
        await raw.execute("INSERT INTO videos VALUES (9, 4242, 1, 'orphan', 0, 0, 0)")
        await raw.execute("PRAGMA foreign_keys = ON")
    await init_db()
    assert await _rows("SELECT video_link FROM videos WHERE user_id = 4242") == [("orphan",)]
    assert await _rows("SELECT lang FROM users WHERE user_id = 4242") == [("en",)]
    await database.close()


async def _assert_schema_is_that_of_the_models(dialect: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import data.models  # noqa: F401 - fills the metadata

    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return compare_metadata(context, database.Base.metadata)

    assert database.engine is not None
    async with database.engine.connect() as connection:
        found = await connection.run_sync(differences)
    # The seed's own DDL repeats the key of users as UNIQUE; dropping it would lock a large table.
    found = [d for d in found if not (d[0] == "remove_constraint" and d[1].table.name == "users")]
    assert found == []


async def test_a_fresh_database_has_the_schema_of_the_models(db: str):
    assert database.engine is not None
    await _assert_schema_is_that_of_the_models(database.engine.dialect.name)


async def test_a_database_of_a_newer_release_is_refused(db: str):
    async with await get_session() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await session.commit()
    with pytest.raises(NewerDatabaseError, match="newer"):
        await init_db()


async def test_two_processes_migrate_one_database_at_once(db_url: str):
    initialize_database_components(db_url)
    await make_seed_database(with_ads=False)
    await database.close()
    program = (
        "import asyncio, sys\n"
        "from data import database\n"
        "async def main():\n"
        "    database.initialize_database_components(sys.argv[1])\n"
        "    await database.init_db()\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
    )
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, db_url)
        for _ in range(3)
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    initialize_database_components(db_url)
    assert await _rows("SELECT count(*) FROM videos") == [(3,)]
    assert await _rows("SELECT version_num FROM alembic_version") == [("0017",)]
    await database.close()


async def test_of_changes_that_wait_together_only_the_wrong_one_fails(db: str):
    add = text(
        "INSERT INTO users (user_id, lang, file_mode, ad_count, ad_cooldown) "
        "VALUES (:id, 'en', :off, 0, 0)"
    )

    async def insert(number: int) -> None:
        await database.write(lambda db: db.execute(add, {"id": number, "off": False}))

    outcomes = await asyncio.gather(*map(insert, [1, 2, 1, 3]), return_exceptions=True)
    assert [isinstance(outcome, StorageError) for outcome in outcomes].count(True) == 1
    assert sorted(await _rows("SELECT user_id FROM users")) == [(1,), (2,), (3,)]


async def test_a_change_is_made_even_if_nobody_waits_for_it_any_more(tmp_path):
    initialize_database_components(f"sqlite:///{tmp_path / 'bot.db'}")
    await init_db()
    add = text("INSERT INTO bans (chat_id, banned_by, banned_at) VALUES (1, 2, 3)")
    asked = asyncio.ensure_future(database.write(lambda db: db.execute(add)))
    await asyncio.sleep(0)
    asked.cancel()
    await database.write(lambda db: None)
    assert await _rows("SELECT chat_id FROM bans") == [(1,)]
    await database.close()


@pytest.mark.parametrize("ask", [database.read_one, database.read, database.write])
async def test_whatever_the_database_refuses_is_a_storage_error(
    ask: Callable[[Callable[[Connection], Any]], Awaitable[Any]], db: str
):
    secret = "a value that no log may show"
    statement = text("SELECT :value FROM no_such_table")
    with pytest.raises(StorageError) as caught:
        await ask(lambda db: db.execute(statement, {"value": secret}))
    assert "no_such_table" in caught.value.detail
    assert secret not in str(caught.value)


@pytest.mark.parametrize("ask", [database.read_one, database.read, database.write])
async def test_a_bug_in_a_query_stays_what_it_is(
    ask: Callable[[Callable[[Connection], Any]], Awaitable[Any]], db: str
):
    def work(_: Connection) -> None:
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await ask(work)


async def test_a_database_that_cannot_be_reached_is_a_storage_error():
    initialize_database_components(f"postgresql://x:secret@127.0.0.1:{free_port()}/x")
    with pytest.raises(StorageError):
        await init_db()
    with pytest.raises(StorageError) as caught:
        await database.read(lambda db: db.execute(text("SELECT 1")))
    assert "secret" not in str(caught.value)
    await database.close()


async def test_a_write_that_its_caller_has_given_up_never_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "bot.db"
    database.initialize_database_components(f"sqlite:///{path}")
    await database.init_db()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with monkeypatch.context() as hasty:
        hasty.setattr("data.runners.WRITE_S", 0.2)
        with pytest.raises(StorageError, match="no answer"):
            await set_value("given up", "1")
    with database.without_time_limits():
        patient = asyncio.create_task(set_value("patient", "1"))
        await asyncio.sleep(0.1)
    other.execute("ROLLBACK")
    other.close()
    await patient
    assert await read_value("patient") == "1"
    assert await read_value("given up") is None
    await set_value("next", "1")
    await database.close()


async def test_a_stuck_database_is_waited_for_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("data.runners.WRITE_S", 1.0)
    monkeypatch.setattr("data.runners.STUCK_S", 0.01)
    path = tmp_path / "bot.db"
    database.initialize_database_components(f"sqlite:///{path}")
    await database.init_db()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(100):
        for number in range(200):  # 200 s with the whole limit each
            with pytest.raises(StorageError):
                await set_value(str(number), "1")
    other.execute("ROLLBACK")
    other.close()
    with database.without_time_limits():
        await set_value("patient", "1")
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events.count("database_stuck") == events.count("database_recovered") == 1
    await database.close()


@pytest.mark.usefixtures("db")
async def test_the_check_of_writing_leaves_nothing_behind():
    for _ in range(2):
        await check_writable()
    assert await _rows("SELECT name FROM notes") == []


async def test_checks_of_writing_by_several_processes_do_not_wait_for_each_other(
    new_postgres: str, monkeypatch: pytest.MonkeyPatch
):
    works: list[Callable[[Connection], None]] = []

    async def keep(work: Callable[[Connection], None]) -> None:
        works.append(work)

    monkeypatch.setattr("data.key_values.write", keep)
    for _ in range(2):
        await check_writable()
    async with database_lifespan(new_postgres), asyncio.timeout(30):
        engine = create_async_engine(get_async_db_url(new_postgres))
        async with engine.begin() as first, engine.begin() as second:
            await first.run_sync(works[0])
            await second.run_sync(works[1])  # while the other one has not ended
        await engine.dispose()


async def test_the_check_of_writing_needs_room(tmp_path: Path):
    """SQLite's limit of pages is what a full disk is."""
    path = tmp_path / "bot.db"
    database.initialize_database_components(f"sqlite:///{path}")
    await database.init_db()
    await database.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")  # no page is free
    database.initialize_database_components(f"sqlite:///{path}")
    await set_value("readyz", "1700000000")  # as earlier versions have left it
    limit = "PRAGMA max_page_count = {}"
    await database.write(lambda db: db.exec_driver_sql(limit.format(1)).all())
    with pytest.raises(StorageError, match="full"):
        await check_writable()
    await set_value("readyz", "1700000001")  # in its place
    await database.write(lambda db: db.exec_driver_sql(limit.format(1_000_000)).all())
    await check_writable()
    assert await read_value("readyz") is None
    await database.close()


async def test_only_the_owner_may_read_a_new_sqlite_file(tmp_path: Path):
    path = tmp_path / "new" / "bot.db"
    database.initialize_database_components(f"sqlite:///{path}")
    await database.init_db()
    await set_value("a", "1")
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["bot.db", "bot.db-shm", "bot.db-wal"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    await database.close()


async def test_the_permissions_of_an_existing_file_are_the_operators(tmp_path: Path):
    path = tmp_path / "bot.db"
    path.touch(0o640)
    path.chmod(0o640)
    database.initialize_database_components(f"sqlite:///{path}")
    await database.init_db()
    assert path.stat().st_mode & 0o777 == 0o640
    await database.close()
