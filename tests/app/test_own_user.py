"""What a start makes of Telegram's answer to its first request."""

from typing import cast

import pytest
from aiogram import Bot
from aiogram.types import User

from app.own_user import own_user
from core.errors import WRONG_TOKEN, SettingsError, TelegramUnreachableError, TokenRejectedError


class _Bot:
    """A bot whose `me()` returns a user or raises an error."""

    def __init__(self, answer: User | Exception) -> None:
        self._answer = answer

    async def me(self) -> User:
        """Give the answer."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def _bot(answer: User | Exception) -> Bot:
    return cast("Bot", _Bot(answer))


async def test_the_own_user_is_what_telegram_says():
    user = User(id=7, is_bot=True, first_name="Ferry")
    assert await own_user(_bot(user)) == user


async def test_a_rejected_token_is_a_wrong_setting():
    with pytest.raises(SettingsError) as caught:
        await own_user(_bot(TokenRejectedError()))
    assert caught.value.mistakes == [WRONG_TOKEN]


async def test_an_unreachable_telegram_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture):
    assert await own_user(_bot(TelegramUnreachableError("no route to host"))) is None
    assert "Telegram cannot be reached: no route to host" in caplog.text
