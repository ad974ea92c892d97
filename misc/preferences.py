"""From a button of the settings keyboard to a changed setting."""

from dataclasses import replace

from core.formats import Quality
from core.wishes import Wishes
from data.chats import change_wishes, register_chat, toggle_file_mode
from data.errors import storage_errors
from misc.middlewares import ChatView
from platforms import Registry

_SWITCHES = frozenset({"describe", "silent", "spoiler", "delete_request", "only_mentioned"})


async def change(chat_id: int, chat: ChatView, setting: str, registry: Registry) -> ChatView:
    """Change a setting of a chat; give the chat as it is now. An unknown setting changes nothing.

    Raises:
        StorageError: the change is not stored.
    """
    name, _, value = setting.partition("/")
    with storage_errors():
        await register_chat(chat_id, chat.lang)
        if name == "file_mode":
            return replace(chat, file_mode=bool(await toggle_file_mode(chat_id)))
        wishes = await change_wishes(chat_id, lambda stored: changed(stored, name, value, registry))
    return replace(chat, wishes=wishes)


def changed(wishes: Wishes, name: str, value: str, registry: Registry) -> Wishes:
    """Give the wishes after a press."""
    if name in _SWITCHES:
        return wishes.toggled(name)
    if name == "quality" and value in list(Quality):
        return wishes.changed(name, Quality(value))
    if name == "muted" and value in registry.by_name:
        return wishes.with_platform_toggled(value)
    if name == "album_cap" and value.isascii() and value.isdigit():
        cap = int(value)
        # The button that is on goes off: the operator's number counts again.
        return wishes.changed(name, None if cap == wishes.album_cap else cap)
    return wishes
