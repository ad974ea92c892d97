"""Request intake: from a message or a press to stored requests in the queue."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiogram.types import Message

from core.choices import NO_CHOICE, Choice
from core.errors import TooOldError
from core.formats import Quality
from core.media import Link
from core.preferences import Preferences
from core.request import ButtonPress, Kind, Request
from delivery.targets import ChatTarget
from misc.addressing import sender_of
from misc.group_rules import GroupRules
from misc.middlewares.registration import ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.served_links import ServedLinks
from misc.ui.callback_data import SLIDES
from misc.ui.presenter import PresenterFactory
from misc.ui.statuses import StatusFactory
from services.metrics import Metrics
from services.requests.context import RequestContext
from services.requests.queue import RequestHandle, RequestQueue
from services.requests.store import RequestStore, StoredRequest


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """How many requests are accepted."""

    #: Links of one message that are answered; the rest is ignored.
    links_per_message: int
    #: Messages of one chat in the queue.
    private_queue: int
    group_queue: int
    #: Older requests get a notice instead of an answer, in seconds.
    max_age_s: int


@dataclass(frozen=True, slots=True)
class RequestIntake:
    """Stores requests, and submits them to the queue."""

    store: RequestStore
    queue: RequestQueue[RequestContext]
    presenters: PresenterFactory
    statuses: StatusFactory
    metrics: Metrics
    limits: IntakeLimits
    groups: GroupRules
    served: ServedLinks

    async def submit_links(
        self,
        message: Message,
        links: Sequence[Link],
        chat: ChatView,
        ack: UpdateAck,
        choice: Choice = NO_CHOICE,
    ) -> RequestHandle:
        """Submit the requests for the links of a message, new or edited, as many as are allowed.

        Links that were accepted of the same message before are left out. `choice` is the version
        that the message asks for.
        """
        links = await self.wanted_links(message, links, chat.preferences)
        await self.served.load(message, ack.update_id)
        most = self.limits.links_per_message
        if len(links) > most:
            self._drop("too_many_links", message)
        taken = self.served.take(message, links, ack.update_id, most)
        if links and not taken:
            self._drop("served_links", message)
        return await self._submit_links(message, taken, chat, ack, choice)

    async def submit_again(
        self, message: Message, links: Sequence[Link], chat: ChatView, ack: UpdateAck
    ) -> RequestHandle:
        """Submit the requests for the links of a message once more."""
        links = await self.wanted_links(message, links, chat.preferences)
        most = self.limits.links_per_message
        return await self._submit_links(message, links[:most], chat, ack, NO_CHOICE)

    async def wanted_links(
        self, message: Message, links: Sequence[Link], preferences: Preferences
    ) -> Sequence[Link]:
        """Return the links of a message that its chat and its sender want answered."""
        if message.chat.type == "private":
            return links
        return await self.groups.allowed(message, links, preferences)

    async def submit_press(
        self,
        message: Message,
        link: Link,
        chat: ChatView,
        data: str,
        ack: UpdateAck,
        *,
        sender_id: int,
    ) -> RequestHandle:
        """Submit the request of a button; `data` is its callback data, `sender_id` who pressed."""
        kind: Kind = "slides" if data.startswith(SLIDES) else "sound"
        markup = message.reply_markup
        press = ButtonPress(data, markup.model_dump_json(exclude_none=True) if markup else "")
        request = _request(kind, link, message, chat, int(time.time()), sender_id)
        return await self._submit([replace(request, press=press)], ack)

    async def submit_version(
        self,
        message: Message,
        link: Link,
        chat: ChatView,
        choice: Choice,
        ack: UpdateAck,
        *,
        sender_id: int,
    ) -> RequestHandle:
        """Submit the request for a version of a post, as the answer to `message`."""
        request = _chosen(choice, link, message, chat, int(time.time()), sender_id)
        return await self._submit([request], ack)

    async def submit_inline(self, request: Request, ack: UpdateAck) -> RequestHandle:
        """Submit the request of an inline message; it stands in its sender's queue."""
        return await self._submit([request], ack)

    async def resume(self) -> None:
        """Continue the requests that other processes have left.

        Raises:
            StorageError: the database did not answer.
        """
        by_message: dict[object, list[StoredRequest]] = {}
        for stored in await self.store.take_over():
            request = stored.request
            key = (request.chat_id, request.message_id, request.press, request.inline_id)
            by_message.setdefault(key, []).append(stored)
        for entries in by_message.values():
            self._enqueue(entries, None)

    async def _allowed(
        self, message: Message, links: Sequence[Link], chat: ChatView
    ) -> Sequence[Link]:
        if message.chat.type == "private":
            return links
        return await self.groups.allowed(message, links, chat.preferences)

    async def _submit_links(
        self,
        message: Message,
        links: Sequence[Link],
        chat: ChatView,
        ack: UpdateAck,
        choice: Choice,
    ) -> RequestHandle:
        asked_at = int(message.date.timestamp())
        sender_id = sender_of(message)
        requests = [_chosen(choice, link, message, chat, asked_at, sender_id) for link in links]
        return await self._submit(requests, ack)

    async def _submit(self, requests: Sequence[Request], ack: UpdateAck) -> RequestHandle:
        """Store requests, acknowledge their update, and queue those that are new."""
        entries = await self.store.enter(ack.update_id, requests) if requests else []
        ack.give()
        if len(entries) < len(requests):
            self.metrics.dropped("repeated_update", requests[0].chat_id)
        if not entries:
            return RequestHandle(0)
        is_private = requests[0].is_private
        limits = self.limits
        return self._enqueue(entries, limits.private_queue if is_private else limits.group_queue)

    def _enqueue(self, entries: Sequence[StoredRequest], max_messages: int | None) -> RequestHandle:
        """Queue the requests of one message, which share a status indicator."""
        status = self.statuses.status_of(entries)
        contexts = [
            RequestContext(
                link=stored.request.link,
                target=ChatTarget.of_request(stored.request),
                file_mode=stored.request.file_mode,
                preferences=stored.request.preferences,
                status=status,
                presenter=self.presenters.presenter_of(stored.request),
                stored=stored,
            )
            for stored in entries
        ]
        if time.time() - entries[0].request.asked_at > self.limits.max_age_s:
            return self.queue.turn_away(contexts, TooOldError())
        return self.queue.submit(contexts, max_messages)

    def _drop(self, reason: str, message: Message) -> None:
        self.metrics.dropped(reason, message.chat.id)


def _chosen(
    choice: Choice,
    link: Link,
    message: Message,
    chat: ChatView,
    asked_at: int,
    sender_id: int | None,
) -> Request:
    """Return the request for a post in the version of a choice, or of the chat's settings."""
    if choice.quality or choice.is_file:
        preferences = replace(chat.preferences, quality=choice.quality or Quality.BEST)
        chat = replace(chat, preferences=preferences, file_mode=choice.is_file)
    kind: Kind = "sound" if chat.preferences.quality is Quality.SOUND else "post"
    request = _request(kind, link, message, chat, asked_at, sender_id)
    return replace(request, piece=choice.piece, is_mp3=choice.is_mp3)


def _request(
    kind: Kind, link: Link, message: Message, chat: ChatView, asked_at: int, sender_id: int | None
) -> Request:
    target = ChatTarget.of(message)
    # The name is stored only if the answer shows it, because the message itself is deleted then.
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
        sender_id=None if target.is_private else sender_id,
        thread_id=target.thread_id,
        business_id=target.business_id,
    )
