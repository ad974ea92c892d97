"""Whether the next message of an administrator names a chat to look up, or is a cookie file."""

from dataclasses import dataclass
from typing import Any, Final

from aiogram.filters import Filter
from aiogram.types import Message

from data.database import unix_now
from data.key_values import delete_value, read_value, set_value

#: How long such a message is waited for, in seconds.
_PATIENCE_S: Final = 600
_REFERENCE: Final = "lookup"
_COOKIES: Final = "cookies"


@dataclass(frozen=True, slots=True)
class AwaitedCookies:
    """The identity whose cookie file is waited for."""

    site: str
    #: Name of the identity that gets new cookies; "" for a new one.
    name: str = ""
    #: Name of the only proxy that it may use; "" for any.
    exit: str = ""


async def wait_for_reference(admin_id: int) -> None:
    """Take the administrator's next message as a reference to a chat.

    Raises:
        StorageError: the database did not respond.
    """
    await set_value(_key(_REFERENCE, admin_id), str(unix_now()))


async def wait_for_cookies(admin_id: int, awaited: AwaitedCookies) -> None:
    """Take the administrator's next document as the cookie file of an identity.

    Raises:
        StorageError: the database did not respond.
    """
    # None of the words contains a space: names of proxies are their addresses.
    words = (str(unix_now()), awaited.site, awaited.name or "-", awaited.exit or "-")
    await set_value(_key(_COOKIES, admin_id), " ".join(words))


async def stop_waiting(admin_id: int) -> None:
    """Take the administrator's messages as usual again.

    Raises:
        StorageError: the database did not respond.
    """
    for what in (_REFERENCE, _COOKIES):
        if await read_value(_key(what, admin_id)) is not None:
            await delete_value(_key(what, admin_id))


class AwaitsReference(Filter):
    """Match the message that names the chat to look up."""

    async def __call__(self, message: Message) -> bool:
        """Return True if such a message is waited for.

        Raises:
            StorageError: the database did not respond.
        """
        since = await read_value(_key(_REFERENCE, message.chat.id))
        return since is not None and _is_recent(since)


class AwaitsCookies(Filter):
    """Match a document of an administrator whose cookie file is waited for; pass it as `awaited`.

    The message may be in any chat: the caller decides whether it may be there.
    """

    async def __call__(self, message: Message) -> bool | dict[str, Any]:
        """Return `{"awaited": ...}`, or False.

        Raises:
            StorageError: the database did not respond.
        """
        if message.document is None or message.from_user is None:
            return False
        stored = await read_value(_key(_COOKIES, message.from_user.id))
        if stored is None:
            return False
        since, *words = stored.split(" ")
        if not _is_recent(since):
            return False
        return {"awaited": AwaitedCookies(*("" if word == "-" else word for word in words))}


def _is_recent(since: str) -> bool:
    return unix_now() - int(since) <= _PATIENCE_S


def _key(what: str, admin_id: int) -> str:
    return f"{what}/{admin_id}"
