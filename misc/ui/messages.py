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
    if message := pressed_message(query):
        await delete(message)


def pressed_message(query: CallbackQuery) -> Message | None:
    """Return the message of a press; None if it is gone, or has no button with exactly that data.

    Callback data can be forged for any message of the bot.
    """
    message = query.message
    if isinstance(message, Message) and query.data in _data_of_buttons(message):
        return message
    return None


def has_button(message: Message, prefix: str) -> bool:
    """Return True if a message has a button whose callback data begins with `prefix`."""
    return any(data.startswith(prefix) for data in _data_of_buttons(message))


def _data_of_buttons(message: Message) -> list[str]:
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    return [button.callback_data for row in rows for button in row if button.callback_data]
