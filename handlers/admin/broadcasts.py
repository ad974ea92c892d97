"""Broadcasts, for administrators: the menu, the draft and its card."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiogram import Bot, Router
from aiogram.methods import EditMessageText
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core.broadcasts import Broadcast, State, parse_card_reply
from core.errors import CardReplyError, DeliveryError, StorageError
from core.pseudonyms import LoggedChat
from data.broadcasts import (
    change_broadcast,
    confirm_broadcast,
    count_audience,
    discard_broadcast,
    find_broadcast,
    new_draft,
    open_broadcasts,
    resend_unknown,
    unknown_recipients,
)
from data.chats import find_chat
from data.db_service import get_referral_stats
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin import broadcast_card
from misc.filters import (
    AnswersCard,
    Carries,
    CommandNamed,
    Composing,
    FromAdmin,
    InPrivate,
    LooksLikeCommand,
)
from misc.middlewares.registration import ChatView
from misc.ui.callback_data import BROADCAST
from misc.ui.texts import FALLBACK, Texts

logger = logging.getLogger(__name__)

#: Maximum number of chats with an unknown outcome that a card lists.
_MAX_LISTED: Final = 50


def commands(menu: "BroadcastMenu", admins: frozenset[int]) -> Router:
    """Register /admin."""
    router = Router(name="broadcast commands")
    router.message.register(menu.open_menu, CommandNamed("admin"), FromAdmin(admins), InPrivate())
    return router


def router(menu: "BroadcastMenu", admins: frozenset[int]) -> Router:
    """Register broadcast messages, replies to cards, and the buttons of cards.

    Include it before the link handlers, which would otherwise download links in these messages.
    """
    router = Router(name="broadcasts")
    router.message.filter(FromAdmin(admins), InPrivate(), ~LooksLikeCommand())
    router.message.register(menu.take_content, Composing())
    router.message.register(menu.take_reply, AnswersCard())
    router.callback_query.register(menu.press, FromAdmin(admins), Carries(prefix=BROADCAST))
    return router


@dataclass(frozen=True, slots=True)
class BroadcastMenu:
    """Handlers for the messages and buttons of broadcasts. All state is in the database."""

    bot: Bot
    sender: Sender
    texts: Texts
    admins: frozenset[int]
    #: Paid broadcasts are offered.
    may_pay: bool

    async def open_menu(self, message: Message, chat: ChatView) -> None:
        """Show the menu with a new broadcast and those that have not ended.

        Raises:
            StorageError, DeliveryError: the menu cannot be shown.
        """
        lang, broadcasts = chat.lang, await open_broadcasts(self.bot.id)
        keyboard = broadcast_card.menu(broadcasts, self.texts, lang)
        target = ChatTarget.of(message)
        await self.sender.send_text(target, self.texts[lang]["admin_menu"], keyboard)

    async def take_content(self, message: Message, broadcast: int, chat: ChatView) -> None:
        """Store the message to broadcast in the draft, and show its card. Albums are refused.

        Raises:
            StorageError, DeliveryError: it is not stored, or the card cannot be shown.
        """
        target = ChatTarget.of(message)
        if message.media_group_id:
            await self.sender.send_text(target, self.texts[chat.lang]["broadcast_no_album"])
            return
        buttons = broadcast_card.buttons_from(message.reply_markup)
        await change_broadcast(
            broadcast, State.DRAFT, message_id=message.message_id, buttons=buttons
        )
        await self._send_card(target, broadcast, chat.lang)

    async def take_reply(self, message: Message, broadcast: int, chat: ChatView) -> None:
        """Store the buttons or the start time in a reply to a card; explain an invalid reply.

        Raises:
            StorageError, DeliveryError: it is not stored, or the card cannot be shown.
        """
        try:
            await self._take_reply(message, broadcast, chat.lang)
        except CardReplyError as error:
            text = self.texts[chat.lang][error.text_key]
            await self.sender.send_text(ChatTarget.of(message), text)

    async def _take_reply(self, message: Message, number: int, lang: str) -> None:
        parsed = parse_card_reply(message.text or "", time.time())
        values: dict[str, Any] = (
            {"starts_at": parsed}
            if isinstance(parsed, int)
            else {"buttons": broadcast_card.with_buttons(parsed)}
        )
        is_draft = await change_broadcast(number, State.DRAFT, **values)
        if not is_draft:
            raise CardReplyError("not a draft any more")
        await self._send_card(ChatTarget.of(message), number, lang)

    async def press(self, query: CallbackQuery, chat: ChatView) -> None:
        """Run the action of a button, and answer the press.

        Raises:
            StorageError, DeliveryError: the action failed.
        """
        lang = chat.lang
        number, action = broadcast_card.read_press(query.data or "")
        message = query.message
        if not isinstance(message, Message):
            await query.answer(self.texts[lang]["button_expired"], show_alert=True)
            return
        if number is None and action != "new":
            await query.answer(self.texts[lang]["button_expired"], show_alert=True)
            return
        if number is None:
            await new_draft(self.bot.id, query.from_user.id)
            await self._edit(message, self.texts[lang]["broadcast_compose"], None)
            await query.answer()
            return
        broadcast = await find_broadcast(number)
        if broadcast is None:
            await query.answer(self.texts[lang]["button_expired"], show_alert=True)
            return
        notice = await self._run_action(broadcast, action, query.from_user.id, lang)
        await query.answer(notice)
        latest = await self._with_audience(number)
        if latest is None:
            await self._delete(message)
        elif action == "open" and latest.card_id != message.message_id:
            await self._send_card(ChatTarget.of(message), number, lang)
        else:
            card = await self._card(latest, lang, is_asking=action == "send")
            await self._edit(message, *card)

    async def show(self, broadcast: Broadcast, per_second: float = 0.0) -> None:
        """Update the card of a broadcast; `per_second` is the rate in messages per second.

        Errors are only logged: the card may be deleted, or up to date already.
        """
        if broadcast.card_id is None:
            return
        try:
            record = await find_chat(broadcast.admin_id)
            lang = record.lang if record and record.lang in self.texts else FALLBACK
            text, keyboard = await self._card(broadcast, lang, per_second)
            await self.bot(
                EditMessageText(
                    chat_id=broadcast.admin_id,
                    message_id=broadcast.card_id,
                    text=text,
                    reply_markup=keyboard,
                )
            )
        except (StorageError, DeliveryError) as error:
            logger.info(
                "Could not update the card of broadcast %d: %s",
                broadcast.id,
                error,
                extra={"event": "broadcast_card_failed"},
            )

    async def _run_action(
        self, broadcast: Broadcast, action: str, admin_id: int, lang: str
    ) -> str | None:
        """Run the action of a button. Return the text of a notice about it, or None."""
        if action in {"preview", "test"}:
            chats = [admin_id] if action == "preview" else sorted(self.admins)
            copies = await self._send_test(broadcast, chats)
            return self.texts(lang, "broadcast_tested", number=copies)
        if changes := await self._changes(broadcast, action):
            await change_broadcast(broadcast.id, State.DRAFT, **changes)
        else:
            await self._change_state(broadcast.id, action)
        return None

    async def _changes(self, broadcast: Broadcast, action: str) -> dict[str, Any]:
        """Return the columns of a draft that a button changes; empty for other buttons."""
        audience = broadcast.audience
        match action:
            case "chats":
                return {"audience": audience.next_chats()}
            case "lang":
                return {"audience": audience.next_lang(self.texts.languages)}
            case "days":
                return {"audience": audience.next_days()}
            case "from":
                known = [link for link, _ in await get_referral_stats()]
                return {"audience": audience.next_referral(known)}
            case "silent":
                return {"is_silent": not broadcast.is_silent}
            case "paid" if self.may_pay:
                return {"is_paid": not broadcast.is_paid}
            case _:
                return {}

    async def _change_state(self, number: int, action: str) -> None:
        """Change the state of a broadcast; the sending process reads it once a second."""
        match action:
            case "discard":
                await discard_broadcast(number)
            case "yes":
                await confirm_broadcast(number)
            case "pause":
                await change_broadcast(number, State.RUNNING, state=State.PAUSED, trouble=None)
            case "resume":
                await change_broadcast(number, State.PAUSED, state=State.RUNNING, trouble=None)
            case "stop":
                await change_broadcast(number, State.RUNNING, State.PAUSED, state=State.CANCELLED)
            case "again":
                await resend_unknown(number)
            case _:
                return

    async def _send_test(self, broadcast: Broadcast, chats: Sequence[int]) -> int:
        """Send a broadcast to some administrators; return how many received it."""
        copies = 0
        for chat_id in chats:
            try:
                await self.sender.copy(broadcast, chat_id)
            except DeliveryError as error:
                logger.info(
                    "Could not send a test of broadcast %d to %s: %s",
                    broadcast.id,
                    LoggedChat(chat_id),
                    error,
                    extra={"event": "broadcast_test_failed"},
                )
            else:
                copies += 1
        return copies

    async def _with_audience(self, number: int) -> Broadcast | None:
        """Return a broadcast, or None; update the total of a draft to its current audience."""
        broadcast = await find_broadcast(number)
        if broadcast and broadcast.state is State.DRAFT:
            total = await count_audience(broadcast.audience)
            await change_broadcast(number, State.DRAFT, total=total)
            return await find_broadcast(number)
        return broadcast

    async def _send_card(self, target: ChatTarget, number: int, lang: str) -> None:
        """Send a new card for a broadcast. The buttons of older cards keep working."""
        broadcast = await self._with_audience(number)
        if broadcast is None:
            return
        card = await self.sender.send_text(target, *await self._card(broadcast, lang))
        await change_broadcast(number, *State, card_id=card.message_id)

    async def _card(
        self, broadcast: Broadcast, lang: str, per_second: float = 0.0, *, is_asking: bool = False
    ) -> tuple[str, InlineKeyboardMarkup | None]:
        """Return the text and the buttons of a card."""
        unknown: Sequence[int] = ()
        if broadcast.state is State.DONE and broadcast.unknown:
            unknown = await unknown_recipients(broadcast.id, _MAX_LISTED)
        return (
            broadcast_card.text_of(broadcast, self.texts, lang, per_second, unknown),
            broadcast_card.buttons_of(
                broadcast, self.texts, lang, is_asking=is_asking, may_pay=self.may_pay
            ),
        )

    @staticmethod
    async def _edit(message: Message, text: str, keyboard: InlineKeyboardMarkup | None) -> None:
        """Edit a message of the bot. Errors are only logged: it may be deleted or unchanged."""
        try:
            await message.edit_text(text, reply_markup=keyboard)
        except DeliveryError as error:
            logger.info(
                "Could not edit a card: %s", error, extra={"event": "broadcast_card_failed"}
            )

    @staticmethod
    async def _delete(message: Message) -> None:
        try:
            await message.delete()
        except DeliveryError as error:
            logger.info(
                "Could not delete a card: %s", error, extra={"event": "broadcast_card_failed"}
            )
