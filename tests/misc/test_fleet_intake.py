"""The intake of a fleet's receiver while the database does not answer."""

from dataclasses import fields

import pytest

from core.errors import StorageError
from core.request import Request
from data.jobs import Room
from misc import fleet_intake
from misc.fleet_intake import FleetIntake
from misc.middlewares.update_acks import UpdateAck, UpdateAcks
from tests.fakes import FakeTelegram, make_ack, make_request
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
