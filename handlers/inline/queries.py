"""Inline mode and guest mode: the bot in chats that it is not a member of."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from aiogram import Bot, Router
from aiogram.methods import AnswerGuestQuery
from aiogram.types import (
    ChosenInlineResult,
    InlineQuery,
    InlineQueryResultsButton,
    InlineQueryResultUnion,
    Message,
    User,
)

from core.access import Standing
from core.cached_post import CachedPost
from core.captions import MAX_CAPTION, cut
from core.choices import NO_CHOICE
from core.errors import DeliveryError, StorageError
from core.formats import Quality
from core.media import Link, Post
from core.pseudonyms import LoggedChat
from core.referrals import ACCESS
from core.request import Request
from data.downloads import record_download
from data.inline_messages import record_shown_post, store_inline
from delivery.api_requests import MessageOptions
from handlers.inline import cards
from handlers.inline.buttons import InlineButtons
from handlers.inline.lookup import Known, Lookup, Person
from misc.filters import Carries
from misc.intake import RequestIntake
from misc.message_links import links_of, page_of, replied_links, text_of
from misc.middlewares.access_gate import visitor_of_person
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.registration import STORES
from misc.middlewares.update_acks import UpdateAck
from misc.ui import keyboards
from misc.ui.callback_data import AGAIN, OLD_INLINE, PAGE
from misc.ui.presenter import ChatPresenter, PresenterFactory
from misc.ui.refusals import INLINE_LABELS, SENTENCES, way_in
from misc.ui.texts import Texts, named_choice
from platforms import Registry
from services.access import AccessPolicy
from services.metrics import Metrics

logger = logging.getLogger(__name__)

#: For a card's texts: the message that it becomes has no id yet.
_NO_MESSAGE: Final = "-"
#: Items of a post that are offered one by one; an answer has 50 results at most.
#: Source: https://core.telegram.org/bots/api#answerinlinequery
_MOST_ITEMS: Final = 48
#: Texts that number an item, by the kind of its file.
_NUMBERED: Final = {
    "photo": "inline_picture",
    "live_photo": "inline_picture",
    "video": "inline_video",
    "animation": "inline_video",
}
#: Shorter texts are still being typed.
_SHORTEST: Final = 12


def router(queries: "InlineQueries", buttons: InlineButtons) -> Router:
    """Register queries, chosen cards, calls as a guest, and the buttons below inline messages."""
    router = Router(name="inline")
    router.inline_query.register(queries.answer)
    router.chosen_inline_result.register(queries.choose)
    router.guest_message.register(queries.call)
    router.callback_query.register(buttons.retry, Carries(one_of=(AGAIN,)), flags=STORES)
    router.callback_query.register(buttons.turn_page, Carries(prefix=PAGE), flags=STORES)
    for prefix in OLD_INLINE:
        router.callback_query.register(buttons.revive, Carries(prefix=prefix), flags=STORES)
    return router


@dataclass(frozen=True, slots=True)
class InlineQueries:
    """Answers inline queries and guest calls, and turns chosen cards into requests."""

    bot: Bot
    texts: Texts
    registry: Registry
    lookup: Lookup
    intake: RequestIntake
    presenters: PresenterFactory
    deduplicator: Deduplicator
    metrics: Metrics
    access: AccessPolicy
    #: People who have never started the bot are served as well.
    is_for_everybody: bool

    async def answer(self, query: InlineQuery, ack: UpdateAck) -> None:
        """Answer a query at once: with cached media, or with an offer to fetch it."""
        ack.acknowledge()  # a lost query is harmless: the next keystroke sends another one
        links = self.registry.find_all(query.query, ())
        known = await self.lookup.in_time(query.from_user, links)
        texts = self.texts[known.person.lang]
        button = None
        results: list[InlineQueryResultUnion] = []
        standing = await self._standing(query.from_user)
        if standing is not Standing.ALLOWED:
            label = texts[INLINE_LABELS[standing]]
            button = InlineQueryResultsButton(text=label, start_parameter=ACCESS)
        elif self._is_turned_away(known.person):
            button = InlineQueryResultsButton(text=texts["inline_enable"], start_parameter="inline")
        elif known.link is None:
            results = self._hint(query.query, texts)
        elif named_choice(query.query) != NO_CHOICE:
            results = [cards.whole_post(texts, self._site(known.link))]
        elif known.post:
            request = self.lookup.request(
                "post", known.link, query.from_user, known.person, _NO_MESSAGE
            )
            results = self._known_cards(known, known.post, request)
        else:
            results = cards.unknown(texts, self._site(known.link))
        try:
            await query.answer(results, cache_time=0, is_personal=True, button=button)
        except DeliveryError as error:
            logger.info(
                "Could not answer an inline query of %s: %s",
                LoggedChat(query.from_user.id),
                error,
                extra={"event": "inline_answer_failed"},
            )

    async def choose(self, chosen: ChosenInlineResult, ack: UpdateAck) -> None:
        """Submit the request of a card that was sent; a card with cached media is only recorded."""
        links = self.registry.find_all(chosen.query, ())
        if not links:
            return
        link = self.lookup.fetcher.known(links[0])
        kind = cards.wanted(chosen.result_id)
        person = await self.lookup.person(chosen.from_user)
        standing = await self._standing(chosen.from_user)
        if kind is None:
            if chosen.result_id.startswith(cards.KNOWN):
                key = self.lookup.key(link, link.post_id or "", person.quality)
                await self._record(
                    chosen.from_user, person, link, await self.lookup.file_id_cache.find(key)
                )
            return
        inline_id = chosen.inline_message_id
        if inline_id is None:
            logger.warning(
                "A chosen card came without an id: set inline feedback to 100 %% at @BotFather",
                extra={"event": "inline_feedback_off"},
            )
            return
        request = self.lookup.request(
            kind, link, chosen.from_user, person, inline_id, named_choice(chosen.query)
        )
        await self._remember(request)
        if standing is not Standing.ALLOWED:
            await self._refuse(request, standing)
        elif self._is_turned_away(person):
            await self._invite(request)
        else:
            await self.intake.submit_inline(request, ack)

    async def call(self, message: Message, ack: UpdateAck) -> None:
        """Answer a call as a guest, about a link in the message or in the one that it answers."""
        user, call_id = message.from_user, message.guest_query_id
        is_first = self.deduplicator.is_first(message, ack.update_id)
        if user is None or call_id is None or not is_first:
            return
        registry = self.registry
        above = message.reply_to_message
        links = links_of(message, registry) or replied_links(message, registry)
        known = await self.lookup.in_time(user, links)
        texts = self.texts[known.person.lang]
        standing = await self._standing(user)
        if standing is not Standing.ALLOWED:
            await self._answer_call(call_id, self._refusal_card(standing, known.person))
            return
        if self._is_turned_away(known.person) or known.link is None:
            button = keyboards.link_button(
                texts["inline_enable"], f"https://t.me/{self.presenters.bot_username}?start=inline"
            )
            page = page_of(message, registry) or (page_of(above, registry) if above else None)
            text = texts[page.error.text_key if page else "inline_usage"]
            (card,) = cards.hint(texts["inline_hint"], text, button)
            await self._answer_call(call_id, card)
            return
        choice = named_choice(text_of(message))
        # What is known is the usual version.
        post = known.post if choice == NO_CHOICE else None
        request = self.lookup.request("post", known.link, user, known.person, _NO_MESSAGE)
        inline_id = await self._answer_call(call_id, self._guest_card(post, request))
        if inline_id is None:
            return
        ack.acknowledge()  # a call can be answered once: the update must not come again
        request = self.lookup.request("post", known.link, user, known.person, inline_id, choice)
        await self._remember(request)
        if post:
            await self._note_shown(inline_id, post)
            await self._record(user, known.person, known.link, post)
        else:
            await self.intake.submit_inline(request, ack)

    def _hint(self, text: str, texts: Mapping[str, str]) -> list[InlineQueryResultUnion]:
        """Return the card for a query without a link to a post."""
        if page := self.registry.find_page(text):
            return cards.hint(
                texts["inline_no_post"],
                texts["inline_usage"],
                description=texts[page.error.text_key],
            )
        is_typing = len(text.strip()) < _SHORTEST
        key = "inline_hint" if is_typing else "inline_foreign"
        return cards.hint(texts[key], texts["inline_usage"])

    def _known_cards(
        self, known: Known, cached: CachedPost, request: Request
    ) -> list[InlineQueryResultUnion]:
        """Return the cards of a cached post: as a whole, its items one by one, and its audio."""
        lang, texts = known.person.lang, self.texts[known.person.lang]
        presenter = self.presenters.presenter_of(request)
        files = cached.files[:_MOST_ITEMS]
        if len(files) == 1:
            options = _whole_options(presenter, cached, request)
            results = [cards.single(1, files[0], texts["inline_post"], options)]
        else:
            results = [cards.whole_post(texts, self._site(request.link))]
        for number, file in enumerate(files, start=1) if len(files) > 1 else ():
            key = _NUMBERED.get(file.kind, "inline_file")
            title = self.texts(lang, key, number=number, total=len(cached.files))
            options = _item_options(presenter, cached.post, title)
            results.append(cards.single(number, file, title, options))
        if known.audio and not cached.post.is_track:
            audio_options = presenter.audio_options(cached.post)
            results.append(cards.sound(known.audio, texts["inline_sound"], audio_options))
        return results

    def _guest_card(self, post: CachedPost | None, request: Request) -> InlineQueryResultUnion:
        """Return the card for a call: a cached post's first item, or a placeholder."""
        texts = self.texts[request.chat.lang]
        if post is None:
            return cards.unknown(texts, self._site(request.link))[0]
        options = _whole_options(self.presenters.presenter_of(request), post, request)
        return cards.single(1, post.files[0], texts["inline_post"], options)

    async def _answer_call(self, call_id: str, card: InlineQueryResultUnion) -> str | None:
        """Answer a call; return the id of the inline message, or None if Telegram refused."""
        try:
            sent = await self.bot(AnswerGuestQuery(guest_query_id=call_id, result=card))
        except DeliveryError as error:
            logger.info(
                "Could not answer a guest call: %s", error, extra={"event": "guest_answer_failed"}
            )
            return None
        return sent.inline_message_id

    def _is_turned_away(self, person: Person) -> bool:
        return person.is_registered is False and not self.is_for_everybody

    def _site(self, link: Link) -> str:
        return self.registry.by_name[link.platform].title

    async def _standing(self, user: User) -> Standing:
        return await self.access.judge(visitor_of_person(user))

    def _refusal_card(self, standing: Standing, person: Person) -> InlineQueryResultUnion:
        text = self.texts[person.lang][SENTENCES[standing]]
        title = self.texts[person.lang][INLINE_LABELS[standing]]
        (card,) = cards.hint(title, text, way_in(standing, self.access, self.texts, person.lang))
        return card

    async def _refuse(self, request: Request, standing: Standing) -> None:
        lang = request.chat.lang
        text = self.texts[lang][SENTENCES[standing]]
        buttons = way_in(standing, self.access, self.texts, lang)
        presenter = self.presenters.presenter_of(request)
        try:
            await self.presenters.sender.edit_inline(presenter.target, text, buttons)
        except DeliveryError as error:
            logger.info(
                "Could not turn an inline message into a refusal: %s",
                error,
                extra={"event": "inline_refusal_failed"},
            )

    async def _invite(self, request: Request) -> None:
        try:
            await self.presenters.presenter_of(request).invite()
        except DeliveryError as error:
            logger.info(
                "Could not turn an inline message into an invitation: %s",
                error,
                extra={"event": "inline_invitation_failed"},
            )

    async def _remember(self, request: Request) -> None:
        """Store the owner of an inline message, for its buttons."""
        inline_id = request.target.inline_id
        assert inline_id
        try:
            await store_inline(inline_id, request.chat_id, request)
        except StorageError as error:
            logger.warning(
                "The buttons of an inline message will not work: %s",
                error,
                extra={"event": "inline_message_not_stored"},
            )

    async def _note_shown(self, inline_id: str, shown: CachedPost) -> None:
        try:
            await record_shown_post(inline_id, shown.post.id)
        except StorageError as error:
            logger.warning(
                "The page buttons of an inline message will not work: %s",
                error,
                extra={"event": "inline_page_not_recorded"},
            )

    async def _record(
        self, user: User, person: Person, link: Link, shown: CachedPost | None
    ) -> None:
        """Count an inline message with cached media, and record it for registered people."""
        self.metrics.delivered(link.platform, is_known=True)
        if not person.is_registered:
            return
        try:
            await record_download(
                user.id,
                link.url,
                is_images=bool(shown and shown.post.has_pictures),
                is_processed=False,
                is_inline=True,
                ads=None,
            )
        except StorageError as error:
            logger.warning(
                "Could not record an inline message: %s",
                error,
                extra={"event": "delivery_not_recorded"},
            )


def _whole_options(
    presenter: ChatPresenter, cached: CachedPost, request: Request
) -> MessageOptions:
    """Return caption and buttons of a cached post, as its message in a chat would have them."""
    if request.chat.preferences.quality is Quality.SOUND:
        return presenter.audio_options(cached.post)
    return presenter.options(cached.post, shown=len(cached.files), missing=0)


def _item_options(presenter: ChatPresenter, post: Post, title: str) -> MessageOptions:
    """Return caption and buttons of one item, whose caption begins with its number."""
    # The number needs room that the caption of the whole post may fill with its text.
    details = replace(post.details, text=cut(post.details.text, MAX_CAPTION // 2))
    short = replace(post, details=details)
    options = presenter.options(short, shown=len(post.items), missing=0)
    caption = f"{Texts.escaped(title)}\n{options.caption}"
    return replace(options, caption=caption, buttons=keyboards.under_inline(post, 0, 1))
