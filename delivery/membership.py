"""Membership of channels, as Telegram says, with a cache."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from aiogram import Bot
from aiogram.types import ChatMemberUnion

from core.access import Standing, is_inside
from core.errors import DeliveryError
from core.recent import RecentValues
from delivery.moved_chats import MovedChats

logger = logging.getLogger(__name__)

#: How long an answer counts, in seconds: short for others, who may just have joined.
MEMBER_S: Final = 600.0
OTHERS_S: Final = 5.0
#: How long the last "yes" counts while Telegram does not answer, in seconds.
STALE_S: Final = 86_400.0
#: People whose answers are kept.
KEPT: Final = 10_000
#: Inline queries must be answered within about ten seconds.
_PATIENCE_S: Final = 3.0
#: What Telegram answers about people who have never been in the chat.
_NEVER_THERE: Final = ("participant_id_invalid", "user not found", "member not found")


@dataclass(frozen=True, slots=True)
class _Answer:
    is_member: bool
    at: float


class Membership:
    """Asks whether people are members of at least one of some channels."""

    def __init__(
        self,
        bot: Bot,
        channels: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        moved: MovedChats | None = None,
    ) -> None:
        """Build it; `channels` are ids or @names, see `core.access.read_entry`."""
        self._bot = bot
        self._channels = channels
        self._clock = clock
        self._moved = moved or MovedChats({})
        self._answers = RecentValues[int, _Answer](KEPT)
        self._asking: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        """Return the number of people whose answers are kept."""
        return len(self._answers)

    async def standing(self, person_id: int) -> Standing:
        """Return ALLOWED, NOT_A_MEMBER, or UNKNOWN if Telegram does not answer.

        While it does not, a member of the last day still counts as one.
        """
        lock = self._asking.setdefault(person_id, asyncio.Lock())
        async with lock:  # several messages at once ask once
            answer = self._answers.get(person_id)
            if answer is None or self._age(answer) >= (MEMBER_S if answer.is_member else OTHERS_S):
                is_member = await self._ask(person_id)
                if is_member is None:
                    return self._from_before(answer)
                answer = self._keep(person_id, is_member=is_member)
        return Standing.ALLOWED if answer.is_member else Standing.NOT_A_MEMBER

    def has_channel(self, chat_id: int | None, username: str) -> bool:
        """Return True if a chat is one of the channels; `username` is without the @."""
        ids = {self._moved.current(int(c)) for c in self._channels if not c.startswith("@")}
        return chat_id in ids or f"@{username.lower()}" in self._channels

    def _from_before(self, answer: _Answer | None) -> Standing:
        was_member = answer is not None and answer.is_member and self._age(answer) < STALE_S
        return Standing.ALLOWED if was_member else Standing.UNKNOWN

    def _age(self, answer: _Answer) -> float:
        return self._clock() - answer.at

    def _keep(self, person_id: int, *, is_member: bool) -> _Answer:
        answer = self._answers[person_id] = _Answer(is_member, self._clock())
        return answer

    async def _ask(self, person_id: int) -> bool | None:
        """Ask about all channels until one says yes; None if none does and one did not answer."""
        found: bool | None = False
        for channel in self._channels:
            match await self._ask_channel(channel, person_id):
                case True:
                    return True
                case None:
                    found = None
                case False:
                    pass
        return found

    async def _ask_channel(self, channel: str, person_id: int) -> bool | None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                member = await self._member(channel_id(channel), person_id)
        except (DeliveryError, TimeoutError) as error:
            if any(words in str(error).lower() for words in _NEVER_THERE):
                return False
            logger.warning(
                "Could not ask who is a member of %s: %s",
                channel,
                str(error) or "no answer in time",
                extra={"event": "membership_unknown"},
            )
            return None
        return is_inside(member.status, is_member=bool(getattr(member, "is_member", False)))

    async def _member(self, channel: int | str, person_id: int) -> ChatMemberUnion:
        if isinstance(channel, str):
            return await self._bot.get_chat_member(channel, person_id)
        return await self._moved.call(
            channel, lambda chat_id: self._bot.get_chat_member(chat_id, person_id)
        )


def channel_id(channel: str) -> int | str:
    """Return a channel as the Bot API takes it: an id as a number, or a @username."""
    return channel if channel.startswith("@") else int(channel)
