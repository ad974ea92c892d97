"""What the bot says while its operator is at work: a sentence to each person, and no database."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from aiogram import Bot, Dispatcher, Router
from aiogram.methods import AnswerGuestQuery
from aiogram.types import CallbackQuery, InlineQuery, Message

from app.polling import PollingWatch
from core.errors import DeliveryError, SettingsError, TokenRejectedError
from core.pseudonyms import LoggedChat
from data.config import Settings
from delivery.client import make_bot
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.inline import cards
from misc.filters import InPrivate
from misc.middlewares.update_acks import UpdateAcks
from misc.ui.texts import Texts, load_texts

logger = logging.getLogger(__name__)

#: A person who goes on writing is told again after so many seconds.
_AGAIN_S: Final = 60
#: So many people are remembered.
_MANY: Final = 10_000
_CONNECTIONS: Final = 50
_UPDATES: Final = ["message", "callback_query", "inline_query", "guest_message"]


class NoticeThrottle:
    """Who was told just now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: OrderedDict[int, float] = OrderedDict()

    def is_due(self, chat_id: int) -> bool:
        """Tell whether somebody is to be told (again), and note that it is done."""
        now = self._clock()
        if now - self._at.get(chat_id, -_AGAIN_S) < _AGAIN_S:
            return False
        self._at[chat_id] = now
        self._at.move_to_end(chat_id)
        if len(self._at) > _MANY:
            self._at.popitem(last=False)
        return True


async def run(settings: Settings) -> bool:
    """Answer until a signal says to stop; False when another instance polls with this token.

    Raises:
        SettingsError: the token is wrong.
    """
    bot = make_bot(
        settings.bot.token.get_secret_value(),
        server=settings.telegram.server,
        connections=_CONNECTIONS,
        paces=settings.telegram.pacing,
    )
    update_acks = UpdateAcks()
    dispatcher = Dispatcher(
        disable_fsm=True,
        sender=Sender(bot, ceiling_bytes=0, upload_timeout_s=0),
        texts=load_texts(),
        told=NoticeThrottle(),
    )
    dispatcher.update.outer_middleware(update_acks)
    dispatcher.include_router(router())
    watch = PollingWatch(dispatcher.stop_polling, update_acks, settings.files.heartbeat)
    bot.session.middleware(watch)
    logger.info("Maintenance: everybody is asked to come back later")
    try:
        await dispatcher.start_polling(bot, allowed_updates=_UPDATES, close_bot_session=False)
    except TokenRejectedError:
        raise SettingsError(
            ["[bot] token (BOT_TOKEN): Telegram does not know this token"]
        ) from None
    finally:
        await bot.session.close()
    return not watch.has_seen_another


def router() -> Router:
    """Build the router. Groups are left in peace."""
    router = Router(name="maintenance")
    router.message.register(on_message, InPrivate())
    router.callback_query.register(on_press)
    router.inline_query.register(on_query)
    router.guest_message.register(on_call)
    return router


async def on_message(message: Message, sender: Sender, texts: Texts, told: NoticeThrottle) -> None:
    """Say that it is not the time."""
    if told.is_due(message.chat.id):
        try:
            await sender.send_text(ChatTarget.of(message), _sentence(message, texts))
        except DeliveryError as error:
            logger.info("Chat %s could not be told: %s", LoggedChat(message.chat.id), error)


async def on_press(query: CallbackQuery, texts: Texts) -> None:
    """Say it above the keyboard."""
    await query.answer(_sentence(query, texts), show_alert=True)


async def on_query(query: InlineQuery, texts: Texts) -> None:
    """Say it in a card."""
    sentence = _sentence(query, texts)
    await query.answer(cards.hint(sentence, sentence), cache_time=0, is_personal=True)


async def on_call(message: Message, bot: Bot, texts: Texts) -> None:
    """Say it where the bot was called to."""
    sentence = _sentence(message, texts)
    (card,) = cards.hint(sentence, sentence)
    await bot(AnswerGuestQuery(guest_query_id=message.guest_query_id or "", result=card))


def _sentence(event: Message | CallbackQuery | InlineQuery, texts: Texts) -> str:
    person = event.from_user
    return texts[texts.closest(person.language_code if person else None)]["maintenance"]
