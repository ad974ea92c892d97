"""Measure cached links: CPU cost, speed, latency and memory growth."""

import random
import statistics
import time
from collections.abc import Sequence

from benchmarks.fleet import postgres
from benchmarks.results import Result, Rounds, ratios
from benchmarks.stage import Measured, World, clipferry, program
from benchmarks.world import MANY_POSTS, POST, STORAGE

_LINK = f"https://www.tiktok.com/@_/video/{POST}"
_ROUNDS = 3
#: Number of inline queries.
_TYPED = 600
#: People who ask again and again, and how often in each quarter of the requests.
_ASKING, _QUARTER = 500, 5


def cached(world: World) -> list[Result]:
    """Send one cached link in 1000 chats; compare CPU time and speed with plain aiogram.

    The baseline sends the bare video in one round and a full message in the next. Rounds alternate
    because the speed of a shared machine changes from minute to minute.
    """
    people = range(300_000, 301_000)
    with clipferry(world) as bot:
        _fill_cache(world, bot, people)
        sent = world.control("chats/900")
        file_id = next(message["video"]["file_id"] for message in sent if "video" in message)
    alone = ("-m", "benchmarks.baseline_bot", world.ready["server"], world.ready["token"], file_id)
    rounds: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": [], "full": []}
    for _ in range(_ROUNDS):
        with clipferry(world) as bot:
            _fill_cache(world, bot, people)
            rounds["ours"].append(_answer_all(world, bot, people))
        for style in ("bare", "full"):
            with program(world, *alone, style) as bot:
                _register_users(world, bot, people)
                rounds[style].append(_answer_all(world, bot, people))
    pace = {name: Rounds([one[0] for one in each]) for name, each in rounds.items()}
    cpu = {name: Rounds([one[1] for one in each]) for name, each in rounds.items()}
    shares = {name: ratios(cpu["ours"].values, each.values) for name, each in cpu.items()}
    in_chats = f"a cached link in {len(people)} chats"
    return [
        Result(
            f"{in_chats}, CPU",
            f"{cpu['ours'].median:.2f} ms",
            f"{cpu['bare'].median:.2f} ms",
            f"{shares['bare'].median:.2f}",
            "≤ 2",
            shares["bare"].is_at_most(2),
        ),
        Result(
            "the same, baseline with a full message",
            f"{cpu['ours'].median:.2f} ms",
            f"{cpu['full'].median:.2f} ms",
            f"{shares['full'].median:.2f}",
            "-",
        ),
        Result(
            f"{in_chats}, pace",
            f"{pace['ours'].median:.0f}/s",
            f"{pace['bare'].median:.0f}/s",
            f"{ratios(pace['ours'].values, pace['bare'].values).median:.0%}",
            "≥ 200/s",
            pace["ours"].is_at_least(200),
        ),
    ]


def databases(world: World) -> list[Result]:
    """Send one cached link in 1000 chats, on PostgreSQL and on SQLite in turn.

    The CPU time is the bot's alone. The pace is shared with Telegram and the database server on the
    same cores, and each commit of PostgreSQL waits for the disk, while SQLite's does not.
    """
    people = range(300_000, 301_000)
    rounds: dict[str, list[tuple[float, float]]] = {"postgresql": [], "sqlite": []}
    with postgres() as url:
        for number in range(_ROUNDS):
            sqlite = f"sqlite:///{world.folder / f'databases-{number}.db'}"
            for name, database_url in (("postgresql", url), ("sqlite", sqlite)):
                command = ("main.py", "run")
                options = {"DATABASE_URL": database_url, "LIMITS_SPAM_GUARD": "false"}
                with program(world, *command, **options) as bot:
                    _fill_cache(world, bot, people)
                    _answer_all(world, bot, people)  # prepares the statements
                    rounds[name].append(_answer_all(world, bot, people))
    pace, cpu = (Rounds(values) for values in zip(*rounds["postgresql"], strict=True))
    sqlite_pace, sqlite_cpu = (Rounds(values) for values in zip(*rounds["sqlite"], strict=True))
    share = ratios(cpu.values, sqlite_cpu.values)
    return [
        Result(
            "a cached link: PostgreSQL, SQLite, CPU",
            f"{cpu.median:.2f} ms",
            f"{sqlite_cpu.median:.2f} ms",
            f"{share.median:.2f}",
            "≤ 2",
            share.is_at_most(2),
        ),
        Result(
            "the same, pace",
            f"{pace.median:.0f}/s",
            f"{sqlite_pace.median:.0f}/s",
            f"{ratios(pace.values, sqlite_pace.values).median:.0%}",
            "≥ 700/s",
            pace.is_at_least(700),
        ),
    ]


def overhead(world: World) -> list[Result]:
    """Measure the latency of single links: a cached video, and the first reaction on a new link."""
    with clipferry(world, LIMITS_SPAM_GUARD="false") as bot:
        _fill_cache(world, bot, range(900, 901))
        time.sleep(1)
        cached, seen = len(_waits(world, "sendVideo")), len(_waits(world, "setMessageReaction"))
        for n in range(100):
            world.say(_LINK, [900])
            world.wait_for("sendVideo", cached + n + 1, bot)
        seconds = _waits(world, "sendVideo")[cached:]
        for post_id in MANY_POSTS:
            count = world.count("sendVideo")
            world.say(f"https://www.tiktok.com/@_/video/{post_id}", [900])
            world.wait_for("sendVideo", count + 1, bot)
            time.sleep(0.2)
        reactions = _waits(world, "setMessageReaction")[seen:]
    return [
        _percentiles("a cached link until its video leaves", seconds, 0.050),
        _percentiles("a new link until the first reaction", reactions, 0.100),
    ]


def paced(world: World) -> list[Result]:
    """Send one cached link in 600 chats with pacing: measure speed and refused calls."""
    people = range(300_000, 300_600)
    options = {"DATABASE_URL": f"sqlite:///{world.folder / 'paced.db'}"}
    with program(world, "main.py", "run", **options) as bot:
        _fill_cache(world, bot, people)
    with program(world, "main.py", "run", **options, TELEGRAM_PACING="true") as bot:
        world.control("limits", body=True)
        pace, _ = _answer_all(world, bot, people)
        refused = world.control("limits", body=False)
    return [
        Result(
            f"a cached link in {len(people)} chats, paced",
            f"{pace:.1f}/s, {refused} refused",
            "30/s",
            f"{pace / 30:.0%}",
            "≥ 95 %, 0 refused",
            pace >= 28.5 and refused == 0,
        )
    ]


def flat(world: World) -> list[Result]:
    """Answer 10 000 requests on each database: compare the last quarter with the first."""
    sqlite = f"sqlite:///{world.folder / 'flat.db'}"
    with postgres() as url:
        return [*_flat(world, "SQLite", sqlite), *_flat(world, "PostgreSQL", url)]


def _flat(world: World, name: str, database_url: str) -> list[Result]:
    people = range(300_000, 300_000 + _ASKING)
    options = {"DATABASE_URL": database_url, "LIMITS_SPAM_GUARD": "false"}
    cpu_ms, rss_mb = [], []
    with program(world, "main.py", "run", **options) as bot:
        _fill_cache(world, bot, people)
        _answer_all(world, bot, people)  # fills caches, and prepares the statements
        for _ in range(4 * _QUARTER):
            cpu_ms.append(_answer_all(world, bot, people)[1])
            rss_mb.append(bot.rss_mb)
    first, early, late = statistics.median(cpu_ms[:_QUARTER]), rss_mb[_QUARTER - 1], rss_mb[-1]
    growth = Rounds([last / first for last in cpu_ms[-_QUARTER:]])
    return [
        Result(
            f"10 000 requests on {name}, CPU each",
            f"{growth.median * first:.2f} ms at the end",
            f"{first:.2f} ms at first",
            f"{growth.median:.2f}",
            "≤ 1.1",
            growth.is_at_most(1.1),
        ),
        Result(
            f"10 000 requests on {name}, memory",
            f"{late:.0f} MiB at the end",
            f"{early:.0f} MiB at first",
            f"+{late - early:.1f} MiB",
            "≤ +8 MiB",
            late - early <= 8,
        ),
    ]


def typed(world: World) -> list[Result]:
    """Send 100 inline queries per second: measure the latency for cached and for new links."""
    results = []
    people = range(300_000, 300_100)
    for what, links in (
        ("a cached", [_LINK]),
        ("a new", [f"https://www.tiktok.com/@_/video/{post_id}" for post_id in MANY_POSTS]),
    ):
        storage = {"INLINE_STORAGE_CHAT": str(STORAGE), "LIMITS_SPAM_GUARD": "false"}
        with clipferry(world, **storage) as bot:
            _fill_cache(world, bot, people)
            bot.keep_to_one_core()
            before = len(_waits(world, "answerInlineQuery"))
            started = time.monotonic()
            for n in range(_TYPED):
                person = people[n % len(people)]
                world.control("ask", [{"person": person, "text": links[n % len(links)]}])
                time.sleep(max(0.0, started + (n + 1) / 100 - time.monotonic()))
            pace = _TYPED / (time.monotonic() - started)
            world.wait_for("answerInlineQuery", before + _TYPED, bot)
            seconds = _waits(world, "answerInlineQuery")[before:]
        results.append(_percentiles(f"{what} link typed, {pace:.0f}/s, one core", seconds, 0.050))
    return results


def storm(world: World) -> list[Result]:
    """Send 800 requests from 300 users and 20 groups to a Telegram with rate limits."""
    people, groups = range(300_000, 300_300), range(-1_000_020, -1_000_000)
    options = {
        "TELEGRAM_PACING": "true",
        "LIMITS_SPAM_GUARD": "false",
        "LIMITS_PRIVATE_QUEUE": "10",
        "LIMITS_PATIENCE_S": "600",
    }
    links = [f"https://www.tiktok.com/@_/video/{post_id}" for post_id in MANY_POSTS]
    rng = random.Random(4)
    # No chat asks for a post twice: it would be answered once.
    requests = [{"person": p, "text": link} for p in people for link in rng.sample(links, 2)]
    requests += [
        {"person": people[n], "chat": group, "text": link}
        for group in groups
        for n, link in enumerate(rng.sample(links, 10))
    ]
    rng.shuffle(requests)
    with clipferry(world, **options) as bot:
        world.control("limits", body=True)
        before = world.count("sendVideo")
        started = time.monotonic()
        world.control("say", requests)
        world.wait_for("sendVideo", before + len(requests), bot)
        took = time.monotonic() - started
        refused = world.control("limits", body=False)
    return [
        Result(
            f"a storm of {len(requests)} requests, paced",
            f"{took:.0f} s, {refused} refused",
            # Every user gets one welcome.
            f"{(len(requests) + len(people) + len(groups)) / 30:.0f} s at 30/s",
            "-",
            "0 refused",
            refused == 0,
        )
    ]


def _fill_cache(world: World, bot: Measured, people: Sequence[int]) -> None:
    """Put the post into the file-id cache and register the users."""
    count = world.count("sendVideo")
    world.say(_LINK, [900])
    world.wait_for("sendVideo", count + 1, bot)
    _register_users(world, bot, people)


def _register_users(world: World, bot: Measured, people: Sequence[int]) -> None:
    """Register the users, so that no first-time work happens during the measurement."""
    count = world.count("sendMessage")
    world.say("/start", people)
    world.wait_for("sendMessage", count + len(people), bot)


def _answer_all(world: World, bot: Measured, people: Sequence[int]) -> tuple[float, float]:
    """Send the link as every user; return answers per second and CPU milliseconds per answer."""
    count, cpu = world.count("sendVideo"), bot.cpu_s
    started = time.monotonic()
    world.say(_LINK, people)
    world.wait_for("sendVideo", count + len(people), bot)
    took = time.monotonic() - started
    return len(people) / took, (bot.cpu_s - cpu) / len(people) * 1000


def _waits(world: World, method: str) -> list[float]:
    seconds: list[float] = world.control(f"waits?method={method}")
    return seconds


def _percentiles(what: str, seconds: list[float], target_s: float) -> Result:
    seconds = sorted(seconds)
    p95 = seconds[int(len(seconds) * 0.95)]
    return Result(
        what,
        f"{statistics.median(seconds) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms",
        "-",
        "-",
        f"p95 ≤ {target_s * 1000:.0f} ms",
        p95 <= target_s,
    )
