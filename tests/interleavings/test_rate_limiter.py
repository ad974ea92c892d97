"""The rate limiter: its pace is kept under every schedule, and a cancelled call blocks no other."""

import asyncio
from functools import partial
from typing import Any, cast

from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, SendMessage, TelegramMethod

from delivery.rate_limiter import RateLimiter
from delivery.send_retries import SendRetries
from tests.interleavings.explorer import INTERLEAVINGS, choice, explore

BOT = cast("Bot", object())
CHAT = 1


def message(chat_id: int = CHAT) -> SendMessage:
    return SendMessage(chat_id=chat_id, text="x")


class Telegram:
    """Answers requests, and notes when they were sent."""

    def __init__(self, refuse_first: bool = False) -> None:
        self.sent_at: list[float] = []
        self._refuses = refuse_first

    async def __call__(self, bot: Bot, method: TelegramMethod[Any]) -> Response[Any]:
        self.sent_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0)
        if self._refuses:
            self._refuses = False
            raise TelegramRetryAfter(method, "Too Many Requests", 5)
        return Response(ok=True, result=True)


def most_within(times: list[float], seconds: float) -> int:
    return max(sum(0 <= later - time < seconds for later in times) for time in times)


def test_the_pace_is_kept_and_a_cancelled_call_blocks_no_other():
    async def scenario() -> None:
        telegram, limiter = Telegram(), RateLimiter(paces=True, waited=lambda _: None)
        tasks = [
            asyncio.create_task(limiter(telegram, BOT, message(chat_id)))
            for chat_id in (1, 1, 1, 2, 2)
        ]
        victim = choice([0, 1, 2, 3, 4])
        for _ in range(choice([0, 1, 2, 3])):
            await asyncio.sleep(0)
        tasks[victim].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        others = [one for number, one in enumerate(outcomes) if number != victim]
        assert all(isinstance(outcome, Response) for outcome in others)
        assert most_within(telegram.sent_at, 1.0) <= 30
        # Nothing is left behind: after a pause a chat's next message goes out at once.
        await asyncio.sleep(60)
        before = asyncio.get_running_loop().time()
        await limiter(telegram, BOT, message())
        assert telegram.sent_at[-1] == before

    assert explore(scenario) >= INTERLEAVINGS


def test_a_refusal_is_repeated_once_after_the_pause():
    async def scenario() -> None:
        telegram, paces = Telegram(refuse_first=True), choice([True, False])
        limiter = RateLimiter(paces=paces, waited=lambda _: None)
        send = partial(limiter, telegram)
        retries = SendRetries(paces=paces)
        calls = [retries(send, BOT, message(chat_id)) for chat_id in (1, 1, 2)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, Response) for outcome in outcomes)
        assert len(telegram.sent_at) == 4
        assert telegram.sent_at[-1] - telegram.sent_at[0] >= 5

    explore(scenario)
