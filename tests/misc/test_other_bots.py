"""Commands for other bots go nowhere, whatever else the message says."""

from typing import Any

import pytest
from aiogram.types import TelegramObject

from misc.middlewares.other_bots import OtherBots
from tests.fakes import LINK, FakeTelegram


async def handle(_event: TelegramObject, _data: dict[str, Any]) -> str:
    return "handled"


@pytest.mark.parametrize(
    ("values", "is_handled"),
    [
        ({"text": "/start"}, True),
        ({"text": "/start@Demo_Bot"}, True),
        ({"text": "hello"}, True),
        ({"sticker": None}, True),
        ({"text": "/start@other_bot"}, False),
        ({"text": f"/dl@other_bot {LINK.url}"}, False),
        ({"caption": f"/dl@other_bot {LINK.url}"}, False),
    ],
)
async def test_only_commands_for_other_bots_are_dropped(
    telegram: FakeTelegram, values: dict[str, Any], is_handled: bool
):
    dropped: list[tuple[str, int]] = []
    middleware = OtherBots("demo_bot", lambda *drop: dropped.append(drop))
    outcome = await middleware(handle, telegram.message(chat_id=-7, **values), {})
    assert (outcome == "handled") is is_handled
    assert dropped == ([] if is_handled else [("other_bot", -7)])
