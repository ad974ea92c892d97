"""Disturb a running bot in every way, and print what became of its users' requests.

`make chaos` runs all disturbances, `make chaos ARGS="kill two"` some. CHAOS_S is how long those
take that can take any time, in seconds. The exit code is 1 if a request was lost or answered
twice, if a broadcast did not end or its card does not add up, or if a request changed its owner
against the rules.
"""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import Final

from simulator.samples import SampleStore
from tests.chaos import broadcasts, fleet, single
from tests.chaos.stage import History, Stage, make_stage

Disturbance = Callable[[Stage], Awaitable[str]]

_ALL: Final = (
    *(single.kill, single.restart, single.freeze, single.cut, single.lock),
    *(single.postgres, single.postgres_restart, single.disk, single.two),
    *(single.upgrade, single.maintenance, single.clock, single.supergroups),
    *(single.sounds, single.inline),
    *(fleet.fleet, fleet.fence, fleet.roles, fleet.rolling, fleet.webhook, fleet.receivers),
    *(fleet.roles_postgres, fleet.partition, fleet.listen),
    *(broadcasts.broadcast, broadcasts.broadcast_fleet),
)
DISTURBANCES: Final[dict[str, Disturbance]] = {each.__name__: each for each in _ALL}


async def main(names: list[str]) -> int:
    """Run the named disturbances, print a row for each, and return the exit code."""
    columns = [each.name for each in fields(History)]
    sys.stdout.write(f"{'':18}" + "".join(f"{name:>10}" for name in columns) + "\n")
    problems = 0
    with tempfile.TemporaryDirectory(prefix="clipferry-chaos-") as folder:
        samples = SampleStore(Path(folder) / "samples")
        for name in names:
            async with make_stage(Path(folder) / name, samples) as stage:
                note = await DISTURBANCES[name](stage)
                history = stage.history()
            recorded, forbidden = stage.steps
            problems += history.problems() + stage.broadcast.stuck + forbidden
            if recorded:
                note += f"; {recorded} steps, {forbidden} against the rules"
            problem_kinds = Counter(stage.problems).items()
            note = "; ".join([note, *(f"{times} x {what}" for what, times in problem_kinds)])
            row = "".join(f"{getattr(history, column):>10}" for column in columns)
            sys.stdout.write(f"{name:18}{row}  {note}\n")
            sys.stdout.flush()
    return 1 if problems else 0


sys.exit(asyncio.run(main(sys.argv[1:] or list(DISTURBANCES))))
