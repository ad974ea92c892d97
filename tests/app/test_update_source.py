"""The source of a process that takes no updates."""

import asyncio
from pathlib import Path

import pytest
from aiogram import Bot, Dispatcher

from app import update_source
from app.stop_time import StopTime
from app.update_source import NoUpdates


async def test_a_process_without_updates_shows_that_it_runs_and_drains_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(update_source, "_BEAT_S", 0.01)
    heartbeat, dispatcher = tmp_path / "var" / "heartbeat", Dispatcher()
    drained = asyncio.Event()

    async def drain() -> None:
        drained.set()

    dispatcher.shutdown.register(drain)
    source = NoUpdates(heartbeat, StopTime(60))
    running = asyncio.create_task(source.run(Bot("42:AAAAAA"), dispatcher, [], None))
    for _ in range(2):
        while not heartbeat.exists():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.001)
        heartbeat.unlink()
    assert not drained.is_set()
    source.stop()
    await running
    assert drained.is_set()
