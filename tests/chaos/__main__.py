"""Disturb a running bot in every way, and print what became of its users' requests.

`make chaos` runs all disturbances, `make chaos ARGS="kill two"` some, and `make chaos ARGS=--help`
says what the columns of the table mean. CHAOS_S is how long those take that can take any time, in
seconds, and CHAOS_LEASE_S is the lease of the processes. CHAOS_KEEP names a folder that keeps what
the processes leave, with their logs, and CHAOS_LOG_LEVEL is the level of these.

The exit code is 1 if a request was lost, answered twice, or left with the status that it is being
worked on; if a row has an apology (told), an unknown outcome or another order that its disturbance
does not excuse; if a broadcast did not end or its card does not add up; if a request changed its
owner against the rules; or if a row found something else that it names.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Final

from simulator.samples import SampleStore
from tests.chaos import broadcasts, fleet, single
from tests.chaos.stage import History, Stage, make_stage
from tests.chaos.versions import versions

Disturbance = Callable[[Stage], Awaitable[str]]

_ALL: Final = (
    *(single.kill, single.restart, single.freeze, single.cut, single.lock),
    *(single.postgres, single.postgres_restart, single.disk, single.two),
    *(single.upgrade, single.maintenance, single.clock, single.supergroups),
    *(single.sounds, single.inline),
    *(fleet.fleet, fleet.fence, fleet.roles, fleet.rolling, fleet.webhook, fleet.receivers),
    *(fleet.roles_postgres, fleet.partition, fleet.listen, fleet.clocks, versions),
    *(broadcasts.broadcast, broadcasts.broadcast_fleet),
)
DISTURBANCES: Final[dict[str, Disturbance]] = {each.__name__: each for each in _ALL}
#: Columns that have to be zero besides those that always have to, by the name of the row. What ends
#: or freezes a process in the middle of a send leaves an unknown outcome, and what freezes one lets
#: two requests of a chat run side by side (docs/decisions/0034).
_FORBIDDEN: Final = {
    **dict.fromkeys(("kill", "restart", "roles", "fence", "versions"), ("told",)),
    **dict.fromkeys(("rolling", "clocks"), ("told", "unordered")),
    **dict.fromkeys(("webhook", "receivers", "listen"), ("told", "unknown", "unordered")),
    "two": ("told", "unknown"),
}
_UPLOAD_BYTES_PER_S: Final = 600_000
_COLUMNS: Final = {each.name: str(each.metadata["meaning"]) for each in fields(History)}


async def main(names: list[str]) -> int:
    """Run the named disturbances, print a row for each, and return the exit code."""
    sys.stdout.write(f"{'':18}" + "".join(f"{name:>10}" for name in _COLUMNS) + "\n")
    problems = 0
    # What is killed in the middle of an upload leaves a broken connection.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with _folder() as folder:
        samples = SampleStore(folder / "samples")
        for name in names:
            async with make_stage(folder / name, samples, _UPLOAD_BYTES_PER_S) as stage:
                note = await DISTURBANCES[name](stage)
                history = stage.history()
            problems += _write_row(name, stage, history, note)
    return 1 if problems else 0


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield the folder of the run."""
    if kept := os.environ.get("CHAOS_KEEP"):
        yield Path(kept).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="clipferry-chaos-") as folder:
        yield Path(folder)


def _write_row(name: str, stage: Stage, history: History, note: str) -> int:
    """Write a row of the table, and return the number of its problems."""
    recorded, against_rules = stage.steps
    forbidden = _FORBIDDEN.get(name, ())
    problems = history.problems(forbidden) + against_rules + len(stage.failures)
    notes = ["FAILED", note] if problems else [note]
    if recorded:
        notes.append(f"{recorded} steps, {against_rules} against the rules")
    notes += stage.failures
    notes += [f"{times} x {what}" for what, times in Counter(stage.problems).items()]
    row = "".join(f"{getattr(history, column):>10}" for column in _COLUMNS)
    sys.stdout.write(f"{name:18}{row}  {'; '.join(notes)}\n")
    sys.stdout.flush()
    return problems


def _names() -> list[str]:
    """Return the names of the command line; without any, all."""
    meanings = "\n".join(f"  {name:10} {meaning}" for name, meaning in _COLUMNS.items())
    rows = "\n".join(f"  {name:18} {each.__doc__}" for name, each in DISTURBANCES.items())
    parser = argparse.ArgumentParser(
        prog="make chaos",
        description=__doc__,
        epilog=f"columns:\n{meanings}\n\nrows:\n{rows}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="row", type=_known_name)
    return parser.parse_args().names or list(DISTURBANCES)


def _known_name(name: str) -> str:
    if name not in DISTURBANCES:
        raise argparse.ArgumentTypeError(f"there is no row {name}")
    return name


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_names())))
