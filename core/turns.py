"""What processes that share Telegram's rate limits exchange: reports, and claims of turns."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call that creates messages, after Telegram's answer."""

    #: Id of its claim; None if it was sent without one.
    id: int | None
    chat_id: int
    weight: int
    #: Seconds since the answer.
    age: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A 429 from Telegram."""

    chat_id: int
    seconds: float
    is_bulk: bool


@dataclass(frozen=True, slots=True)
class WantedTurn:
    """A call that waits for its turn."""

    chat_id: int
    weight: int
    is_bulk: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a process tells the others, and what it wants."""

    ended: Sequence[EndedCall] = ()
    #: Ids of claims whose calls still run.
    flying: Sequence[int] = ()
    refused: Sequence[Refusal] = ()
    #: In the order in which they are to be served.
    wanted: Sequence[WantedTurn] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """The answer to one wanted turn."""

    #: Id of the claim; None if there is no turn for it now.
    id: int | None
    #: How long its chat must wait without a turn, in seconds.
    wait_s: float = 0.0
    #: When the turn begins, in seconds from now.
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Turns:
    """The answer to a report."""

    #: One for each wanted turn.
    turns: Sequence[Turn]
    #: How long all chats must wait, in seconds; 0 if every chat that was ready got its turn.
    wait_s: float
    #: Messages of the last second, in all processes.
    used: int
    #: Number of live processes.
    processes: int
