"""The intake of a fleet's receiver while the database does not answer, or its answer is lost."""

from dataclasses import fields

import pytest

from core.errors import StorageError
from core.request import Request
from data.jobs import Room
from data.requests import claim_request
from misc import fleet_intake
from misc.fleet_intake import FleetIntake
from misc.middlewares.update_acks import UpdateAck, UpdateAcks
from services.requests.store import RequestStore
from tests.fakes import BOT_ID, FakeTelegram, make_ack, make_request
from tests.misc.test_intake import Bench

pytestmark = pytest.mark.usefixtures("sqlite_db")


def intake_of(telegram: FakeTelegram) -> FleetIntake:
    intake = Bench(telegram).intake
    values = {field.name: getattr(intake, field.name) for field in fields(intake)}
    return FleetIntake(**values, max_messages=9)


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
