"""The card of a list: which posts a profile, playlist or album has, to choose from."""

import time
from dataclasses import replace

from core.errors import ClipferryError, ListFoundError
from core.lists import Listing, about_list
from core.media import Access, Post
from data.lists import move_list, store_list
from delivery.targets import ChatTarget
from services.requests.context import Delivered, RequestContext, Toolkit
from services.requests.pipeline import Service
from services.requests.recovery import send_following


class ListService:
    """Answers the link to a list with a card that offers its posts.

    What is chosen on the card are requests of their own.
    """

    def __init__(self, toolkit: Toolkit, bot_id: int, most: int) -> None:
        """`most`: number of posts that a card offers at most."""
        self._toolkit = toolkit
        self._bot_id = bot_id
        self._most = most

    async def deliver(self, context: RequestContext) -> Delivered:
        """Read the list, store what it has, and send the card.

        Raises:
            ClipferryError: the list cannot be read, or the card is not sent.
        """
        await context.status.accepted()
        toolkit = self._toolkit
        async with toolkit.slots.one(context.lane):
            toolkit.metrics.took("wait", time.monotonic() - context.begun_at)
            await context.stored.begin()
            listing = await self._read(context)
        card = await store_list(self._bot_id, context.request, listing)
        options = context.presenter.list_card(card)

        async def send(target: ChatTarget) -> None:
            if target.chat_id != card.chat_id:  # its buttons will be pressed there
                await move_list(card, target.chat_id)
            await toolkit.sender.send_card(target, options, context.stored)

        _, chat_id = await send_following(context, send)
        about = Post(
            context.link.platform, card.listing.link.post_id or "", context.link.url, _NONE
        )
        return Delivered(about, is_processed=False, is_known=False, chat_id=chat_id, is_card=True)

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:
        """Record nothing: the posts that are chosen count, not their list."""
        return False

    async def _read(self, context: RequestContext) -> Listing:
        context.work.begin_attempt(1, 1)
        with self._toolkit.metrics.stage("fetch"):
            try:
                return await self._toolkit.fetcher.read_list(context.link, self._most)
            except ClipferryError as error:
                about = about_list(error)
                if about is error:
                    raise
                raise about from error


class LinkService:
    """Answers a link with its post, and a short link to a list with the list's card."""

    def __init__(self, posts: Service, lists: ListService) -> None:
        """`posts` answers the links to posts."""
        self._posts = posts
        self._lists = lists

    async def deliver(self, context: RequestContext) -> Delivered:
        """Send the answer.

        In groups, only a message that is addressed to the bot gets a card.

        Raises:
            ClipferryError: why it was not sent.
        """
        try:
            return await self._posts.deliver(context)
        except ListFoundError as error:
            is_asked = context.target.is_private or context.request.origin.is_addressed
            if not is_asked or context.target.inline_id:
                raise
            context.status.keep_message()  # the posts that are chosen will answer it
            return await self._lists.deliver(replace(context, link=error.link))

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:
        """Write what follows a delivery; return True if an ad is due."""
        service = self._lists if delivered.is_card else self._posts
        return await service.record(context, delivered)


#: A list has no files of its own.
_NONE = Access(proxy="")
