"""From a message to an order that the download service can serve."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiogram import Bot
from aiogram.types import Message

from core.media import Link
from delivery.sender import Sender
from delivery.status import PressedLight, StatusLight
from delivery.targets import ChatTarget
from misc.callbacks import SOUND
from misc.middlewares import ChatView
from misc.texts import Texts
from misc.voice import ChatVoice
from platforms import Registry
from services.serving import Order


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Writes orders; knows what is the same in all of them."""

    bot: Bot
    sender: Sender
    texts: Texts
    registry: Registry
    #: Without the @.
    bot_username: str
    #: Empty when there are no ads.
    ad_link: str
    #: Of one message, no more links than these are answered.
    links_per_message: int

    def sound_order(self, message: Message, post_id: str, chat: ChatView) -> Order:
        """Write the order for the sound of a TikTok post, made by pressing the message's button."""
        link = self.registry.link_to("tiktok", post_id)
        light = PressedLight(self.bot, self.sender, message, SOUND + post_id)
        return self._order(message, link, chat, light)

    def link_orders(self, message: Message, links: Sequence[Link], chat: ChatView) -> list[Order]:
        """Write the orders for the links of a message, as many as are allowed, under one light."""
        links = links[: self.links_per_message]
        light = StatusLight(self.bot, self.sender, ChatTarget.of(message), requests=len(links))
        return [self._order(message, link, chat, light) for link in links]

    def _order(self, message: Message, link: Link, chat: ChatView, status: StatusLight) -> Order:
        target = ChatTarget.of(message)
        return Order(
            link=link,
            target=target,
            file_mode=chat.file_mode,
            status=status,
            voice=ChatVoice(
                texts=self.texts,
                sender=self.sender,
                target=target,
                link=link,
                lang=chat.lang,
                bot_username=self.bot_username,
                ad_link=self.ad_link,
            ),
        )
