"""Update acknowledgements: Telegram may forget an update once its requests are stored."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, Update
from aiogram.types.update import UpdateTypeLookupError

from core.concurrency import wait_for_event
from core.errors import StorageError

#: Kind of an update without an event that aiogram knows.
UNKNOWN_KIND: Final = "unknown"


class UpdateAcks(BaseMiddleware):
    """The updates that are not acknowledged yet. The next getUpdates, which acknowledges them all,
    waits for them; the answer to a webhook's request waits for its one update.

    The outermost middleware: passes `ack: UpdateAck` to handlers, and acknowledges an update itself
    when its handler has ended. An update of a webhook is refused instead if the database fails
    before its acknowledgement, or its handler is cancelled: Telegram sends it again.
    """

    def __init__(self, counted: Callable[[str], None] = lambda _: None) -> None:
        #: Called with the kind of each update.
        self._counted = counted
        self._open: set[int] = set()
        #: By id of each open update of a webhook: whether it is acknowledged, or refused.
        self._decisions: dict[int, asyncio.Future[bool]] = {}
        self._being_handled = 0
        #: Set while no handler runs.
        self._is_handled = asyncio.Event()
        self._is_handled.set()
        #: Id of the newest update; None before the first one.
        self.last: int | None = None
        self._is_complete = asyncio.Event()
        self._is_complete.set()

    def expect(self, updates: Iterable[Update], up_to: int = 0) -> None:
        """Expect acknowledgements for a batch of updates.

        `up_to` is the highest id of those in the batch that need none, or 0.
        """
        ids = [update.update_id for update in updates]
        # Not the highest of all: after a quiet week Telegram's ids may start again lower.
        self.last = max([*ids, up_to]) if ids or up_to else self.last
        self._open.update(ids)
        if self._open:
            self._is_complete.clear()

    def decision_on(self, update_id: int) -> asyncio.Future[bool]:
        """Expect an update of a webhook, which is not expected already.

        Return a future of True if it is acknowledged, and of False if it is refused.
        """
        self._open.add(update_id)
        self._is_complete.clear()
        decision = self._decisions[update_id] = asyncio.get_running_loop().create_future()
        return decision

    def is_refusable(self, update_id: int) -> bool:
        """Return True if the update comes again when it is refused, and is not acknowledged yet."""
        return update_id in self._decisions

    def acknowledge(self, update_id: int) -> None:
        """Acknowledge an update."""
        self._decide(update_id, is_acknowledged=True)

    def refuse(self, update_id: int) -> None:
        """Refuse an update of a webhook: Telegram sends it again."""
        self._decide(update_id, is_acknowledged=False)

    def _decide(self, update_id: int, *, is_acknowledged: bool) -> None:
        decision = self._decisions.pop(update_id, None)
        if decision and not decision.done():
            decision.set_result(is_acknowledged)
        self._open.discard(update_id)
        if not self._open:
            self._is_complete.set()

    @property
    def is_idle(self) -> bool:
        """Whether all expected updates are acknowledged and no handler runs."""
        return not self._open and not self._being_handled

    async def complete(self) -> None:
        """Wait until all expected updates are acknowledged."""
        await self._is_complete.wait()

    async def handled(self, seconds: float) -> bool:
        """Wait until no handler runs, at most `seconds`; return False if one still does.

        A handler may run long after its update is acknowledged.
        """
        return await wait_for_event(self._is_handled, seconds)

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Handle an update, then acknowledge or refuse it unless a handler has.

        An update of a kind that aiogram does not know is only acknowledged.
        """
        assert isinstance(event, Update)
        ack = data["ack"] = UpdateAck(event.update_id, self)
        self._being_handled += 1
        self._is_handled.clear()
        try:
            kind = _kind(event)
            self._counted(kind)
            return None if kind == UNKNOWN_KIND else await handler(event, data)
        except StorageError:
            if not ack.is_refusable:
                raise
            self.refuse(event.update_id)
            return None
        except asyncio.CancelledError:
            self.refuse(event.update_id)
            raise
        finally:
            self._being_handled -= 1
            if not self._being_handled:
                self._is_handled.set()
            ack.acknowledge()


def _kind(update: Update) -> str:
    """Return the kind of an update, such as "message"."""
    try:
        return update.event_type
    except UpdateTypeLookupError:
        return UNKNOWN_KIND


class UpdateAck:
    """The acknowledgement of one update."""

    def __init__(self, update_id: int, update_acks: UpdateAcks) -> None:
        self.update_id = update_id
        #: Set once the update is acknowledged.
        self.acknowledged = asyncio.Event()
        self._update_acks = update_acks

    @property
    def is_refusable(self) -> bool:
        """True while Telegram would send the update again; then a `StorageError` refuses it."""
        return self._update_acks.is_refusable(self.update_id)

    def acknowledge(self) -> None:
        """Acknowledge the update: its requests are stored, or need not be."""
        self.acknowledged.set()
        self._update_acks.acknowledge(self.update_id)
