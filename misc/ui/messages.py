"""What the bot does with its own messages."""

from contextlib import suppress

from aiogram.types import Message

from core.errors import DeliveryError


async def delete(message: Message) -> None:
    """Delete a message. Errors are ignored: it may be deleted already."""
    connection = message.business_connection_id
    with suppress(DeliveryError):
        if connection and message.bot:
            await message.bot.delete_business_messages(connection, [message.message_id])
        else:
            await message.delete()
