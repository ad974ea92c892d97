"""Measure what a bot takes that has nothing to do."""

import time

from benchmarks.results import Result
from benchmarks.stage import Measured, World, clipferry, program
from benchmarks.world import POST

_SECONDS, _BASELINE_SECONDS = 60.0, 10.0
#: Until what a start or an answer leaves behind is done.
_SETTLES_S = 5.0


def idle(world: World) -> list[Result]:
    """Measure a minute of CPU time after one answered link, and after the start of bare aiogram."""
    with clipferry(world) as bot:
        before = world.count("sendVideo")
        world.say(f"https://www.tiktok.com/@_/video/{POST}", [900])
        world.wait_for("sendVideo", before + 1, bot)
        share = _share(bot, _SECONDS)
    bare = ("-m", "benchmarks.baseline_bot", world.ready["server"], world.ready["token"])
    with program(world, *bare) as bot:
        baseline = _share(bot, _BASELINE_SECONDS)
    return [
        Result(
            f"idle for {_SECONDS:.0f} s, share of a core",
            f"{share:.2%}",
            f"{baseline:.2%}",
            f"{share / baseline:.2f}" if baseline else "-",
            "≤ 0.2 %",
            share <= 0.002,
        )
    ]


def _share(bot: Measured, seconds: float) -> float:
    time.sleep(_SETTLES_S)
    began, cpu = time.monotonic(), bot.cpu_s
    time.sleep(seconds)
    return (bot.cpu_s - cpu) / (time.monotonic() - began)
