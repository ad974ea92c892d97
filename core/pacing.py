"""Telegram's rate limits for creating messages, as pure token buckets. The caller passes the time.

Every message takes a token from each of its buckets: the bot's, the chat's, and in groups the
group's. A token returns a fixed time after Telegram's answer, not after the send. Telegram accepts
the message somewhere in between, so whatever the network does, no window of that length contains
more messages than there are tokens.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

#: Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
#: (30 messages per second overall, 20 per minute and group, one per second and chat with bursts).
OVERALL: Final = (30, 1.0)
GROUP: Final = (20, 60.0)
#: One per second on average, in bursts of five: enough for a long slideshow with its caption.
CHAT: Final = (5, 5.0)
#: Tokens of the bot and of a chat that status notes leave to the answers: two in a chat are enough
#: for an album and the text below it.
_KEPT_OVERALL: Final = OVERALL[0] // 3
_KEPT_IN_CHAT: Final = 2
#: Tokens return slightly later than the window ends: clocks of two machines drift.
_MARGIN_S: Final = 0.01
#: A bulk message that waited this long gets the priority of an answer, so that it cannot starve.
_BULK_PATIENCE_S: Final = 60.0
#: If this many chats are refused within this many seconds, the limit is not that of a chat.
_REFUSED_CHATS: Final = 3
_SAME_TIME_S: Final = 5.0
#: How long a call keeps its tokens while its process shows no sign of life, in seconds. Matters
#: only where several processes share the pace.
HOLD_S: Final = 15.0
#: Number of buckets above which idle ones are dropped.
_SWEEP_ABOVE: Final = 2_000


class Call(Protocol):
    """A call that creates messages."""

    chat_id: int
    #: Part of a broadcast. Answers to users have priority.
    is_bulk: bool


@dataclass(eq=False, slots=True)
class CallTicket:
    """One call that creates messages, waiting for its turn or on its way."""

    chat_id: int
    #: Number of messages that it creates: an album creates one per item.
    weight: int
    #: Part of a broadcast. Answers to users have priority.
    is_bulk: bool
    #: Time at which it was queued, in seconds.
    asked_at: float
    order: int
    is_granted: bool = False

    def has_low_priority(self, now: float) -> bool:
        """Return True if answers go before this call."""
        return self.is_bulk and now - self.asked_at < _BULK_PATIENCE_S


@dataclass(slots=True)
class _Bucket:
    """A token bucket: tokens in use, and when used tokens return."""

    size: int
    return_s: float
    in_use: int = 0
    #: (time, number of tokens), earliest first.
    returning: "deque[tuple[float, int]]" = field(default_factory=deque)
    #: No token is available before this time: Telegram asked for a pause, or other processes have
    #: the tokens.
    shut_until: float = 0.0

    def free(self, now: float) -> int:
        """Return the number of available tokens."""
        while self.returning and self.returning[0][0] <= now:
            self.in_use -= self.returning.popleft()[1]
        return 0 if now < self.shut_until else self.size - self.in_use

    def has(self, number: int, now: float) -> bool:
        """Return True if `number` tokens are available; all of a small bucket are always enough."""
        return self.free(now) >= min(number, self.size)

    def take(self, number: int) -> None:
        self.in_use += number

    def untake(self, number: int) -> None:
        self.in_use -= number

    def give_back(self, number: int, now: float) -> None:
        windows = math.ceil(number / self.size)  # more than one only for a share of a bucket
        self.returning.append((now + windows * self.return_s + _MARGIN_S, number))

    def shut(self, until: float) -> None:
        self.shut_until = max(self.shut_until, until)

    def opens_at(self, now: float) -> float | None:
        """Return when tokens next become available; None while that depends on a running call."""
        if now < self.shut_until:
            return self.shut_until
        return self.returning[0][0] if self.returning else None

    def is_idle(self, now: float) -> bool:
        return self.free(now) == self.size


class Pacer:
    """Rate limiter for calls that create messages.

    It never sleeps: the caller calls `grant` again at the time that `next_at` returns.
    """

    def __init__(self) -> None:
        self._overall = _Bucket(*OVERALL)
        self._chats: dict[int, _Bucket] = {}
        self._groups: dict[int, _Bucket] = {}
        #: Waiting tickets by chat, oldest first.
        self._waiting: dict[int, deque[CallTicket]] = {}
        #: When Telegram has refused a chat, newest last.
        self._refusals: deque[tuple[float, int]] = deque(maxlen=20)
        self._count = 0
        self._sweep_above = _SWEEP_ABOVE
        #: The limits are divided by this number.
        self._processes = 1
        #: Tokens that other processes had in use lately, and until when that counts.
        self._elsewhere = (0, 0.0)

    def ask(self, chat_id: int, weight: int, *, is_bulk: bool, now: float) -> CallTicket:
        """Queue a call that creates `weight` messages and return its ticket."""
        self._count += 1
        # A weight above the bucket size could never be granted. No Bot API call is that heavy.
        ticket = CallTicket(chat_id, min(weight, GROUP[0]), is_bulk, now, self._count)
        self._waiting.setdefault(chat_id, deque()).append(ticket)
        return ticket

    def grant(self, now: float) -> list[CallTicket]:
        """Return the tickets that may send now. The caller must report each one to `answered`."""
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

    def put_back(self, ticket: CallTicket, now: float, *, wait_s: float) -> None:
        """Undo the grant of a ticket that may not send after all: other processes have the tokens.

        Its chat is not granted anything for `wait_s` seconds.
        """
        for bucket, number in self._buckets(ticket):
            bucket.untake(number)
        ticket.is_granted = False
        self._waiting.setdefault(ticket.chat_id, deque()).appendleft(ticket)
        if wait_s:
            self._chat(ticket.chat_id).shut(now + wait_s)

    def pause(self, until: float) -> None:
        """Grant no calls before `until`, in any chat."""
        self._overall.shut(until)

    def share_with(self, processes: int) -> None:
        """Divide all limits among `processes`, of which each paces itself."""
        self._processes = processes
        self._overall.size = self._share(OVERALL[0])
        for buckets, size in ((self._chats, CHAT[0]), (self._groups, GROUP[0])):
            for bucket in buckets.values():
                bucket.size = self._share(size)

    def note_elsewhere(self, in_use: int, now: float) -> None:
        """Note how many tokens of the bot are in use, in all processes together."""
        self._elsewhere = in_use - self._overall.in_use, now + OVERALL[1]

    def has_spare(self, chat_id: int, now: float) -> bool:
        """Return True if one more message or edit in a chat would delay no answer.

        Bulk messages do not count: what asks for this has priority over them.
        """
        heads = [queue[0] for queue in self._waiting.values()]
        if not all(head.has_low_priority(now) for head in heads):
            return False
        overall, *own = self._buckets(CallTicket(chat_id, 1, is_bulk=False, asked_at=now, order=0))
        if any(bucket.free(now) <= _KEPT_IN_CHAT for bucket, _ in own):
            return False
        others, until = self._elsewhere
        left = overall[0].free(now) - (others if now < until else 0)
        return left > _KEPT_OVERALL or bool(heads and overall[0].shut_until <= now)

    def answered(self, ticket: CallTicket, now: float) -> None:
        """Schedule the return of a call's tokens, after the call succeeded or failed."""
        for bucket, number in self._buckets(ticket):
            bucket.give_back(number, now)
        self._drop_idle_buckets(now)

    def withdraw(self, ticket: CallTicket) -> None:
        """Remove a waiting ticket from its queue; do nothing if it is not waiting."""
        queue = self._waiting.get(ticket.chat_id)
        if queue and ticket in queue:
            queue.remove(ticket)
            if not queue:
                del self._waiting[ticket.chat_id]

    def flooded(self, call: Call, retry_after_s: float, now: float) -> None:
        """Obey a 429 response: pause the bucket for `retry_after_s` seconds.

        Telegram does not say which limit was hit. The chat's limit is more likely, so all chats
        are paused only if several chats are refused at the same time, or if the bot is close to its
        overall limit. A broadcast always is, so that there a single refusal means nothing.
        """
        until = now + retry_after_s
        chat = self._chat(call.chat_id)
        chat.shut(until)
        self._refusals.append((now, call.chat_id))
        recent = {chat_id for at, chat_id in self._refusals if now - at <= _SAME_TIME_S}
        is_busy = not call.is_bulk and self._overall.free(now) <= OVERALL[0] // 3
        if is_busy or len(recent) >= _REFUSED_CHATS:
            self._overall.shut(until)

    def paused_for(self, chat_id: int, now: float) -> float:
        """Return how long Telegram has asked to leave a chat alone, in seconds; 0 if it has not."""
        chat = self._chats.get(chat_id)
        return max(chat.shut_until - now, 0.0) if chat else 0.0

    def delay_of(self, chat_id: int, weight: int, now: float) -> float:
        """Return how long a call has to wait in any case, in seconds: its chat, or all, must."""
        probe = CallTicket(chat_id, min(weight, GROUP[0]), is_bulk=False, asked_at=now, order=0)
        overall, *own = self._buckets(probe)
        moments = [bucket.opens_at(now) for bucket, number in own if not bucket.has(number, now)]
        moments.append(overall[0].shut_until)
        return max(moment - now for moment in moments if moment is not None)

    def next_at(self, now: float) -> float | None:
        """Return the earliest time at which a waiting ticket may be granted.

        Return None if no ticket is waiting, or if the time depends on a running call.
        """
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
        """Return the number of waiting calls."""
        return sum(len(queue) for queue in self._waiting.values())

    @property
    def buckets(self) -> int:
        """Return the number of buckets of chats and groups that are kept."""
        return len(self._chats) + len(self._groups)

    def _next(self, now: float) -> CallTicket | None:
        """Return the oldest call whose chat has free tokens, answers before bulk.

        If the bot's bucket lacks tokens for it, return None: younger calls must not overtake it.
        """
        if self._overall.free(now) <= 0:  # Skips the scan of a long queue.
            return None
        first: CallTicket | None = None
        rank = (True, 0)
        for queue in self._waiting.values():
            head = queue[0]
            own_rank = (head.has_low_priority(now), head.order)
            # Checking a chat's buckets costs more than the comparison, so it comes last.
            if (first is None or own_rank < rank) and self._chat_is_ready(head, now):
                first, rank = head, own_rank
        return first if first and self._overall.has(first.weight, now) else None

    def _chat_is_ready(self, ticket: CallTicket, now: float) -> bool:
        own_buckets = self._buckets(ticket)[1:]
        return all(bucket.has(number, now) for bucket, number in own_buckets)

    def _buckets(self, ticket: CallTicket) -> list[tuple[_Bucket, int]]:
        """Return the buckets of a call with the number of tokens that it takes from each.

        An album takes a single token of its chat's bucket.
        """
        buckets = [(self._overall, ticket.weight), (self._chat(ticket.chat_id), 1)]
        if ticket.chat_id < 0:
            group = self._groups.get(ticket.chat_id)
            if group is None:
                group = self._groups[ticket.chat_id] = self._bucket(GROUP)
            buckets.append((group, ticket.weight))
        return buckets

    def _chat(self, chat_id: int) -> _Bucket:
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = self._chats[chat_id] = self._bucket(CHAT)
        return chat

    def _bucket(self, limit: tuple[int, float]) -> _Bucket:
        return _Bucket(self._share(limit[0]), limit[1])

    def _share(self, size: int) -> int:
        return max(size // self._processes, 1)

    def _drop_idle_buckets(self, now: float) -> None:
        """Drop buckets with all tokens free, to bound memory."""
        if len(self._chats) + len(self._groups) < self._sweep_above:
            return
        for buckets in (self._chats, self._groups):
            for chat_id in [c for c, b in buckets.items() if b.is_idle(now)]:
                if chat_id not in self._waiting:
                    del buckets[chat_id]
        # Doubling keeps the amortised cost constant when most buckets are busy.
        self._sweep_above = max(_SWEEP_ABOVE, 2 * (len(self._chats) + len(self._groups)))


def shared_limits() -> dict[str, Any]:
    """Return the limits for the database's function that several processes share."""
    windows = {"overall": OVERALL, "chat": CHAT, "group": GROUP}
    return {
        **{name: (size, return_s + _MARGIN_S) for name, (size, return_s) in windows.items()},
        "hold": HOLD_S,
        "busy": OVERALL[0] // 3,
        "refusals": (_REFUSED_CHATS, _SAME_TIME_S),
    }
