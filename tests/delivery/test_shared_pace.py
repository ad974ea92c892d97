"""Several processes keep one pace: four clients on one PostgreSQL, Telegram refuses nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, SendMessage, TelegramMethod
from sqlalchemy import delete, select, text, update

from core.errors import FloodError, StorageError
from core.pacing import HOLD_S, OVERALL
from core.turns import Report, Turn, Turns, WantedTurn
from data import database
from data.models import Pace, Sends
from data.pace import claim_turns
from data.workers import renew_lease
from delivery.client import PacePolicy, make_bot
from delivery.rate_limiter import RateLimiter, caller_retries, is_bulk_send
from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.telegram.api import FaultRule
from simulator.telegram.limits import Limits
from tests.fakes import settle

PROCESSES = 4
BOT_ID = 42
T = TypeVar("T")
ANSWER = WantedTurn(1, 1, is_bulk=False)


class Fleet:
    """Clients with a rate limiter each, which know of each other by the database only."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.limits = simulator.api.limits = Limits()
        self.bots = [
            make_bot(
                simulator.token,
                server=simulator.address,
                connections=100,
                pace=PacePolicy(claim=claim_turns),
            )
            for _ in range(PROCESSES)
        ]

    def texts(self) -> list[str]:
        return [call.params["text"] for call in self.simulator.api.calls_of("sendMessage")]


@pytest.fixture
async def fleet(
    samples: SampleStore,
    authority: Authority,
    tmp_path: Path,
    postgres_db: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Fleet]:
    # A pause of the machine is no outage of the database: after one, the limits are divided.
    monkeypatch.setattr("delivery.shared_pace.DATABASE_S", 60.0)
    simulator = Simulator(tmp_path, samples, authority)
    await simulator.start()
    fleet = Fleet(simulator)
    try:
        yield fleet
    finally:
        for bot in fleet.bots:
            await bot.session.close()
        await simulator.stop()


async def test_four_processes_together_are_not_refused_once(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
):
    fleet.simulator.api.latency_s = 0.02
    for chat in range(1, 91):
        fleet.simulator.world.person(chat)
    await asyncio.gather(
        *(fleet.bots[chat % PROCESSES].send_message(chat, "x") for chat in range(1, 91))
    )
    assert fleet.limits.refusals == 0
    assert len(fleet.texts()) == 90
    # Calls that begin together, before there is a session, do not cut off one another.
    assert not [record for record in caplog.records if record.name == "delivery.send_retries"]


async def test_the_limits_of_a_chat_and_a_group_count_all_processes(fleet: Fleet):
    fleet.simulator.world.person(1)
    for group in (-5, -6, -7, -8):
        fleet.simulator.world.group(group)
    await asyncio.gather(*(fleet.bots[n % PROCESSES].send_message(1, "x") for n in range(7)))
    # Twenty a minute, five in five seconds: an album of nine takes nine of the twenty.
    full = [claim for _ in range(4) for claim in await claims(WantedTurn(-9, 9, is_bulk=False))]
    assert [claim is None for claim in full] == [False, False, True, True]
    assert fleet.limits.refusals == 0
    assert len(fleet.texts()) == 7


async def test_answers_go_before_the_broadcast_of_another_process(fleet: Fleet):
    for chat in range(1, 200):
        fleet.simulator.world.person(chat)

    async def mail(chat: int) -> None:
        is_bulk_send.set(True)
        await fleet.bots[0].send_message(chat, "bulk")

    async with asyncio.TaskGroup() as mailing:
        for chat in range(1, 5 * OVERALL[0] + 1):
            mailing.create_task(mail(chat))
        while (before := len(fleet.texts())) < OVERALL[0]:
            await fleet.simulator.world.changed(0.05)
        await asyncio.gather(*(fleet.bots[1].send_message(n, "answer") for n in range(180, 195)))
        sent = fleet.texts()
        last = len(sent) - sent[::-1].index("answer")
        # The rest of the second that they share, in any order; and one more second of the broadcast
        # if this process was 0.1 s late to ask for the turns that were kept for the answers.
        assert sent[before:last].count("bulk") <= 2 * OVERALL[0] - 15
    assert fleet.limits.refusals == 0


async def test_a_refusal_pauses_the_chat_in_all_processes(fleet: Fleet):
    fleet.simulator.world.person(1)
    fleet.simulator.api.faults.append(FaultRule("sendMessage", "429", seconds=30))
    caller_retries.set(True)
    with pytest.raises(FloodError):
        await fleet.bots[0].send_message(1, "x")
    await until(is_paused)
    (claim,) = await claims(ANSWER)
    assert claim is None
    assert None not in await claims(WantedTurn(3, 1, is_bulk=False))


async def until(condition: Callable[[], Awaitable[Any] | Any]) -> None:
    async with asyncio.timeout(60):
        while True:
            outcome = condition()
            if await outcome if isinstance(outcome, Awaitable) else outcome:
                return
            await asyncio.sleep(0.01)


async def is_paused() -> bool:
    query = select(Pace.paused_until).where(Pace.chat_id == 1)
    return bool(await database.read(lambda db: db.scalar(query)))


async def database_time() -> float:
    query = text("SELECT extract(epoch FROM clock_timestamp())")
    return float(await database.read(lambda db: db.scalar(query)))


async def claims(*wanted: WantedTurn) -> list[int | None]:
    return [turn.id for turn in (await claim_turns(BOT_ID, Report(wanted=wanted))).turns]


async def in_time(seconds: float, steps: Callable[[], Awaitable[T]]) -> T:
    """Return the outcome of steps that took less time than they are about.

    A machine that pauses meanwhile needs another attempt, which begins without any sends.
    """
    for _ in range(30):
        await database.write(lambda db: (db.execute(delete(Sends)), db.execute(delete(Pace))))
        began_at = await database_time()
        outcome = await steps()
        if await database_time() - began_at < seconds:
            return outcome
    pytest.fail(f"the steps never took less than {seconds} s")


async def test_bulk_gets_no_turn_while_an_answer_waits_elsewhere(postgres_db: str):
    full, others = (
        [WantedTurn(chat, 1, is_bulk=True) for chat in range(first, first + OVERALL[0])]
        for first in (10, 70)
    )
    answers = [WantedTurn(chat, 1, is_bulk=False) for chat in range(50, 65)]

    async def claimed() -> list[list[int | None]]:
        before = await claims(*full)
        # They have just ended: the turns are kept for the answers until the first is free again.
        await end_all(await database_time())
        refused = await claims(*answers)
        await end_all(0)
        return [before, refused, await claims(*others)]

    before, refused, bulk = await in_time(0.8, claimed)
    assert None not in before
    assert refused == [None] * len(answers)
    assert bulk == [None] * len(others)
    assert None not in await claims(*answers)


async def end_all(at: float) -> None:
    ended = update(Sends).values(ends_at=at)
    await database.write(lambda db: db.execute(ended))


async def test_each_bot_has_its_own_pace(postgres_db: str):
    full = Report(wanted=[WantedTurn(chat, 1, is_bulk=False) for chat in range(1, 40)])
    for bot_id in (42, 43):
        turns = (await claim_turns(bot_id, full)).turns
        assert sum(turn.id is not None for turn in turns) == OVERALL[0]


async def test_the_turns_of_a_dead_process_are_free_after_its_lease(postgres_db: str):
    full = [WantedTurn(chat, 1, is_bulk=False) for chat in range(10, 40)]
    assert None not in await claims(*full)
    held = await database.read(lambda db: db.scalars(select(Sends.ends_at)).all())
    now = await database_time()
    assert max(held) - now <= HOLD_S
    await database.write(lambda db: db.execute(update(Sends).values(ends_at=now - 1.02)))
    assert await claims(ANSWER) != [None]


async def test_a_running_call_keeps_its_turn(postgres_db: str):
    full = [WantedTurn(chat, 1, is_bulk=False) for chat in range(10, 40)]
    flying = await claims(*full)
    expired = update(Sends).values(ends_at=await database_time() - 2)
    await database.write(lambda db: db.execute(expired))
    await claim_turns(BOT_ID, Report(flying=[claim for claim in flying if claim]))
    assert await claims(ANSWER) == [None]


async def test_a_turn_that_begins_soon_is_given_with_its_delay(postgres_db: str):
    full = [WantedTurn(chat, 1, is_bulk=False) for chat in range(10, 40)]
    others = [WantedTurn(chat, 1, is_bulk=False) for chat in (50, 51)]

    async def claimed() -> Turns:
        first, second, *_ = await claims(*full)
        now = await database_time()
        for claim, seconds in ((first, 0.05), (second, 1.0)):  # until its token returns
            ended = update(Sends).where(Sends.id == claim).values(ends_at=now - 1.01 + seconds)
            await database.write(lambda db, ended=ended: db.execute(ended))  # type: ignore[misc]
        return await claim_turns(BOT_ID, Report(wanted=others))

    answer = await in_time(0.8, claimed)
    soon, later = answer.turns
    assert soon.id is not None
    assert 0 <= soon.delay_s <= 0.05
    assert later.id is None
    assert 0 < answer.wait_s < 1


async def test_the_number_of_live_processes_is_known(postgres_db: str):
    for name in "abc":
        await renew_lease(name, 60)
    assert (await claim_turns(BOT_ID, Report())).processes == 3


# --- without the database ---------------------------------------------------------------------


class Claims:
    """Stands for the database: answers, or does not."""

    def __init__(self) -> None:
        self.is_away = False
        #: Raised by the next claim.
        self.bug: Exception | None = None
        self.turns_left_out = 0
        self.reports: list[Report] = []

    async def __call__(self, report: Report) -> Turns:
        self.reports.append(report)
        if self.is_away:
            raise StorageError("away")
        if self.bug:
            bug, self.bug = self.bug, None
            raise bug
        turns = [Turn(number + 1) for number in range(len(report.wanted) - self.turns_left_out)]
        self.turns_left_out = 0
        return Turns(turns, 0.0, 0, PROCESSES)


class Telegram:
    def __init__(self) -> None:
        self.sent = 0
        self.refuses = False

    async def __call__(self, bot: Bot, method: TelegramMethod[Any]) -> Response[Any]:
        self.sent += 1
        if self.refuses:
            raise TelegramRetryAfter(method, "Too Many Requests", 5)
        return Response(ok=True, result=True)


async def test_without_the_database_a_process_keeps_to_its_share_and_reports_it_later():
    database_, telegram = Claims(), Telegram()
    limiter = RateLimiter(paces=True, waited=lambda _: None, claim=database_)

    async def send(chat: int) -> None:
        await limiter(telegram, cast("Bot", object()), SendMessage(chat_id=chat, text="x"))

    await send(1)
    assert telegram.sent == 1
    await limiter.close()
    database_.is_away = True
    sending = [asyncio.create_task(send(chat)) for chat in range(2, 42)]
    # The token of the first call may return 0.01 s after the others.
    await until(lambda: telegram.sent >= 1 + OVERALL[0] // PROCESSES)
    await settle()
    # Thirty divided by four, after the second of which nothing is known.
    assert telegram.sent == 1 + OVERALL[0] // PROCESSES
    database_.is_away = False
    database_.reports.clear()
    await until(lambda: any(report.ended for report in database_.reports))
    reported = next(report.ended for report in database_.reports if report.ended)
    assert {call.id for call in reported} == {None}
    for task in sending:
        task.cancel()
    await asyncio.gather(*sending, return_exceptions=True)
    await limiter.close()


@pytest.mark.parametrize("fault", ["error", "turns"])
async def test_calls_do_not_wait_for_a_claim_that_failed_unexpectedly(fault: str):
    database_, telegram = Claims(), Telegram()
    limiter = RateLimiter(paces=True, waited=lambda _: None, claim=database_)
    if fault == "error":
        database_.bug = KeyError("used")
    else:
        database_.turns_left_out = 1
    async with asyncio.timeout(60):
        await asyncio.gather(
            *(
                limiter(telegram, cast("Bot", object()), SendMessage(chat_id=chat, text="x"))
                for chat in (1, 2)
            )
        )
        await limiter.close()
    assert telegram.sent == 2
    assert limiter.pending == 0


async def test_a_call_that_is_cancelled_while_its_turn_is_claimed_returns_it():
    gate = asyncio.Event()
    database_, telegram = Claims(), Telegram()

    async def slow(report: Report) -> Turns:
        await gate.wait()
        return await database_(report)

    limiter = RateLimiter(paces=True, waited=lambda _: None, claim=slow)
    message = SendMessage(chat_id=1, text="x")
    sending = asyncio.create_task(limiter(telegram, cast("Bot", object()), message))
    await settle()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    gate.set()
    await until(lambda: any(report.ended for report in database_.reports))
    (ended,) = database_.reports[-1].ended
    assert (ended.id, ended.age > 60) == (1, True)
    assert telegram.sent == 0
    await limiter.close()
