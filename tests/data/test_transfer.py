"""From SQLite to PostgreSQL: every row, once, or nothing at all."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, text

from core.errors import StorageError, WrongFileError
from core.lists import Listing
from core.media import Link
from data import database
from data.backup import back_up
from data.db_service import add_video, create_user
from data.key_values import read_value, set_value
from data.lifespan import database_lifespan
from data.lists import forget_list, store_list
from data.models import Requests, Users, Video
from data.requests import store_requests
from data.transfer import copy_to_postgres
from tests.fakes import make_request

#: More than one batch.
PEOPLE = 1_200


async def backup_of(folder: Path) -> Path:
    """Return a backup of a database in which people have asked for videos."""
    path, backup = folder / "bot.db", folder / "backup.db"
    async with database_lifespan(f"sqlite:///{path}"):
        for person in range(1, PEOPLE + 1):
            await create_user(person, "uk")
        for number in range(3):
            await add_video(7, f"https://www.tiktok.com/@a/video/{number}", False)
        link = Link("tiktok", "https://www.tiktok.com/@ü/video/9", "9")
        await store_requests(42, 1, [make_request(link=link)], "worker")
        await set_value("a", "ünïcode ✓")
        back_up(path, backup)
    return backup


async def count(model: type[database.Base]) -> int:
    question = select(func.count()).select_from(database.table_of(model))
    return await database.read(lambda db: db.execute(question).scalar_one())


async def test_every_row_is_copied_and_new_rows_get_new_keys(tmp_path: Path, new_postgres: str):
    counts = await copy_to_postgres(await backup_of(tmp_path), new_postgres, tmp_path / "var")
    assert (counts["users"], counts["videos"], counts["requests"]) == (PEOPLE, 3, 1)
    async with database_lifespan(new_postgres):
        assert (await count(Users), await count(Video), await count(Requests)) == (PEOPLE, 3, 1)
        assert await read_value("a") == "ünïcode ✓"
        await add_video(7, "https://www.tiktok.com/@a/video/4", False)
        (row,) = await store_requests(42, 2, [make_request()], "worker")
        assert row == 2
        assert await count(Video) == 4
    assert list((tmp_path / "var").iterdir()) == []


async def test_ids_of_deleted_cards_do_not_come_again(tmp_path: Path, new_postgres: str):
    """Cards whose rows are gone stay in chats, and their buttons name the id."""
    path, backup = tmp_path / "bot.db", tmp_path / "backup.db"
    listing = Listing(Link("tiktok", "https://www.tiktok.com/@a", "@a"), "a", ())
    async with database_lifespan(f"sqlite:///{path}"):
        for _ in range(3):
            await forget_list(await store_list(42, make_request(), listing))
        back_up(path, backup)
    await copy_to_postgres(backup, new_postgres, tmp_path / "var")
    async with database_lifespan(new_postgres):
        assert (await store_list(42, make_request(), listing)).id == 4


async def test_text_that_only_sqlite_takes_is_copied_without_it(tmp_path: Path, new_postgres: str):
    path, backup = tmp_path / "bot.db", tmp_path / "backup.db"
    async with database_lifespan(f"sqlite:///{path}"):
        await set_value("a", "x\0y")
        back_up(path, backup)
    await copy_to_postgres(backup, new_postgres, tmp_path / "var")
    async with database_lifespan(new_postgres):
        assert await read_value("a") == "xy"


async def test_a_database_in_use_is_left_alone(tmp_path: Path, new_postgres: str):
    async with database_lifespan(new_postgres):
        await create_user(5, "en")
    with pytest.raises(WrongFileError, match="has rows already"):
        await copy_to_postgres(await backup_of(tmp_path), new_postgres, tmp_path / "var")
    async with database_lifespan(new_postgres):
        assert await count(Users) == 1


async def test_a_database_that_does_not_take_all_rows_stays_empty(
    tmp_path: Path, new_postgres: str
):
    async with database_lifespan(new_postgres):
        await database.write(_lose_a_video)
    with pytest.raises(StorageError, match=r"\(videos: 2 of 3 rows were copied\)"):
        await copy_to_postgres(await backup_of(tmp_path), new_postgres, tmp_path / "var")
    async with database_lifespan(new_postgres):
        assert (await count(Users), await count(Video), await count(Requests)) == (0, 0, 0)
        assert await read_value("a") is None
    assert list((tmp_path / "var").iterdir()) == []


def _lose_a_video(db: Connection) -> None:
    """Let the database ignore one of the videos that are inserted."""
    body = "IF NEW.video_link LIKE '%/1' THEN RETURN NULL; END IF; RETURN NEW;"
    db.execute(
        text(f"CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    )
    db.execute(
        text("CREATE TRIGGER lose BEFORE INSERT ON videos FOR EACH ROW EXECUTE FUNCTION lose()")
    )


async def test_what_is_no_backup_is_refused(tmp_path: Path):
    source = tmp_path / "backup.db"
    source.write_text("hello")
    with pytest.raises(StorageError, match="no backup of Clipferry"):
        await copy_to_postgres(source, "postgresql://nobody@127.0.0.1:9/none", tmp_path)
