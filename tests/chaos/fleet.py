"""Disturbances of several processes with one database."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import product
from typing import Final

from tests.chaos.postgres import Postgres
from tests.chaos.stage import Stage, Supervisor, chaos_s, lease_s, shifted_clock
from tests.forwarders import Balancer, TcpForwarder
from tests.ports import free_port

#: Settings of each process of a fleet, by its name.
Parts = Mapping[str, Mapping[str, str]]
WORKER: Final = {"RUN_ROLES": "worker"}
USUAL: Final[Parts] = {
    "receiver": {"RUN_ROLES": "receiver"},
    "scheduler": {"RUN_ROLES": "scheduler"},
    **{f"worker{n}": WORKER for n in range(3)},
}
#: Requests a second during a rolling restart, and the share of them that must really be made.
_RATE: Final = 20
_MIN_SHARE: Final = 0.95
#: How wrong the clocks of a fleet are, in seconds: far more than leases, and than the age from
#: which a request counts as old.
_WRONG_S: Final = 600
_DISTURBED: Final = ("worker0", "worker1", "scheduler")


@asynccontextmanager
async def running(
    stage: Stage, server: Postgres, parts: Parts = USUAL, **environment: str
) -> AsyncIterator[dict[str, Supervisor]]:
    """Run a fleet; at the end of the block, wait until everything is answered, and stop it."""
    values = {"DATABASE_URL": server.url, "LIMITS_ACTIVE_REQUESTS": "4", **environment}
    fleet = {
        name: Supervisor(name, stage.folder / name, stage.environment(**{**values, **own}))
        for name, own in parts.items()
    }
    api = stage.simulator.api
    try:
        for process in fleet.values():
            await process.start()
        async with asyncio.timeout(300):
            while not (api.polls or api.webhook.url):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.1)
        await server.record_steps()
        yield fleet
        await stage.settle()
        stage.steps = await server.violations()
    finally:
        for process in fleet.values():
            await process.stop()


async def fleet(stage: Stage) -> str:
    """Two processes of one SQLite database; the one that polls is killed again and again."""
    bots = [Supervisor(name, stage.folder / name, stage.environment()) for name in ("one", "two")]
    for bot in bots:
        await bot.start()
    for number in range(8):
        await stage.keep_asking(4)
        bots[number % 2].signal(signal.SIGKILL)
    await stage.settle()
    for bot in bots:
        await bot.stop()
    return "8 kills"


async def fence(stage: Stage) -> str:
    """Two processes of one PostgreSQL; one after the other is stopped for longer than its lease."""
    both: Parts = {"one": {"RUN_ROLES": "all"}, "two": {"RUN_ROLES": "all"}}
    with Postgres() as server:
        async with running(stage, server, both) as bots:
            for number in range(50):
                bot = bots["two" if number % 2 else "one"]
                await stage.keep_asking(random.uniform(0.5, 1.5))
                bot.signal(signal.SIGSTOP)
                await stage.keep_asking(5)
                bot.signal(signal.SIGCONT)
    return "50 x 5 s"


async def roles(stage: Stage) -> str:
    """Any process of a fleet is killed, frozen or restarted."""
    with Postgres() as server:
        async with running(stage, server) as fleet:
            return await disturb_processes(stage, lambda: random.choice(list(fleet.values())))


async def disturb_processes(stage: Stage, pick: Callable[[], Supervisor]) -> str:
    """Kill, freeze and restart processes for a while under load; return what was done."""
    done: Counter[str] = Counter()
    deadline = time.monotonic() + chaos_s()
    while time.monotonic() < deadline:
        await stage.keep_asking(random.uniform(2, 6))
        number = random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
        process = pick()
        process.signal(number)
        done[number.name] += 1
        if number is signal.SIGSTOP:
            await stage.keep_asking(random.uniform(1, 6))
            process.signal(signal.SIGCONT)
    return ", ".join(f"{number} x {name}" for name, number in done.items())


async def rolling(stage: Stage) -> str:
    """Every process of a fleet is restarted, one after the other, under 20 requests a second."""
    with Postgres() as server:
        async with running(stage, server) as fleet:
            started = time.monotonic()
            async with stage.asking(1 / _RATE):
                for process in [*fleet.values()] * 2:
                    await asyncio.sleep(3)
                    process.signal(signal.SIGTERM)
                    await process.restarted()
            rate = stage.turns / (time.monotonic() - started)
    if rate < _RATE * _MIN_SHARE:
        stage.failures.append(f"only {rate:.1f} requests a second instead of {_RATE}")
    return f"each process twice, under {rate:.1f} requests a second"


async def webhook(stage: Stage) -> str:
    """The receiver of a fleet's webhook is killed again and again."""
    port = free_port()
    stage.simulator.api.webhook.is_local = True  # it is at loopback, without TLS
    environment = {
        "TELEGRAM_UPDATES": "webhook",
        "WEBHOOK_URL": f"http://127.0.0.1:{port}/updates",
        "WEBHOOK_PORT": str(port),
    }
    with Postgres() as server:
        async with running(stage, server, USUAL, **environment) as fleet:
            for _ in range(10):
                await stage.keep_asking(random.uniform(2, 5))
                fleet["receiver"].signal(signal.SIGKILL)
    return "10 kills"


async def receivers(stage: Stage) -> str:
    """Three receivers of a webhook behind a balancer are killed, frozen and restarted."""
    ports = [free_port() for _ in range(3)]
    balancer = Balancer(ports)
    stage.simulator.api.webhook.is_local = True
    parts: Parts = {
        **{
            f"receiver{n}": {"RUN_ROLES": "receiver", "WEBHOOK_PORT": str(port)}
            for n, port in enumerate(ports)
        },
        "scheduler": {"RUN_ROLES": "scheduler"},
        "worker0": WORKER,
        "worker1": WORKER,
    }
    async with balancer.serving() as url:
        url += "/updates"
        with Postgres() as server:
            async with running(
                stage, server, parts, TELEGRAM_UPDATES="webhook", WEBHOOK_URL=url
            ) as fleet:
                all_three = [fleet[f"receiver{n}"] for n in range(3)]
                done = await disturb_processes(stage, lambda: random.choice(all_three))
    counts = ", ".join(map(str, balancer.answered.values()))
    return f"{done}; requests by receiver: {counts}"


async def roles_postgres(stage: Stage) -> str:
    """PostgreSQL is stopped, then frozen, under a whole fleet."""
    with Postgres() as server:
        async with running(stage, server):
            for seconds in (8, 20):
                await stage.keep_asking(4)
                await server.stop()
                await stage.keep_asking(seconds)
                await server.start()
            await stage.keep_asking(4)
            server.freeze()
            await stage.keep_asking(20)
            server.thaw()
            await stage.keep_asking(4)
    return "stopped for 8 s and for 20 s, frozen for 20 s"


async def partition(stage: Stage) -> str:
    """A worker cannot reach PostgreSQL, and still reaches Telegram."""
    done: Counter[str] = Counter()
    with Postgres() as server:
        forwarder = TcpForwarder(server.url)
        async with forwarder.serving() as url:
            parts = {**USUAL, "worker0": {**WORKER, "DATABASE_URL": url}}
            async with running(stage, server, parts):
                deadline = time.monotonic() + chaos_s()
                while time.monotonic() < deadline:
                    await stage.keep_asking(random.uniform(3, 6))
                    disturb = forwarder.cut if done.total() % 2 else forwarder.freeze
                    disturb()
                    done[disturb.__name__] += 1
                    # Shorter and longer than the lease.
                    await stage.keep_asking(random.uniform(lease_s() / 3, lease_s() * 3))
                    forwarder.heal()
    return ", ".join(f"{number} x {name}" for name, number in done.items())


async def listen(stage: Stage) -> str:
    """The connections that wait for PostgreSQL's notifications are ended again and again."""
    cuts = 0
    with Postgres() as server:
        async with running(stage, server):
            deadline = time.monotonic() + chaos_s() / 2
            while time.monotonic() < deadline:
                await stage.keep_asking(random.uniform(0.5, 3))
                await server.cut_listeners()
                cuts += 1
    return f"{cuts} times"


async def clocks(stage: Stage) -> str:
    """Clocks of a fleet are wrong; workers and the scheduler are killed and restarted."""
    parts: Parts = {
        "receiver": USUAL["receiver"],
        "scheduler": {**USUAL["scheduler"], **shifted_clock(stage.folder / "behind", -_WRONG_S)},
        "worker0": {**WORKER, **shifted_clock(stage.folder / "ahead", _WRONG_S)},
        "worker1": WORKER,
    }
    rounds = max(1, round(chaos_s() / 45))
    with Postgres() as server:
        async with running(stage, server, parts) as fleet:
            for name, number in [*product(_DISTURBED, (signal.SIGTERM, signal.SIGKILL))] * rounds:
                # The other worker, whose clock is another, takes over.
                await stage.keep_asking(random.uniform(5, 8), 0.15)
                fleet[name].signal(number)
            await stage.keep_asking(5)
    return (
        f"worker +{_WRONG_S} s, scheduler -{_WRONG_S} s; these and a worker with the right time "
        f"restarted and killed {rounds} x"
    )
