"""Start the processes under measurement, and read their CPU time and memory."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
#: The clock of a process that counts the time on a CPU, in the id of a clock.
#: Source: https://github.com/torvalds/linux/blob/v6.18/include/linux/posix-timers_types.h
_CPU_CLOCK = 2

N = TypeVar("N")
T = TypeVar("T")


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
        return self._ask(f"control/{path}", body)

    def press(self, person: int, message_id: int, data: str) -> None:
        """Press a button in a private chat; the world must have been started with "page"."""
        press = {"person": person, "chat": person, "message": message_id, "data": data}
        self._ask("page/do/press", press)

    def _ask(self, path: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.ready['server']}/{path}", data=data, headers=headers
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def count(self, method: str) -> int:
        """Return the number of successful calls of a method."""
        counts: dict[str, int] = self.control("counts")["calls"]
        return counts.get(f"{method} 200", 0)

    def calls(self) -> int:
        """Return the number of all calls so far, as `control("calls?since=…")` counts them."""
        counts: dict[str, int] = self.control("counts")["calls"]
        return sum(counts.values())

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
    """A process and all that descend from it; CPU time and memory are those of all together."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def keep_to_one_core(self) -> None:
        """Pin all threads to one core."""
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {max(os.sched_getaffinity(0))})

    def is_alive(self) -> bool:
        """Return True if the process is running."""
        return self._process.poll() is None

    @property
    def cpu_s(self) -> float:
        """Return the CPU time used so far in seconds, that of ended processes included."""
        return sum(_each(self._tree(), _cpu_s))

    @property
    def rss_mb(self) -> float:
        """Return the sum of the resident memory in MiB; pages that are shared count repeatedly."""
        pages = _each(self._tree(), lambda pid: int(_proc(pid, "statm").split()[1]))
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    @property
    def own_mb(self) -> float:
        """Return the memory in MiB that no file is behind, so that nothing can share it."""
        return sum(_each(self._tree(), _own_kb)) / 1024

    @property
    def mapped_mb(self) -> float:
        """Return how much of files, mostly libraries, is mapped, in MiB.

        What several of the processes have mapped counts once. PSS would divide it among these and
        all other processes of the machine that use the same libraries, such as the simulator.
        """
        largest: dict[str, int] = {}
        for mappings in _each(self._tree(), _mapped_kb):
            for place, size_kb in mappings.items():
                largest[place] = max(size_kb, largest.get(place, 0))
        return sum(largest.values()) / 1024

    def _tree(self) -> list[int]:
        """Return the ids of the process and its descendants."""
        found = [self._process.pid]
        for pid in found:
            for children in _each([pid], _children):
                found += children
        return found


def _each(names: Iterable[N], read: Callable[[N], T]) -> list[T]:
    """Return what is read of each process; those that have just ended are left out."""
    values = []
    for name in names:
        with contextlib.suppress(OSError):
            values.append(read(name))
    return values


def _proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(n) for task in tasks for n in _proc(pid, f"task/{task.name}/children").split()]


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process and of its ended children; the latter's is in ticks."""
    fields = _proc(pid, "stat").rpartition(")")[2].split()
    return time.clock_gettime(~pid << 3 | _CPU_CLOCK) + sum(map(int, fields[13:15])) / _TICKS


def _own_kb(pid: int) -> int:
    lines = _proc(pid, "status").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem")))


def _mapped_kb(pid: int) -> dict[str, int]:
    """Return the resident size of each mapped part of a file, by file and offset."""
    sizes: dict[str, int] = {}
    place = ""
    for line in _proc(pid, "smaps").splitlines():
        name, *values = line.split()
        if not name.endswith(":"):
            _, offset, device, inode, *_ = values
            place = f"{device} {inode} {offset}" if inode != "0" else ""
        elif place and name in {"Rss:", "Anonymous:"}:
            sign = 1 if name == "Rss:" else -1
            sizes[place] = sizes.get(place, 0) + sign * int(values[0])
    return sizes


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
def new_world(*options: str) -> Iterator[World]:
    """Start the simulator with a folder of its own; see `benchmarks.world` for the options."""
    with (
        tempfile.TemporaryDirectory(prefix="clipferry-bench-") as folder,
        world(Path(folder), *options) as started,
    ):
        yield started


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
