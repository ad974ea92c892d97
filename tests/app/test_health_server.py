"""/readyz answers in time, whatever the database does."""

import asyncio
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app import write_check
from app.health_server import HealthServer
from app.stop_time import StopTime
from app.update_source import NoUpdates
from core.errors import StorageError
from services.metrics import Metrics
from tests.ports import free_port
from tests.readyz import ask_readyz

SILENT = (503, f"the database cannot be written: no answer within {write_check.ANSWER_S} s\n")


def health_server(folder: Path) -> HealthServer:
    container: Any = SimpleNamespace(metrics=Metrics())
    return HealthServer(
        container, folder / "heartbeat", NoUpdates(folder / "heartbeat", StopTime(60))
    )


async def test_readyz_answers_while_the_database_never_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    end, checks = asyncio.Event(), 0

    async def check() -> None:
        """Go on when cancelled, as what leaves a connection to a frozen server does for long."""
        nonlocal checks
        checks += 1
        while not end.is_set():
            with suppress(asyncio.CancelledError):
                await end.wait()

    monkeypatch.setattr("app.health_server.check_writable", check)
    assert write_check.ANSWER_S < 2
    port = free_port()
    try:
        async with asyncio.timeout(60), health_server(tmp_path).serving("127.0.0.1", port):
            for _ in range(2):
                assert await ask_readyz(port) == SILENT
            assert checks == 1
            end.set()
            assert await ask_readyz(port) == (200, "ready\n")
    finally:
        end.set()


async def test_readyz_gives_the_reason_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def check() -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("app.health_server.check_writable", check)
    port = free_port()
    async with health_server(tmp_path).serving("127.0.0.1", port):
        for _ in range(2):
            assert await ask_readyz(port) == (
                503,
                "the database cannot be written: the disk is full\n",
            )
