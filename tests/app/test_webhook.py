"""The end of the webhook: no call to Telegram holds it up, and handlers have no second time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiogram import Dispatcher
from prometheus_client import CollectorRegistry

from app.stop_time import HANDLERS_S, StopTime
from app.webhook import Webhook
from data.config import load_settings
from misc.middlewares.update_acks import UpdateAcks
from tests.fakes import FakeTelegram
from tests.ports import free_port


class SilentRegistration:
    """Telegram does not answer."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()

    async def set(self, *_: object) -> None:
        self.is_asked.set()
        await asyncio.Event().wait()


class FakeReceiver:
    """Records the times that handlers get at the end."""

    def __init__(self) -> None:
        self.is_open = False
        self.drains: list[tuple[float, float]] = []

    def start(self, *_: object) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    async def receive(self, _raw: object) -> bool:
        return False

    async def drain(self, grace_s: float, cancel_s: float) -> None:
        self.drains.append((grace_s, cancel_s))


@pytest.mark.parametrize(
    ("drained_after_s", "handlers_s"), [(0, HANDLERS_S), (4, HANDLERS_S - 4), (60, 0)]
)
async def test_a_stop_is_counted_from_the_signal_whatever_telegram_does(
    telegram: FakeTelegram, tmp_path: Path, drained_after_s: float, handlers_s: float
):
    port, now = free_port(), [0.0]
    settings = load_settings(
        tmp_path / "no",
        tmp_path / "no",
        {
            "BOT_TOKEN": "42:" + "a" * 35,
            "TELEGRAM_UPDATES": "webhook",
            "WEBHOOK_URL": "https://bot.example.org/updates",
            "WEBHOOK_PORT": str(port),
            "FILES_HEARTBEAT": str(tmp_path / "heartbeat"),
        },
    )
    registration, receiver = SilentRegistration(), FakeReceiver()
    parts: tuple[Any, Any] = (receiver, registration)
    stop_time = StopTime(60, lambda: now[0])
    webhook = Webhook(settings, *parts, UpdateAcks(), CollectorRegistry(), stop_time)
    dispatcher = Dispatcher()

    async def drain() -> None:
        now[0] += drained_after_s

    dispatcher.shutdown.register(drain)
    running = asyncio.ensure_future(webhook.run(telegram.bot, dispatcher, [], None))
    async with asyncio.timeout(60):
        await registration.is_asked.wait()
        webhook.stop()
        webhook.stop()
        await running
    assert receiver.drains == [(handlers_s, 1)]
    assert not receiver.is_open
