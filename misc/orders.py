"""From a message to the orders that the services can serve."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiogram import Bot
from aiogram.types import Message

from core.formats import Quality
from core.media import Link
from delivery.sender import Sender
from delivery.status import NoLight, PressedLight, StatusLight
from delivery.targets import ChatTarget
from misc.callbacks import SLIDES
from misc.middlewares import ChatView
from misc.texts import Texts
from misc.voice import ChatVoice
from platforms import Registry
from services.downloads import Downloads
from services.jobs import Jobs
from services.serving import Order, OrderJob, Service
from services.sounds import Slides, Sounds


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Writes orders and hands them in; knows what is the same in all of them."""

    bot: Bot
    sender: Sender
    texts: Texts
    registry: Registry
    downloads: Downloads
    sounds: Sounds
    slides: Slides
    jobs: Jobs
    #: Without the @.
    bot_username: str
    #: Empty when there are no ads.
    ad_link: str
    #: Of one message, no more links than these are answered.
    links_per_message: int
    #: A chat may have so many messages in the queue.
    private_queue: int
    group_queue: int
    #: Chats that are told more about a failure.
    admins: frozenset[int]

    def submit_links(self, message: Message, links: Sequence[Link], chat: ChatView) -> None:
        """Hand in the orders for the links of a message, as many as are allowed, under one light."""
        target = ChatTarget.of(message)
        wishes = chat.wishes
        if not target.is_private:
            if wishes.only_mentioned and not self._mentions_us(message):
                return
            links = [link for link in links if link.platform not in wishes.muted]
        links = links[: self.links_per_message]
        light = StatusLight(
            self.bot,
            self.sender,
            target,
            requests=len(links),
            deletes_request=wishes.delete_request and not target.is_private,
        )
        if target.business_id:
            light = NoLight(self.bot, self.sender, target, requests=len(links))
        service = self.sounds if wishes.quality is Quality.SOUND else self.downloads
        orders = [self._order(message, link, chat, light, can_retry=True) for link in links]
        self._submit([OrderJob(service, order) for order in orders], target)

    def submit_press(self, message: Message, link: Link, chat: ChatView, press: "Press") -> None:
        """Hand in the order for what a button of ours offers."""
        light = PressedLight(self.bot, self.sender, message, press.data)
        service: Service = self.slides if press.data.startswith(SLIDES) else self.sounds
        order = self._order(message, link, chat, light, can_retry=False)
        self._submit([OrderJob(service, order, press.at_end)], order.target)

    def _submit(self, jobs: Sequence[OrderJob], target: ChatTarget) -> None:
        if jobs:
            most = self.private_queue if target.is_private else self.group_queue
            self.jobs.submit(jobs, most)

    def _order(
        self, message: Message, link: Link, chat: ChatView, status: StatusLight, *, can_retry: bool
    ) -> Order:
        target = ChatTarget.of(message)
        sender = message.from_user
        return Order(
            link=link,
            target=target,
            file_mode=chat.file_mode,
            wishes=chat.wishes,
            status=status,
            voice=ChatVoice(
                texts=self.texts,
                sender=self.sender,
                target=target,
                link=link,
                lang=chat.lang,
                wishes=chat.wishes,
                asker=sender.full_name if sender else "",
                bot_username=self.bot_username,
                ad_link=self.ad_link,
                can_retry=can_retry,
                is_admin=target.chat_id in self.admins,
            ),
        )

    def _mentions_us(self, message: Message) -> bool:
        text = message.text or message.caption or ""
        reply = message.reply_to_message
        is_reply = bool(reply and reply.from_user and reply.from_user.id == self.bot.id)
        return is_reply or f"@{self.bot_username}".lower() in text.lower()


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button that is at work."""

    data: str
    #: Called when the work has ended, in whatever way.
    at_end: Callable[[], None]
