"""Start the processes under measurement, and read their CPU time and memory."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class World:
    """A client of the simulator's process."""

    ready: dict[str, Any]
    folder: Path

    def say(self, text: str, people: Iterable[int], **more: object) -> None:
        """Send a text as several users at once."""
        self.control("say", [{"person": person, "text": text, **more} for person in people])

    def control(self, path: str, body: object = None) -> Any:
        """Call the control API and return its response; without `body` the call is a GET."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.ready['server']}/control/{path}", data=data, headers=headers
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def count(self, method: str) -> int:
        """Return the number of successful calls of a method."""
        counts: dict[str, int] = self.control("counts")["calls"]
        return counts.get(f"{method} 200", 0)

    def wait_for(
        self, method: str, number: int, process: "Measured", patience_s: float = 150
    ) -> None:
        """Wait until a method has been called `number` times.

        Raises:
            RuntimeError: the process exited, or `patience_s` seconds have passed.
        """
        deadline = time.monotonic() + patience_s
        while self.count(method) < number:
            if time.monotonic() > deadline or not process.is_alive():
                raise RuntimeError(f"only {self.count(method)} of {number} {method}")
            time.sleep(0.05)


class Measured:
    """A process whose CPU time and memory are read from /proc."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._proc = Path(f"/proc/{process.pid}")

    def keep_to_one_core(self) -> None:
        """Pin all threads to one core."""
        for task in (self._proc / "task").iterdir():
            os.sched_setaffinity(int(task.name), {max(os.sched_getaffinity(0))})

    def is_alive(self) -> bool:
        """Return True if the process is running."""
        return self._process.poll() is None

    @property
    def rss_mb(self) -> float:
        """Return the resident memory in MiB, worker processes included."""
        pages = [int((proc / "statm").read_text().split()[1]) for proc in self._all()]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    @property
    def cpu_s(self) -> float:
        """Return the CPU time used so far in seconds, all threads and workers included."""
        stats = [(proc / "stat").read_text().rpartition(")")[2].split() for proc in self._all()]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / _TICKS

    def _all(self) -> list[Path]:
        """Return the /proc folders of the process and its children."""
        children = self._proc / "task" / self._proc.name / "children"
        pids = children.read_text().split() if children.exists() else []
        return [self._proc, *(Path(f"/proc/{pid}") for pid in pids)]


@contextmanager
def world(folder: Path, *options: str) -> Iterator[World]:
    """Start the simulator in a child process; kill it at the end."""
    command = [sys.executable, "-m", "benchmarks.world", str(folder), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        yield World(json.loads(process.stdout.readline()), folder)
    finally:
        process.kill()
        process.wait()


@contextmanager
def program(world: World, *command: str, **environment: str) -> Iterator[Measured]:
    """Start a bot and wait for its first getUpdates; send SIGTERM at the end."""
    polls = world.control("counts")["polls"]
    with child(world, *command, **environment) as measured:
        while world.control("counts")["polls"] == polls:
            if not measured.is_alive():
                raise RuntimeError(f"{command} did not start")
            time.sleep(0.01)
        yield measured


@contextmanager
def child(world: World, *command: str, **environment: str) -> Iterator[Measured]:
    """Start a process of a bot; send SIGTERM at the end."""
    env = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - passed on to a child process
        "HOME": str(world.folder),
        **world.ready["environment"],
        "RUN_LOG_LEVEL": "WARNING",
        "TELEGRAM_PACING": "false",  # measures the bot's limit, not Telegram's
        **environment,
    }
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=env)
    try:
        yield Measured(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextmanager
def clipferry(world: World, **environment: str) -> Iterator[Measured]:
    """Start Clipferry with a new SQLite database."""
    database = world.folder / f"bench-{time.monotonic_ns()}.db"
    with program(
        world, "main.py", "run", DATABASE_URL=f"sqlite:///{database}", **environment
    ) as measured:
        yield measured
