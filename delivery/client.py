"""The one Telegram client of the house."""

from collections.abc import Callable

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.methods import Response
from aiogram.types import LinkPreviewOptions, Message, MessageId, Update
from aiogram.utils.token import TokenValidationError

from core.errors import SettingsError
from delivery.rate_limiter import RateLimiter

#: The kinds of answers that come all the time. pydantic keeps such classes only as long as somebody
#: holds them, and would otherwise build them anew after each garbage collection.
_KEPT = (Response[Message], Response[MessageId], Response[bool], Response[list[Update]])


def make_bot(
    token: str,
    *,
    server: str,
    connections: int,
    paces: bool = True,
    waited: Callable[[float], None] = lambda _: None,
) -> Bot:
    """Build the client. `connections` bounds requests at the same time, uploads among them.

    With `paces` messages are created no faster than Telegram allows; `waited` is told how many
    seconds each of them had to wait for that.

    aiogram's own time limit of 60 s holds for everything but uploads, which set theirs.

    Raises:
        SettingsError: the token is none.
    """
    session = AiohttpSession(api=TelegramAPIServer.from_base(server), limit=connections)
    session.middleware(RateLimiter(paces=paces, waited=waited))
    try:
        return Bot(
            token,
            session=session,
            default=DefaultBotProperties(
                parse_mode=ParseMode.HTML,
                # Not `link_preview_is_disabled`, which makes aiogram send a parameter that is gone.
                link_preview=LinkPreviewOptions(is_disabled=True),
            ),
        )
    except TokenValidationError:
        raise SettingsError(["[bot] token (BOT_TOKEN): this is no token of a bot"]) from None
