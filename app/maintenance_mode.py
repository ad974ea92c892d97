"""Maintenance mode: answers every user with a notice. Needs no database."""

import logging
import time
from typing import Final

from aiogram import Bot, Dispatcher, Router
from aiogram.methods import AnswerGuestQuery
from aiogram.types import CallbackQuery, ChosenInlineResult, InlineQuery, Message
from prometheus_client import CollectorRegistry

from app.own_user import own_user
from app.polling import End, Polling
from app.stop_time import StopTime
from app.webhook import Webhook, build_receiver
from app.webhook_registration import WebhookRegistration
from core.errors import WRONG_TOKEN, DeliveryError, SettingsError, TokenRejectedError
from core.pseudonyms import LoggedChat
from core.recent import Throttle
from data.config import Settings
from delivery.client import PacePolicy, make_bot
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.inline import cards
from misc.filters import InPrivate
from misc.middlewares.update_acks import UpdateAcks
from misc.ui.texts import Texts, load_texts

logger = logging.getLogger(__name__)

#: Shortest interval between two notices to the same chat, in seconds.
_NOTICE_INTERVAL_S: Final = 60
#: Number of chats whose last notice is kept.
_MAX_CHATS: Final = 10_000
_CONNECTIONS: Final = 50
_UPDATES: Final = [
    "message",
    "callback_query",
    "inline_query",
    "chosen_inline_result",
    "guest_message",
]


async def run(settings: Settings) -> bool:
    """Answer until a signal arrives; return False if Telegram cannot be reached at the start.

    Raises:
        SettingsError: Telegram does not know the token, or another program's webhook is set.
    """
    bot = make_bot(
        settings.bot.token.get_secret_value(),
        server=settings.telegram.server,
        connections=_CONNECTIONS,
        pace=PacePolicy(is_on=settings.telegram.pacing),
    )
    update_acks = UpdateAcks()
    dispatcher = Dispatcher(
        disable_fsm=True,
        sender=Sender(bot, ceiling_bytes=0, upload_timeout_s=0),
        texts=load_texts(),
        throttle=Throttle(_MAX_CHATS),
    )
    dispatcher.update.outer_middleware(update_acks)
    dispatcher.include_router(router())
    source = _build_source(settings, bot, update_acks)
    try:
        if await own_user(bot) is None:
            return False
        logger.info(
            "Maintenance mode: users are asked to come back later",
            extra={"event": "maintenance_started"},
        )
        await source.run(bot, dispatcher, _UPDATES, None)
        if isinstance(source, Polling) and source.watch.end is End.CONFLICT:
            await source.stay_up()
        return True
    except TokenRejectedError:
        raise SettingsError([WRONG_TOKEN]) from None
    finally:
        await bot.session.close()


def _build_source(settings: Settings, bot: Bot, update_acks: UpdateAcks) -> Polling | Webhook:
    stop_time = StopTime(drain_s=0)
    if settings.telegram.updates == "poll":
        return Polling(update_acks, settings.files.heartbeat, stop_time)
    receiver = build_receiver(bot, update_acks, _nothing_to_store)
    registration = WebhookRegistration(bot.id, has_database=False)
    return Webhook(settings, receiver, registration, update_acks, CollectorRegistry(), stop_time)


async def _nothing_to_store() -> None:
    """Do nothing: no update is stored, so no database is needed."""


def router() -> Router:
    """Build the router. Messages in groups get no notice."""
    router = Router(name="maintenance")
    router.message.register(on_message, InPrivate())
    router.callback_query.register(on_button)
    router.inline_query.register(on_inline_query)
    router.chosen_inline_result.register(on_chosen_card)
    router.guest_message.register(on_guest_message)
    return router


async def on_message(
    message: Message, sender: Sender, texts: Texts, throttle: Throttle[int]
) -> None:
    """Send the notice to a private chat."""
    if throttle.is_due(message.chat.id, time.monotonic(), _NOTICE_INTERVAL_S):
        try:
            await sender.send_text(ChatTarget.of(message), _notice(message, texts))
        except DeliveryError as error:
            logger.info(
                "Could not send the maintenance notice to chat %s: %s",
                LoggedChat(message.chat.id),
                error,
                extra={"event": "maintenance_notice_not_sent"},
            )


async def on_button(query: CallbackQuery, texts: Texts) -> None:
    """Show the notice as an alert."""
    await query.answer(_notice(query, texts), show_alert=True)


async def on_inline_query(query: InlineQuery, texts: Texts) -> None:
    """Show the notice as the only inline result."""
    notice = _notice(query, texts)
    await query.answer(cards.hint(notice, notice), cache_time=0, is_personal=True)


async def on_chosen_card(chosen: ChosenInlineResult, sender: Sender, texts: Texts) -> None:
    """Turn a card that the bot offered before, and nobody would fill in, into the notice."""
    inline_id = chosen.inline_message_id
    if inline_id is None or cards.wanted(chosen.result_id) is None:
        return
    target = ChatTarget(chosen.from_user.id, 0, is_private=True, inline_id=inline_id)
    try:
        await sender.edit_inline(target, _notice(chosen, texts))
    except DeliveryError as error:
        logger.info(
            "Could not turn an inline message into the maintenance notice: %s",
            error,
            extra={"event": "maintenance_notice_not_sent"},
        )


async def on_guest_message(message: Message, bot: Bot, texts: Texts) -> None:
    """Answer a guest query with the notice."""
    notice = _notice(message, texts)
    (card,) = cards.hint(notice, notice)
    await bot(AnswerGuestQuery(guest_query_id=message.guest_query_id or "", result=card))


def _notice(event: Message | CallbackQuery | InlineQuery | ChosenInlineResult, texts: Texts) -> str:
    user = event.from_user
    return texts[texts.closest(user.language_code if user else None)]["maintenance"]
