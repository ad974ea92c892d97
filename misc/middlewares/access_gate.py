"""The access gate: people who may not use the bot are told so, and nothing else happens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiogram import BaseMiddleware
from aiogram.dispatcher.flags import get_flag
from aiogram.types import CallbackQuery, Chat, Message, TelegramObject, User

from core.access import Standing, Visitor
from core.errors import DeliveryError, StorageError
from core.media import Link
from core.pseudonyms import LoggedChat
from core.recent import Throttle
from data.chats import find_chat
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.addressing import GROUPS
from misc.intake import RequestIntake
from misc.middlewares.dropped import Dropped, ignore_drop
from misc.ui.refusals import SENTENCES, way_in
from misc.ui.texts import Texts
from misc.utils import lang_func
from services.access import AccessPolicy

logger = logging.getLogger(__name__)

#: Flag of handlers that serve everybody: personal data, and who runs the bot.
OPEN_TO_ALL = {"open_to_all": True}
#: In groups, a person is refused at most once in this time, in seconds.
AGAIN_S: Final = 3_600.0
#: People whose last refusal is remembered.
_KEPT: Final = 10_000


class AccessGate(BaseMiddleware):
    """Refuses messages and presses of people who may not use the bot.

    An inner middleware before the registration: ordinary talk in a group matches no handler, and
    nobody who is refused is registered. In the chats of a business account, refusals are silent.
    """

    def __init__(
        self,
        access: AccessPolicy,
        sender: Sender,
        texts: Texts,
        intake: RequestIntake,
        dropped: Dropped = ignore_drop,
    ) -> None:
        self._access = access
        self._sender = sender
        self._texts = texts
        self._intake = intake
        self._dropped = dropped
        #: How often people are refused in a group, on the loop's clock.
        self._refusals = Throttle[int](_KEPT)

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Call the handler for people who may use the bot; refuse all others."""
        assert isinstance(event, Message | CallbackQuery)
        if get_flag(data, "open_to_all"):
            return await handler(event, data)
        standing = await self._access.judge(visitor_of(event))
        if standing is Standing.ALLOWED:
            return await handler(event, data)
        data["ack"].acknowledge()
        try:
            await self._refuse(event, standing, data.get("links", ()))
        except DeliveryError as error:
            logger.info("Could not refuse: %s", error, extra={"event": "refusal_failed"})
        return None

    async def _refuse(
        self, event: Message | CallbackQuery, standing: Standing, links: Sequence[Link]
    ) -> None:
        message = event if isinstance(event, Message) else event.message
        person = event.from_user
        self._dropped("not_allowed", message.chat.id if message else person.id if person else 0)
        if isinstance(event, Message) and not await self._is_told(event, links):
            return
        lang = await lang_func(person.id, person.language_code) if person else "en"
        text = self._texts[lang][SENTENCES[standing]]
        if isinstance(event, CallbackQuery):
            await event.answer(text, show_alert=True)
        else:
            buttons = way_in(standing, self._access, self._texts, lang)
            await self._sender.send_text(ChatTarget.of(event), text, buttons)

    async def _is_told(self, message: Message, links: Sequence[Link]) -> bool:
        """Return True if the sender of a message is told that it is refused."""
        if message.business_connection_id:
            return False
        if message.chat.type not in GROUPS:
            return True
        if links and not await self._would_be_answered(message, links):
            return False
        now = asyncio.get_running_loop().time()
        return self._refusals.is_due(visitor_of(message).sender_id or 0, now, AGAIN_S)

    async def _would_be_answered(self, message: Message, links: Sequence[Link]) -> bool:
        """Return False for links that the group's settings leave unanswered for everybody."""
        try:
            record = await find_chat(message.chat.id)
        except StorageError as error:
            logger.warning(
                "Could not load the settings of chat %s: %s",
                LoggedChat(message.chat.id),
                error,
                extra={"event": "chat_not_loaded"},
            )
            return True
        if record is None:
            return True
        return bool(await self._intake.wanted_links(message, links, record.preferences))


def visitor_of(event: Message | CallbackQuery) -> Visitor:
    """Return who has sent a message or pressed a button, and in which group."""
    message = event if isinstance(event, Message) else event.message
    chat = message.chat if message and message.chat.type in GROUPS else None
    if isinstance(event, Message) and event.sender_chat:
        return _visitor(event.sender_chat, chat)
    return _visitor(event.from_user, chat) if event.from_user else _visitor(None, chat)


def visitor_of_person(user: User) -> Visitor:
    """Return the visitor for a person outside of the bot's chats, such as in inline mode."""
    return _visitor(user, None)


def _visitor(sender: User | Chat | None, group: Chat | None) -> Visitor:
    return Visitor(
        sender_id=sender.id if sender else None,
        username=(sender.username or "") if sender else "",
        group_id=group.id if group else None,
        group_username=(group.username or "") if group else "",
        is_person=not isinstance(sender, Chat),
    )
