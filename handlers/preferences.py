"""From a button of the settings keyboard to a changed setting."""

from dataclasses import replace

from core.formats import Quality
from core.preferences import Preferences
from data.chats import change_preferences, register_chat, toggle_file_mode
from misc.middlewares.registration import ChatView
from platforms import Registry

_SWITCHES = frozenset({"describe", "silent", "spoiler", "delete_request", "only_mentioned"})


async def change(chat_id: int, chat: ChatView, setting: str, registry: Registry) -> ChatView:
    """Change a setting of a chat; give the chat as it is now. An unknown setting changes nothing.

    Raises:
        StorageError: the change is not stored.
    """
    name, _, value = setting.partition("/")
    await register_chat(chat_id, chat.lang)
    if name == "file_mode":
        return replace(chat, file_mode=bool(await toggle_file_mode(chat_id)))
    preferences = await change_preferences(
        chat_id, lambda stored: changed(stored, name, value, registry)
    )
    return replace(chat, preferences=preferences)


def changed(preferences: Preferences, name: str, value: str, registry: Registry) -> Preferences:
    """Give the preferences after a press."""
    if name in _SWITCHES:
        return preferences.toggled(name)
    if name == "quality" and value in list(Quality):
        return preferences.changed(name, Quality(value))
    if name == "muted" and value in registry.by_name:
        return preferences.with_platform_toggled(value)
    if name == "album_cap" and value.isascii() and value.isdigit():
        cap = int(value)
        # The button that is on goes off: the operator's number counts again.
        return preferences.changed(name, None if cap == preferences.album_cap else cap)
    return preferences
