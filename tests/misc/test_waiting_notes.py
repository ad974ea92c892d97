"""Notes of a fleet's waiting requests: whose place is shown, when it changes, who adopts them."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from aiogram.methods import DeleteMessage, EditMessageText, SendMessage

from core.errors import StorageError
from core.progress import NotePace
from core.request import Asker, Progress
from data.jobs import WaitingRequest
from data.requests import claim_request, store_requests
from misc.ui.texts import load_texts
from misc.waiting_notes import WaitingNotes
from tests.fakes import BOT_ID, PERSON, FakeTelegram, buttons_in, make_request
from tests.misc.test_intake import Bench as IntakeBench

pytestmark = pytest.mark.usefixtures("sqlite_db")

TEXTS = load_texts()
EN = TEXTS["en"]
#: Seconds between two updates of a note.
AGAIN_S = 3.0


def place_text(place: int) -> str:
    return EN["status_next"] if place == 1 else TEXTS("en", "waiting", place=place)


class Bench:
    """What waits in the job queue, and a clock that only the tests move."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.now_s = 1_000.0
        self.waiting: list[WaitingRequest] = []
        self.updates = 0
        self.restart()

    def restart(self) -> None:
        """Let another process be elected: it knows only what is stored."""
        intake = IntakeBench(self.telegram).intake
        intake.queue.note_pace = NotePace(0, AGAIN_S)
        self.notes = WaitingNotes(BOT_ID, intake)

    async def add(self, **values: Any) -> int:
        """Let one more request wait; return its row."""
        self.updates += 1
        request = make_request(message_id=70 + self.updates, **values)
        (row,) = await store_requests(BOT_ID, self.updates, [request], None)
        assert row
        self.waiting.append(WaitingRequest(row, request, Progress(), len(self.waiting) + 1))
        return row

    def serve_first(self) -> None:
        """Let a worker take the first request: the others move up."""
        self.waiting = [replace(one, place=one.place - 1) for one in self.waiting[1:]]

    async def update(self, after_s: float = AGAIN_S + 1) -> None:
        self.now_s += after_s
        await self.notes.update()

    @property
    def sent(self) -> list[str]:
        return [call.text for call in self.telegram.of(SendMessage)]

    @property
    def edits(self) -> list[tuple[int | None, str | None]]:
        return [(call.message_id, call.text) for call in self.telegram.of(EditMessageText)]

    @property
    def deleted(self) -> list[int]:
        return [call.message_id for call in self.telegram.of(DeleteMessage)]


@pytest.fixture
def bench(telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench(telegram)

    async def waiting_requests(*_: object) -> list[WaitingRequest]:
        return bench.waiting

    monkeypatch.setattr("misc.waiting_notes.waiting_requests", waiting_requests)
    clock = SimpleNamespace(monotonic=lambda: bench.now_s)
    monkeypatch.setattr("misc.waiting_notes.time", clock)
    return bench


async def test_each_request_is_told_its_place_with_a_button_that_cancels_it(bench: Bench):
    rows = [await bench.add() for _ in range(2)]
    await bench.update()
    assert bench.sent == [place_text(1), place_text(2)]
    assert [buttons_in(call.reply_markup) for call in bench.telegram.of(SendMessage)] == [
        [f"cancel/{row}"] for row in rows
    ]


async def test_a_note_follows_its_request_up_the_queue(bench: Bench):
    for _ in range(3):
        await bench.add()
    await bench.update()
    await bench.update()
    assert bench.edits == []
    bench.serve_first()
    await bench.update()
    assert bench.edits == [(1_002, place_text(1)), (1_003, place_text(2))]
    # The worker that has the first request goes on with its note.
    assert bench.deleted == []


async def test_a_note_is_not_changed_more_often_than_telegram_should_be_asked(bench: Bench):
    for _ in range(2):
        await bench.add()
    await bench.update()
    bench.serve_first()
    await bench.update(AGAIN_S - 1)
    assert bench.edits == []
    await bench.update(2)
    assert bench.edits == [(1_002, place_text(1))]


async def test_groups_and_inline_messages_have_no_note(bench: Bench):
    await bench.add(chat_id=-7, is_private=False, asker=Asker(PERSON))
    await bench.add(inline_id="inline-1")
    await bench.add()
    await bench.update()
    assert bench.sent == [place_text(3)]


async def test_ten_notes_at_a_time_and_then_those_that_have_none_yet(bench: Bench):
    for _ in range(12):
        await bench.add()
    await bench.update()
    assert bench.sent == [place_text(number) for number in range(1, 11)]
    bench.serve_first()
    await bench.update()
    assert bench.sent[10:] == [place_text(10), place_text(11)]
    assert len(bench.edits) == 8


async def test_the_worker_that_takes_a_request_finds_its_note(bench: Bench):
    row = await bench.add()
    await bench.update()
    taken = await claim_request(row, "worker")
    assert taken
    assert taken.progress.note == 1_001


async def test_a_note_that_a_worker_cannot_know_of_is_deleted(bench: Bench):
    row = await bench.add()
    await claim_request(row, "worker")  # after the list was read
    await bench.update()
    assert bench.sent == [place_text(1)]
    assert bench.deleted == [1_001]


async def test_a_note_that_cannot_be_recorded_is_deleted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object) -> bool:
        raise StorageError

    monkeypatch.setattr("misc.waiting_notes.record_waiting_note", failing)
    await bench.add()
    await bench.update()
    assert bench.deleted == [1_001]


async def test_another_process_goes_on_with_the_notes_of_the_last_one(bench: Bench):
    await bench.add()
    await bench.update()
    bench.restart()
    bench.waiting = [replace(one, progress=Progress(note=1_001)) for one in bench.waiting]
    await bench.update()
    assert bench.sent == [place_text(1)]
    assert bench.edits == [(1_001, place_text(1))]
