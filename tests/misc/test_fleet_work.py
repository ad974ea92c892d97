"""A job of the fleet: what has ended, what is handed out again, and what that asks the database."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.errors import StorageError
from misc.fleet_work import FleetWork
from misc.intake import RequestIntake
from services.requests.context import RequestContext
from services.requests.queue import RequestHandle, RequestQueue, Runner
from services.requests.slots import Slots
from services.requests.store import StoredRequest
from tests.fakes import FakeRunner, fake_request, settle


class Intake:
    """Serves requests at once; is its own store."""

    def __init__(self, claimable: set[int], served: set[int], asked: list[str]) -> None:
        self.store = self
        self._claimable, self._served, self._asked = claimable, served, asked

    async def claim_all(self, rows: Sequence[int]) -> list[StoredRequest]:
        return [fake_request(row=row).stored for row in rows if row in self._claimable]

    async def release(self, entries: Sequence[StoredRequest]) -> None:
        self._asked.append(f"release {[entry.row for entry in entries]}")

    def serve(self, entries: Sequence[StoredRequest], asked_at: int) -> RequestHandle:
        for entry in entries:
            entry.is_finished = entry.row in self._served
        return RequestHandle(0)


@pytest.mark.parametrize(
    ("claimable", "served", "is_open", "calls", "has_ended"),
    [
        ({1, 2}, {1, 2}, False, [], True),
        ({1, 2}, {1}, False, ["release [2]"], False),
        ({1}, {1}, False, ["any_open [2]"], True),
        ({1}, {1}, True, ["any_open [2]"], False),
        (set(), set(), True, ["any_open [1, 2]"], False),
    ],
    ids=["all served", "one left", "one served before", "one served elsewhere", "none is free"],
)
async def test_a_job_asks_the_database_only_about_what_it_has_not_ended(
    monkeypatch: pytest.MonkeyPatch,
    claimable: set[int],
    served: set[int],
    is_open: bool,
    calls: list[str],
    has_ended: bool,
):
    asked: list[str] = []

    async def any_open(rows: Sequence[int]) -> bool:
        asked.append(f"any_open {rows}")
        return is_open

    monkeypatch.setattr("misc.fleet_work.any_open", any_open)
    intake: Any = Intake(claimable, served, asked)
    work = FleetWork(cast("RequestIntake", intake))
    work.stop()  # no pause before a job goes to the next worker
    assert await work.serve([1, 2]) is has_ended
    assert asked == calls


async def test_a_job_whose_requests_cannot_be_claimed_is_handed_out_again(
    monkeypatch: pytest.MonkeyPatch,
):
    intake: Any = Intake({1}, {1}, [])

    async def fail(_rows: Sequence[int]) -> list[StoredRequest]:
        raise StorageError("gone")

    monkeypatch.setattr(intake, "claim_all", fail)
    work = FleetWork(cast("RequestIntake", intake))
    work.stop()
    assert not await work.serve([1])


async def test_a_request_is_cancelled_by_its_row_wherever_the_button_was():
    """A quiet cancellation is one of several, and names no chat."""
    runner = FakeRunner()
    queue: RequestQueue[RequestContext] = RequestQueue(
        Slots(5), cast("Runner[RequestContext]", runner), max_requests=9, patience_s=60
    )
    first, second, third = (fake_request(row=row).context for row in (1, 2, 3))
    for each in (first, second, third):
        queue.submit([each], None)
    await settle()
    work = FleetWork(cast("RequestIntake", SimpleNamespace(queue=queue, store=None)))
    work.cancel(1, first.chat_id + 1, is_quiet=False)
    work.cancel(2, first.chat_id, is_quiet=False)
    work.cancel(3, first.chat_id + 1, is_quiet=True)
    await settle()
    refused = [(cast("Any", each.item), each.aloud) for each in runner.refusals]
    assert refused == [(second, True), (third, False)]
