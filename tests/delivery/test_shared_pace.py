"""Several processes keep one pace: four clients on one PostgreSQL, Telegram refuses nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from aiogram import Bot

from core.errors import StorageError
from data import database
from data.pace import Report, Turns, claim_turns
from data.workers import renew_lease
from delivery.client import make_bot
from delivery.rate_limiter import is_bulk_send
from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.telegram.limits import Limits

PROCESSES = 4


class Fleet:
    """Clients with a rate limiter each, which know of each other by the database only."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.limits = simulator.api.limits = Limits()
        self.bots = [self.client() for _ in range(PROCESSES)]

    def client(self) -> Bot:
        claim = partial(claim_turns, 42)
        return make_bot(
            self.simulator.token, server=self.simulator.address, connections=100, claim=claim
        )

    def texts(self) -> list[str]:
        return [call.params["text"] for call in self.simulator.api.calls_of("sendMessage")]


@pytest.fixture
async def fleet(
    samples: SampleStore, authority: Authority, tmp_path: Path, new_postgres: str
) -> AsyncIterator[Fleet]:
    database.initialize_database_components(new_postgres)
    await database.init_db()
    simulator = Simulator(tmp_path, samples, authority)
    await simulator.start()
    fleet = Fleet(simulator)
    yield fleet
    for bot in fleet.bots:
        await bot.session.close()
    await simulator.stop()
    await database.close()


async def test_four_processes_together_are_not_refused_once(fleet: Fleet):
    fleet.simulator.api.latency_s = 0.02
    for chat in range(1, 121):
        fleet.simulator.world.person(chat)
    began = time.monotonic()
    await asyncio.gather(
        *(fleet.bots[chat % PROCESSES].send_message(chat, "x") for chat in range(1, 121))
    )
    print("rate", 120 / (time.monotonic() - began))
    assert fleet.limits.refusals == 0
    assert len(fleet.texts()) == 120
