"""What the bot does with its own messages."""

from contextlib import suppress

from aiogram.types import Message

from core.errors import DeliveryError


async def delete(message: Message) -> None:
    """Delete a message. Errors are ignored: it may be deleted already."""
    with suppress(DeliveryError):
        await message.delete()
