"""From a message to an order that the download service can serve."""

from dataclasses import dataclass

from aiogram import Bot
from aiogram.types import Message

from core.media import Link
from delivery.sender import Sender
from delivery.status import StatusLight
from delivery.targets import ChatTarget
from misc.middlewares import ChatView
from misc.texts import Texts
from misc.voice import ChatVoice
from services.downloads import Order


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Writes orders; knows what is the same in all of them."""

    bot: Bot
    sender: Sender
    texts: Texts
    #: Without the @.
    bot_username: str
    #: Empty when there are no ads.
    ad_link: str

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
