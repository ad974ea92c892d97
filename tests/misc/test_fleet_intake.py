"""The intake of a fleet's receiver: what is handed out to the workers, refused and cancelled."""

from collections.abc import Sequence
from dataclasses import fields, replace

import pytest

from core.clock import shared_clock
from core.errors import (
    BusyError,
    ClipferryError,
    LinksLeftOutError,
    QueueFullError,
    RequestCancelledError,
    StorageError,
    TooOldError,
)
from core.request import ButtonPress, Request
from data.jobs import Room
from data.requests import claim_request
from misc import fleet_intake
from misc.fleet_intake import FleetIntake
from misc.middlewares.update_acks import UpdateAck, UpdateAcks
from services.requests.store import RequestStore
from tests.fakes import BOT_ID, LINK, FakeTelegram, dropped, make_ack, make_request, settle
from tests.misc.test_intake import LIMITS, TEXTS, Bench

pytestmark = pytest.mark.usefixtures("sqlite_db")


EMPTY = Room(links=0, messages=0, total=0, is_running=False)
SECOND, THIRD = replace(LINK, post_id="2"), replace(LINK, post_id="3")


class HandingOut(RequestStore):
    """A store that notes which requests the workers get: their jobs need PostgreSQL."""

    def __init__(self) -> None:
        super().__init__(BOT_ID, 60)
        self.handed_out: list[Request] = []
        self.late: list[bool] = []

    async def hand_out(
        self, update_id: int, requests: Sequence[Request], fitting: int, *, is_late: bool
    ) -> list[int | None]:
        self.handed_out += requests[:fitting]
        self.late.append(is_late)
        return await super().hand_out(update_id, requests, 0, is_late=is_late)


class Receiver(Bench):
    """The intake of a fleet's receiver, and what is in the queue of the whole fleet."""

    def __init__(self, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(telegram, replace(LIMITS, links_per_message=5, waiting_links=3))
        self.jobs = HandingOut()
        values = {each.name: getattr(self.intake, each.name) for each in fields(self.intake)}
        self.store = self.jobs
        self.fleet = FleetIntake(**{**values, "store": self.jobs}, max_messages=9)
        self.intake = self.fleet
        self.room = EMPTY
        #: Rows and chats of the cancellations that other processes are asked for.
        self.announced: list[tuple[int, int, bool]] = []
        monkeypatch.setattr(fleet_intake, "room_for", self._room_for)
        monkeypatch.setattr(fleet_intake, "announce_cancellation", self._announce)

    async def _room_for(self, _bot_id: int, _request: Request, _most: int) -> Room:
        return self.room

    async def _announce(self, row: int, chat_id: int, *, is_quiet: bool) -> None:
        self.announced.append((row, chat_id, is_quiet))

    async def hand_in(self, request: Request, update_id: int = 5) -> None:
        """Submit a single request, which must be acknowledged."""
        ack, acks = make_ack(update_id)
        await self.fleet.submit_inline(request, ack)
        assert acks.acknowledged == [update_id]
        await settle()

    @property
    def refusals(self) -> list[tuple[type[ClipferryError], bool]]:
        return [(type(each.error), each.aloud) for each in self.runner.refusals]


@pytest.fixture
def receiver(telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    return Receiver(telegram, monkeypatch)


def intake_of(telegram: FakeTelegram) -> FleetIntake:
    intake = Bench(telegram).intake
    values = {each.name: getattr(intake, each.name) for each in fields(intake)}
    return FleetIntake(**values, max_messages=9)


async def test_what_fits_is_handed_out_and_nobody_works_on_it_here(receiver: Receiver):
    await receiver.submit(LINK, SECOND)
    assert [request.link for request in receiver.jobs.handed_out] == [LINK, SECOND]
    assert (receiver.refusals, receiver.requests, receiver.jobs.late) == ([], [], [False])


@pytest.mark.parametrize(
    ("room", "error"),
    [
        (replace(EMPTY, total=9), BusyError),
        (replace(EMPTY, messages=2), QueueFullError),
    ],
)
async def test_a_message_without_room_is_refused_in_words(
    receiver: Receiver, room: Room, error: type[ClipferryError]
):
    receiver.room = room
    await receiver.submit(LINK, SECOND)
    assert receiver.jobs.handed_out == []
    assert receiver.refusals == [(error, True), (error, False)]


async def test_of_too_many_links_the_first_are_handed_out(receiver: Receiver):
    receiver.room = replace(EMPTY, links=1)
    await receiver.submit(LINK, SECOND, THIRD)
    assert [request.link for request in receiver.jobs.handed_out] == [LINK, SECOND]
    assert receiver.refusals == [(LinksLeftOutError, False)]
    assert dropped(receiver.metrics, "waiting_links") == 1
    assert receiver.telegram.texts == [TEXTS("en", "links_left_out", count=1, limit=3)]


async def test_the_room_for_more_links_is_what_the_fleet_has_left(receiver: Receiver):
    receiver.room = replace(EMPTY, links=1)
    assert await receiver.fleet.room_for_links(make_request(asked_at=int(shared_clock()))) == 2


async def test_a_press_counts_as_no_link(receiver: Receiver):
    receiver.room = replace(EMPTY, links=3)
    press = make_request(asked_at=int(shared_clock()), press=ButtonPress("sound", ""))
    await receiver.hand_in(press)
    assert receiver.jobs.handed_out == [press]


async def test_an_old_request_gets_the_notice_and_a_late_one_the_lane_behind(receiver: Receiver):
    now = int(shared_clock())
    await receiver.hand_in(make_request(asked_at=now - LIMITS.max_age_s - 10), update_id=5)
    assert receiver.refusals == [(TooOldError, True)]
    late = make_request(asked_at=now - LIMITS.max_age_s // 2)
    await receiver.hand_in(late, update_id=6)
    assert receiver.jobs.handed_out == [late]
    assert receiver.jobs.late == [True, True]


async def test_an_update_that_comes_again_is_not_handed_out_again(receiver: Receiver):
    request = make_request(asked_at=int(shared_clock()))
    await receiver.hand_in(request)
    await receiver.hand_in(request)
    assert dropped(receiver.metrics, "repeated_update") == 1
    receiver.room = replace(EMPTY, is_running=True)
    await receiver.hand_in(request, update_id=6)
    assert receiver.jobs.handed_out == [request, request]  # the store knew the second one


async def test_a_waiting_request_is_cancelled_here_and_a_running_one_by_its_worker(
    receiver: Receiver,
):
    request, worker = make_request(asked_at=int(shared_clock())), RequestStore(BOT_ID, 60)
    first, second = await receiver.jobs.hand_out(5, [request, request], 0, is_late=False)
    assert first
    assert second
    assert await worker.claim(second)
    assert await receiver.fleet.cancel(first, request.chat_id)
    await settle()
    assert receiver.refusals == [(RequestCancelledError, True)]
    assert receiver.announced == []
    assert await receiver.fleet.cancel(second, request.chat_id)
    assert receiver.announced == [(second, request.chat_id, False)]
    assert not await receiver.fleet.cancel(second, request.chat_id + 1)
    assert not await receiver.fleet.cancel(second + 1, request.chat_id)
    assert not await receiver.fleet.cancel(first - 1, request.chat_id)


async def test_all_requests_that_are_meant_are_cancelled_without_a_word_each(receiver: Receiver):
    mine, other = make_request(), make_request(link=SECOND)
    await receiver.jobs.hand_out(5, [mine, other, mine], 0, is_late=False)
    assert await receiver.fleet.cancel_all(mine.chat_id, lambda each: each.link == LINK) == 2
    await settle()
    assert receiver.refusals == [(RequestCancelledError, False)] * 2


async def test_an_answer_is_sent_again_by_a_worker_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    passed: list[int] = []

    async def pass_on(_bot_id: int, row: int, _request: Request) -> None:
        passed.append(row)

    monkeypatch.setattr(fleet_intake, "pass_on", pass_on)
    (entry,) = await receiver.jobs.enter(5, [make_request()])
    await entry.finish("unavailable")
    assert entry.ticket
    ack, acks = make_ack()
    assert await receiver.fleet.resend(entry.ticket, ack)
    assert (passed, acks.acknowledged) == ([entry.row], [5])
    again, acks = make_ack(6)
    assert not await receiver.fleet.resend(entry.ticket, again)
    assert (passed, acks.acknowledged) == ([entry.row], [6])


class Outage:
    """A database that answers from some attempt on: there is a request like it already."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    async def room_for(self, _bot_id: int, _request: Request, _most: int) -> Room:
        self.left -= 1
        if self.left >= 0:
            raise StorageError("gone")
        return Room(total=1, messages=1, links=1, is_running=True)


async def test_a_polled_update_waits_for_the_database(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    outage = Outage(3)
    monkeypatch.setattr(fleet_intake, "room_for", outage.room_for)
    monkeypatch.setattr(fleet_intake, "_PAUSE_S", 0.0)
    ack, acks = make_ack()
    assert (await intake_of(telegram).submit_inline(make_request(), ack)).is_empty
    assert outage.left == -1
    assert acks.acknowledged == [5]


async def test_an_update_of_a_webhook_is_left_to_telegram(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    outage = Outage(3)
    monkeypatch.setattr(fleet_intake, "room_for", outage.room_for)
    acks = UpdateAcks()
    acks.decision_on(5)
    ack = UpdateAck(5, acks)
    with pytest.raises(StorageError):
        await intake_of(telegram).submit_inline(make_request(), ack)
    assert outage.left == 2
    assert ack.is_refusable


async def test_a_cancellation_whose_claim_is_in_doubt_leaves_the_request_to_others(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    intake, request, worker = intake_of(telegram), make_request(), RequestStore(BOT_ID, 60)
    (row,) = await intake.store.hand_out(5, [request], 0, is_late=False)
    assert row

    async def claim(row: int, owner: str) -> None:
        await claim_request(row, owner)
        raise StorageError("the answer was lost")

    with monkeypatch.context() as broken:
        broken.setattr("services.requests.store.claim_request", claim)
        with pytest.raises(StorageError):
            await intake.cancel(row, request.chat_id)
    assert await worker.claim(row) is None
    await intake.store.beat()
    assert await worker.claim(row)


async def test_an_answer_that_cannot_be_passed_on_is_left_to_others(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    intake, worker = intake_of(telegram), RequestStore(BOT_ID, 60)
    (entry,) = await intake.store.enter(5, [make_request()])
    await entry.finish("unavailable")
    assert entry.row
    assert entry.ticket

    async def pass_on(*_: object) -> None:
        raise StorageError("gone")

    monkeypatch.setattr(fleet_intake, "pass_on", pass_on)
    ack, acks = make_ack()
    with pytest.raises(StorageError):
        await intake.resend(entry.ticket, ack)
    assert acks.acknowledged == []
    assert await worker.claim(entry.row) is None
    await intake.store.beat()
    assert await worker.claim(entry.row)
