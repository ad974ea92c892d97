"""Measure new links: 100 at once, one at a time, and 50 with large files in flight.

The baseline is `benchmarks.baseline_links`: one script that does the same work for the same posts.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.results import Result, Rounds, ratios
from benchmarks.stage import ROOT, Measured, World, clipferry
from benchmarks.world import (
    BURST_POSTS,
    LARGE_BYTES,
    LARGE_POSTS,
    MANY_POSTS,
    SINGLE_BYTES,
    SINGLE_POSTS,
)

_ROUNDS = 3
_FIRST_PERSON = 1_000
#: Links that the bot works on at a time by default: [limits] active_requests.
_AT_ONCE = 16
_PATIENCE_S = 300


@dataclass(frozen=True)
class _Run:
    """When each answer was sent, in seconds after the first link, and the CPU time of all."""

    ended: Sequence[float]
    cpu_s: float
    peak_mb: float = 0.0

    @property
    def pace(self) -> float:
        """Return the links a second."""
        return len(self.ended) / max(self.ended)

    @property
    def p95_s(self) -> float:
        return sorted(self.ended)[int(len(self.ended) * 0.95)]

    @property
    def cpu_ms(self) -> float:
        """Return the CPU time of a link."""
        return self.cpu_s / len(self.ended) * 1000


# --- many at once ---------------------------------------------------------------------------------


def burst(world: World) -> list[Result]:
    """Send 100 new links at once, without and then with Telegram's limits."""
    ours, baseline = [], []
    for _ in range(_ROUNDS):
        with clipferry(world) as bot:
            _warm_up(world, bot, len(BURST_POSTS))
            ours.append(_send_at_once(world, bot, BURST_POSTS))
        baseline.append(_baseline(world, BURST_POSTS, _AT_ONCE))
    return [*_burst_results(ours, baseline), _paced_burst(world)]


def _burst_results(ours: Sequence[_Run], baseline: Sequence[_Run]) -> list[Result]:
    pace, baseline_pace = [run.pace for run in ours], [run.pace for run in baseline]
    share = ratios(pace, baseline_pace)
    cpu, baseline_cpu = [run.cpu_ms for run in ours], [run.cpu_ms for run in baseline]
    what, (p95, baseline_p95) = (
        f"{len(BURST_POSTS)} new links at once",
        map(_median_p95, (ours, baseline)),
    )
    return [
        Result(
            f"{what}, pace",
            f"{statistics.median(pace):.0f}/s, p95 {p95:.1f} s",
            f"{statistics.median(baseline_pace):.0f}/s, p95 {baseline_p95:.1f} s",
            f"{share.median:.0%}",
            "≥ 60 %, ≥ 45/s",
            share.is_at_least(0.6) and Rounds(pace).is_at_least(45),
        ),
        Result(
            f"{what}, CPU of main and workers",
            f"{statistics.median(cpu):.0f} ms each",
            f"{statistics.median(baseline_cpu):.0f} ms each",
            f"{ratios(cpu, baseline_cpu).median:.2f}",
            "-",
        ),
    ]


def _median_p95(runs: Sequence[_Run]) -> float:
    return statistics.median(run.p95_s for run in runs)


def _paced_burst(world: World) -> Result:
    with clipferry(world, TELEGRAM_PACING="true") as bot:
        _warm_up(world, bot, len(BURST_POSTS))
        time.sleep(2)
        world.control("limits", body=True)
        run = _send_at_once(world, bot, BURST_POSTS)
        refused = world.control("limits", body=False)
    # Telegram takes the first second's messages at once.
    shortest_s = len(BURST_POSTS) / 30 - 1
    took_s = max(run.ended)
    return Result(
        f"{len(BURST_POSTS)} new links at once, paced",
        f"{took_s:.1f} s, {refused} refused",
        f"{shortest_s:.1f} s by the limits",
        f"{shortest_s / took_s:.0%}",
        "0 refused",
        refused == 0,
    )


# --- one at a time --------------------------------------------------------------------------------


def single(world: World) -> list[Result]:
    """Send links to videos of 5 MB, one after the other."""
    ours_s, ours_ms, baseline_s, baseline_ms = [], [], [], []
    for _ in range(_ROUNDS):
        with clipferry(world) as bot:
            _warm_up(world, bot, len(SINGLE_POSTS))
            cpu = bot.cpu_s
            seconds = [_send_one(world, bot, post) for post in SINGLE_POSTS]
            ours_ms.append((bot.cpu_s - cpu) / len(seconds) * 1000)
            ours_s.append(statistics.median(seconds))
        baseline = _baseline(world, SINGLE_POSTS, 1)
        baseline_ms.append(baseline.cpu_ms)
        baseline_s.append(statistics.median(b - a for a, b in pairwise([0, *baseline.ended])))
    what = f"a new link, {SINGLE_BYTES // 1_000_000} MB"
    return [
        Result(
            f"{what}, CPU of main and workers",
            f"{statistics.median(ours_ms):.1f} ms",
            f"{statistics.median(baseline_ms):.1f} ms",
            f"{ratios(ours_ms, baseline_ms).median:.2f}",
            "≤ 20 ms",
            Rounds(ours_ms).is_at_most(20),
        ),
        Result(
            f"{what}, until its video is sent",
            f"p50 {statistics.median(ours_s) * 1000:.0f} ms",
            f"p50 {statistics.median(baseline_s) * 1000:.0f} ms",
            f"{ratios(ours_s, baseline_s).median:.2f}",
            "≤ 35 ms",
            Rounds(ours_s).is_at_most(0.035),
        ),
    ]


def _send_one(world: World, bot: Measured, post: str) -> float:
    """Send a link, and return the seconds until its video was sent.

    Nothing is asked of the simulator meanwhile: the answers would take time from the bot.
    """
    before, since = world.count("sendVideo"), world.calls()
    began = time.monotonic()
    world.say(_link(post), [_FIRST_PERSON])
    time.sleep(0.25)
    world.wait_for("sendVideo", before + 1, bot)
    return _sent(world, since)[0] - began


# --- many large ones ------------------------------------------------------------------------------


def downloads(world: World) -> list[Result]:
    """Download and deliver 50 files of 20 MB at the same time."""
    number = len(LARGE_POSTS)
    options = {"LIMITS_ACTIVE_REQUESTS": str(number), "LIMITS_STALL_S": "120"}
    with clipferry(world, **options) as bot:
        _warm_up(world, bot, number)
        time.sleep(0.5)
        idle = bot.rss_mb
        cpu, before, since = bot.cpu_s, world.count("sendVideo"), world.calls()
        began = time.monotonic()
        _say_all(world, LARGE_POSTS)
        peak, own = idle, 0.0
        while world.count("sendVideo") < before + number:
            peak, own = max(peak, bot.rss_mb), max(own, bot.own_mb)
            _check_time(began)
            time.sleep(0.05)
        mapped = bot.mapped_mb
        ours = _Run(_seconds(world, since, began), bot.cpu_s - cpu)
    baseline = _baseline(world, LARGE_POSTS, number)
    what = f"{number} x {LARGE_BYTES // 1_000_000} MB in flight"
    needed, baseline_mb = (own + mapped) * 1.048576, baseline.peak_mb * 1.048576
    return [
        Result(
            f"{what}, memory of all processes",
            f"{needed:.0f} MB (RSS {peak * 1.048576:.0f})",
            f"{baseline_mb:.0f} MB in one",
            f"{needed / baseline_mb:.2f}",
            "≤ 300 MB",
            needed <= 300,
        ),
        Result(
            f"{what}, RSS above idle",
            f"{peak:.0f} MiB",
            f"{idle:.0f} MiB idle",
            f"+{peak - idle:.0f} MiB",
            "≤ +150 MiB",
            peak - idle <= 150,
        ),
        Result(
            f"{what}, pace",
            f"{ours.pace:.1f}/s ({ours.cpu_ms:.0f} ms CPU each)",
            f"{baseline.pace:.1f}/s ({baseline.cpu_ms:.0f} ms CPU)",
            f"{ours.pace / baseline.pace:.0%}",
            "-",
        ),
    ]


def _check_time(began: float) -> None:
    if time.monotonic() - began > _PATIENCE_S:
        raise RuntimeError("the links were not answered in time")


# --- what they share ------------------------------------------------------------------------------


def _link(post: str) -> str:
    return f"https://www.tiktok.com/@_/video/{post}"


def _warm_up(world: World, bot: Measured, people: int) -> None:
    """Register the people, and answer some links, so that all workers have started."""
    posts = MANY_POSTS[: min(people, 8)]
    count = world.count("sendMessage")
    world.say("/start", range(_FIRST_PERSON, _FIRST_PERSON + people))
    world.wait_for("sendMessage", count + people, bot)
    count = world.count("sendVideo")
    _say_all(world, posts)
    world.wait_for("sendVideo", count + len(posts), bot)
    time.sleep(0.5)


def _say_all(world: World, posts: Sequence[str]) -> None:
    """Send each link as somebody else, all at once."""
    people = enumerate(posts, _FIRST_PERSON)
    world.control("say", [{"person": person, "text": _link(post)} for person, post in people])


def _send_at_once(world: World, bot: Measured, posts: Sequence[str]) -> _Run:
    cpu, before, since = bot.cpu_s, world.count("sendVideo"), world.calls()
    began = time.monotonic()
    _say_all(world, posts)
    world.wait_for("sendVideo", before + len(posts), bot)
    time.sleep(0.2)  # what follows an answer belongs to its cost
    return _Run(_seconds(world, since, began), bot.cpu_s - cpu)


def _sent(world: World, since: int) -> list[float]:
    """Return when the videos since a call were sent, on the monotonic clock of the machine."""
    calls = world.control(f"calls?since={since}")
    return [
        call["at"] + call["seconds"]
        for call in calls
        if (call["method"], call["status"]) == ("sendVideo", 200)
    ]


def _seconds(world: World, since: int, began: float) -> list[float]:
    return [at - began for at in _sent(world, since)]


def _baseline(world: World, posts: Sequence[str], at_once: int) -> _Run:
    """Run the script; its chats are those that the bot has answered before."""
    environment: dict[str, str] = world.ready["environment"]
    options: dict[str, Any] = {
        "server": world.ready["server"],
        "token": world.ready["token"],
        "proxy": Path(environment["NETWORK_PROXY_FILE"]).read_text().strip(),
        "ca_file": environment["NETWORK_CA_FILE"],
        "folder": str(world.folder),
        "posts": posts,
        "at_once": at_once,
    }
    command = [sys.executable, "-m", "benchmarks.baseline_links", json.dumps(options)]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return _Run(**json.loads(output))
