"""Load a bot lightly for a long time, and print what it takes: memory, CPU, descriptors, disk.

`make soak` takes an hour, `make soak ARGS=--minutes=5` five minutes. The exit code is 1 if anything
has grown after the warm-up, or if a request was lost or answered twice.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from simulator.samples import SampleStore, VideoSpec
from simulator.sites.tiktok import Encoding, SamplePost
from tests.chaos.stage import Request, Stage, Supervisor, make_stage

_MIB: Final = 1 << 20
#: Seconds between two messages.
_EVERY_S: Final = 0.5
#: Rows of the table.
_ROWS: Final = 12
#: Caches and workers fill during these minutes, but at most during half of the run.
_WARM_UP_MINUTES: Final = 10
#: What counts as flat: at most so much more at the end than after the warm-up.
_MAY_GROW: Final = {
    "rss_mib": 12.0,
    "processes": 1,
    "descriptors": 6,
    "threads": 3,
    "spool_mib": 5.0,
    "wal_mib": 5.0,
}


@dataclass(frozen=True, slots=True)
class Sample:
    """What the bot takes at one moment."""

    #: Of the process and its workers together, as the CPU time since the start is.
    rss_mib: float
    cpu_s: float
    processes: int
    #: Of the process itself.
    descriptors: int
    threads: int
    spool_mib: float
    database_mib: float
    wal_mib: float


def sample(pid: int, stage: Stage) -> Sample:
    """Measure a running bot."""
    family = list(_family(pid))
    return Sample(
        rss_mib=sum(map(_rss_mib, family)),
        cpu_s=sum(map(_cpu_s, family)),
        processes=len(family),
        descriptors=sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
        threads=sum(1 for _ in Path(f"/proc/{pid}/task").iterdir()),
        spool_mib=sum(_size_mib(path) for path in (stage.folder / "bot/spool").rglob("*")),
        database_mib=_size_mib(stage.folder / "bot.db"),
        wal_mib=_size_mib(stage.folder / "bot.db-wal"),
    )


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all that it has started."""
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _rss_mib(pid: int) -> float:
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MIB
    return 0.0


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process, and of its children that have ended."""
    with suppress(OSError):
        # The name before it, in brackets, may contain spaces.
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, after_name[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _size_mib(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_size / _MIB if path.is_file() else 0.0
    return 0.0


class _Load:
    """Light mixed load: new and known videos, albums, sounds, commands."""

    def __init__(self, stage: Stage, samples: SampleStore) -> None:
        self._stage = stage
        encodings = (Encoding(samples.video(VideoSpec())),)
        self._post = {"encodings": encodings, "sound": samples.sound()}
        self._turn = 0

    def step(self) -> None:
        self._turn += 1
        match self._turn % 8:
            case 1 | 4:
                self._ask_for_new()
            case 3:
                self._stage.ask_sound()
            case 6:
                people = self._stage.people
                person = people[self._turn % len(people)]
                self._stage.simulator.world.say(person, "/settings")
            case _:
                self._ask_again()

    def _ask_for_new(self) -> None:
        self._say(f"74000000000{self._turn:08}")

    def _ask_again(self) -> None:
        """Ask for a post that somebody else has got: its file ids are known."""
        self._say(f"74000000000{self._turn - self._turn % 8 + 1:08}")

    def _say(self, post_id: str) -> None:
        stage = self._stage
        stage.simulator.site.add(SamplePost(post_id, **self._post))  # type: ignore[arg-type]
        person = stage.people[self._turn % len(stage.people)]
        link = f"https://www.tiktok.com/@a/video/{post_id}"
        message = stage.simulator.world.say(person, link)
        stage.requests.append(Request(person.id, message["message_id"], post_id))


def grown(samples: list[Sample], minutes: float) -> list[str]:
    """Return what is larger at the end than after the warm-up, and by how much."""
    warm = round(len(samples) * min(_WARM_UP_MINUTES / minutes, 0.5))
    early, late = samples[warm : warm + 2], samples[-3:]
    found = []
    for name, most in _MAY_GROW.items():
        more = _median(late, name) - _median(early, name)
        if more > most:
            found.append(f"{name} by {more:.1f}")
    return found


def costs(first: Sample, last: Sample, links: int) -> str:
    """Return what 1 000 links take, from two samples and the number of links between them."""
    cpu_s, database_mib = (
        (getattr(last, name) - getattr(first, name)) * 1_000 / links
        for name in ("cpu_s", "database_mib")
    )
    return f"1 000 links: {cpu_s:.0f} s of CPU, {database_mib:.1f} MiB of the database"


def _median(samples: list[Sample], name: str) -> float:
    return float(statistics.median(getattr(each, name) for each in samples))


async def main(minutes: float) -> int:
    """Run, print the table, and return the exit code."""
    names = [each.name for each in fields(Sample)]
    sys.stdout.write(f"{'minutes':>8}{'asked':>8}" + "".join(f"{n:>14}" for n in names) + "\n")
    taken: list[Sample] = []
    asked: list[int] = []
    with tempfile.TemporaryDirectory(prefix="clipferry-soak-") as folder:
        store = SampleStore(Path(folder) / "samples")
        async with make_stage(Path(folder) / "stage", store) as stage:
            bot = Supervisor("bot", stage.folder / "bot", stage.environment())
            await bot.start()
            load, started = _Load(stage, store), time.monotonic()
            for number in range(1, _ROWS + 1):
                while time.monotonic() < started + minutes * 60 * number / _ROWS:
                    load.step()
                    await asyncio.sleep(_EVERY_S)
                taken.append(sample(bot.pid, stage))
                asked.append(len(stage.requests))
                _write_row(minutes * number / _ROWS, asked[-1], taken[-1])
            await stage.settle()
            history, restarts = stage.history(), len(bot.exits)
            await bot.stop()
    growth = grown(taken, minutes)
    sys.stdout.write(f"{costs(taken[0], taken[-1], asked[-1] - asked[0])}\n")
    sys.stdout.write(f"{history}\nrestarts: {restarts}; grown: {', '.join(growth) or 'nothing'}\n")
    return 1 if growth or restarts or history.problems() else 0


def _write_row(minutes: float, asked: int, taken: Sample) -> None:
    values = [getattr(taken, each.name) for each in fields(taken)]
    cells = "".join(
        f"{value:>14.1f}" if isinstance(value, float) else f"{value:>14}" for value in values
    )
    sys.stdout.write(f"{minutes:>8.1f}{asked:>8}{cells}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    sys.exit(asyncio.run(main(parser.parse_args().minutes)))
