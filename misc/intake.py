"""Request intake: from a message or a press to stored requests in the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from aiogram.types import CallbackQuery, Message

from core.choices import NO_CHOICE, Choice
from core.clock import shared_clock
from core.drop_reasons import DropReason
from core.errors import LinksLeftOutError, TooOldError
from core.lists import ListCard, split_by_room
from core.media import Link
from core.preferences import Preferences
from core.request import (
    Asker,
    ButtonPress,
    ChatSettings,
    Continuation,
    Kind,
    Origin,
    Request,
    Selection,
    Ticket,
    press_id,
    with_choice,
)
from data.requests import stored_numbers
from delivery.targets import ChatTarget, target_of
from misc.addressing import name_of, sender_of
from misc.group_rules import GroupRules
from misc.message_links import carried_links
from misc.middlewares.registration import ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.queue_notices import QueueNotices, Remaining
from misc.served_links import ServedLinks
from misc.ui.callback_data import ARCHIVE, LIST, SLIDES, RemainingLinks
from misc.ui.presenter import PresenterFactory
from misc.ui.statuses import StatusFactory
from platforms import Registry
from services.metrics import Metrics
from services.requests.context import RequestContext
from services.requests.queue import RequestHandle, RequestQueue
from services.requests.store import RequestStore, StoredRequest


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """How many requests are accepted."""

    #: Links of one message that are answered at once; a button fetches the others.
    links_per_message: int
    #: Links of one person in the queue, over all chats.
    waiting_links: int
    #: Messages of one chat in the queue.
    private_queue: int
    group_queue: int
    #: Older requests get a notice instead of an answer, in seconds.
    max_age_s: int
    #: Posts that the card of a list offers; 0: such a link gets a hint instead.
    list_items: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What has become of the posts that were chosen from a list."""

    #: How many are asked for now.
    new: int
    #: How many find no room, because too many links of the person wait.
    left: int


@dataclass(frozen=True, slots=True)
class RequestIntake:
    """Stores requests, and submits them to the queue."""

    store: RequestStore
    queue: RequestQueue[RequestContext]
    presenters: PresenterFactory
    statuses: StatusFactory
    notices: QueueNotices
    metrics: Metrics
    limits: IntakeLimits
    groups: GroupRules
    served: ServedLinks
    registry: Registry

    async def submit_links(
        self,
        message: Message,
        links: Sequence[Link],
        chat: ChatView,
        ack: UpdateAck,
        choice: Choice = NO_CHOICE,
    ) -> RequestHandle:
        """Submit the requests for the links of a message, new or edited; offer those too many.

        Links that were accepted of the same message before are left out. `choice` is the version
        that the message asks for.
        """
        allowed = await self.wanted_links(message, links, chat.preferences)
        await self.served.load(message, ack.update_id)
        most = self.limits.links_per_message
        taken, left = self.served.take(message, allowed, ack.update_id, most)
        if allowed and not taken and not left:
            self._drop("served_links", message)
        portion = _Portion(taken, left)
        requests = self._requests(message, links, chat, portion, choice)
        handle = await self._submit(requests, ack, ack.update_id)
        if left and requests:
            await self._offer_remaining(message, requests[0], links, left, choice)
        elif left:
            self._drop("too_many_links", message)
        return handle

    async def submit_again(
        self, message: Message, links: Sequence[Link], chat: ChatView, ack: UpdateAck
    ) -> RequestHandle:
        """Submit the requests for the links of a message once more."""
        portion = self._portion(message, links, chat, 0, self.limits.links_per_message)
        requests = self._requests(message, links, chat, portion, NO_CHOICE)
        return await self._submit(requests, ack, ack.update_id)

    async def submit_link(
        self,
        message: Message,
        links: Sequence[Link],
        index: int,
        chat: ChatView,
        ack: UpdateAck,
    ) -> RequestHandle:
        """Submit the request for one of the links of a message."""
        portion = self._portion(message, links, chat, index, 1)
        requests = self._requests(message, links, chat, portion, NO_CHOICE)
        return await self._submit(requests, ack, ack.update_id)

    async def submit_remaining_links(
        self,
        note: Message,
        links: Sequence[Link],
        button: RemainingLinks,
        chat: ChatView,
        ack: UpdateAck,
        choice: Choice = NO_CHOICE,
    ) -> bool:
        """Submit further links of a message.

        `note` is the message with the button, a reply to the message with the links. It shows what
        is left afterwards. Return False if an earlier press has submitted them.
        """
        assert note.reply_to_message is not None
        # Telegram need not repeat the connection in it.
        connection = {"business_connection_id": note.business_connection_id}
        message = note.reply_to_message.model_copy(update=connection)
        if button.person is not None:
            chat = _keeping_message(chat)  # another person's
        most = self.limits.links_per_message
        portion = self._portion(message, links, chat, button.start, most)
        requests = self._requests(message, links, chat, portion, choice)
        is_new = False
        if requests:
            requests = [_pressed(request, button.person) for request in requests]
            key = press_id(
                note.chat.id,
                note.message_id,
                str(RemainingLinks(button.start)),
                note.business_connection_id,
            )
            is_new = not (await self._submit(requests, ack, key)).is_empty
        remaining = _remaining(links, portion.left, button)
        await self.notices.update_offer(note, chat.lang, remaining)
        return is_new

    async def submit_press(
        self, query: CallbackQuery, message: Message, link: Link, chat: ChatView, ack: UpdateAck
    ) -> RequestHandle:
        """Submit the request of a button below `message`."""
        data = query.data or ""
        kinds: Mapping[str, Kind] = {SLIDES: "slides", ARCHIVE: "archive"}
        kind: Kind = kinds.get(f"{data.partition('/')[0]}/", "sound")
        # If another button's request runs, that one must come back also after a restart.
        markup = self.statuses.whole_keyboard(message)
        press = ButtonPress(data, markup.model_dump_json(exclude_none=True) if markup else "")
        if kind == "archive":  # which has the original files
            chat = replace(chat, file_mode=True)
        request = _request(kind, link, message, chat, int(shared_clock()), query.from_user.id)
        request = replace(request, origin=Origin(press=press))
        return await self._submit([request], ack, ack.update_id)

    async def submit_version(
        self,
        query: CallbackQuery,
        message: Message,
        link: Link,
        chat: ChatView,
        choice: Choice,
        ack: UpdateAck,
    ) -> RequestHandle:
        """Submit the request for a version of a post, as the answer to `message`."""
        sender_id = query.from_user.id
        request = _chosen(choice, link, message, chat, int(shared_clock()), sender_id)
        return await self._submit([request], ack, ack.update_id)

    async def submit_remaining_items(
        self,
        query: CallbackQuery,
        message: Message,
        link: Link,
        chat: ChatView,
        continuation: Continuation,
        ack: UpdateAck,
    ) -> RequestHandle:
        """Submit the request for further items of a post, as the answer to `message`."""
        # The message that is answered is the bot's own.
        chat, now = _keeping_message(chat), int(shared_clock())
        request = _request("post", link, message, chat, now, query.from_user.id)
        request = replace(request, selection=Selection(continuation=continuation))
        return await self._submit([request], ack, ack.update_id)

    async def submit_list(
        self, message: Message, link: Link, chat: ChatView, ack: UpdateAck
    ) -> RequestHandle:
        """Submit the request for the card of a list that a message links to."""
        wanted = await self.wanted_links(message, [link], chat.preferences)
        asked_at, sender_id = int(message.date.timestamp()), sender_of(message)
        # The posts that are chosen answer this message.
        chat = _keeping_message(chat)
        requests = [_request("list", one, message, chat, asked_at, sender_id) for one in wanted]
        return await self._submit(requests, ack, ack.update_id)

    async def submit_entries(
        self,
        query: CallbackQuery,
        message: Message,
        card: ListCard,
        links: Mapping[int, Link],
        chat: ChatView,
        ack: UpdateAck,
    ) -> Taken:
        """Submit the requests for entries of a list; each is asked for once.

        `message` is the card. `links` are those of the entries, by their indexes.

        Raises:
            StorageError: the database did not answer, and nothing is submitted.
        """
        chat, now, person_id = _keeping_message(chat), int(shared_clock()), query.from_user.id
        # The answer is to the message with the list, not to the card. In a group that has become a
        # supergroup, that message has another id.
        above = card.message_id or message.message_id
        target = replace(target_of(message), message_id=above)
        requests = {
            index: replace(
                _chosen(NO_CHOICE, link, message, chat, now, person_id),
                target=target,
                origin=Origin(entry=index),
            )
            for index, link in links.items()
        }
        # All presses of the card's buttons are one update, in which the entry is the number.
        key = press_id(message.chat.id, message.message_id, f"{LIST}{card.id}")
        known = await stored_numbers(self.groups.account.id, key)
        room = await self.room_for_links(next(iter(requests.values()))) if requests else 0
        taken, left = split_by_room(list(links), known, room)
        await self._submit([requests[index] for index in taken], ack, key)
        return Taken(len(taken), left)

    async def submit_list_archive(
        self,
        query: CallbackQuery,
        message: Message,
        card: ListCard,
        posts: Sequence[str],
        chat: ChatView,
        ack: UpdateAck,
    ) -> Taken:
        """Submit the request for an archive of posts of a list; the same choice only once.

        `message` is the card. `posts` are the ids of the posts.

        Raises:
            StorageError: the database did not answer, and nothing is submitted.
        """
        chat, now, person_id = _keeping_message(chat), int(shared_clock()), query.from_user.id
        chosen = f"{LIST}{card.id}/zip/{' '.join(posts)}"
        key = press_id(message.chat.id, message.message_id, chosen)
        if not posts or await stored_numbers(self.groups.account.id, key):
            return Taken(0, 0)
        request = _request("list_archive", card.listing.link, message, chat, now, person_id)
        above = card.message_id or message.message_id
        request = replace(
            request,
            target=replace(target_of(message), message_id=above),
            chat=replace(request.chat, file_mode=True),
            selection=Selection(posts=tuple(posts)),
        )
        if await self.room_for_links(request) <= 0:
            return Taken(0, len(posts))
        await self._submit([request], ack, key)
        return Taken(len(posts), 0)

    async def submit_inline(self, request: Request, ack: UpdateAck) -> RequestHandle:
        """Submit the request of an inline message; it stands in its sender's queue."""
        return await self._submit([request], ack, ack.update_id)

    async def resend(self, ticket: Ticket, ack: UpdateAck) -> bool:
        """Make an ended request again; return False if another press has done that.

        What has certainly arrived is not sent again.

        Raises:
            StorageError: the database did not respond.
        """
        stored = await self.store.reopen(ticket)
        ack.acknowledge()
        if stored is None:
            return False
        # The limits count: it may be one that did not fit.
        contexts, most = self.contexts_of([stored]), self._most_messages(stored.request)
        self._enqueue(contexts, most, stored.request.asked_at)
        return True

    async def resume(self) -> None:
        """Continue the requests that other processes have left.

        Their age counts from when the last of those processes was seen at work: waiting in the
        queue makes no request too old.

        Raises:
            StorageError: the database did not respond.
        """
        seen_at = await self.store.last_finished_at()
        by_message: dict[object, list[StoredRequest]] = {}
        for stored in await self.store.take_over(self.queue.room):
            request = stored.request
            key = (request.target, request.origin.press)
            by_message.setdefault(key, []).append(stored)
        for entries in by_message.values():
            asked_at = max(entries[0].request.asked_at, seen_at)
            self.serve(entries, asked_at)

    async def end_statuses(self) -> None:
        """End the statuses that processes which were killed have left on ended messages.

        Raises:
            StorageError: the database did not respond.
        """
        async with self.store.left_statuses() as left:
            for stored, has_failed in left:
                status = self.statuses.status_of([stored])
                await (status.failed() if has_failed else status.done())

    def serve(self, entries: Sequence[StoredRequest], asked_at: int) -> RequestHandle:
        """Serve requests of one message that were accepted before, by any process.

        Their age counts from `asked_at`, a Unix time.
        """
        return self._enqueue(self.contexts_of(entries), None, asked_at)

    def has_room_for(self, person_id: int) -> bool:
        """Return True if another link of a person fits into the queue."""
        return self.queue.of_person(person_id) < self.limits.waiting_links

    async def room_for_links(self, first: Request) -> int:
        """Return how many links like `first` fit into the queue, as those of one message.

        Raises:
            StorageError: the database did not respond.
        """
        if self.queue.messages_of(first.chat_id) >= self._most_messages(first):
            return 0
        of_person = self.limits.waiting_links - self.queue.of_person(first.person_id)
        return min(of_person, self.queue.room)

    async def wanted_links(
        self, message: Message, links: Sequence[Link], preferences: Preferences
    ) -> Sequence[Link]:
        """Return the links of a message that its chat and its sender want answered."""
        if message.chat.type == "private":
            return links
        return await self.groups.allowed(message, links, preferences)

    def _portion(
        self, message: Message, links: Sequence[Link], chat: ChatView, start: int, most: int
    ) -> "_Portion":
        """Return the next links of a message, and what is left after them.

        A press asks for all of them. Whether the message was a mention is no longer known: Telegram
        leaves out what a message below a button replied to.
        """
        allowed: Sequence[Link] = links[start:]
        if message.chat.type != "private":
            allowed = self.groups.of_enabled_sites(message, allowed, chat.preferences)
        return _Portion(allowed[:most], allowed[most:])

    def _requests(
        self,
        message: Message,
        links: Sequence[Link],
        chat: ChatView,
        portion: "_Portion",
        choice: Choice,
    ) -> list[Request]:
        """Return the requests for some of the links of a message."""
        preferences = chat.preferences
        # The button for those that are left reads them in the message.
        if portion.left or not _is_only_a_link(message):
            preferences = replace(preferences, delete_request=False)
        asked_at, sender_id = int(message.date.timestamp()), sender_of(message)
        chat = replace(chat, preferences=preferences)
        requests = [
            _chosen(choice, link, message, chat, asked_at, sender_id) for link in portion.links
        ]
        return [replace(r, origin=self._origin_of(r.link, links, message)) for r in requests]

    def _origin_of(self, link: Link, links: Sequence[Link], message: Message) -> Origin:
        """Return what is to be known of the message with a link, which has these links."""
        index = links.index(link) if len(links) > 1 else None
        is_addressed = link.post_id is None and self.groups.account.is_asked_in_group(message)
        return Origin(index, is_addressed=is_addressed)

    async def _offer_remaining(
        self,
        message: Message,
        request: Request,
        links: Sequence[Link],
        left: Sequence[Link],
        choice: Choice,
    ) -> None:
        """Offer the links that are left, in a reply to the message that has them.

        That may be the one above, which Telegram does not repeat with the press of a button below
        an answer to `message`.
        """
        button, above = RemainingLinks(0), message.reply_to_message
        if above and not carried_links(message, self.registry):
            button = RemainingLinks(0, request.person_id, choice)
            request = replace(request, target=replace(request.target, message_id=above.message_id))
        if remaining := _remaining(links, left, button):
            await self.notices.offer_remaining(request, remaining)

    async def _submit(
        self, requests: Sequence[Request], ack: UpdateAck, update_id: int
    ) -> RequestHandle:
        """Store requests, acknowledge their update, and queue those that are new.

        Raises:
            StorageError: the database did not answer, and the update comes again.
        """
        entries = []
        if requests:
            entries = await self.store.enter(update_id, requests, is_refusable=ack.is_refusable)
        ack.acknowledge()
        if len(entries) < len(requests):
            self.metrics.dropped("repeated_update", requests[0].chat_id)
        if not entries:
            return RequestHandle(0)
        first, limits = requests[0], self.limits
        handle, left_out = self._enqueue_fitting(entries, self._most_messages(first))
        handle.on_end(partial(self._forget_if_idle, first.person_id))
        if left_out:
            self.metrics.dropped("waiting_links", first.chat_id)
            await self.notices.say_left_out(first, left_out, limits.waiting_links)
        else:
            await self.notices.say_waiting(first, self.queue.of_person(first.person_id))
        return handle

    def _most_messages(self, request: Request) -> int:
        return self.limits.private_queue if request.target.is_private else self.limits.group_queue

    def _forget_if_idle(self, person_id: int) -> None:
        if not self.queue.of_person(person_id):
            self.notices.forget(person_id)

    def _enqueue_fitting(
        self, entries: Sequence[StoredRequest], max_messages: int
    ) -> tuple[RequestHandle, int]:
        """Queue the requests of one message, and refuse links beyond the person's limit.

        Return how many were refused. Presses and inline messages are no links.
        """
        contexts = self.contexts_of(entries)
        first = entries[0].request
        is_links = first.origin.press is None and first.target.inline_id is None
        room = self.limits.waiting_links - self.queue.of_person(first.person_id)
        fitting = contexts[: max(room, 0)] if is_links else contexts
        beyond = contexts[len(fitting) :]
        handles = []
        if fitting:
            handles.append(self._enqueue(fitting, max_messages, first.asked_at))
        if beyond:
            error = LinksLeftOutError(self.limits.waiting_links)
            handles.append(self.queue.turn_away(beyond, error, aloud=False))
        return RequestHandle.of_all(handles), len(beyond)

    def contexts_of(self, entries: Sequence[StoredRequest]) -> list[RequestContext]:
        """Return the contexts of the requests of one message, which share a status indicator."""
        status = self.statuses.status_of(entries)
        return [
            RequestContext(
                link=stored.request.link,
                target=ChatTarget.of_request(stored.request),
                file_mode=stored.request.chat.file_mode,
                preferences=stored.request.chat.preferences,
                status=status,
                presenter=self.presenters.presenter_of(stored.request),
                stored=stored,
            )
            for stored in entries
        ]

    def _enqueue(
        self, contexts: Sequence[RequestContext], max_messages: int | None, asked_at: int
    ) -> RequestHandle:
        if shared_clock() - asked_at > self.limits.max_age_s:
            return self.queue.turn_away(contexts, TooOldError())
        return self.queue.submit(contexts, max_messages)

    def _drop(self, reason: DropReason, message: Message) -> None:
        self.metrics.dropped(reason, message.chat.id)


@dataclass(frozen=True, slots=True)
class _Portion:
    """Links of a message that are answered now, and those that are left."""

    links: Sequence[Link]
    left: Sequence[Link]


def _is_only_a_link(message: Message) -> bool:
    """Return False for a message with content of its own, which is not deleted.

    That is a picture or another file with a link in its caption, and the copy of a channel's post
    in the linked group, to which the comments below the post belong.
    """
    return message.text is not None and not message.is_automatic_forward


def _keeping_message(chat: ChatView) -> ChatView:
    """Return a chat's view for requests whose message stays, because buttons refer to it."""
    return replace(chat, preferences=replace(chat.preferences, delete_request=False))


def _remaining(
    links: Sequence[Link], left: Sequence[Link], button: RemainingLinks
) -> Remaining | None:
    """Return how many links of a message are left, and the button for them, like another one."""
    return Remaining(len(left), replace(button, start=links.index(left[0]))) if left else None


def _pressed(request: Request, person_id: int | None) -> Request:
    """Return the request of a press that counts from now on, for a person if it is not None."""
    request = replace(request, asked_at=int(shared_clock()))
    if person_id is None or request.target.is_private:
        return request
    return replace(request, asker=Asker(person_id))


def _chosen(
    choice: Choice,
    link: Link,
    message: Message,
    chat: ChatView,
    asked_at: int,
    sender_id: int | None,
) -> Request:
    """Return the request for a post in the version of a choice, or of the chat's settings."""
    return with_choice(_request("post", link, message, chat, asked_at, sender_id), choice)


def _request(
    kind: Kind, link: Link, message: Message, chat: ChatView, asked_at: int, sender_id: int | None
) -> Request:
    target = target_of(message)
    # The name is stored only if the answer shows it, because the message itself is deleted then.
    shows_name = chat.preferences.delete_request and not target.is_private
    name = name_of(message) if shows_name else ""
    return Request(
        kind=kind,
        link=link,
        target=target,
        asked_at=asked_at,
        chat=ChatSettings(chat.lang, chat.file_mode, chat.preferences),
        asker=Asker(None if target.is_private else sender_id, name),
        # The direct messages of a channel are not registered.
        is_recorded=target.direct_topic_id is None,
    )
