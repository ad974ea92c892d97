"""What the bot does with its own messages."""

from contextlib import suppress

from aiogram.types import CallbackQuery, Message

from core.errors import DeliveryError


async def delete(message: Message) -> None:
    """Delete a message. Errors are ignored: it may be deleted already."""
    connection = message.business_connection_id
    with suppress(DeliveryError):
        if connection and message.bot:
            await message.bot.delete_business_messages(connection, [message.message_id])
        else:
            await message.delete()


async def delete_pressed(query: CallbackQuery) -> None:
    """Delete the message with the button that was pressed.

    A message without that button stays: callback data can be forged, and any member of a group
    could have all of the bot's messages there deleted.
    """
    message = query.message
    if isinstance(message, Message) and has_button(message, query.data or ""):
        await delete(message)


def has_button(message: Message, prefix: str) -> bool:
    """Return True if a message has a button whose callback data begins with `prefix`."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    return any((button.callback_data or "").startswith(prefix) for row in rows for button in row)
