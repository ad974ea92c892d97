"""Measure a broadcast: from the press of the button to the report, and what Telegram refuses."""

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.results import Result
from benchmarks.stage import Measured, World, new_world, program
from misc.ui.texts import load_texts

_PEOPLE = range(300_000, 300_600)
_ADMIN = 900
#: The duration of every call, in seconds, and the messages a second that are promised with it.
_PROMISES = ((0.0, 29), (0.05, 28))
_MOST_PER_S = 30
_PATIENCE_S = 60
_BOT = ("main.py", "run")


def broadcast(_world: World) -> list[Result]:
    """Measure a broadcast to 601 chats; Telegram refuses the 31st message of any second."""
    with new_world("page") as world:
        options = {
            "DATABASE_URL": f"sqlite:///{world.folder / 'broadcast.db'}",
            "BOT_ADMINS": str(_ADMIN),
            "LIMITS_SPAM_GUARD": "false",
        }
        with program(world, *_BOT, **options) as bot:
            world.say("/start", [_ADMIN, *_PEOPLE])
            world.wait_for("sendMessage", 1 + len(_PEOPLE), bot)
        with program(world, *_BOT, **{**options, "TELEGRAM_PACING": "true"}) as bot:
            return [_broadcast(world, bot, *promise) for promise in _PROMISES]


def _broadcast(world: World, bot: Measured, rtt_s: float, promised: float) -> Result:
    _draft(world, bot)
    time.sleep(1.5)  # the limits forget the messages of the draft
    world.control("limits", body=True)
    world.control("latency", body=rtt_s)
    chats, before = 1 + len(_PEOPLE), world.count("copyMessage")
    since, cpu = world.calls(), bot.cpu_s
    button = _button(world, "/yes")
    began = time.monotonic()
    world.press(_ADMIN, *button)
    world.wait_for("copyMessage", before + chats, bot)
    pace = chats / (_reported(world, since) - began)
    cpu_ms = (bot.cpu_s - cpu) / chats * 1000
    world.control("latency", body=0)
    refused = world.control("limits", body=False)
    return Result(
        f"broadcast to {chats} chats, {rtt_s * 1000:.0f} ms, {cpu_ms:.1f} ms CPU",
        f"{pace:.1f}/s, {refused} refused",
        f"{_MOST_PER_S}/s by the limits",
        f"{pace / _MOST_PER_S:.0%}",
        f"≥ {promised}/s, 0 refused",
        pace >= promised and refused == 0,
    )


def _draft(world: World, bot: Measured) -> None:
    """Write a broadcast as the administrator, up to the last question."""
    menus = world.count("sendMessage")
    world.say("/admin", [_ADMIN])
    world.wait_for("sendMessage", menus + 1, bot)
    for button in ("admin/broadcasts", "cast/new"):
        _press(world, bot, button)
    world.say("Big news", [_ADMIN])
    _press(world, bot, "/send")


def _press(world: World, bot: Measured, end: str) -> None:
    answered = world.count("answerCallbackQuery")
    world.press(_ADMIN, *_button(world, end))
    world.wait_for("answerCallbackQuery", answered + 1, bot)


def _button(world: World, end: str) -> tuple[int, str]:
    """Return the newest button whose data has this end, once it is there, and its message."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        for message in reversed(world.control(f"chats/{_ADMIN}")):
            for data in _data(message):
                if data.endswith(end):
                    return message["message_id"], data
        time.sleep(0.05)
    raise RuntimeError(f"no button {end}")


def _data(message: dict[str, Any]) -> Iterator[str]:
    for row in message.get("reply_markup", {}).get("inline_keyboard", []):
        yield from (button["callback_data"] for button in row if "callback_data" in button)


def _reported(world: World, since: int) -> float:
    """Return when the card said that the broadcast has finished, on the monotonic clock."""
    words = load_texts()["en"]["broadcast_done"]
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        for call in world.control(f"calls?since={since}"):
            if call["method"] == "editMessageText" and words in call["params"]["text"]:
                at: float = call["at"]
                return at
        time.sleep(0.2)
    raise RuntimeError("the broadcast did not finish")
