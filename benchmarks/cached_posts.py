"""Links that Telegram has already: what they cost, how fast they are, and that nothing piles up."""

import random
import statistics
import time
from collections.abc import Sequence

from benchmarks.results import Figure
from benchmarks.stage import Measured, World, harness, program
from benchmarks.world import MANY_POSTS, POST, STORAGE

_LINK = f"https://www.tiktok.com/@_/video/{POST}"
_ROUNDS = 3
#: Queries that are typed.
_TYPED = 1_000


def cached(world: World) -> list[Figure]:
    """A known link in a thousand chats: CPU and pace against aiogram alone.

    Once against aiogram that sends the bare video, and once with all that is around ours. They take
    turns, because a shared machine is not as fast from one minute to the next.
    """
    people = range(300_000, 301_000)
    with harness(world) as bot:
        _make_known(world, bot, people)
        sent = world.control("chats/900")
        file_id = next(message["video"]["file_id"] for message in sent if "video" in message)
    alone = ("-m", "benchmarks.bare", world.ready["server"], world.ready["token"], file_id)
    rounds: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": [], "full": []}
    for _ in range(_ROUNDS):
        with harness(world) as bot:
            _make_known(world, bot, people)
            rounds["ours"].append(_answer_all(world, bot, people))
        for read_one in ("bare", "full"):
            with program(world, *alone, read_one) as bot:
                _greet(world, bot, people)
                rounds[read_one].append(_answer_all(world, bot, people))
    pace, cpu, floors = {}, {}, {}
    for name, measured in rounds.items():
        pace[name], cpu[name] = (statistics.median(v) for v in zip(*measured, strict=True))
        pairs = zip(rounds["ours"], measured, strict=True)
        floors[name] = statistics.median(ours[1] / other[1] for ours, other in pairs)
    in_chats = f"a known link in {len(people)} chats"
    return [
        Figure(
            f"{in_chats}, CPU",
            f"{cpu['ours']:.2f} ms",
            f"{cpu['bare']:.2f} ms",
            f"{floors['bare']:.2f}",
            "≤ 2",
            floors["bare"] <= 2,
        ),
        Figure(
            "the same against a full message",
            f"{cpu['ours']:.2f} ms",
            f"{cpu['full']:.2f} ms",
            f"{floors['full']:.2f}",
            "-",
        ),
        Figure(
            f"{in_chats}, pace",
            f"{pace['ours']:.0f}/s",
            f"{pace['bare']:.0f}/s",
            f"{pace['ours'] / pace['bare']:.0%}",
            "≥ 200/s",
            pace["ours"] >= 200,
        ),
    ]


def overhead(world: World) -> list[Figure]:
    """One link at a time: how long until the known video leaves, and until a new one is seen."""
    with harness(world, LIMITS_SPAM_GUARD="false") as bot:
        _make_known(world, bot, range(900, 901))
        time.sleep(1)
        known, seen = len(_waits(world, "sendVideo")), len(_waits(world, "setMessageReaction"))
        for n in range(100):
            world.say(_LINK, [900])
            world.wait_for("sendVideo", known + n + 1, bot)
        seconds = _waits(world, "sendVideo")[known:]
        for post_id in MANY_POSTS:
            count = world.count("sendVideo")
            world.say(f"https://www.tiktok.com/@_/video/{post_id}", [900])
            world.wait_for("sendVideo", count + 1, bot)
            time.sleep(0.2)
        reactions = _waits(world, "setMessageReaction")[seen:]
    return [
        _percentiles("a known link until its video leaves", seconds, 0.050),
        _percentiles("a new link until it is seen", reactions, 0.100),
    ]


def paced(world: World) -> list[Figure]:
    """A thousand chats at Telegram's own pace: how close to it, and nothing refused."""
    people = range(300_000, 301_000)
    with harness(world, TELEGRAM_PACING="true") as bot:
        _make_known(world, bot, people)
        time.sleep(6)
        world.control("limits", body=True)
        pace, _ = _answer_all(world, bot, people)
        refused = world.control("limits", body=False)
    return [
        Figure(
            f"a known link in {len(people)} chats, paced",
            f"{pace:.1f}/s, {refused} refused",
            "30/s",
            f"{pace / 30:.0%}",
            "≥ 95 %, 0 refused",
            pace >= 28.5 and refused == 0,
        )
    ]


def flat(world: World) -> list[Figure]:
    """Ten thousand requests: what is left of them in memory."""
    people = range(300_000, 301_000)
    with harness(world, LIMITS_SPAM_GUARD="false") as bot:
        _make_known(world, bot, people)
        for _ in range(2):
            _answer_all(world, bot, people)
        early = bot.rss_mb
        for _ in range(8):
            _answer_all(world, bot, people)
        late = bot.rss_mb
    return [
        Figure(
            "memory after 10 000 requests",
            f"{late:.0f} MiB",
            f"{early:.0f} MiB after 2 000",
            f"+{late - early:.1f} MiB",
            "≤ +8 MiB",
            late - early <= 8,
        )
    ]


def typed(world: World) -> list[Figure]:
    """Inline queries, a hundred in each second: how long until known and unknown ones are answered."""
    figures = []
    people = range(300_000, 300_100)
    for what, links in (
        ("a known", [_LINK]),
        ("an unknown", [f"https://www.tiktok.com/@_/video/{post_id}" for post_id in MANY_POSTS]),
    ):
        storage = {"INLINE_STORAGE_CHAT": str(STORAGE), "LIMITS_SPAM_GUARD": "false"}
        with harness(world, **storage) as bot:
            _make_known(world, bot, people)
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
        figures.append(_percentiles(f"{what} link typed, {pace:.0f}/s, one core", seconds, 0.050))
    return figures


def storm(world: World) -> list[Figure]:
    """Two thousand requests from 300 people and 20 groups, and a Telegram that refuses."""
    people, groups = range(300_000, 300_300), range(-1_000_020, -1_000_000)
    options = {
        "TELEGRAM_PACING": "true",
        "LIMITS_SPAM_GUARD": "false",
        "LIMITS_PRIVATE_QUEUE": "10",
        "LIMITS_PATIENCE_S": "600",
    }
    links = [f"https://www.tiktok.com/@_/video/{post_id}" for post_id in MANY_POSTS]
    chance = random.Random(4)
    requests = [{"person": p, "text": chance.choice(links)} for p in people for _ in range(6)]
    requests += [
        {"person": people[n], "chat": group, "text": chance.choice(links)}
        for group in groups
        for n in range(10)
    ]
    chance.shuffle(requests)
    with harness(world, **options) as bot:
        world.control("limits", body=True)
        before = world.count("sendVideo")
        started = time.monotonic()
        world.control("say", requests)
        world.wait_for("sendVideo", before + len(requests), bot)
        took = time.monotonic() - started
        refused = world.control("limits", body=False)
    return [
        Figure(
            f"a storm of {len(requests)} requests, paced",
            f"{took:.0f} s, {refused} refused",
            # Everybody is welcomed once.
            f"{(len(requests) + len(people) + len(groups)) / 30:.0f} s at 30/s",
            "-",
            "0 refused",
            refused == 0,
        )
    ]


def _make_known(world: World, bot: Measured, people: Sequence[int]) -> None:
    """Let the post be known to Telegram and the people to the bot, as most of them are."""
    count = world.count("sendVideo")
    world.say(_LINK, [900])
    world.wait_for("sendVideo", count + 1, bot)
    _greet(world, bot, people)


def _greet(world: World, bot: Measured, people: Sequence[int]) -> None:
    """Let people say hello, so that nothing happens for the first time when it is measured."""
    count = world.count("sendMessage")
    world.say("/start", people)
    world.wait_for("sendMessage", count + len(people), bot)


def _answer_all(world: World, bot: Measured, people: Sequence[int]) -> tuple[float, float]:
    """Let everybody send the link; gives answers per second and milliseconds of CPU for each."""
    count, cpu = world.count("sendVideo"), bot.cpu_s
    started = time.monotonic()
    world.say(_LINK, people)
    world.wait_for("sendVideo", count + len(people), bot)
    took = time.monotonic() - started
    return len(people) / took, (bot.cpu_s - cpu) / len(people) * 1000


def _waits(world: World, method: str) -> list[float]:
    seconds: list[float] = world.control(f"waits?method={method}")
    return seconds


def _percentiles(what: str, seconds: list[float], promise_s: float) -> Figure:
    seconds = sorted(seconds)
    p95 = seconds[int(len(seconds) * 0.95)]
    return Figure(
        what,
        f"{statistics.median(seconds) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms",
        "-",
        "-",
        f"p95 ≤ {promise_s * 1000:.0f} ms",
        p95 <= promise_s,
    )
