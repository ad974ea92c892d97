"""Inline mode: what is typed behind the bot's name in any chat, and the messages that come of it."""

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import Final, cast

from aiogram import Bot
from aiogram.types import (
    CallbackQuery,
    ChosenInlineResult,
    InlineQuery,
    InlineQueryResultsButton,
    User,
)

from core.cached import CachedPost, CacheKey
from core.errors import DeliveryError, FileUnknownError, StorageError
from core.formats import Quality
from core.media import Link, RemoteFile
from core.request import Kind, Request
from core.wishes import USUAL
from data.chats import find_chat
from data.downloads import record_download
from data.errors import storage_errors
from data.inline_messages import InlineMessage, find_inline, store_inline
from data.media_cache import find_cached, forget_cached
from delivery.telegram_errors import translated
from misc import inline_cards
from misc.callbacks import PAGE
from misc.orders import OrderDesk
from misc.receipts import Receipt
from misc.texts import Texts
from platforms import Sources

logger = logging.getLogger(__name__)

#: Telegram drops an answer that comes too late; what the database has not said by then is left out.
_BUDGET_S: Final = 2.0
#: For the words of a card: the message that it becomes has no id yet.
_NO_MESSAGE: Final = "-"
#: Shorter texts are the beginning of something.
_SHORTEST: Final = 12


@dataclass(frozen=True, slots=True)
class Person:
    """Who types, as far as that is known."""

    lang: str
    quality: Quality
    #: None when the database did not say in time.
    is_registered: bool | None


@dataclass(frozen=True, slots=True)
class InlineDesk:
    """Answers queries, and turns chosen cards into requests."""

    bot: Bot
    texts: Texts
    sources: Sources
    orders: OrderDesk
    #: People who never pressed /start are served as well.
    is_for_everybody: bool

    async def answer(self, query: InlineQuery) -> None:
        """Answer a query at once: with the media if Telegram has it, else with an offer to fetch it."""
        person, link, cached = await self._known_in_time(query)
        texts = self.texts[person.lang]
        button = None
        if person.is_registered is False and not self.is_for_everybody:
            button = InlineQueryResultsButton(text=texts["inline_enable"], start_parameter="inline")
            cards = []
        elif link is None:
            is_typing = len(query.query.strip()) < _SHORTEST
            key = "inline_hint" if is_typing else "inline_foreign"
            cards = inline_cards.hint(texts[key], texts["inline_usage"])
        elif cached:
            post, sound = cached
            request = self._request("post", link, query.from_user, person, _NO_MESSAGE)
            look = self.orders.voice(request).look(post.post, shown=1, missing=0)
            cards = inline_cards.known(post.files, look, sound, texts)
        else:
            title = self.orders.registry.by_name[link.platform].title
            cards = inline_cards.unknown(texts, title)
        try:
            with translated():
                await query.answer(cards, cache_time=0, is_personal=True, button=button)
        except DeliveryError as error:
            logger.info("An inline query of %d got no answer: %s", query.from_user.id, error)

    async def choose(self, chosen: ChosenInlineResult, receipt: Receipt) -> None:
        """Make the request for a card that was sent; media that was known is only recorded."""
        link = self._link(chosen.query)
        kind = inline_cards.FETCH.get(chosen.result_id)
        if link is None:
            return
        if kind is None:
            await self._record(chosen, link)
            return
        inline_id = chosen.inline_message_id
        if inline_id is None:
            logger.warning("A chosen card came without an id: inline feedback must be at 100 %%")
            return
        person = await self._person(chosen.from_user)
        request = self._request(cast("Kind", kind), link, chosen.from_user, person, inline_id)
        try:
            with storage_errors():
                await store_inline(inline_id, chosen.from_user.id, request)
        except StorageError as error:
            logger.warning("An inline message cannot be tried again: %s", error)
        if person.is_registered is False and not self.is_for_everybody:
            await self._invite(request)
            return
        await self.orders.submit_inline(request, receipt)

    async def try_again(self, query: CallbackQuery, receipt: Receipt) -> None:
        """Make the request of an inline message once more, for its owner."""
        texts = self.texts[self.texts.closest(query.from_user.language_code)]
        message = await self._message(query)
        if message is None:
            await query.answer(texts["button_expired"], show_alert=True)
        elif message.owner_id != query.from_user.id:
            await query.answer(texts["not_yours"])
        else:
            await query.answer()
            request = replace(message.request, asked_at=int(time.time()))
            await self.orders.submit_inline(request, receipt)

    async def turn(self, query: CallbackQuery, receipt: Receipt) -> None:
        """Show another item of an album. Anybody may; what is gone is made anew for the owner."""
        texts = self.texts[self.texts.closest(query.from_user.language_code)]
        number = (query.data or "").removeprefix(PAGE)
        message = await self._message(query)
        page = int(number) if number.isascii() and number.isdigit() else -1
        if message is None or message.post_id is None or page < 0:
            await query.answer(texts["button_expired"], show_alert=True)
            return
        request = message.request
        person = Person(request.lang, request.wishes.quality, None)
        key = self._key(request.link, message.post_id, person)
        cached = await self._cached(key)
        if cached and page < len(cached.files) and await self._show(request, cached, page, key):
            await query.answer()
        elif message.owner_id == query.from_user.id:
            await query.answer(texts["inline_fetching"])
            await self.orders.submit_inline(replace(request, asked_at=int(time.time())), receipt)
        else:
            await query.answer(texts["not_yours"])

    async def _show(self, request: Request, cached: CachedPost, page: int, key: CacheKey) -> bool:
        """Show an item; False when Telegram does not know its file any more."""
        voice = self.orders.voice(request)
        look = voice.look(cached.post, shown=len(cached.files), missing=0, page=page)
        try:
            await self.orders.sender.show_inline(voice.target, cached.files[page], look)
        except FileUnknownError:
            with storage_errors():
                await forget_cached(key, cached.version)
            return False
        except DeliveryError as error:
            logger.info("A page is not turned: %s", error)  # pressed twice, or too fast
        return True

    async def _invite(self, request: Request) -> None:
        try:
            await self.orders.voice(request).invite()
        except DeliveryError as error:
            logger.info("An inline message is no invitation: %s", error)

    async def _known_in_time(
        self, query: InlineQuery
    ) -> tuple[Person, Link | None, tuple[CachedPost, RemoteFile | None] | None]:
        """Look up the person and the post, as far as the database says in time."""
        link = self._link(query.query)
        person = Person(self.texts.closest(query.from_user.language_code), Quality.BEST, None)
        cached = sound = None
        try:
            async with asyncio.timeout(_BUDGET_S):
                person = await self._person(query.from_user)
                if link and link.post_id:
                    cached = await self._cached(self._key(link, link.post_id, person))
                    sound = await self._cached(self._key(link, link.post_id, None))
        except TimeoutError:
            logger.warning("The database is too slow for inline answers")
        files = sound.files if sound else ()
        return person, link, (cached, next(iter(files), None)) if cached else None

    async def _person(self, user: User) -> Person:
        lang = self.texts.closest(user.language_code)
        try:
            with storage_errors():
                record = await find_chat(user.id)
        except StorageError as error:
            logger.warning("Inline without the database: %s", error)
            return Person(lang, Quality.BEST, None)
        if record is None:
            return Person(lang, Quality.BEST, is_registered=False)
        known = record.lang if record.lang in self.texts else lang
        return Person(known, record.wishes.quality, is_registered=True)

    def _link(self, text: str) -> Link | None:
        """Find the link in a query; a short one with its post, if that is known."""
        links = self.orders.registry.find_all(text, ())
        return self.sources.known(links[0]) if links else None

    def _request(
        self, kind: Kind, link: Link, user: User, person: Person, inline_id: str
    ) -> Request:
        if person.quality is Quality.SOUND:
            kind = "sound"
        return Request(
            kind=kind,
            link=link,
            chat_id=user.id,
            message_id=0,
            is_private=True,
            asked_at=int(time.time()),
            lang=person.lang,
            wishes=replace(USUAL, quality=person.quality),
            inline_id=inline_id,
            is_registered=bool(person.is_registered),
        )

    def _key(self, link: Link, post_id: str, person: Person | None) -> CacheKey:
        """Give the key of a post as a person wants it; without one, of its sound."""
        quality = person.quality if person else Quality.SOUND
        variant = "sound" if quality is Quality.SOUND else f"media/{quality}"
        return CacheKey(self.bot.id, link.platform, post_id, variant)

    async def _cached(self, key: CacheKey) -> CachedPost | None:
        try:
            with storage_errors():
                return await find_cached(key)
        except StorageError as error:
            logger.warning("The shelf cannot be read: %s", error)
            return None

    async def _message(self, query: CallbackQuery) -> InlineMessage | None:
        try:
            with storage_errors():
                return await find_inline(query.inline_message_id or "")
        except StorageError as error:
            logger.warning("An inline message cannot be looked up: %s", error)
            return None

    async def _record(self, chosen: ChosenInlineResult, link: Link) -> None:
        """Write the history of known media that somebody who is registered has sent."""
        if not chosen.result_id.startswith(inline_cards.KNOWN):
            return
        person = await self._person(chosen.from_user)
        if person.is_registered:
            cached = await self._cached(self._key(link, link.post_id or "", person))
            try:
                with storage_errors():
                    await record_download(
                        chosen.from_user.id,
                        link.url,
                        is_images=bool(cached and cached.post.has_pictures),
                        is_processed=False,
                        is_inline=True,
                        ads=False,
                    )
            except StorageError as error:
                logger.warning("An inline message is not recorded: %s", error)
