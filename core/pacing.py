"""How fast messages may be created: Telegram's limits as a pure machine with a clock from outside.

Every message takes a token of each bucket that it belongs to: the bot's, the chat's, and in groups
the group's. A token comes back a fixed time after Telegram's answer, not after the send: Telegram has
accepted the message somewhere in between, so whatever the network does, no window of that length
ever sees more messages than there are tokens.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

#: Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
#: (30 messages per second overall, 20 per minute and group, one per second and chat with bursts).
OVERALL: Final = (30, 1.0)
GROUP: Final = (20, 60.0)
#: One a second on average, five at once: a long slideshow with its caption.
CHAT: Final = (5, 5.0)
#: Tokens stay away a little longer than the window: two machines' clocks do not tick alike.
_MARGIN_S: Final = 0.01
#: A bulk message that has waited for so long goes among the answers, so that nobody waits for ever.
_BULK_PATIENCE_S: Final = 60.0
#: So many chats are remembered before the idle ones are forgotten.
_MANY: Final = 2_000


@dataclass(eq=False, slots=True)
class Ticket:
    """One call that creates messages, waiting for its turn or on its way."""

    chat_id: int
    #: Messages that it creates: an album has as many as items.
    weight: int
    #: Part of a broadcast: answers to people go first.
    is_bulk: bool
    asked_at: float
    order: int
    is_granted: bool = False


@dataclass(slots=True)
class _Bucket:
    """Tokens that are in use, and when the others come back."""

    size: int
    return_s: float
    in_use: int = 0
    #: Moment and number, in order.
    returning: "deque[tuple[float, int]]" = field(default_factory=deque)
    #: Nothing is taken before this moment: Telegram has asked for a pause.
    shut_until: float = 0.0

    def free(self, now: float) -> int:
        """Count the tokens that can be taken."""
        while self.returning and self.returning[0][0] <= now:
            self.in_use -= self.returning.popleft()[1]
        return 0 if now < self.shut_until else self.size - self.in_use

    def take(self, number: int) -> None:
        self.in_use += number

    def give_back(self, number: int, now: float) -> None:
        self.returning.append((now + self.return_s + _MARGIN_S, number))

    def opens_at(self, now: float) -> float | None:
        """Tell when it is worth looking again; None while that depends on an answer."""
        if now < self.shut_until:
            return self.shut_until
        return self.returning[0][0] if self.returning else None

    def is_idle(self, now: float) -> bool:
        return self.free(now) == self.size


class Pacer:
    """Decides who may send now. It never sleeps: the caller asks again at `next_at`."""

    def __init__(self) -> None:
        self._overall = _Bucket(*OVERALL)
        self._chats: dict[int, _Bucket] = {}
        self._groups: dict[int, _Bucket] = {}
        #: Waiting tickets by chat, oldest first.
        self._waiting: dict[int, deque[Ticket]] = {}
        self._count = 0
        self._forget_at = _MANY

    def ask(self, chat_id: int, weight: int, *, is_bulk: bool, now: float) -> Ticket:
        """Queue a call that creates `weight` messages."""
        self._count += 1
        # What is heavier than a bucket could never go; no call of Telegram's is.
        ticket = Ticket(chat_id, min(weight, GROUP[0]), is_bulk, now, self._count)
        self._waiting.setdefault(chat_id, deque()).append(ticket)
        return ticket

    def grant(self, now: float) -> list[Ticket]:
        """Give those who may send now. Each must be reported by `answered`."""
        granted = []
        while ticket := self._next(now):
            queue = self._waiting[ticket.chat_id]
            queue.popleft()
            if not queue:
                del self._waiting[ticket.chat_id]
            for bucket, number in self._buckets(ticket):
                bucket.take(number)
            ticket.is_granted = True
            granted.append(ticket)
        return granted

    def answered(self, ticket: Ticket, now: float) -> None:
        """Note that a call has ended, in whatever way: its tokens come back after their time."""
        for bucket, number in self._buckets(ticket):
            bucket.give_back(number, now)
        self._forget(now)

    def withdraw(self, ticket: Ticket) -> None:
        """Take a waiting ticket out of its queue."""
        queue = self._waiting.get(ticket.chat_id)
        if queue and ticket in queue:
            queue.remove(ticket)
            if not queue:
                del self._waiting[ticket.chat_id]

    def flooded(self, ticket: Ticket, retry_after_s: float, now: float) -> None:
        """Obey a 429: nobody that shares the bucket sends before the pause is over.

        Telegram does not say which limit was hit. One chat's is likelier: the others wait as well
        only while the whole bot is about as fast as it may be.
        """
        until = now + retry_after_s
        chat = self._chat(ticket.chat_id)
        chat.shut_until = max(chat.shut_until, until)
        if self._overall.free(now) <= OVERALL[0] // 3:
            self._overall.shut_until = max(self._overall.shut_until, until)

    def next_at(self, now: float) -> float | None:
        """Tell when a waiting ticket may be granted at the earliest; None while nobody waits."""
        if not self._waiting:
            return None
        if self._overall.free(now) <= 0:
            return self._overall.opens_at(now)
        moments = [self._overall.opens_at(now)]
        for queue in self._waiting.values():
            moments += [bucket.opens_at(now) for bucket, _ in self._buckets(queue[0])]
        later = [moment for moment in moments if moment is not None and moment > now]
        return min(later, default=None)

    @property
    def waiting(self) -> int:
        """Count the calls that wait."""
        return sum(len(queue) for queue in self._waiting.values())

    def _next(self, now: float) -> Ticket | None:
        """Choose the oldest call whose own chat is ready; answers before bulk.

        If there is no room for it overall, nobody younger may take the room from it.
        """
        if self._overall.free(now) <= 0:  # a crowd that waits is not looked through for nothing
            return None
        first: Ticket | None = None
        rank = (True, 0)
        for queue in self._waiting.values():
            head = queue[0]
            own = (self._is_patient(head, now), head.order)
            # To look whether a chat is ready costs more than to compare, so it comes last.
            if (first is None or own < rank) and self._chat_is_ready(head, now):
                first, rank = head, own
        return first if first and self._overall.free(now) >= first.weight else None

    def _is_patient(self, ticket: Ticket, now: float) -> bool:
        return ticket.is_bulk and now - ticket.asked_at < _BULK_PATIENCE_S

    def _chat_is_ready(self, ticket: Ticket, now: float) -> bool:
        own = self._buckets(ticket)[1:]
        return all(bucket.free(now) >= number for bucket, number in own)

    def _buckets(self, ticket: Ticket) -> list[tuple[_Bucket, int]]:
        """List the buckets of a call, and what it takes of each: an album is one turn of its chat."""
        buckets = [(self._overall, ticket.weight), (self._chat(ticket.chat_id), 1)]
        if ticket.chat_id < 0:
            group = self._groups.get(ticket.chat_id)
            if group is None:
                group = self._groups[ticket.chat_id] = _Bucket(*GROUP)
            buckets.append((group, ticket.weight))
        return buckets

    def _chat(self, chat_id: int) -> _Bucket:
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = self._chats[chat_id] = _Bucket(*CHAT)
        return chat

    def _forget(self, now: float) -> None:
        """Drop buckets that are as good as new, so that memory follows the traffic."""
        if len(self._chats) + len(self._groups) < self._forget_at:
            return
        for buckets in (self._chats, self._groups):
            for chat_id in [c for c, b in buckets.items() if b.is_idle(now)]:
                if chat_id not in self._waiting:
                    del buckets[chat_id]
        # Those who are busy are not looked through again before there are many more of them.
        self._forget_at = max(_MANY, 2 * (len(self._chats) + len(self._groups)))
