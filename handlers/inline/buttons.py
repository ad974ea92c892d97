"""The buttons below inline messages: retry, pages, and those of older bots."""

import logging
from dataclasses import dataclass, replace
from functools import partial

from aiogram.types import CallbackQuery

from core.cached_post import CachedPost, CacheKey
from core.clock import shared_clock
from core.errors import DeliveryError, FileUnknownError, StorageError
from core.request import Request
from data.inline_messages import InlineMessage, find_inline, store_inline
from delivery.sender import Sender
from handlers.inline.lookup import Lookup
from misc.intake import RequestIntake
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.update_acks import UpdateAck
from misc.ui.callback_data import PAGE, read_old_inline
from misc.ui.presenter import PresenterFactory
from misc.ui.texts import Texts
from platforms import Registry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InlineButtons:
    """Handles the presses. Only the owner of a message can have its request repeated."""

    sender: Sender
    texts: Texts
    registry: Registry
    lookup: Lookup
    intake: RequestIntake
    presenters: PresenterFactory
    running_buttons: RunningButtons

    async def retry(self, query: CallbackQuery, ack: UpdateAck) -> None:
        """Repeat the request of an inline message."""
        message = await self._message(query)
        if message is None:
            await self._answer(query, "button_expired", is_alert=True)
        elif message.owner_id != query.from_user.id:
            await self._answer(query, "not_yours")
        else:
            await self._repeat(query, message.request, ack)

    async def turn_page(self, query: CallbackQuery, ack: UpdateAck) -> None:
        """Show another item of an album, for everybody; fetch it again only for the owner."""
        number = (query.data or "").removeprefix(PAGE)
        message = await self._message(query)
        page = int(number) if number.isascii() and number.isdigit() else -1
        if message is None or message.post_id is None or page < 0:
            await self._answer(query, "button_expired", is_alert=True)
            return
        request = message.request
        key = self.lookup.key_of(request, message.post_id)
        cached = await self.lookup.file_id_cache.find(key)
        if cached and page < len(cached.files) and await self._show(request, cached, page, key):
            await query.answer()
        elif message.owner_id == query.from_user.id:
            # The history has this request already.
            await self._repeat(query, replace(request, is_recorded=False), ack)
        else:
            await self._answer(query, "not_yours")

    async def revive(self, query: CallbackQuery, ack: UpdateAck) -> None:
        """Handle a button of an older bot with the same token: its data contains the link."""
        old = read_old_inline(query.data or "")
        links = self.registry.find_all(old.url, ()) if old else []
        if old is None or old.owner is None or not links or not query.inline_message_id:
            await self._answer(query, "button_expired", is_alert=True)
        elif not old.is_of(query.from_user.id):
            await self._answer(query, "not_yours")
        else:
            person = await self.lookup.person(query.from_user)
            request = self.lookup.request(
                "post", links[0], query.from_user, person, query.inline_message_id
            )
            try:
                await store_inline(query.inline_message_id, query.from_user.id, request)
            except StorageError as error:
                logger.warning(
                    "The buttons of an inline message will not work: %s",
                    error,
                    extra={"event": "inline_message_not_stored"},
                )
            await self._repeat(query, request, ack)

    async def _repeat(self, query: CallbackQuery, request: Request, ack: UpdateAck) -> None:
        request = replace(request, asked_at=int(shared_clock()))
        submit = partial(self.intake.submit_inline, request, ack)
        await self.running_buttons.run((query.inline_message_id, "repeat"), submit)
        await self._answer(query, "inline_fetching")

    async def _show(self, request: Request, cached: CachedPost, page: int, key: CacheKey) -> bool:
        """Show an item; return False if Telegram does not know its file any more."""
        presenter = self.presenters.presenter_of(request)
        options = presenter.options(cached.post, shown=len(cached.files), missing=0, page=page)
        try:
            await self.sender.show_inline(presenter.target, cached.files[page], options)
        except FileUnknownError:
            await self.lookup.file_id_cache.forget(key, cached)
            return False
        except DeliveryError as error:
            # Pressed twice, or too fast.
            logger.info(
                "Inline page update failed: %s", error, extra={"event": "inline_page_failed"}
            )
        return True

    async def _message(self, query: CallbackQuery) -> InlineMessage | None:
        try:
            return await find_inline(query.inline_message_id or "")
        except StorageError as error:
            logger.warning(
                "Could not look up an inline message: %s",
                error,
                extra={"event": "inline_lookup_failed"},
            )
            return None

    async def _answer(self, query: CallbackQuery, key: str, *, is_alert: bool = False) -> None:
        """Answer the press in the presser's language."""
        texts = self.texts[self.texts.closest(query.from_user.language_code)]
        await query.answer(texts[key], show_alert=is_alert)
