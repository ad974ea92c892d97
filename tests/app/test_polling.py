"""Polling: the heartbeat, updates that are not forgotten, and who may poll."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import (
    TelegramConflictError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.methods import GetMe, GetUpdates, SendMessage, TelegramMethod
from aiogram.types import Update, User

from app.polling import End, Polling, PollingWatch
from app.polling_lease import PollingLease
from app.process_lock import ProcessLock
from app.stop_time import StopTime
from core.errors import StorageError
from misc.middlewares.update_acks import UpdateAcks
from tests.dispatcher import real_bot
from tests.fakes import FakeTelegram, RecordingSession, make_message, settle


class Bench:
    def __init__(self, telegram: FakeTelegram, folder: Path) -> None:
        self.bot = telegram.bot
        self.acks = UpdateAcks()
        self.heartbeat = folder / "new" / "heartbeat"
        self.stops = 0
        self.asked: list[Any] = []
        self.answer: Any = []
        self.watch = PollingWatch(self.stop, self.acks, self.heartbeat)

    def stop(self) -> None:
        self.stops += 1

    async def make_request(self, _bot: Any, method: Any) -> Any:
        self.asked.append(method)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def call(self, method: Any) -> Any:
        return await self.watch(self.make_request, self.bot, method)


@pytest.fixture
def bench(telegram: FakeTelegram, tmp_path: Path) -> Bench:
    return Bench(telegram, tmp_path)


def conflict() -> TelegramConflictError:
    return TelegramConflictError(method=GetUpdates(), message="terminated by other getUpdates")


async def test_an_answer_touches_the_heartbeat(bench: Bench):
    assert not bench.heartbeat.exists()
    await bench.call(GetMe())
    assert not bench.heartbeat.exists()
    assert await bench.call(GetUpdates()) == []
    assert bench.heartbeat.exists()


async def test_a_failed_poll_is_no_heartbeat(bench: Bench):
    bench.answer = TelegramNetworkError(method=GetUpdates(), message="x")
    with pytest.raises(TelegramNetworkError):
        await bench.call(GetUpdates())
    assert not bench.heartbeat.exists()
    assert bench.stops == 0


async def test_a_poll_waits_until_the_last_updates_are_safe(bench: Bench):
    bench.answer = [Update(update_id=5), Update(update_id=6)]
    assert await bench.call(GetUpdates()) == bench.answer
    assert bench.acks.last == 6
    bench.answer = []
    next_poll = asyncio.ensure_future(bench.call(GetUpdates()))
    await settle()
    assert len(bench.asked) == 1
    await bench.call(GetMe())  # other requests do not wait
    bench.acks.acknowledge(5)
    await settle()
    assert len(bench.asked) == 2
    bench.acks.acknowledge(6)
    await next_poll
    assert len(bench.asked) == 3


async def test_after_a_conflict_there_is_no_further_poll(bench: Bench):
    bench.answer = conflict()
    with pytest.raises(TelegramConflictError):
        await bench.call(GetUpdates())
    assert (bench.watch.end, bench.stops) == (End.CONFLICT, 1)
    bench.answer = []
    again = asyncio.ensure_future(bench.call(GetUpdates()))
    await settle()
    assert len(bench.asked) == 1
    again.cancel()
    await bench.call(GetMe())  # everything else goes on
    assert len(bench.asked) == 2


async def test_a_conflict_of_another_request_ends_nothing(bench: Bench):
    bench.answer = conflict()
    with pytest.raises(TelegramConflictError):
        await bench.call(GetMe())
    assert (bench.watch.end, bench.stops) == (None, 0)


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (
            TelegramConflictError(
                method=GetUpdates(),
                message="Conflict: can't use getUpdates method while webhook is active",
            ),
            End.WEBHOOK,
        ),
        (TelegramUnauthorizedError(method=GetUpdates(), message="x"), End.TOKEN_REJECTED),
        (TelegramNotFound(method=GetUpdates(), message="x"), End.TOKEN_REJECTED),
    ],
)
async def test_what_cannot_get_better_ends_the_polling(error: Exception, end: End, bench: Bench):
    bench.answer = error
    with pytest.raises(type(error)):
        await bench.call(GetUpdates())
    assert (bench.watch.end, bench.stops) == (end, 1)


class FakeLease:
    is_stale = is_new = False
    epoch = 1

    def __init__(self) -> None:
        self.held = [True]

    async def is_held(self) -> bool:
        return self.held.pop(0) if len(self.held) > 1 else self.held[0]


async def test_without_the_lease_there_is_no_poll(telegram: FakeTelegram, tmp_path: Path):
    bench = Bench(telegram, tmp_path)
    lease = FakeLease()
    bench.watch = PollingWatch(bench.stop, bench.acks, bench.heartbeat, lease)
    assert await bench.call(GetUpdates()) == []
    lease.held = [False]
    again = asyncio.ensure_future(bench.call(GetUpdates()))
    await settle()
    assert (len(bench.asked), bench.watch.end, bench.stops) == (1, End.LEASE_LOST, 1)
    again.cancel()


@pytest.mark.parametrize(
    ("held", "epoch_after", "end", "handled"),
    [
        ([True, False], 1, End.LEASE_LOST, False),
        ([True], 2, None, False),
        ([True], 1, None, True),
    ],
    ids=["another process polls", "another process has polled", "nobody else has polled"],
)
async def test_what_arrives_after_a_long_stop_is_handled_only_if_nobody_else_has_polled(
    telegram: FakeTelegram,
    tmp_path: Path,
    held: list[bool],
    epoch_after: int,
    end: End | None,
    handled: bool,
):
    bench, lease = Bench(telegram, tmp_path), FakeLease()
    lease.held = held
    bench.watch = PollingWatch(bench.stop, bench.acks, bench.heartbeat, lease)

    async def stopped(_bot: Any, _method: Any) -> list[Update]:
        lease.epoch = epoch_after
        return [Update(update_id=5)]

    updates: Any = await bench.watch(stopped, telegram.bot, GetUpdates())
    assert [update.update_id for update in updates] == ([5] if handled else [])
    assert bench.watch.end is end
    assert bench.acks.last == (5 if handled else None)


async def test_a_conflict_with_the_new_holder_is_no_foreign_instance(
    telegram: FakeTelegram, tmp_path: Path
):
    bench = Bench(telegram, tmp_path)
    lease = FakeLease()
    lease.held = [True, False]
    bench.watch = PollingWatch(bench.stop, bench.acks, bench.heartbeat, lease)
    bench.answer = conflict()
    with pytest.raises(TelegramConflictError):
        await bench.call(GetUpdates())
    assert bench.watch.end is End.LEASE_LOST


@pytest.mark.parametrize(
    ("is_stale", "is_new", "ends"),
    [
        (False, False, [End.CONFLICT]),
        (True, False, [End.LEASE_LOST]),
        (True, True, [End.LEASE_LOST]),
        # The former holder finds out by its own conflict; a foreign instance does not.
        (False, True, [None, None, None, End.CONFLICT]),
    ],
)
async def test_a_conflict_ends_polling_unless_a_certain_lease_is_new(
    telegram: FakeTelegram,
    tmp_path: Path,
    is_stale: bool,
    is_new: bool,
    ends: list[End | None],
):
    bench, lease = Bench(telegram, tmp_path), FakeLease()
    lease.is_stale, lease.is_new = is_stale, is_new
    bench.watch = PollingWatch(bench.stop, bench.acks, bench.heartbeat, lease)
    bench.answer = conflict()
    for end in ends:
        with pytest.raises(TelegramConflictError):
            await bench.call(GetUpdates())
        assert bench.watch.end is end


class FakeStore:
    name = "me"

    def __init__(self) -> None:
        self.beats = 0

    async def beat(self) -> None:
        self.beats += 1


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> list[bool | Exception]:
    """Return the outcomes of the next claims; the last one stays."""
    outcomes: list[bool | Exception] = []

    async def claim(_bot_id: int, _owner: str) -> bool:
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr("app.polling_lease.claim_polling", claim)
    return outcomes


def make_lease(folder: Path, lease_s: float) -> tuple[PollingLease, FakeStore]:
    store = FakeStore()
    lock = ProcessLock(folder / "lock")
    return PollingLease(42, store, lease_s, lock), store  # type: ignore[arg-type]


async def test_a_held_lease_is_not_asked_for_at_every_poll(
    claims: list[bool | Exception], tmp_path: Path
):
    claims[:] = [False, True]
    lease, store = make_lease(tmp_path, 300)
    assert not await lease.is_held()
    assert [await lease.is_held() for _ in range(5)] == [True] * 5
    assert store.beats == 2
    lease.close()


async def test_the_lock_file_is_asked_for_until_it_is_held(
    claims: list[bool | Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def forget(_name: str) -> None:
        pass

    monkeypatch.setattr("app.polling_lease.forget_worker", forget)
    claims[:] = [False]
    other = ProcessLock(tmp_path / "lock")
    other.acquire("the other")
    lease, _ = make_lease(tmp_path, 0)
    assert not await lease.is_held()
    other.release()
    await lease.is_held()
    assert ProcessLock(tmp_path / "lock").acquire("a third") is None  # it is held now
    lease.close()


@pytest.mark.parametrize("uptime_s", [1.0, 1_000_000.0])
async def test_a_lease_that_was_taken_over_is_new_for_a_while(
    claims: list[bool | Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uptime_s: float
):
    monkeypatch.setattr("app.polling_lease.time.monotonic", lambda: uptime_s)
    claims[:] = [False, True]
    lease, _ = make_lease(tmp_path, 300)
    assert lease.is_stale
    await lease.is_held()
    assert not lease.is_new
    await lease.is_held()
    assert (lease.is_new, lease.is_stale) == (True, False)
    lease.close()
    at_once, _ = make_lease(tmp_path / "other", 300)
    await at_once.is_held()
    assert not at_once.is_new
    at_once.close()


async def test_without_the_database_the_last_answer_counts(
    claims: list[bool | Exception], tmp_path: Path
):
    claims[:] = [StorageError("x"), True, StorageError("x")]
    lease, _ = make_lease(tmp_path, 0)
    assert [await lease.is_held() for _ in range(4)] == [False, True, True, True]
    lease.close()


async def test_what_a_dead_process_held_is_free_at_once(
    claims: list[bool | Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    forgotten: list[str] = []

    async def forget(name: str) -> None:
        forgotten.append(name)

    monkeypatch.setattr("app.polling_lease.forget_worker", forget)
    claims[:] = [True]
    dead = ProcessLock(tmp_path / "lock")
    dead.acquire("the dead")
    dead.release()
    lease, _ = make_lease(tmp_path, 0)
    for _ in range(3):
        await lease.is_held()
    assert forgotten == ["the dead"]
    lease.close()


class FakeBacklog:
    """Takes over the updates up to an id, or returns them."""

    def __init__(self) -> None:
        self.last = 0
        self.not_stored: list[Update] = []

    async def keep(self) -> tuple[int, list[Update]]:
        return self.last, self.not_stored


@pytest.fixture
def backlog_bench(telegram: FakeTelegram, tmp_path: Path) -> tuple[Bench, FakeBacklog]:
    bench, backlog = Bench(telegram, tmp_path), FakeBacklog()
    bench.watch = PollingWatch(bench.stop, bench.acks, bench.heartbeat, old_updates=backlog)
    return bench, backlog


async def test_stored_old_updates_are_acknowledged_by_the_next_poll(
    backlog_bench: tuple[Bench, FakeBacklog],
):
    bench, backlog = backlog_bench
    backlog.last = 100
    assert await bench.call(GetUpdates()) == []
    assert bench.acks.last == 100
    backlog.last = 0
    await bench.call(GetUpdates())
    assert [call.offset for call in bench.asked] == [None, 101]


async def test_ids_may_start_again_lower(backlog_bench: tuple[Bench, FakeBacklog]):
    bench, backlog = backlog_bench
    backlog.last = 900
    await bench.call(GetUpdates())
    backlog.last, bench.answer = 0, [Update(update_id=5)]
    await bench.call(GetUpdates())
    assert bench.acks.last == 5
    bench.acks.acknowledge(5)
    await bench.call(GetUpdates(offset=6))
    assert [call.offset for call in bench.asked] == [None, 901, 6]


async def test_a_new_update_between_old_ones_is_waited_for(
    backlog_bench: tuple[Bench, FakeBacklog],
):
    bench, backlog = backlog_bench
    backlog.last = 100
    bench.answer = [Update(update_id=50)]
    await bench.call(GetUpdates())
    assert (bench.acks.last, bench.acks.is_idle) == (100, False)
    bench.acks.acknowledge(50)
    backlog.last, bench.answer = 0, [Update(update_id=101)]
    await bench.call(GetUpdates(offset=51))  # aiogram knows of 50 only
    assert (bench.asked[-1].offset, bench.acks.last) == (101, 101)


async def test_old_updates_that_cannot_be_stored_are_handled_at_once_in_order(
    backlog_bench: tuple[Bench, FakeBacklog],
):
    bench, backlog = backlog_bench
    backlog.not_stored = [Update(update_id=1), Update(update_id=3)]
    bench.answer = [Update(update_id=2)]
    updates = await bench.call(GetUpdates())
    assert [update.update_id for update in updates] == [1, 2, 3]
    assert (bench.acks.last, bench.acks.is_idle) == (3, False)


class SlowTelegram(RecordingSession):
    """Has one message for the bot, and answers `sendMessage` once `may_answer` is set."""

    def __init__(self, bot: Bot) -> None:
        super().__init__()
        self.updates = [Update(update_id=5, message=make_message(bot, "/help"))]
        self.is_sending, self.may_answer = asyncio.Event(), asyncio.Event()
        self.answered: list[str] = []

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: Any = None) -> Any:  # noqa: ASYNC109
        if isinstance(method, GetMe):
            return User(id=42, is_bot=True, first_name="Bot", username="demo_bot")
        if isinstance(method, GetUpdates):
            self.calls.append(method)
            updates, self.updates = self.updates, []
            if not updates and method.limit != 1:
                await asyncio.Event().wait()  # until the poll is cancelled
            return updates
        if isinstance(method, SendMessage):
            self.is_sending.set()
            await self.may_answer.wait()
            self.answered.append(method.text)
        return await super().make_request(bot, method, timeout)


@asynccontextmanager
async def answering_help(
    folder: Path, stop_time: StopTime | None = None
) -> AsyncIterator[tuple[SlowTelegram, asyncio.Task[None]]]:
    """Poll with the real dispatcher, up to where /help is being answered."""
    container, dispatcher = real_bot(folder)
    telegram = container.bot.session = SlowTelegram(container.bot)
    source = Polling(container.update_acks, folder / "heartbeat", stop_time or StopTime(60))
    drained = asyncio.Event()

    async def drain() -> None:
        await source.acknowledge(container.bot)
        drained.set()

    dispatcher.shutdown.register(drain)
    running = asyncio.create_task(source.run(container.bot, dispatcher, ["message"], None))
    try:
        async with asyncio.timeout(60):
            await telegram.is_sending.wait()
            source.stop()
            await drained.wait()
        yield telegram, running
    finally:
        running.cancel()
        await asyncio.wait([running])
        telegram.may_answer.set()
        await container.update_acks.handled(60)
        await container.close()


@pytest.mark.usefixtures("sqlite_db")
async def test_a_stop_waits_for_handlers_whose_update_is_acknowledged(tmp_path: Path):
    async with answering_help(tmp_path) as (telegram, running):
        await settle()
        assert (telegram.of(GetUpdates)[-1].offset, running.done()) == (6, False)
        telegram.may_answer.set()
        async with asyncio.timeout(60):
            await running
        assert len(telegram.answered) == 2  # the welcome, and the help


@pytest.mark.usefixtures("sqlite_db")
async def test_a_stop_does_not_wait_for_handlers_without_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """The requests have used all the time of the stop, and the handlers have none left."""
    times = itertools.count(step=10)
    stop_time = StopTime(60, lambda: next(times))
    async with answering_help(tmp_path, stop_time) as (telegram, running):
        async with asyncio.timeout(60):
            await running
        assert telegram.answered == []
    assert [r.levelname for r in caplog.records if "still being handled" in r.message] == [
        "WARNING"
    ]


async def test_polling_ends_although_a_library_loses_its_cancellation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.concurrency.CANCEL_AGAIN_S", 0.01)
    is_asked = asyncio.Event()

    async def lose_one(*_: object) -> Any:
        is_asked.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    watch: Any = bench.watch
    polling = asyncio.create_task(watch(lose_one, bench.bot, GetUpdates()))
    await is_asked.wait()
    polling.cancel()
    done, _ = await asyncio.wait([polling], timeout=30)
    polling.cancel()
    assert done


async def test_a_stop_does_not_wait_for_the_removal_of_the_webhook(
    telegram: FakeTelegram, tmp_path: Path
):
    is_asked, shutdowns = asyncio.Event(), []

    class Registration:
        async def remove_own(self, _bot: Bot) -> None:
            is_asked.set()
            await asyncio.Event().wait()

    registration: Any = Registration()
    source = Polling(UpdateAcks(), tmp_path / "heartbeat", StopTime(60), registration=registration)
    dispatcher = Dispatcher()
    dispatcher.shutdown.register(lambda: shutdowns.append(source.has_started))
    running = asyncio.create_task(source.run(telegram.bot, dispatcher, ["message"], None))
    await is_asked.wait()
    source.stop()
    done, _ = await asyncio.wait([running], timeout=30)
    running.cancel()
    assert done
    running.result()
    assert shutdowns == [False]
