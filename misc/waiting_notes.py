"""Status notes of the requests of a fleet that wait: no worker has them yet."""

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from core.errors import RequestTakenOverError, StorageError
from data.jobs import WaitingRequest, record_waiting_note, waiting_requests
from misc.intake import RequestIntake
from services.requests.context import RequestContext
from services.requests.store import StoredRequest

#: Notes that are shown or updated at a time.
_BATCH: Final = 10
#: Messages whose requests have notes; requests further back get no note.
_MAX_PLACE: Final = 1_000


@dataclass(slots=True)
class _Note:
    """The note of one request."""

    context: RequestContext
    #: When it was shown or updated last, on the monotonic clock; 0 if never.
    shown_at: float = 0.0


class WaitingNotes:
    """Shows the place of each waiting request. The worker that takes a request adopts its note."""

    def __init__(self, bot_id: int, intake: RequestIntake) -> None:
        self._bot_id = bot_id
        self._intake = intake
        #: By row.
        self._notes: dict[int, _Note] = {}

    async def update(self) -> None:
        """Show or update the notes that are due, those that were updated longest ago first.

        Raises:
            StorageError: the database did not respond.
        """
        pace = self._intake.queue.note_pace
        waiting = await waiting_requests(self._bot_id, pace.first_s, _MAX_PLACE)
        known, self._notes = self._notes, {}
        for one in waiting:
            note = known.get(one.row) or _Note(self._context_of(one))
            if note.context.has_note:
                self._notes[one.row] = note
        again_at = time.monotonic() - pace.again_s
        due = [one for one in waiting if one.row in self._notes]
        due.sort(key=lambda one: self._notes[one.row].shown_at)
        for one in due[:_BATCH]:
            if self._notes[one.row].shown_at < again_at:
                await self._show(one)

    async def _show(self, waiting: WaitingRequest) -> None:
        note = self._notes[waiting.row]
        note.shown_at = time.monotonic()
        context = note.context
        text = context.presenter.status_note(context.work, waiting.row, waiting.place)
        try:
            await context.status.show_note(text, partial(self._record, waiting))
        except RequestTakenOverError:
            await context.status.remove_note()

    async def _record(self, waiting: WaitingRequest, message_id: int | None) -> None:
        """Store the id of a note that was sent.

        Raises:
            RequestTakenOverError: a worker may have taken the request, and shows its own note.
        """
        if message_id is None:
            return
        after = replace(waiting.progress, note=message_id)
        try:
            is_recorded = await record_waiting_note(waiting.row, waiting.progress, after)
        except StorageError:
            is_recorded = False
        if not is_recorded:
            raise RequestTakenOverError(f"request {waiting.row}")

    def _context_of(self, waiting: WaitingRequest) -> RequestContext:
        stored = StoredRequest(waiting.request, progress=waiting.progress)
        return self._intake.contexts_of([stored])[0]
