"""Define the benchmarks. Each returns its results, with the target it was measured against."""

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import aiohttp

from benchmarks.backlog import backlog
from benchmarks.broadcasts import broadcast
from benchmarks.cached_posts import cached, databases, flat, overhead, paced, storm, typed
from benchmarks.files import files
from benchmarks.fleet import shared_pace
from benchmarks.growth import growth
from benchmarks.idle import idle
from benchmarks.job_queue import claims
from benchmarks.links import burst, downloads, single
from benchmarks.page import page
from benchmarks.results import Result, Rounds, ratios
from benchmarks.stage import Measured, World, clipferry, program
from benchmarks.statistics import screens
from benchmarks.world import POST
from platforms import Fetcher, FetchPolicy, load_proxies, load_registry


def extraction(world: World) -> list[Result]:
    """Measure CPU time of extraction with yt-dlp; the baseline unpacks and parses the same page."""
    posts, rounds = 40, 3
    ours, baseline = [], []
    environment = world.ready["environment"]
    page = asyncio.run(_page(world))
    asyncio.run(_read_posts(environment, 5))
    for _ in range(rounds):
        started = time.process_time()
        asyncio.run(_read_posts(environment, posts))
        ours.append((time.process_time() - started) / posts * 1000)
        started = time.process_time()
        for _ in range(posts):
            _parse(page)
        baseline.append((time.process_time() - started) / posts * 1000)
    share = ratios(ours, baseline)
    return [
        Result(
            "extraction, CPU per post",
            f"{Rounds(ours).median:.1f} ms",
            f"{Rounds(baseline).median:.1f} ms",
            f"{share.median:.2f}",
            "≤ 4",
            share.is_at_most(4),
        )
    ]


async def _read_posts(environment: dict[str, str], number: int) -> None:
    proxies = load_proxies(Path(environment["NETWORK_PROXY_FILE"]), include_direct=False)
    ca_file = Path(environment["NETWORK_CA_FILE"])
    fetcher = Fetcher(
        load_registry(), proxies, FetchPolicy(attempts=1, budget_s=30, stall_s=10, ca_file=ca_file)
    )
    link = fetcher.registry.find(f"https://www.tiktok.com/@_/video/{POST}")
    assert link
    for _ in range(number):
        post = await fetcher.attempt(link, lambda attempt: attempt.read())
        assert post.items
    await fetcher.close()


async def _page(world: World) -> bytes:
    """Download the page as the site sends it, gzipped."""
    import ssl

    environment = world.ready["environment"]
    proxy = Path(environment["NETWORK_PROXY_FILE"]).read_text().strip()
    context = ssl.create_default_context(cafile=environment["NETWORK_CA_FILE"])
    url = f"https://www.tiktok.com/@_/video/{POST}"
    headers = {"Accept-Encoding": "gzip"}
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(url, proxy=proxy, ssl=context, headers=headers) as response,
    ):
        return await response.read()


def _parse(page: bytes) -> None:
    text = gzip.decompress(page).decode()
    start = text.index("{", text.index("__UNIVERSAL_DATA_FOR_REHYDRATION__"))
    data, _ = json.JSONDecoder().raw_decode(text, start)
    assert data["__DEFAULT_SCOPE__"]["webapp.video-detail"]["statusCode"] == 0


def registrations(world: World) -> list[Result]:
    """Send 3000 /start at once: compare the speed with plain aiogram; all must be answered."""
    people = 3_000
    bare = ("-m", "benchmarks.baseline_bot", world.ready["server"], world.ready["token"])
    with program(world, *bare) as bot:
        baseline, baseline_cpu = _answer_starts(world, bot, 100_000, people)
    with clipferry(world) as bot:
        ours, ours_cpu = _answer_starts(world, bot, 200_000, people)
    ratio = ours / baseline
    return [
        Result(
            f"registrations, {people} /start at once",
            f"{ours:.0f}/s ({ours_cpu:.2f} ms CPU)",
            f"{baseline:.0f}/s ({baseline_cpu:.2f} ms CPU)",
            f"{ratio:.0%}",
            "≥ 50 %",
            ratio >= 0.5,
        )
    ]


def _answer_starts(world: World, bot: Measured, first: int, people: int) -> tuple[float, float]:
    before, cpu = world.count("sendMessage"), bot.cpu_s
    started = time.monotonic()
    world.control("say", [{"person": first + n, "text": "/start"} for n in range(people)])
    world.wait_for("sendMessage", before + people, bot)
    took = time.monotonic() - started
    return people / took, (bot.cpu_s - cpu) / people * 1000


def start(world: World) -> list[Result]:
    """Measure the time to the first getUpdates and the memory then.

    The baseline of lean and stock is plain aiogram, that of all sites the two first ones.
    """
    bare = ("-m", "benchmarks.baseline_bot", world.ready["server"], world.ready["token"])
    two, every = "tiktok,instagram", ",".join(load_registry().by_name)
    starts: dict[str, Callable[[], AbstractContextManager[Measured]]] = {
        "aiogram alone": lambda: program(world, *bare),
        "lean": lambda: clipferry(world, BOT_LEAN_START="true"),
        "stock": lambda: clipferry(world, BOT_LEAN_START="false"),
        "two sites": lambda: clipferry(world, SITES_ALLOWED=two),
        # Some sites are read by cobalt only. No link is sent, so nothing has to answer there.
        "all sites": lambda: clipferry(
            world, SITES_ALLOWED=every, HELPERS_COBALT_URL="http://127.0.0.1:9"
        ),
    }
    measured = {name: _start(begin) for name, begin in starts.items()}
    pairs = {"lean": "aiogram alone", "stock": "aiogram alone", "all sites": "two sites"}
    return [
        result
        for name, baseline in pairs.items()
        for result in _compared(name, measured[name], measured[baseline])
    ]


def _start(begin: Callable[[], AbstractContextManager[Measured]]) -> tuple[float, float]:
    """Start a bot three times; return the median time in seconds and the memory in MiB."""
    times, memory = [], []
    for _ in range(3):
        started = time.monotonic()
        with begin() as bot:
            times.append(time.monotonic() - started)
            time.sleep(0.5)
            memory.append(bot.rss_mb)
    return sorted(times)[1], sorted(memory)[1]


def _compared(name: str, ours: tuple[float, float], other: tuple[float, float]) -> list[Result]:
    (seconds, memory), (baseline_s, baseline_mb) = ours, other
    return [
        Result(
            f"cold start, {name}",
            f"{seconds:.2f} s",
            f"{baseline_s:.2f} s",
            f"{seconds / baseline_s:.2f}",
            "-",
        ),
        Result(
            f"idle memory, {name}",
            f"{memory:.0f} MiB",
            f"{baseline_mb:.0f} MiB",
            f"{memory / baseline_mb:.2f}",
            "-",
        ),
    ]


BENCHMARKS = {
    "extraction": extraction,
    "single": single,
    "burst": burst,
    "downloads": downloads,
    "registrations": registrations,
    "cached": cached,
    "databases": databases,
    "overhead": overhead,
    "paced": paced,
    "shared_pace": shared_pace,
    "flat": flat,
    "typed": typed,
    "storm": storm,
    "backlog": backlog,
    "broadcast": broadcast,
    "statistics": screens,
    "start": start,
    "idle": idle,
    "files": files,
    "claims": claims,
    "growth": growth,
    "page": page,
}
