"""What the page reads of the bot from outside: rows of its database, metrics, CPU time."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.media import Link
from data.requests import store_requests
from simulator.page.inspection import BotProcess, BotSwitch, vitals
from tests.fakes import make_request

LINK = Link("tiktok", "https://www.tiktok.com/@a/video/73", "73")
REQUEST = make_request(link=LINK, chat_id=5, message_id=1, asked_at=1_760_000_000)
METRICS = """\
# HELP clipferry_requests_now Requests by state
clipferry_requests_now{state="running"} 2.0
clipferry_requests_now{state="waiting"} 7.0
clipferry_way_resting{way="tiktok page over proxy-1"} 1.0
clipferry_worker_info{name="w1"} 1.0
"""


async def crash() -> None:
    """Do nothing."""


def switch(database: str = "", *processes: BotProcess) -> BotSwitch:
    return BotSwitch(crash, lambda: True, lambda: processes, database=database)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Serve metrics; yield the port."""
    app = web.Application()

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(text=METRICS)

    app.router.add_get("/metrics", metrics)
    async with TestServer(app) as server:
        assert server.port
        yield server.port


async def test_the_rows_of_the_newest_request_of_a_chat_are_read(db: str):
    await store_requests(42, 1, [REQUEST], "w1")
    rows = (await vitals(switch(db), 5))["rows"]
    assert [row["owner"] for row in rows["requests"]] == ["w1"]
    assert (await vitals(switch(db), 6)) | {"at": 0} == {
        "at": 0,
        "processes": [],
        "left": [row["id"] for row in rows["requests"]],
        "rows": {},
    }


async def test_the_rows_of_the_request_for_a_message_are_read(db: str):
    later = make_request(link=LINK, chat_id=5, message_id=2, asked_at=1_760_000_001)
    await store_requests(42, 1, [REQUEST], "w1")
    await store_requests(42, 2, [later], "w2")
    for message, owners in {0: ["w2"], 1: ["w1"], 2: ["w2"]}.items():
        rows = (await vitals(switch(db), 5, message))["rows"]
        assert [row["owner"] for row in rows["requests"]] == owners
    assert (await vitals(switch(db), 5, 3))["rows"] == {}


async def test_a_process_holds_the_requests_of_its_lease(db: str, port: int):
    await store_requests(42, 1, [REQUEST], "w1")
    process = BotProcess("worker1", "worker", os.getpid(), port)
    (found,) = (await vitals(switch(db, process), 5))["processes"]
    assert len(found["requests"]) == 1
    assert (found["running"], found["waiting"]) == (2, 7)
    assert found["paused"] == ["tiktok page over proxy-1"]
    assert found["cpu_s"] > 0


@pytest.mark.parametrize("url", ["", "sqlite:///{folder}/none.db", "postgresql://127.0.0.1:1/x"])
async def test_without_a_database_or_a_process_there_is_nothing_to_see(url: str, tmp_path: Path):
    down = BotProcess("worker1", "worker", None)
    silent = BotProcess("worker2", "worker", 0x7FFFFFFF, 1)
    seen = await vitals(switch(url.format(folder=tmp_path), down, silent), 5)
    assert seen["rows"] == {}
    assert [(p["running"], p["cpu_s"], p["requests"]) for p in seen["processes"]] == [
        (None, 0, [])
    ] * 2
