"""News of changed lists: every process hears of them, and goes on after its connection was cut."""

import asyncio

import pytest
from sqlalchemy import text

from core.errors import StorageError
from core.flood import TimeOut
from data import database
from data.access import add_access_entry
from data.bans import ban, banned_chats, unban
from data.changes import announce_time_out, follow_changes
from data.opt_outs import opt_out
from tests.forwarders import TcpForwarder, keepalives_of_connections


class Listener:
    """Counts the calls of a loader."""

    def __init__(self) -> None:
        self.loads = 0
        self.has_loaded = asyncio.Event()

    async def __call__(self) -> None:
        self.loads += 1
        self.has_loaded.set()

    async def loaded(self, times: int) -> None:
        async with asyncio.timeout(60):
            while self.loads < times:
                self.has_loaded.clear()
                await self.has_loaded.wait()


def ignore(_time_out: TimeOut) -> None:
    pass


@pytest.mark.usefixtures("postgres_db")
async def test_a_change_of_a_list_is_heard_at_once():
    bans, opt_outs, access = Listener(), Listener(), Listener()
    loaders = {"bans": bans, "opt_outs": opt_outs, "access_list": access}
    following = asyncio.create_task(follow_changes(loaders, ignore))
    await access.loaded(1)
    await ban(5, 1)
    await bans.loaded(2)
    assert await banned_chats() == {5}
    await unban(5)
    await bans.loaded(3)
    await opt_out(7)
    await opt_outs.loaded(2)
    await add_access_entry("9", 1)
    await access.loaded(2)
    assert (bans.loads, opt_outs.loads, access.loads) == (3, 2, 2)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


@pytest.mark.usefixtures("postgres_db")
async def test_a_connection_that_is_cut_is_an_error_and_the_next_one_loads_everything():
    bans = Listener()
    following = asyncio.create_task(follow_changes({"bans": bans}, ignore))
    await bans.loaded(1)
    cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    await database.read(lambda db: db.execute(cut).all())
    with pytest.raises(StorageError):
        async with asyncio.timeout(60):
            await following
    again = asyncio.create_task(follow_changes({"bans": bans}, ignore))
    await bans.loaded(2)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


@pytest.mark.usefixtures("postgres_db")
async def test_a_loader_that_fails_ends_the_listening():
    async def broken() -> None:
        raise StorageError("away")

    with pytest.raises(StorageError, match="away"):
        await follow_changes({"bans": broken}, ignore)


@pytest.mark.usefixtures("postgres_db")
async def test_a_time_out_is_heard_by_every_process():
    bans = Listener()
    heard: asyncio.Queue[TimeOut] = asyncio.Queue()
    following = [
        asyncio.create_task(follow_changes({"bans": bans}, heard.put_nowait)) for _ in range(2)
    ]
    await bans.loaded(2)
    time_out = TimeOut(-7, is_group=True, minutes=5)
    await announce_time_out(time_out)
    async with asyncio.timeout(60):
        assert [await heard.get() for _ in following] == [time_out] * 2
    assert bans.loads == 2
    for each in following:
        each.cancel()
    await asyncio.gather(*following, return_exceptions=True)


async def test_the_end_does_not_wait_for_a_server_that_has_vanished(new_postgres: str):
    """Neither the connection that listens nor those of the pool."""
    bans, forwarder = Listener(), TcpForwarder(new_postgres)
    async with forwarder.serving() as url:
        database.initialize_database_components(url)
        following = asyncio.create_task(follow_changes({"bans": bans}, ignore))
        try:
            await bans.loaded(1)
            await database.read(lambda db: db.execute(text("SELECT 1")).all())
            assert keepalives_of_connections(url) == {(1, 10, 5, 2, 20_000)}
            forwarder.freeze()
            following.cancel()
            closing = asyncio.ensure_future(database.close())
            _, left = await asyncio.wait([following, closing], timeout=60)
        finally:
            forwarder.cut()
            await asyncio.gather(following, return_exceptions=True)
            await database.close()
        await closing
    assert not left
