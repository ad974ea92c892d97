"""Dumps of PostgreSQL: whole, private, and never with the password on a command line."""

import os
import socket
import tempfile
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import StorageError, WrongFileError
from data import database
from data.connections import postgresql_engine
from data.database import known_schemas
from data.key_values import read_value, set_value
from data.lifespan import database_lifespan
from data.postgres_tools import dump, is_dump, load
from data.schema_state import read_schema_state
from tests.postgres import folder_of_tools
from tests.schemas import upgrade_to


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the tools of the wheel's server on PATH."""
    monkeypatch.setenv("PATH", f"{folder_of_tools()}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("tools")
async def test_a_dump_restores_the_state_of_its_time(tmp_path: Path, new_postgres: str):
    target = tmp_path / "backup.dump"
    async with database_lifespan(new_postgres):
        await set_value("a", "1")
        dump(new_postgres, target)
        await set_value("a", "2")
    assert target.stat().st_mode & 0o777 == 0o600
    assert is_dump(target)
    load(target, new_postgres)
    async with database_lifespan(new_postgres):
        assert await read_value("a") == "1"
    with pytest.raises(StorageError, match="exists already"):
        dump(new_postgres, target)


@pytest.mark.usefixtures("tools")
async def test_a_backup_from_before_an_upgrade_can_be_upgraded_again(
    tmp_path: Path, new_postgres: str
):
    """pg_restore leaves the tables and functions that the backup does not have.

    Their rows are kept: where somebody has set the schema's version back, it looks the same.
    """
    target = tmp_path / "backup.dump"
    await make_database(new_postgres, "0004")
    dump(new_postgres, target)
    for chat in (1, 2):
        async with database_lifespan(new_postgres):
            await execute(f"INSERT INTO bans (chat_id, banned_by, banned_at) VALUES ({chat}, 1, 1)")
            await execute("INSERT INTO lists VALUES (DEFAULT, 1, 1, 1, 1, '', '', 1)")
        load(target, new_postgres)
    async with database_lifespan(new_postgres):
        assert await numbers("SELECT chat_id FROM bans UNION ALL SELECT id FROM lists") == []
        assert await numbers("SELECT chat_id FROM bans_left_over_1") == [1]
        assert await numbers("SELECT chat_id FROM bans_left_over_2") == [2]
        copies = "SELECT count(*) FROM pg_tables WHERE tablename ~ '_left_over_'"
        assert await numbers(copies) == [6]  # of bans, notes and lists; the others had no rows
        newest = "SELECT indrelid = 'lists'::regclass FROM pg_index WHERE indexrelid ="
        assert await numbers(f"{newest} 'lists_pkey'::regclass") == [True]
    assert (await read_schema_state(new_postgres)).is_newest


async def numbers(query: str) -> list[int]:
    return await database.read(lambda db: list(db.scalars(text(query))))


async def test_a_table_of_others_with_the_name_of_a_new_one_is_not_dropped(new_postgres: str):
    await make_database(new_postgres, "0015")
    await execute_in(new_postgres, "CREATE TABLE lists (id bigint, title text)")
    with pytest.raises(StorageError, match=r"lists.*already exists"):
        async with database_lifespan(new_postgres):
            pass
    await execute_in(new_postgres, "SELECT title FROM lists")


async def make_database(url: str, schema: str) -> None:
    """Set up an empty database as an earlier version has left it."""
    engine = postgresql_engine(database.get_async_db_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(upgrade_to, schema)
    await engine.dispose()


async def execute_in(url: str, statement: str) -> None:
    engine = postgresql_engine(database.get_async_db_url(url))
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ("9999", "a newer Clipferry has made .*: its schema is 9999, the newest known one 0"),
        (None, "is no backup of Clipferry: it has no alembic_version"),
        ("cut off", "cannot read .*: pg_restore has failed: "),
        ("cut off in the last table", "cannot read .*: pg_restore has failed: "),
    ],
)
async def test_a_dump_that_cannot_be_used_replaces_nothing(
    tmp_path: Path, new_postgres: str, schema: str | None, sentence: str
):
    target = tmp_path / "backup.dump"
    async with database_lifespan(new_postgres):
        await set_value("a", "1")
        await set_value("large", "".join(map(str, range(100_000))))
        if schema == "9999":
            await execute("UPDATE alembic_version SET version_num = '9999'")
        elif schema is None:
            await execute("ALTER TABLE alembic_version RENAME TO other")
        dump(new_postgres, target)
        if schema == "9999":
            await execute(f"UPDATE alembic_version SET version_num = '{known_schemas()[-1]}'")
        elif schema is None:
            await execute("ALTER TABLE other RENAME TO alembic_version")
        else:
            content = target.read_bytes()
            target.write_bytes(content[: 2_000 if schema == "cut off" else len(content) // 2])
        await set_value("a", "2")
    with pytest.raises(WrongFileError, match=sentence):
        load(target, new_postgres)
    async with database_lifespan(new_postgres):
        assert await read_value("a") == "2"


async def execute(statement: str) -> None:
    await database.write(lambda db: db.execute(text(statement)))


def test_a_tool_that_cannot_run_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tool, source = tmp_path / "pg_restore", tmp_path / "x.dump"
    tool.write_bytes(b"\x7fELF of another machine")
    tool.chmod(0o755)
    source.write_bytes(b"PGDMP")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match=f"cannot run {tool}: Exec format error"):
        load(source, "postgresql://u@127.0.0.1:9/d")


async def test_without_the_tools_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match="pg_dump is not installed"):
        dump("postgresql://u:hunter2@127.0.0.1:9/d", tmp_path / "backup.dump")
    assert not (tmp_path / "backup.dump").exists()


async def test_the_password_reaches_the_tool_in_a_private_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tool, seen, temporary = tmp_path / "pg_dump", tmp_path / "seen", tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    tool.write_text(
        "#!/bin/sh\n"
        f'echo "$@" > {seen}\n'
        f'file=$(echo "$1" | sed "s/.*passfile=//; s/%2F/\\//g; s/&.*//")\n'
        f'stat -L -c %a "$file" >> {seen}; cat "$file" >> {seen}\n'
        f'echo "files: $(ls -A {temporary})" >> {seen}\n'
        'echo "the server is too new" >&2\n'
        'echo "pg_dump: detail: server version: 18.1; pg_dump version: 17.2" >&2; exit 1\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    # Of the options, the last two are the driver's own.
    options = "ssl=verify_full&command_timeout=9&prepared_statement_cache_size=0"
    with pytest.raises(StorageError, match=r"too new; server version: 18\.1; pg_dump v"):
        dump(f"postgresql+asyncpg://u:p%3Aw@h/d?{options}", tmp_path / "backup.dump")
    arguments, mode, line, files = seen.read_text().splitlines()
    assert arguments.startswith("--dbname=postgresql://u@h/d?passfile=")
    assert "sslmode=verify-full" in arguments
    assert "command_timeout" not in arguments
    assert "prepared" not in arguments
    assert (mode, line, files) == ("600", r"*:*:*:*:p\:w", "files: ")
    assert not (tmp_path / "backup.dump").exists()


def serve_one_login(server: socket.socket, passwords: list[bytes]) -> None:
    """Ask a client for its password, as a server does, and hang up.

    Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    client, _ = server.accept()
    with client, client.makefile("rb") as messages:
        messages.read(int.from_bytes(messages.read(4)) - 4)  # the startup message
        client.sendall(b"R" + (8).to_bytes(4) + (3).to_bytes(4))  # AuthenticationCleartextPassword
        assert messages.read(1) == b"p"
        passwords.append(messages.read(int.from_bytes(messages.read(4)) - 4))


@pytest.mark.usefixtures("tools")
def test_pg_dump_finds_the_password_there(tmp_path: Path):
    passwords: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        serving = threading.Thread(target=serve_one_login, args=(server, passwords))
        serving.start()
        place = f"127.0.0.1:{server.getsockname()[1]}/d?ssl=disable&gssencmode=disable"
        with pytest.raises(StorageError, match="pg_dump has failed"):
            dump(f"postgresql://u:p%3Aw@{place}", tmp_path / "backup.dump")
        serving.join()
    assert passwords == [b"p:w\0"]
