"""The end of a worker of a fleet: it waits for its jobs, but not for ever."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.fleet_worker import FleetWorker
from data.config import load_settings
from tests.stops import stop_begun


class FakeJobs:
    """A worker whose last job ends by itself, when it is cancelled, or only after the test."""

    def __init__(self, ends: str) -> None:
        self._ends = ends
        self._is_stopping, self.is_over = asyncio.Event(), asyncio.Event()
        self.is_running = asyncio.Event()
        self.calls: list[str] = []
        self.task: asyncio.Task[Any] | None = None

    def stop(self) -> None:
        self._is_stopping.set()

    async def run(self) -> None:
        self.task = asyncio.current_task()
        self.is_running.set()
        await self._is_stopping.wait()
        self.calls.append("stopped")
        while self._ends != "by itself" and not self.is_over.is_set():
            try:
                await self.is_over.wait()
            except asyncio.CancelledError:
                self.calls.append("cancelled")
                if self._ends == "when it is cancelled":
                    raise
        self.calls.append("ended")


class Queue:
    async def drain(self, grace_s: float, cancel_s: float) -> None:
        pass


async def last_finished_at() -> int:
    return 0


@pytest.mark.parametrize(
    ("ends", "elapsed_s", "calls"),
    [
        ("by itself", 0, ["stopped", "ended"]),
        ("when it is cancelled", 1_000, ["stopped", "cancelled"]),
        ("only after the test", 1_000, ["stopped", "cancelled", "cancelled"]),
    ],
)
async def test_the_end_of_a_worker_does_not_wait_for_a_job_without_end(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    ends: str,
    elapsed_s: float,
    calls: list[str],
):
    jobs = FakeJobs(ends)
    monkeypatch.setattr("data.job_worker.JobWorker", lambda *_, **__: jobs)
    container: Any = SimpleNamespace(request_queue=Queue(), bot=SimpleNamespace(id=42))
    intake: Any = SimpleNamespace(store=SimpleNamespace(last_finished_at=last_finished_at))
    settings = load_settings(tmp_path / "no", tmp_path / "no", {"BOT_TOKEN": "42:" + "a" * 35})
    worker = FleetWorker(container, settings, intake, stop_begun(elapsed_s))
    try:
        async with asyncio.timeout(60), worker.working():
            await jobs.is_running.wait()
            await worker.drain(0, 0)
        assert jobs.calls == calls
        late = [record for record in caplog.records if "did not end in time" in record.message]
        assert len(late) == (ends != "by itself")
    finally:
        jobs.is_over.set()
        if jobs.task:
            await asyncio.wait([jobs.task])
