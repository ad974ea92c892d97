"""From a message to an order that the download service can serve."""

from dataclasses import dataclass, replace

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

    def sound_order(self, message: Message, post_id: str, chat: ChatView) -> Order:
        """Write the order for the sound of a TikTok post, made by pressing the message's button."""
        order = self.order(message, self.registry.link_to("tiktok", post_id), chat)
        light = PressedLight(self.bot, self.sender, message, SOUND + post_id)
        return replace(order, status=light)

    def order(self, message: Message, link: Link, chat: ChatView) -> Order:
        """Write the order for one link of a message."""
        target = ChatTarget.of(message)
        return Order(
            link=link,
            target=target,
            file_mode=chat.file_mode,
            status=StatusLight(self.bot, self.sender, target),
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
