"""/settings: one keyboard that shows and changes the settings of a chat."""

from dataclasses import replace

from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core.errors import DeliveryError
from core.formats import Quality
from core.preferences import Preferences
from data.chats import change_preferences, toggle_file_mode
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers import not_allowed
from misc.filters import GROUPS, Carries, CommandNamed, MayChangeSettings
from misc.middlewares.registration import TURNS_AWAY, ChatView
from misc.ui import keyboards
from misc.ui.callback_data import SETTING
from misc.ui.texts import Texts
from platforms import Registry

_SWITCHES = frozenset({"describe", "silent", "spoiler", "delete_request", "only_mentioned"})


def router() -> Router:
    """Register /settings and its buttons."""
    router = Router(name="settings")
    is_setting = Carries(prefix=SETTING)
    router.message.register(on_settings, CommandNamed("settings"), MayChangeSettings())
    router.message.register(not_allowed.on_command, CommandNamed("settings"), flags=TURNS_AWAY)
    router.callback_query.register(on_setting, is_setting, MayChangeSettings())
    router.callback_query.register(not_allowed.on_press, is_setting)
    return router


async def on_settings(
    message: Message, chat: ChatView, sender: Sender, texts: Texts, registry: Registry
) -> None:
    """Show the settings of the chat.

    Raises:
        DeliveryError: they are not shown.
    """
    text = texts[chat.lang]["settings_title"]
    if message.chat.type in GROUPS:
        text += "\n\n" + texts[chat.lang]["settings_group"]
    await sender.send_text(ChatTarget.of(message), text, _keyboard(message, chat, texts, registry))


async def on_setting(
    query: CallbackQuery, chat: ChatView, texts: Texts, registry: Registry
) -> None:
    """Change the setting of a button, and update the keyboard.

    Raises:
        StorageError: the change is not stored.
    """
    message = query.message
    if not isinstance(message, Message):
        await query.answer(texts[chat.lang]["button_expired"], show_alert=True)
        return
    setting = (query.data or "").removeprefix(SETTING)
    if setting == "lang":
        keyboard = keyboards.languages(texts)
    else:
        changed = await change(message.chat.id, chat, setting, registry)
        keyboard = _keyboard(message, changed, texts, registry)
    await _show(message, keyboard)
    await query.answer()


def _keyboard(
    message: Message, chat: ChatView, texts: Texts, registry: Registry
) -> InlineKeyboardMarkup:
    titles = {name: platform.title for name, platform in registry.by_name.items()}
    is_group = message.chat.type in GROUPS
    return keyboards.settings(chat, texts[chat.lang], titles, is_group=is_group)


async def _show(message: Message, keyboard: InlineKeyboardMarkup) -> None:
    """Update the keyboard. Errors are ignored: the message may be deleted or unchanged."""
    try:
        await message.edit_reply_markup(reply_markup=keyboard)
    except DeliveryError:
        return


async def change(chat_id: int, chat: ChatView, setting: str, registry: Registry) -> ChatView:
    """Change a setting of a chat, and return the changed chat. Unknown settings are ignored.

    `setting` is "<name>" or "<name>/<value>", as in the callback data.

    Raises:
        StorageError: the change is not stored.
    """
    name, _, value = setting.partition("/")
    if name == "file_mode":
        return replace(chat, file_mode=await toggle_file_mode(chat_id, chat.lang))
    preferences = await change_preferences(
        chat_id, chat.lang, lambda stored: changed(stored, name, value, registry)
    )
    return replace(chat, preferences=preferences)


def changed(preferences: Preferences, name: str, value: str, registry: Registry) -> Preferences:
    """Return the preferences with one setting changed; unchanged if it is unknown or invalid."""
    if name in _SWITCHES:
        return preferences.toggled(name)
    if name == "quality" and value in list(Quality):
        return preferences.changed(name, Quality(value))
    if name == "muted" and value in registry.by_name:
        return preferences.with_platform_toggled(value)
    if name == "album_cap" and value.isascii() and value.isdigit():
        cap = int(value)
        # Pressing the active limit removes it, so that the operator's limit applies again.
        return preferences.changed(name, None if cap == preferences.album_cap else cap)
    return preferences
