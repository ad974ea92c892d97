"""Whether the next message of an administrator names the chat to look up."""

from typing import Final

from aiogram.filters import Filter
from aiogram.types import Message

from data.database import unix_now
from data.key_values import delete_value, read_value, set_value

#: How long such a message is waited for, in seconds.
_PATIENCE_S: Final = 600


async def wait_for_reference(admin_id: int) -> None:
    """Take the administrator's next message as a reference to a chat.

    Raises:
        StorageError: the database did not respond.
    """
    await set_value(_key(admin_id), str(unix_now()))


async def stop_waiting(admin_id: int) -> None:
    """Take the administrator's messages as usual again.

    Raises:
        StorageError: the database did not respond.
    """
    if await read_value(_key(admin_id)) is not None:
        await delete_value(_key(admin_id))


class AwaitsReference(Filter):
    """Match the message that names the chat to look up."""

    async def __call__(self, message: Message) -> bool:
        """Return True if such a message is waited for.

        Raises:
            StorageError: the database did not respond.
        """
        since = await read_value(_key(message.chat.id))
        return since is not None and unix_now() - int(since) <= _PATIENCE_S


def _key(admin_id: int) -> str:
    return f"lookup/{admin_id}"
