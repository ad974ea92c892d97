"""A database is looked at without being created, upgraded or written."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from core.errors import StorageError
from data.database import get_async_db_url, known_schemas
from data.lifespan import database_lifespan
from data.schema_state import SchemaState, has_running_processes, read_schema_state
from data.workers import renew_lease
from tests.forwarders import TcpForwarder, keepalives_of_connections
from tests.leases import LEASE_S, expire


async def execute(db_url: str, statement: str) -> None:
    engine = create_async_engine(get_async_db_url(db_url))
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def test_what_a_start_would_find_is_told_and_left_as_it_is(db_url: str):
    newest = known_schemas()[-1]
    empty = SchemaState(None, newest, has_tables=False)
    assert await read_schema_state(db_url) == empty
    assert await read_schema_state(db_url) == empty
    await execute(db_url, "CREATE TABLE users (user_id BIGINT PRIMARY KEY)")
    original = SchemaState(None, newest, has_tables=True)
    assert await read_schema_state(db_url) == original
    assert await read_schema_state(db_url) == original
    await execute(db_url, "DROP TABLE users")
    async with database_lifespan(db_url):
        assert (await read_schema_state(db_url)).is_newest  # also while it is in use
    assert (await read_schema_state(db_url)).is_newest


async def test_a_folder_in_the_place_of_a_database_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match=f"{tmp_path} is a folder, not a file"):
        await read_schema_state(f"sqlite:///{tmp_path}")


async def test_a_server_that_does_not_answer_is_a_storage_error():
    with pytest.raises(StorageError):
        await read_schema_state("postgresql://u:hunter2@127.0.0.1:9/d")


async def test_a_server_that_vanishes_meanwhile_is_noticed(
    new_postgres: str, monkeypatch: pytest.MonkeyPatch
):
    """As by every other connection."""
    seen = []
    async with TcpForwarder(new_postgres).serving() as url:

        def look() -> list[str]:
            seen.append(keepalives_of_connections(url))
            return known_schemas()

        monkeypatch.setattr("data.schema_state.known_schemas", look)
        await read_schema_state(url)
    assert seen == [{(1, 10, 5, 2, 20_000)}]


async def test_a_running_process_has_a_lease(new_postgres: str):
    assert not await has_running_processes(new_postgres)
    async with database_lifespan(new_postgres):
        assert not await has_running_processes(new_postgres)
        await renew_lease("alive", LEASE_S)
        assert await has_running_processes(new_postgres)
        await expire("alive")
        assert not await has_running_processes(new_postgres)


async def test_running_processes_of_a_missing_server_are_a_storage_error():
    with pytest.raises(StorageError):
        await has_running_processes("postgresql://u@127.0.0.1:9/d")
