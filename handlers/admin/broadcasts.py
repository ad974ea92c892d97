"""Broadcasts, for administrators: the menu, the draft and its card."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiogram import Bot, Router
from aiogram.methods import EditMessageText
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core.broadcasts import Audience, Broadcast, State, parse_start_time
from core.clock import shared_clock
from core.concurrency import run_uncancelled
from core.errors import CardReplyError, DeliveryError, StorageError, UnchangedError
from core.link_buttons import parse_buttons
from core.pseudonyms import LoggedChat
from data.broadcasts import (
    add_content,
    change_broadcast,
    confirm_broadcast,
    count_audiences,
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
from handlers.admin import audience, broadcast_card
from handlers.admin.menu import AdminScreen, Press
from handlers.admin.waiting import stop_waiting
from misc.filters import (
    AnswersCard,
    Carries,
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
#: Actions after which a broadcast may begin.
_STARTING: Final = frozenset({"yes", "resume", "again"})


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
    """Handlers for the messages and buttons of broadcasts. What counts is in the database."""

    bot: Bot
    sender: Sender
    texts: Texts
    admins: frozenset[int]
    #: Paid broadcasts are offered.
    may_pay: bool
    #: Set after an action that lets a broadcast begin: this process may be the one that sends it.
    due: asyncio.Event
    #: The last edit of a card in each administrator's chat, so that only changes are sent.
    last_edit: dict[int, EditMessageText] = field(default_factory=dict)
    #: Held while a state is read and shown, so that the newest one is shown last.
    card_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def section(self, press: Press) -> AdminScreen:
        """Return the list: a new broadcast, and those that have not ended.

        Raises:
            StorageError: the database did not respond.
        """
        broadcasts = await open_broadcasts(self.bot.id)
        rows = broadcast_card.list_rows(broadcasts, self.texts, press.lang)
        return AdminScreen(self.texts[press.lang]["broadcast_list"], rows)

    async def take_content(self, message: Message, broadcast: int, chat: ChatView) -> None:
        """Store the message to broadcast in the draft, and show its card.

        The messages of an album are stored one by one; its card is sent for the first of them, and
        follows when others arrive.

        Raises:
            StorageError, DeliveryError: it is not stored, or the card cannot be shown.
        """
        buttons = broadcast_card.buttons_from(message.reply_markup)
        album = message.media_group_id
        is_first = await add_content(broadcast, message.message_id, album, buttons)
        async with self.card_lock:
            if is_first:
                await self._send_card(ChatTarget.of(message), broadcast, chat.lang)
            if album and (latest := await self._with_audience(broadcast)):
                await self._show_card(latest)

    async def take_reply(self, message: Message, broadcast: int, chat: ChatView) -> None:
        """Store the buttons or the start time in a reply to a card; explain an invalid reply.

        Raises:
            StorageError, DeliveryError: it is not stored, or the card cannot be shown.
        """
        try:
            await self._take_reply(message, broadcast, chat.lang)
        except CardReplyError as error:
            text = broadcast_card.mistakes_text(error, self.texts, chat.lang)
            await self.sender.send_text(ChatTarget.of(message), text)

    async def _take_reply(self, message: Message, number: int, lang: str) -> None:
        text = message.text or ""
        starts_at = parse_start_time(text, shared_clock())
        values: dict[str, Any] = (
            {"starts_at": starts_at}
            if starts_at
            else {"buttons": broadcast_card.with_buttons(parse_buttons(text))}
        )
        broadcast = await find_broadcast(number)
        if broadcast and broadcast.content.is_album and not starts_at:
            raise CardReplyError([(0, "broadcast_no_album")])
        is_draft = await change_broadcast(number, State.DRAFT, **values)
        if not is_draft:
            raise CardReplyError([(0, "broadcast_not_draft")])
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
            await self._compose(message, query.from_user.id, lang)
            await query.answer()
            return
        broadcast = await find_broadcast(number)
        if broadcast is None:
            await query.answer(self.texts[lang]["button_expired"], show_alert=True)
            return
        notice = await self._run_action(broadcast, action, query.from_user.id, lang)
        await query.answer(notice)
        async with self.card_lock:
            await self._show_after(action, message, number, lang)

    async def _compose(self, message: Message, admin_id: int, lang: str) -> None:
        """Ask for the message of a new broadcast."""
        await stop_waiting(admin_id)
        await new_draft(self.bot.id, admin_id)
        screen = AdminScreen(self.texts[lang]["broadcast_compose"], back="broadcasts")
        await self._edit(message, screen.text, screen.markup(self.texts, lang))

    async def _show_after(self, action: str, message: Message, number: int, lang: str) -> None:
        """Show what follows an action in the message of its button."""
        latest = await self._with_audience(number)
        if action == "back":
            screen = await self.section(Press(message.chat.id, lang))
            await self._edit(message, screen.text, screen.markup(self.texts, lang))
        elif latest is None:
            await self._delete(message)
        elif action in audience.CONDITIONS and latest.state is State.DRAFT:
            await self._edit(message, *await self._choices(latest, action, lang))
        elif action == "open" and latest.card_id != message.message_id:
            await self._send_card(ChatTarget.of(message), number, lang)
        else:
            card = await self._card(latest, lang, is_asking=action == "send")
            await self._edit(message, *card)
            await self._follow(latest)

    async def _choices(
        self, broadcast: Broadcast, condition: str, lang: str
    ) -> tuple[str, InlineKeyboardMarkup]:
        """Return the text and the buttons with which a condition of the audience is chosen."""
        options = await self._options(condition, broadcast.audience)
        counts = await count_audiences([option.audience for option in options])
        counted = list(zip(options, counts, strict=True))
        rows = audience.rows(broadcast.id, condition, broadcast.audience, counted, self.texts, lang)
        text = self.texts[lang][f"broadcast_choose_{condition}"]
        return text, InlineKeyboardMarkup(inline_keyboard=rows)

    async def _options(self, condition: str, current: Audience) -> list[audience.Option]:
        referrals = [link for link, _ in await get_referral_stats()] if condition == "from" else []
        return audience.choices(condition, current, self.texts.languages, referrals)

    async def show(self, broadcast: Broadcast, per_second: float = 0.0) -> None:
        """Update the card of a broadcast; `per_second` is the rate in messages per second.

        Shown is its state of now, which may be a later one. Errors are only logged: the card may be
        deleted, or up to date already.
        """
        async with self.card_lock:
            await self._show_card(broadcast, per_second)

    async def _show_card(self, broadcast: Broadcast, per_second: float = 0.0) -> None:
        """Show the state of now; see `show`."""
        shown = None
        try:
            latest = await find_broadcast(broadcast.id)
            while latest and latest.state is not shown:
                await self._edit_card(latest, per_second)
                # Another process may have changed the state, and shown that a moment earlier.
                shown, latest = latest.state, await find_broadcast(broadcast.id)
        except (StorageError, DeliveryError) as error:
            logger.info(
                "Could not update the card of broadcast %d: %s",
                broadcast.id,
                error,
                extra={"event": "broadcast_card_failed"},
            )

    async def _edit_card(self, broadcast: Broadcast, per_second: float) -> None:
        """Show a broadcast in its card, if it has one."""
        if broadcast.card_id is None:
            return
        record = await find_chat(broadcast.admin_id)
        lang = record.lang if record and record.lang in self.texts else FALLBACK
        text, keyboard = await self._card(broadcast, lang, per_second)
        method = EditMessageText(
            chat_id=broadcast.admin_id,
            message_id=broadcast.card_id,
            text=text,
            reply_markup=keyboard,
        )
        if self.last_edit.get(broadcast.admin_id) != method:
            await run_uncancelled(self.bot(method))
            self.last_edit[broadcast.admin_id] = method

    async def _follow(self, shown: Broadcast) -> None:
        """Show the card once more if the state is no longer the shown one."""
        latest = await find_broadcast(shown.id)
        if latest and latest.state is not shown.state:
            await self._show_card(latest)

    async def _run_action(
        self, broadcast: Broadcast, action: str, admin_id: int, lang: str
    ) -> str | None:
        """Run the action of a button. Return the text of a notice about it, or None."""
        if action in {"preview", "test"}:
            chats = [admin_id] if action == "preview" else sorted(self.admins)
            copies = await self._send_test(broadcast, chats)
            return self.texts(lang, "broadcast_tested", count=copies)
        if changes := await self._changes(broadcast, action):
            await change_broadcast(broadcast.id, State.DRAFT, **changes)
        else:
            await self._change_state(broadcast.id, action)
            if action in _STARTING:
                self.due.set()
        return None

    async def _changes(self, broadcast: Broadcast, action: str) -> dict[str, Any]:
        """Return the columns of a draft that a button changes; empty for other buttons."""
        condition, _, value = action.partition("=")
        if "=" in action and condition in audience.CONDITIONS:
            options = await self._options(condition, broadcast.audience)
            new = audience.chosen(options, value)
            return {"audience": new} if new else {}
        match action:
            case "silent":
                return {"is_silent": not broadcast.content.is_silent}
            case "paid" if self.may_pay:
                return {"is_paid": not broadcast.content.is_paid}
            case _:
                return {}

    async def _change_state(self, number: int, action: str) -> None:
        """Change the state of a broadcast; the sending process reads it once a second."""
        match action:
            case "back":
                # The message shows the list from now on, so progress must not replace it.
                await change_broadcast(number, *State, card_id=None)
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
            (total,) = await count_audiences([broadcast.audience])
            await change_broadcast(number, State.DRAFT, total=total)
            return await find_broadcast(number)
        return broadcast

    async def _send_card(self, target: ChatTarget, number: int, lang: str) -> None:
        """Send a new card for a broadcast. The buttons of older cards keep working."""
        if broadcast := await self._with_audience(number):
            card = await self.sender.send_text(target, *await self._card(broadcast, lang))
            await change_broadcast(number, *State, card_id=card.message_id)

    async def _card(
        self, broadcast: Broadcast, lang: str, per_second: float = 0.0, *, is_asking: bool = False
    ) -> tuple[str, InlineKeyboardMarkup]:
        """Return the text and the buttons of a card."""
        unknown: Sequence[int] = ()
        if broadcast.state is State.DONE and broadcast.counts.unknown:
            unknown = await unknown_recipients(broadcast.id, _MAX_LISTED)
        return (
            broadcast_card.text_of(broadcast, self.texts, lang, per_second, unknown),
            broadcast_card.buttons_of(
                broadcast, self.texts, lang, is_asking=is_asking, may_pay=self.may_pay
            ),
        )

    async def _edit(self, message: Message, text: str, keyboard: InlineKeyboardMarkup) -> None:
        """Edit a message of the bot. Errors are only logged: it may be deleted or unchanged."""
        self.last_edit.pop(message.chat.id, None)
        try:
            await run_uncancelled(self.bot(message.edit_text(text, reply_markup=keyboard)))
        except UnchangedError:
            return
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
