"""The buttons below inline messages: try again, turn a page, and those of older bots."""

import logging
import time
from dataclasses import dataclass, replace

from aiogram.types import CallbackQuery

from core.cached_post import CachedPost, CacheKey
from core.errors import DeliveryError, FileUnknownError, StorageError
from core.request import Request
from data.inline_messages import InlineMessage, find_inline, store_inline
from handlers.inline.lookup import Lookup
from misc.intake import RequestIntake
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.update_acks import UpdateAck
from misc.ui.callback_data import PAGE, read_old_inline
from misc.ui.texts import Texts

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InlineButtons:
    """Does what the buttons promise. What is made anew, is made for the owner, once at a time."""

    texts: Texts
    lookup: Lookup
    intake: RequestIntake
    running_buttons: RunningButtons

    async def try_again(self, query: CallbackQuery, ack: UpdateAck) -> None:
        """Make the request of an inline message once more."""
        message = await self._message(query)
        if message is None:
            await self._say(query, "button_expired", is_alert=True)
        elif message.owner_id != query.from_user.id:
            await self._say(query, "not_yours")
        else:
            await self._make_anew(query, message.request, ack)

    async def turn(self, query: CallbackQuery, ack: UpdateAck) -> None:
        """Show another item of an album. Anybody may; what is gone is made anew for the owner."""
        number = (query.data or "").removeprefix(PAGE)
        message = await self._message(query)
        page = int(number) if number.isascii() and number.isdigit() else -1
        if message is None or message.post_id is None or page < 0:
            await self._say(query, "button_expired", is_alert=True)
            return
        request = message.request
        key = self.lookup.key(request.link, message.post_id, request.preferences.quality)
        cached = await self.lookup.file_id_cache.find(key)
        if cached and page < len(cached.files) and await self._show(request, cached, page, key):
            await query.answer()
        elif message.owner_id == query.from_user.id:
            # It was asked for once; that it has to be fetched twice is no second request.
            await self._make_anew(query, replace(request, is_recorded=False), ack)
        else:
            await self._say(query, "not_yours")

    async def revive(self, query: CallbackQuery, ack: UpdateAck) -> None:
        """Do what a button of an older bot with our token promises: its data holds the link."""
        old = read_old_inline(query.data or "")
        links = self.intake.registry.find_all(old.url, ()) if old else []
        if old is None or old.owner is None or not links or not query.inline_message_id:
            await self._say(query, "button_expired", is_alert=True)
        elif not old.is_of(query.from_user.id):
            await self._say(query, "not_yours")
        else:
            person = await self.lookup.person(query.from_user)
            request = self.lookup.request(
                "post", links[0], query.from_user, person, query.inline_message_id
            )
            try:
                await store_inline(query.inline_message_id, query.from_user.id, request)
            except StorageError as error:
                logger.warning("The buttons of an inline message will not work: %s", error)
            await self._make_anew(query, request, ack)

    async def _make_anew(self, query: CallbackQuery, request: Request, ack: UpdateAck) -> None:
        at_end = self.running_buttons.begin((query.inline_message_id, "anew"))
        await self._say(query, "inline_fetching")
        if at_end:
            request = replace(request, asked_at=int(time.time()))
            await self.intake.submit_inline(request, ack, at_end)

    async def _show(self, request: Request, cached: CachedPost, page: int, key: CacheKey) -> bool:
        """Show an item; False when Telegram does not know its file any more."""
        presenter = self.intake.presenter(request)
        options = presenter.options(cached.post, shown=len(cached.files), missing=0, page=page)
        try:
            await self.intake.sender.show_inline(presenter.target, cached.files[page], options)
        except FileUnknownError:
            await self.lookup.file_id_cache.forget(key, cached)
            return False
        except DeliveryError as error:
            logger.info("A page is not turned: %s", error)  # pressed twice, or too fast
        return True

    async def _message(self, query: CallbackQuery) -> InlineMessage | None:
        try:
            return await find_inline(query.inline_message_id or "")
        except StorageError as error:
            logger.warning("An inline message cannot be looked up: %s", error)
            return None

    async def _say(self, query: CallbackQuery, key: str, *, is_alert: bool = False) -> None:
        """Tell who has pressed."""
        texts = self.texts[self.texts.closest(query.from_user.language_code)]
        await query.answer(texts[key], show_alert=is_alert)
