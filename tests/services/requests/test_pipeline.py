"""One request to its end: every outcome reaches the chat and the row, and nothing is raised."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.errors import (
    AlreadySentError,
    BrokenFileError,
    BrokenLinkError,
    BugError,
    ChatForbiddenError,
    ChatMovedError,
    ClipferryError,
    FloodError,
    GivenUpError,
    NotAvailableError,
    PartialDeliveryError,
    PlatformRefusedError,
    QueueFullError,
    RequestCancelledError,
    RequestTakenOverError,
    ShuttingDownError,
    StorageError,
    TelegramUnreachableError,
    TooLongError,
    UnknownOutcomeError,
)
from core.request import MAX_ATTEMPTS, UNKNOWN, Progress, Ticket
from data.requests import DELIVERED, Claim
from delivery.api_requests import MessageOptions
from delivery.sender import SendingCancelledError
from delivery.status_note import RecordNote
from services.metrics import FETCHED, KNOWN, Metrics
from services.requests.context import Delivered
from services.requests.pipeline import RequestPipeline
from services.requests.store import StoredRequest
from tests.fakes import (
    PERSON,
    FakeRequest,
    FakeService,
    counted,
    fake_request,
    make_request,
    settle,
)
from tests.fakes import make_post as post

ROW = 5


@dataclass
class Records:
    """What was written to the database, and whether it works."""

    blocked: list[int] = field(default_factory=list)
    moved: list[tuple[int, int]] = field(default_factory=list)
    reports: dict[str, BaseException] = field(default_factory=dict)
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    is_down: bool = False
    #: The rows that another worker has claimed.
    taken_over: set[int] = field(default_factory=set)

    def check(self) -> None:
        if self.is_down:
            raise StorageError

    async def mark_blocked(self, chat_id: int) -> None:
        self.check()
        self.blocked.append(chat_id)

    async def move_chat(self, old_id: int, new_id: int) -> None:
        self.check()
        self.moved.append((old_id, new_id))

    async def store_report(self, code: str, doing: str, error: BaseException) -> None:
        self.check()
        self.reports[code] = error

    async def finish_request(self, claim: Claim, progress: Progress, outcome: str) -> None:
        self.check()
        self.outcomes.append((claim.row, outcome))

    async def store_progress(self, claim: Claim, progress: Progress) -> None:
        self.check()
        if claim.row in self.taken_over:
            raise RequestTakenOverError


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    records = Records()
    monkeypatch.setattr("services.requests.pipeline.mark_blocked", records.mark_blocked)
    monkeypatch.setattr("services.requests.pipeline.move_chat", records.move_chat)
    monkeypatch.setattr("services.bug_reports.store_report", records.store_report)
    monkeypatch.setattr("services.requests.store.finish_request", records.finish_request)
    monkeypatch.setattr("services.requests.store.store_progress", records.store_progress)
    return records


async def run(service: FakeService, one: FakeRequest) -> Metrics:
    metrics = Metrics()
    await RequestPipeline({"post": service}, metrics).run(one.context)
    return metrics


async def test_a_request_of_another_worker_ends_without_a_word(records: Records):
    """Its status note and its reaction are the other's now."""
    for refusal in (None, RequestTakenOverError(), TooLongError(9, 8), RuntimeError("bug")):
        one = fake_request(row=ROW)
        records.taken_over = {ROW}
        service = FakeService(refusal or Delivered(post(), False, False, PERSON))
        if refusal is None:
            one.stored.progress = Progress((UNKNOWN,), total=2)
        await run(service, one)
        assert one.status.shown == []
        assert one.status.left == 1
        assert one.presenter.explained == []
        assert records.outcomes == []
        assert one.stored.work.is_over


async def test_an_update_of_the_note_does_not_end_the_status_of_a_request_taken_over(
    records: Records,
):
    """What serves the request does that, once."""
    one = fake_request(row=ROW)

    async def show_note(note: MessageOptions, record: RecordNote) -> None:
        raise RequestTakenOverError

    one.status.show_note = show_note  # type: ignore[method-assign]
    await RequestPipeline({}, Metrics()).report(one.context, ROW, None)
    assert one.stored.work.is_over
    assert one.status.left == 0


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_delivery_is_recorded_and_the_request_ended(records: Records, is_known: bool):
    service, one = FakeService(Delivered(post(), False, is_known, PERSON)), fake_request(row=ROW)
    metrics = await run(service, one)
    assert (service.deliveries, service.records) == (1, 1)
    assert one.status.shown == ["done"]
    assert one.presenter.explained == []
    assert one.presenter.ads == 0
    assert records.outcomes == [(ROW, DELIVERED)]
    assert counted(metrics, KNOWN) == is_known
    assert counted(metrics, FETCHED) == (not is_known)


@pytest.mark.parametrize(
    "error",
    [
        BrokenLinkError(),
        NotAvailableError(),
        BrokenFileError(),
        TooLongError(100, 50),
        PlatformRefusedError(),
        TelegramUnreachableError(),
        FloodError(61),
        StorageError(),
        UnknownOutcomeError(),
        PartialDeliveryError(1, 3),
    ],
    ids=lambda error: error.code,
)
async def test_every_error_is_explained_and_stored(records: Records, error: ClipferryError):
    service, one = FakeService(error), fake_request(row=ROW)
    metrics = await run(service, one)
    assert one.presenter.explained == [error]
    assert one.status.shown == ["failed"]
    assert records.outcomes == [(ROW, error.code)]
    assert counted(metrics, error.code) == 1
    assert (service.records, records.blocked) == (0, [])


async def test_what_has_arrived_before_an_error_is_named(records: Records):
    error = NotAvailableError()
    one = fake_request(row=ROW, progress=Progress(sent=(11, 12), total=4))
    await run(FakeService(error), one)
    (explained,) = one.presenter.explained
    assert isinstance(explained, PartialDeliveryError)
    assert explained.facts == {"sent": 2, "count": 4}
    assert explained.__cause__ is error
    assert records.outcomes == [(ROW, PartialDeliveryError.code)]


async def test_an_error_that_counts_itself_is_explained_as_it_is(records: Records):
    error = PartialDeliveryError(2, 4)
    one = fake_request(row=ROW, progress=Progress(sent=(11, 12), total=4))
    await run(FakeService(error), one)
    assert one.presenter.explained == [error]


async def test_a_bug_gets_a_code_under_which_it_is_stored(records: Records):
    bug = ZeroDivisionError("planted")
    one = fake_request(row=ROW)
    metrics = await run(FakeService(bug), one)
    (explained,) = one.presenter.explained
    assert isinstance(explained, BugError)
    assert records.reports == {explained.report_code: bug}
    assert explained.facts == {"code": explained.report_code}
    assert records.outcomes == [(ROW, BugError.code)]
    assert counted(metrics, BugError.code) == 1


async def test_a_bug_that_cannot_be_stored_is_explained_all_the_same(records: Records):
    records.is_down = True
    one = fake_request(row=ROW)
    await run(FakeService(ZeroDivisionError("planted")), one)
    assert isinstance(one.presenter.explained[0], BugError)
    assert one.status.shown == ["failed"]


async def test_a_bug_in_the_recording_changes_nothing_for_the_chat(records: Records):
    one = fake_request(row=ROW)
    metrics = await run(FakeService(is_ad_due=KeyError("planted")), one)
    assert one.status.shown == ["done"]
    assert one.presenter.explained == []
    assert one.presenter.ads == 0
    assert [type(bug) for bug in records.reports.values()] == [KeyError]
    assert records.outcomes == [(ROW, DELIVERED)]
    assert counted(metrics, FETCHED) == 1


async def test_a_send_that_was_cut_off_is_called_unknown(records: Records):
    one = fake_request(row=ROW)
    await run(FakeService(SendingCancelledError()), one)
    assert [type(error) for error in one.presenter.explained] == [UnknownOutcomeError]
    assert records.outcomes == [(ROW, UnknownOutcomeError.code)]


async def test_a_cancellation_before_the_send_leaves_the_request_open(records: Records):
    one = fake_request(row=ROW)
    with pytest.raises(asyncio.CancelledError):
        await run(FakeService(asyncio.CancelledError()), one)
    assert one.status.shown == []
    assert records.outcomes == []


async def test_an_answer_that_was_complete_before_a_crash_is_not_sent_again(records: Records):
    service = FakeService()
    one = fake_request(row=ROW, progress=Progress(sent=(11,), total=1))
    await run(service, one)
    assert service.deliveries == 0
    assert one.status.shown == ["done"]
    assert records.outcomes == [(ROW, DELIVERED)]


async def test_an_answer_that_may_have_arrived_before_a_crash_is_explained(records: Records):
    service = FakeService()
    one = fake_request(row=ROW, progress=Progress(sent=(0,), total=1))
    await run(service, one)
    assert service.deliveries == 0
    assert [type(error) for error in one.presenter.explained] == [UnknownOutcomeError]
    assert records.outcomes == [(ROW, UnknownOutcomeError.code)]


async def test_a_rest_is_sent_and_the_uncertain_part_explained(records: Records):
    """It is recorded once everything has arrived, as a single file without a response is."""
    service = FakeService()
    one = fake_request(row=ROW, progress=Progress(sent=(11, 0), total=4), attempts=2)
    await run(service, one)
    assert (service.deliveries, service.records) == (1, 0)
    assert [type(error) for error in one.presenter.explained] == [UnknownOutcomeError]
    assert one.presenter.tickets == [Ticket(ROW, 2)]
    assert records.outcomes == [(ROW, UnknownOutcomeError.code)]
    assert one.status.shown == ["failed"]


@pytest.mark.parametrize(
    ("attempts", "is_served"),
    [
        (MAX_ATTEMPTS - 1, True),
        (MAX_ATTEMPTS, False),
        (Ticket(ROW, MAX_ATTEMPTS - 1).attempts_after_press, True),
    ],
)
async def test_a_request_that_ends_every_process_is_given_up(
    records: Records, attempts: int, is_served: bool
):
    service, one = FakeService(), fake_request(row=ROW, attempts=attempts)
    await run(service, one)
    assert service.deliveries == is_served
    expected = DELIVERED if is_served else GivenUpError.code
    assert records.outcomes == [(ROW, expected)]


async def test_a_due_ad_comes_after_the_answer(records: Records):
    one = fake_request()
    await run(FakeService(is_ad_due=True), one)
    assert one.presenter.ads == 1
    assert one.status.shown == ["done"]


@pytest.mark.parametrize("failure", [ChatForbiddenError(), StorageError(), FloodError(3)])
async def test_an_ad_that_fails_changes_nothing(records: Records, failure: ClipferryError):
    one = fake_request(row=ROW)
    one.presenter.ad_failure = failure
    metrics = await run(FakeService(is_ad_due=True), one)
    assert one.presenter.explained == []
    assert one.status.shown == ["done"]
    assert records.outcomes == [(ROW, DELIVERED)]
    assert counted(metrics, failure.code) == 0


async def test_a_chat_that_blocks_the_bot_is_marked_and_gets_no_message(records: Records):
    one = fake_request(row=ROW)
    await run(FakeService(ChatForbiddenError()), one)
    assert records.blocked == [PERSON]
    assert one.presenter.explained == []
    assert one.status.shown == []
    assert records.outcomes == [(ROW, ChatForbiddenError.code)]


async def test_a_group_that_has_moved_keeps_its_settings(records: Records):
    request = make_request(chat_id=-7, is_private=False)
    one = fake_request(request, row=ROW)
    await run(FakeService(ChatMovedError(-100_7)), one)
    assert records.moved == [(-7, -1007)]
    assert records.blocked == []
    assert records.outcomes == [(ROW, ChatMovedError.code)]


@pytest.mark.parametrize("error", [ChatForbiddenError(), ChatMovedError(-9)])
async def test_a_database_that_fails_while_a_chat_is_marked_raises_nothing(
    records: Records, error: ClipferryError
):
    records.is_down = True
    one = fake_request(row=ROW)
    metrics = await run(FakeService(error), one)
    assert counted(metrics, error.code) == 1
    assert one.stored.is_finished


async def test_a_chat_that_refuses_the_explanation_is_marked(records: Records):
    one = fake_request(row=ROW)
    one.presenter.refusal = ChatForbiddenError()
    await run(FakeService(NotAvailableError()), one)
    assert records.blocked == [PERSON]
    assert records.outcomes == [(ROW, NotAvailableError.code)]


@pytest.mark.parametrize(
    "trouble", [UnknownOutcomeError(), TelegramUnreachableError(), FloodError(3)]
)
async def test_an_explanation_that_telegram_does_not_take_is_sent_again(
    records: Records, monkeypatch: pytest.MonkeyPatch, trouble: ClipferryError
):
    monkeypatch.setattr("services.requests.pipeline.EXPLAIN_AGAIN_S", (0.0, 0.0))
    one, error = fake_request(row=ROW), NotAvailableError()
    refusals: list[ClipferryError | None] = [trouble, trouble]
    explain = one.presenter.explain

    async def fail_twice(reason: ClipferryError, ticket: Ticket | None) -> None:
        one.presenter.refusal = refusals.pop(0) if refusals else None
        await explain(reason, ticket)

    monkeypatch.setattr(one.presenter, "explain", fail_twice)
    await run(FakeService(error), one)
    assert one.presenter.explained == [error]
    assert records.outcomes == [(ROW, NotAvailableError.code)]


async def test_an_explanation_that_fails_is_only_logged(
    records: Records, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("services.requests.pipeline.EXPLAIN_AGAIN_S", (0.0,))
    one = fake_request(row=ROW)
    one.presenter.refusal = FloodError(3)
    await run(FakeService(NotAvailableError()), one)
    assert records.blocked == []
    assert records.outcomes == [(ROW, NotAvailableError.code)]
    assert "explanation_failed" in [getattr(record, "event", "") for record in caplog.records]


async def refuse(one: FakeRequest, error: ClipferryError, **options: Any) -> None:
    await RequestPipeline({}, Metrics()).refuse(one.context, error, **options)


async def test_the_other_requests_of_a_refused_message_end_silently(records: Records):
    one = fake_request(row=ROW)
    await refuse(one, QueueFullError(3), aloud=False)
    assert one.presenter.explained == []
    assert one.status.shown == ["failed"]
    assert records.outcomes == [(ROW, QueueFullError.code)]


async def test_a_post_that_has_arrived_already_ends_its_request_silently(records: Records):
    one = fake_request(row=ROW)
    await run(FakeService(AlreadySentError()), one)
    assert one.presenter.explained == []
    assert one.status.shown == ["done"]
    assert records.outcomes == [(ROW, AlreadySentError.code)]


async def test_a_cancellation_after_everything_has_arrived_is_not_explained(records: Records):
    """The request may still be busy with what follows, such as the file-id cache."""
    one = fake_request(row=ROW, progress=Progress(sent=(11,), total=1))
    await refuse(one, RequestCancelledError())
    assert one.presenter.explained == []
    assert one.status.shown == ["done"]
    assert records.outcomes == [(ROW, DELIVERED)]


async def test_a_cancelled_request_shows_no_failure(records: Records):
    one = fake_request(row=ROW)
    await refuse(one, RequestCancelledError())
    assert one.status.shown == ["cancelled"]
    assert [type(error) for error in one.presenter.explained] == [RequestCancelledError]


async def test_a_request_without_a_row_is_refused_at_shutdown(records: Records):
    stored, unstored = fake_request(row=ROW), fake_request()
    pipeline = RequestPipeline({}, Metrics())
    await pipeline.leave(stored.context)
    await pipeline.leave(unstored.context)
    assert stored.presenter.explained == []
    assert stored.status.shown == []
    assert stored.status.left == 1
    assert records.outcomes == []
    assert [type(error) for error in unstored.presenter.explained] == [ShuttingDownError]
    assert unstored.stored.is_finished


async def test_a_request_that_waits_is_acknowledged(records: Records):
    one = fake_request()
    await RequestPipeline({}, Metrics()).accept(one.context)
    assert one.status.shown == ["accepted"]


async def test_a_report_shows_the_note_of_a_request_that_has_not_ended(records: Records):
    one = fake_request()
    await RequestPipeline({}, Metrics()).report(one.context, 12, 3)
    assert [note.caption for note in one.status.notes] == ["request 12, place 3, started"]
    one.context.work.is_over = True
    await RequestPipeline({}, Metrics()).report(one.context, 12, None)
    assert len(one.status.notes) == 1


async def test_no_note_is_shown_if_the_request_ends_while_its_owner_is_looked_up(
    records: Records, monkeypatch: pytest.MonkeyPatch
):
    one = fake_request(row=ROW)

    async def is_ours(self: StoredRequest) -> bool:
        await RequestPipeline({"post": FakeService()}, Metrics()).run(one.context)
        return True

    monkeypatch.setattr(StoredRequest, "is_ours", is_ours)
    await RequestPipeline({}, Metrics()).report(one.context, 1, None)
    assert one.status.shown == ["done"]
    assert one.status.notes == []


@pytest.mark.parametrize("outcome", [None, NotAvailableError(), RequestCancelledError()], ids=repr)
async def test_the_note_is_gone_before_the_request_is_stored_as_finished(
    records: Records, outcome: ClipferryError | None, monkeypatch: pytest.MonkeyPatch
):
    one, pipeline = fake_request(), RequestPipeline({"post": FakeService(outcome)}, Metrics())
    await pipeline.report(one.context, 1, None)
    notes: list[int] = []

    async def finish(self: StoredRequest, outcome: str) -> None:
        notes.append(len(one.status.notes))

    monkeypatch.setattr(StoredRequest, "finish", finish)
    await pipeline.run(one.context)
    assert notes == [0]
    assert one.context.work.is_over


async def test_once_the_answer_is_there_it_is_too_late_to_cancel(
    records: Records, monkeypatch: pytest.MonkeyPatch
):
    one, service = fake_request(row=ROW), FakeService()
    pipeline = RequestPipeline({"post": service}, Metrics())
    await pipeline.report(one.context, 1, None)
    is_deleting, may_delete, remove = asyncio.Event(), asyncio.Event(), one.status.remove_note

    async def slow() -> None:
        is_deleting.set()
        await may_delete.wait()
        await remove()

    monkeypatch.setattr(one.status, "remove_note", slow)
    running = asyncio.ensure_future(pipeline.run(one.context))
    await is_deleting.wait()
    running.cancel()
    await settle()
    may_delete.set()
    await asyncio.wait([running])
    # What the queue does with what was cancelled.
    await pipeline.refuse(one.context, RequestCancelledError())
    await pipeline.leave(one.context)
    assert service.records == 1
    assert records.outcomes == [(ROW, DELIVERED)]
    assert (one.status.shown, one.status.notes) == (["done"], [])
    assert one.presenter.explained == []


async def test_the_status_of_a_failure_follows_its_outcome(
    records: Records, monkeypatch: pytest.MonkeyPatch
):
    """Another worker whose reaction comes late reads from the row how it ends."""
    one, steps = fake_request(row=ROW), []

    async def finish_request(claim: Claim, progress: Progress, outcome: str) -> None:
        steps.append((list(one.status.shown), len(one.presenter.explained)))

    monkeypatch.setattr("services.requests.store.finish_request", finish_request)
    await run(FakeService(NotAvailableError()), one)
    assert steps == [([], 1)]
    assert one.status.shown == ["failed"]


@pytest.mark.parametrize("stage", ["finish_request", "failed"])
async def test_a_failure_that_is_cancelled_at_its_end_is_ended_once(
    records: Records, monkeypatch: pytest.MonkeyPatch, stage: str
):
    one, pipeline = (
        fake_request(row=ROW),
        RequestPipeline({"post": FakeService(NotAvailableError())}, Metrics()),
    )
    owner = "services.requests.store" if stage == "finish_request" else one.status
    has_begun, may_go_on = asyncio.Event(), asyncio.Event()
    original = records.finish_request if stage == "finish_request" else one.status.failed

    async def slow(*arguments: Any) -> None:
        has_begun.set()
        await may_go_on.wait()
        await original(*arguments)

    target = f"{owner}.{stage}" if isinstance(owner, str) else None
    if target:
        monkeypatch.setattr(target, slow)
    else:
        monkeypatch.setattr(owner, stage, slow)
    running = asyncio.ensure_future(pipeline.run(one.context))
    await has_begun.wait()
    running.cancel()
    await settle()
    may_go_on.set()
    await asyncio.wait([running])
    await pipeline.refuse(one.context, RequestCancelledError())
    assert records.outcomes == [(ROW, NotAvailableError.code)]
    assert one.status.shown == ["failed"]
    assert len(one.presenter.explained) == 1


@pytest.mark.parametrize("last", ["refuse", "leave"])
async def test_a_request_taken_over_that_is_cancelled_at_its_end_is_passed_on_once(
    records: Records, monkeypatch: pytest.MonkeyPatch, last: str
):
    """The status of a message counts its requests."""
    one, pipeline = fake_request(row=ROW), RequestPipeline({"post": FakeService()}, Metrics())
    records.taken_over = {ROW}
    has_begun, may_go_on, passed_on = asyncio.Event(), asyncio.Event(), one.status.passed_on

    async def slow() -> None:
        has_begun.set()
        await may_go_on.wait()
        await passed_on()

    monkeypatch.setattr(one.status, "passed_on", slow)
    error = RequestCancelledError()
    work = pipeline.refuse(one.context, error) if last == "refuse" else pipeline.leave(one.context)
    running = asyncio.ensure_future(work)
    await has_begun.wait()
    running.cancel()
    await settle()
    may_go_on.set()
    await asyncio.wait([running])
    # The queue does more with what was cancelled.
    assert not running.cancelled()
    assert one.status.left == 1


async def test_a_request_that_is_left_keeps_no_note(records: Records):
    one, pipeline = fake_request(row=7), RequestPipeline({}, Metrics())
    await pipeline.report(one.context, 1, None)
    await pipeline.leave(one.context)
    assert one.status.notes == []


@pytest.mark.parametrize(
    ("values", "has_note"),
    [({}, True), ({"is_private": False}, False), ({"inline_id": "i"}, False)],
    ids=["private", "group", "inline"],
)
def test_only_private_chats_see_a_note(values: dict[str, Any], has_note: bool):
    assert fake_request(make_request(**values)).context.has_note is has_note
