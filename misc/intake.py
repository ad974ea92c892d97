"""From a message to the orders that the services can serve."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aiogram import Bot
from aiogram.types import InlineKeyboardMarkup, Message

from core.ads import Ad
from core.errors import TooOldError
from core.formats import Quality
from core.media import Link
from core.request import ButtonPress, Kind, Request
from delivery.api_requests import MessageOptions
from delivery.sender import Sender
from delivery.status_indicator import (
    ButtonStatus,
    InlineStatus,
    InlineStatusTexts,
    NoStatus,
    StatusIndicator,
)
from delivery.targets import ChatTarget
from misc.middlewares.registration import ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui import keyboards
from misc.ui.callback_data import SLIDES
from misc.ui.presenter import ChatPresenter
from misc.ui.texts import Texts
from platforms import Registry
from services.metrics import Metrics
from services.requests.audio import AudioService, SlideVideoService
from services.requests.pipeline import RequestContext, RequestJob, Service
from services.requests.posts import PostService
from services.requests.queue import RequestQueue
from services.requests.store import RequestStore, StoredRequest


@dataclass(frozen=True, slots=True)
class RequestIntake:
    """Has requests stored, writes the orders for them and hands these in."""

    bot: Bot
    sender: Sender
    texts: Texts
    registry: Registry
    downloads: PostService
    audios: AudioService
    slides: SlideVideoService
    request_queue: RequestQueue
    request_store: RequestStore
    metrics: Metrics
    #: Without the @.
    bot_username: str
    ads: Sequence[Ad]
    #: Of one message, no more links than these are answered.
    links_per_message: int
    #: A chat may have so many messages in the queue.
    private_queue: int
    group_queue: int
    #: What was asked for so many seconds ago is not answered any more.
    max_age_s: int
    #: Chats that are told more about a failure.
    admins: frozenset[int]
    #: What stands below a post in private chats.
    extras: keyboards.Extras

    async def submit_links(
        self,
        message: Message,
        links: Sequence[Link],
        chat: ChatView,
        ack: UpdateAck,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Hand in the requests for the links of a message, as many as are allowed.

        `at_end` is called when one of them has ended.
        """
        preferences = chat.preferences
        if message.chat.type != "private":
            if preferences.only_mentioned and not self._mentions_us(message):
                return
            links = [link for link in links if link.platform not in preferences.muted]
        kind: Kind = "sound" if preferences.quality is Quality.SOUND else "post"
        asked_at = int(message.date.timestamp())
        requests = [
            _request(kind, link, message, chat, asked_at)
            for link in links[: self.links_per_message]
        ]
        await self._submit(requests, chat, ack, at_end)

    async def submit_press(
        self,
        message: Message,
        link: Link,
        chat: ChatView,
        data: str,
        ack: UpdateAck,
        at_end: Callable[[], None],
    ) -> None:
        """Hand in the request for what a button of ours offers."""
        kind: Kind = "slides" if data.startswith(SLIDES) else "sound"
        markup = message.reply_markup
        press = ButtonPress(data, markup.model_dump_json(exclude_none=True) if markup else "")
        request = _request(kind, link, message, chat, int(time.time()))
        await self._submit([replace(request, press=press)], chat, ack, at_end)

    async def submit_inline(
        self, request: Request, ack: UpdateAck, at_end: Callable[[], None] = lambda: None
    ) -> None:
        """Hand in the request of an inline message; it stands in its sender's own queue."""
        entries = await self.request_store.enter(ack.update_id, [request])
        ack.give()
        if entries:
            self._hand_in(entries, self.private_queue, at_end)
        else:
            at_end()

    async def resume(self) -> None:
        """Go on with what others have left.

        Raises:
            StorageError: the database did not say what that is.
        """
        by_message: dict[object, list[StoredRequest]] = {}
        for stored in await self.request_store.take_over():
            request = stored.request
            key = (request.chat_id, request.message_id, request.press, request.inline_id)
            by_message.setdefault(key, []).append(stored)
        for entries in by_message.values():
            self._hand_in(entries, None)

    async def _submit(
        self,
        requests: Sequence[Request],
        chat: ChatView,
        ack: UpdateAck,
        at_end: Callable[[], None],
    ) -> None:
        entries = await self.request_store.enter(ack.update_id, requests) if requests else []
        ack.give()
        if chat.greet:
            await chat.greet()
        if entries:
            is_private = requests[0].is_private
            most = self.private_queue if is_private else self.group_queue
            self._hand_in(entries, most, at_end)
        else:
            at_end()

    def _hand_in(
        self,
        entries: Sequence[StoredRequest],
        most: int | None,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Hand in the orders of one message, under one light."""
        status = self._status(entries)
        request_queue = []
        for stored in entries:
            service, context = self._order(stored, status)
            request_queue.append(RequestJob(service, context, at_end))
        if time.time() - entries[0].request.asked_at > self.max_age_s:
            self.request_queue.turn_away(request_queue, TooOldError())
        else:
            self.request_queue.submit(request_queue, most)

    def _status(self, entries: Sequence[StoredRequest]) -> StatusIndicator:
        request = entries[0].request
        target = _target(request)
        # Another process may have lit it.
        is_lit = entries[0].is_resumed
        if target.inline_id:
            words = self._inline_words(request.lang)
            return InlineStatus(self.bot, self.sender, target, words)
        if target.business_id:
            return NoStatus(self.bot, self.sender, target, requests=len(entries))
        if press := request.press:
            keyboard = None
            if press.keyboard:
                keyboard = InlineKeyboardMarkup.model_validate_json(press.keyboard)
            return ButtonStatus(self.bot, self.sender, target, keyboard, press.data, is_lit=is_lit)
        return StatusIndicator(
            self.bot,
            self.sender,
            target,
            requests=len(entries),
            deletes_request=request.preferences.delete_request and not request.is_private,
            is_lit=is_lit,
        )

    def _inline_words(self, lang: str) -> InlineStatusTexts:
        """Give what an inline message says on the way; it keeps a button, so that it can be edited."""

        def options(key: str, **facts: int) -> MessageOptions:
            return MessageOptions(self.texts(lang, key, **facts), keyboards.hourglass())

        return InlineStatusTexts(
            working=options("inline_working"),
            sending=options("inline_sending"),
            attempt=lambda number, most: options("inline_attempt", number=number, total=most),
        )

    def _order(
        self, stored: StoredRequest, status: StatusIndicator
    ) -> tuple[Service, RequestContext]:
        request = stored.request
        target = _target(request)
        services: dict[Kind, Service] = {
            "post": self.downloads,
            "sound": self.audios,
            "slides": self.slides,
        }
        context = RequestContext(
            link=request.link,
            target=target,
            file_mode=request.file_mode,
            preferences=request.preferences,
            status=status,
            presenter=self.presenter(request),
            stored=stored,
            metrics=self.metrics,
        )
        return services[request.kind], context

    def presenter(self, request: Request) -> ChatPresenter:
        """Give the words for a request."""
        target = _target(request)
        return ChatPresenter(
            texts=self.texts,
            sender=self.sender,
            target=target,
            link=request.link,
            lang=request.lang,
            preferences=request.preferences,
            asker=request.asker,
            bot_username=self.bot_username,
            ads=self.ads,
            can_retry=request.press is None,
            # What others see in their chats is not for diagnostics.
            is_admin=target.chat_id in self.admins and not target.inline_id,
            extras=self.extras,
        )

    def _mentions_us(self, message: Message) -> bool:
        text = message.text or message.caption or ""
        reply = message.reply_to_message
        is_reply = bool(reply and reply.from_user and reply.from_user.id == self.bot.id)
        name = re.compile(rf"@{re.escape(self.bot_username)}\b", re.IGNORECASE)
        return is_reply or bool(name.search(text))


def _request(kind: Kind, link: Link, message: Message, chat: ChatView, asked_at: int) -> Request:
    target = ChatTarget.of(message)
    # A name is kept only where the answer will show it, because the message itself is deleted.
    shows_name = chat.preferences.delete_request and not target.is_private
    return Request(
        kind=kind,
        link=link,
        chat_id=target.chat_id,
        message_id=target.message_id,
        is_private=target.is_private,
        asked_at=asked_at,
        lang=chat.lang,
        file_mode=chat.file_mode,
        preferences=chat.preferences,
        asker=message.from_user.full_name if message.from_user and shows_name else "",
        thread_id=target.thread_id,
        business_id=target.business_id,
    )


def _target(request: Request) -> ChatTarget:
    return ChatTarget(
        chat_id=request.chat_id,
        message_id=request.message_id,
        is_private=request.is_private,
        thread_id=request.thread_id,
        business_id=request.business_id,
        inline_id=request.inline_id,
    )
