"""Request intake: from a message or a press to stored requests in the queue."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiogram.types import Message

from core.errors import TooOldError
from core.formats import Quality
from core.media import Link
from core.request import ButtonPress, Kind, Request, Ticket
from delivery.targets import ChatTarget
from misc.middlewares.registration import ChatView
from misc.middlewares.update_acks import UpdateAck
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
    bot_id: int

    async def submit_links(
        self, message: Message, links: Sequence[Link], chat: ChatView, ack: UpdateAck
    ) -> RequestHandle:
        """Submit the requests for the links of a message, as many as are allowed."""
        preferences = chat.preferences
        if message.chat.type != "private":
            if preferences.only_mentioned and not self._mentions_bot(message):
                self._drop("not_mentioned", message)
                links = ()
            muted = [link for link in links if link.platform in preferences.muted]
            if muted:
                self._drop("muted_site", message)
                links = [link for link in links if link not in muted]
        if len(links) > self.limits.links_per_message:
            self._drop("too_many_links", message)
        kind: Kind = "sound" if preferences.quality is Quality.SOUND else "post"
        asked_at = int(message.date.timestamp())
        requests = [
            _request(kind, link, message, chat, asked_at)
            for link in links[: self.limits.links_per_message]
        ]
        return await self._submit(requests, ack)

    async def submit_press(
        self,
        message: Message,
        link: Link,
        chat: ChatView,
        data: str,
        ack: UpdateAck,
        *,
        asker_id: int,
    ) -> RequestHandle:
        """Submit the request of a button; `data` is its callback data, `asker_id` its presser."""
        kind: Kind = "slides" if data.startswith(SLIDES) else "sound"
        markup = message.reply_markup
        press = ButtonPress(data, markup.model_dump_json(exclude_none=True) if markup else "")
        request = _request(kind, link, message, chat, int(time.time()))
        request = replace(request, press=press, asker_id=asker_id)
        return await self._submit([request], ack)

    async def submit_inline(self, request: Request, ack: UpdateAck) -> RequestHandle:
        """Submit the request of an inline message; it stands in its sender's queue."""
        return await self._submit([request], ack)

    async def resend(self, ticket: Ticket, ack: UpdateAck) -> bool:
        """Send the answer to a request again; return False if another press has done that.

        Raises:
            StorageError: the database did not answer.
        """
        stored = await self.store.reopen(ticket)
        ack.give()
        if stored is None:
            return False
        # Like a request of another process, it was accepted already.
        self._enqueue([stored], None)
        return True

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

    def _mentions_bot(self, message: Message) -> bool:
        text = message.text or message.caption or ""
        reply = message.reply_to_message
        is_reply = bool(reply and reply.from_user and reply.from_user.id == self.bot_id)
        name = re.escape(self.presenters.bot_username)
        return is_reply or bool(re.search(rf"@{name}\b", text, re.IGNORECASE))

    def _drop(self, reason: str, message: Message) -> None:
        self.metrics.dropped(reason, message.chat.id)


def _request(kind: Kind, link: Link, message: Message, chat: ChatView, asked_at: int) -> Request:
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
        thread_id=target.thread_id,
        business_id=target.business_id,
        asker_id=message.from_user.id if message.from_user else None,
    )
