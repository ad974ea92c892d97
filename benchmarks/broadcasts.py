"""Measure a broadcast: its speed, and that Telegram refuses no message."""

import asyncio
import time

from benchmarks.results import Result
from benchmarks.stage import World, program
from core.broadcasts import State
from data import database
from data.broadcasts import change_broadcast, confirm_broadcast, new_draft

_PEOPLE = range(300_000, 301_000)
_ADMIN = 900
_RTT_S = 0.05
_BOT = ("main.py", "run")


def broadcast(world: World) -> list[Result]:
    """Measure a broadcast to 1000 chats.

    Each call takes 50 ms, and Telegram refuses the 31st message of any second.
    """
    url = f"sqlite:///{world.folder / 'broadcast.db'}"
    options = {"DATABASE_URL": url, "BOT_ADMINS": str(_ADMIN), "LIMITS_SPAM_GUARD": "false"}
    with program(world, *_BOT, **options) as bot:
        count = world.count("sendMessage")
        world.say("/start", [_ADMIN, *_PEOPLE])
        world.wait_for("sendMessage", count + 1 + len(_PEOPLE), bot)
    message_id = world.control("say", [{"person": _ADMIN, "text": "Big news"}])[0]
    asyncio.run(_confirmed(url, message_id))
    world.control("limits", body=True)
    world.control("latency", body=_RTT_S)
    with program(world, *_BOT, **{**options, "TELEGRAM_PACING": "true"}) as bot:
        world.wait_for("copyMessage", 60, bot)
        before, cpu, started = world.count("copyMessage"), bot.cpu_s, time.monotonic()
        world.wait_for("copyMessage", len(_PEOPLE), bot)
        sent, took = world.count("copyMessage") - before, time.monotonic() - started
        cpu = (bot.cpu_s - cpu) / sent * 1000
    world.control("latency", body=0)
    refused = world.control("limits", body=False)
    pace = sent / took
    return [
        Result(
            f"broadcast to {len(_PEOPLE)} chats, {cpu:.1f} ms CPU each",
            f"{pace:.1f}/s, {refused} refused",
            "30/s",
            f"{pace / 30:.0%}",
            "≥ 28/s, 0 refused",
            pace >= 28 and refused == 0,
        )
    ]


async def _confirmed(url: str, message_id: int) -> None:
    """Insert a confirmed broadcast into the database, as an administrator would have done."""
    database.initialize_database_components(url)
    number = await new_draft(42, _ADMIN)
    await change_broadcast(number, State.DRAFT, message_id=message_id)
    await confirm_broadcast(number)
    await database.close()
