"""Where an answer goes."""

from dataclasses import dataclass, replace

from aiogram.types import Message, ReplyParameters


@dataclass(frozen=True, slots=True)
class ChatTarget:
    """A message in a chat that is to be answered."""

    chat_id: int
    #: The request.
    message_id: int
    is_private: bool
    #: The topic of a forum, or None.
    thread_id: int | None = None
    #: The answer quotes the request.
    is_reply: bool = True
    #: The business account in whose name the answer is written, or None for our own.
    business_id: str | None = None
    #: The inline message that becomes the answer, or None for answers in a chat.
    inline_id: str | None = None

    @classmethod
    def of(cls, message: Message) -> "ChatTarget":
        """Make the target that answers a message, in its own topic."""
        return cls(
            chat_id=message.chat.id,
            message_id=message.message_id,
            # A business account's customers are spared what groups are spared.
            is_private=message.chat.type == "private" and not message.business_connection_id,
            thread_id=message.message_thread_id if message.is_topic_message else None,
            business_id=message.business_connection_id,
        )

    @classmethod
    def beside(cls, message: Message) -> "ChatTarget":
        """Make the target for a message in the same chat that answers none."""
        return replace(cls.of(message), is_reply=False)

    @property
    def reply(self) -> ReplyParameters | None:
        """Quote the request, or do without when it has been deleted."""
        if not self.is_reply:
            return None
        return ReplyParameters(message_id=self.message_id, allow_sending_without_reply=True)
