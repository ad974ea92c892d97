"""The chat, topic and message that an answer is sent to."""

from dataclasses import dataclass, replace

from aiogram.types import Message, ReplyParameters

from core.request import Request, Target


def target_of(message: Message) -> Target:
    """Return where the answer to a message goes: into its chat, and its topic."""
    direct_topic = message.direct_messages_topic
    return Target(
        chat_id=message.chat.id,
        message_id=message.message_id,
        # Customers of a business account get the same reduced output as groups.
        is_private=message.chat.type == "private" and not message.business_connection_id,
        thread_id=message.message_thread_id if message.is_topic_message else None,
        business_id=message.business_connection_id,
        direct_topic_id=direct_topic.topic_id if direct_topic else None,
    )


@dataclass(frozen=True, slots=True)
class ChatTarget(Target):
    """Where a message goes, and whether it is a reply."""

    #: Send it as a reply to the message.
    is_reply: bool = True

    @classmethod
    def of(cls, message: Message) -> "ChatTarget":
        """Return the target for an answer to a message, in the message's topic."""
        return cls._of_target(target_of(message))

    @classmethod
    def of_request(cls, request: Request) -> "ChatTarget":
        """Return the target for the answer to a stored request."""
        return cls._of_target(request.target)

    @classmethod
    def _of_target(cls, target: Target) -> "ChatTarget":
        return cls(
            chat_id=target.chat_id,
            message_id=target.message_id,
            is_private=target.is_private,
            thread_id=target.thread_id,
            business_id=target.business_id,
            inline_id=target.inline_id,
            direct_topic_id=target.direct_topic_id,
        )

    @classmethod
    def beside(cls, message: Message) -> "ChatTarget":
        """Return the target for a message in the same chat and topic that is not a reply."""
        return replace(cls.of(message), is_reply=False)

    def moved_to(self, chat_id: int) -> "ChatTarget":
        """Return the target in the supergroup that the group has become.

        Messages have other ids there, so the answer is not a reply.
        """
        return replace(self, chat_id=chat_id, thread_id=None, is_reply=False)

    @property
    def reply(self) -> ReplyParameters | None:
        """Return the reply parameters, or None if the answer is not a reply.

        The answer is also sent if the message has been deleted in the meantime.
        """
        if not self.is_reply:
            return None
        return ReplyParameters(message_id=self.message_id, allow_sending_without_reply=True)
