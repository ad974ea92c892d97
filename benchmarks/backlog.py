"""Measure how long somebody waits who writes behind a long downtime."""

import time
from typing import Final

from benchmarks.results import Result
from benchmarks.stage import World, program
from benchmarks.world import POST

_OLD: Final = 100_000
#: Each of them has written as often as the others.
_PEOPLE: Final = range(600_000, 602_000)
_NEWCOMER: Final = 899
_AGE_S: Final = 600
_TARGET_S: Final = 5.0


def backlog(world: World) -> list[Result]:
    """Start a bot after a downtime, with old messages and a link behind them that is new.

    The baseline answers in the order of arrival, at 30 messages a second.
    """
    usual = {
        "DATABASE_URL": f"sqlite:///{world.folder / 'backlog.db'}",
        "TELEGRAM_PACING": "true",
    }
    with program(world, "main.py", "run", **usual):
        pass  # it has its database since the start before
    for _ in range(_OLD // len(_PEOPLE)):
        world.say("hello", _PEOPLE, age_s=_AGE_S)
    world.say(f"https://www.tiktok.com/@_/video/{POST}", [_NEWCOMER])
    before, began = world.count("sendVideo"), time.monotonic()
    with program(world, "main.py", "run", **usual) as bot:
        started = time.monotonic() - began
        world.wait_for("sendVideo", before + 1, bot)
        took = time.monotonic() - began
    return [
        Result(
            f"a link behind {_OLD:,} old messages",
            f"{took:.1f} s, start {started:.1f} s",
            f"{_OLD / 30:.0f} s at 30/s",
            "-",
            f"≤ {_TARGET_S:.0f} s",
            took <= _TARGET_S,
        )
    ]
