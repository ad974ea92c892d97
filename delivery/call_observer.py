"""Reports calls of the Bot API: what fails, how long messages wait, how many bytes are sent."""

from collections.abc import Callable
from dataclasses import dataclass

from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import AiogramError
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from delivery.request_body import current_body
from delivery.telegram_errors import translate


@dataclass(frozen=True, slots=True)
class CallObserver:
    """What is called about the calls of the Bot API."""

    #: Called with the wait of each message for its turn, in seconds.
    waited: Callable[[float], None] = lambda _: None
    #: Called with the method and the code of the error of each failed call, repeated or not.
    failed: Callable[[str, str], None] = lambda _method, _code: None
    #: Called with the size of each request body that was written, or a part of it, in bytes.
    uploaded: Callable[[int], None] = lambda _: None


class ObservedCalls(BaseRequestMiddleware):
    """The innermost middleware: it sees every attempt."""

    def __init__(self, observer: CallObserver) -> None:
        self._observer = observer

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Send a request, and report its error and the bytes of its body.

        Raises:
            AiogramError: it failed.
        """
        try:
            return await make_request(bot, method)
        except AiogramError as error:
            self._observer.failed(method.__api_method__, translate(error).code)
            raise
        finally:
            if body := current_body.get():
                self._observer.uploaded(body.written_bytes)
