"""/settings: pages that show and change the settings of a chat."""

from dataclasses import replace

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from core.captions import CaptionPart
from core.errors import DeliveryError
from core.formats import Quality
from core.preferences import ALBUM_CAPS, Preferences
from data.chats import change_preferences, set_language, toggle_file_mode
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers import not_allowed
from misc.filters import Carries, CommandNamed, MayChangeSettings
from misc.middlewares.registration import STORES, TURNS_AWAY, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui.callback_data import SETTING
from misc.ui.settings_menu import (
    GROUP_SWITCHES,
    PAGE_OF,
    Page,
    SettingsMenu,
    ShownPage,
)
from platforms import Registry

#: Value of a setting that follows the operator's.
_DEFAULT = "default"


def router() -> Router:
    """Register /settings and its buttons."""
    router = Router(name="settings")
    is_setting = Carries(prefix=SETTING)
    for observer in (router.message, router.channel_post):
        observer.register(on_settings, CommandNamed("settings"), MayChangeSettings())
    router.message.register(not_allowed.on_command, CommandNamed("settings"), flags=TURNS_AWAY)
    router.callback_query.register(on_setting, is_setting, MayChangeSettings(), flags=STORES)
    router.callback_query.register(not_allowed.on_press, is_setting)
    return router


async def on_settings(
    message: Message, chat: ChatView, sender: Sender, settings_menu: SettingsMenu
) -> None:
    """Show the settings of the chat.

    Raises:
        DeliveryError: they are not shown.
    """
    shown = settings_menu.show(Page.MAIN, chat, is_group=message.chat.type != "private")
    await sender.send_text(ChatTarget.of(message), shown.text, shown.keyboard)


async def on_setting(
    query: CallbackQuery, chat: ChatView, settings_menu: SettingsMenu, ack: UpdateAck
) -> None:
    """Change the setting of a button or turn to a page, and show the page.

    Buttons of the single page that older versions have sent work alike.

    Raises:
        StorageError: the change is not stored.
    """
    message = query.message
    setting = (query.data or "").removeprefix(SETTING)
    page = page_after(setting, settings_menu.registry, settings_menu.texts.languages)
    if page is None or not isinstance(message, Message):
        await query.answer(settings_menu.texts[chat.lang]["settings_expired"], show_alert=True)
        return
    changed_chat = await change(message.chat.id, chat, setting, settings_menu.registry)
    ack.acknowledge()
    is_group = message.chat.type != "private"
    await _show(message, settings_menu.show(page, changed_chat, is_group=is_group))
    await query.answer()


def page_after(setting: str, registry: Registry, languages: tuple[str, ...]) -> Page | None:
    """Return the page that a press shows; None if no button of today does what this one did.

    `setting` is "<name>" or "<name>/<value>", as in the callback data.
    """
    name, _, value = setting.partition("/")
    if name == "page":
        return Page(value) if value in list(Page) else None
    if name == "lang" and value in languages:
        return Page.MAIN
    known: dict[str, set[str]] = {
        "lang": {""},
        "quality": set(Quality),
        "muted": set(registry.by_name),
        "album_cap": {*map(str, ALBUM_CAPS), _DEFAULT},
        "caption": set(CaptionPart),
        "describe": {""},
        **{switch: {""} for switch in ("file_mode", *GROUP_SWITCHES)},
    }
    is_known = value in known.get(name, ())
    return PAGE_OF.get(name, Page.MAIN) if is_known else None


async def _show(message: Message, shown: ShownPage) -> None:
    """Update the message. Errors are ignored: it may be deleted or unchanged."""
    try:
        await message.edit_text(shown.text, reply_markup=shown.keyboard)
    except DeliveryError:
        return


async def change(chat_id: int, chat: ChatView, setting: str, registry: Registry) -> ChatView:
    """Change a setting of a chat, and return the changed chat; pages change nothing.

    `setting` is "<name>" or "<name>/<value>", as in the callback data.

    Raises:
        StorageError: the change is not stored.
    """
    name, _, value = setting.partition("/")
    if name == "page":
        return chat
    if name == "lang":
        if value:
            await set_language(chat_id, value)
        return replace(chat, lang=value or chat.lang)
    if name == "file_mode":
        return replace(chat, file_mode=await toggle_file_mode(chat_id, chat.lang))
    preferences = await change_preferences(
        chat_id, chat.lang, lambda stored: changed(stored, name, value, registry)
    )
    return replace(chat, preferences=preferences)


def changed(preferences: Preferences, name: str, value: str, registry: Registry) -> Preferences:
    """Return the preferences with one setting changed; unchanged if it is unknown or invalid."""
    if name in GROUP_SWITCHES:
        return preferences.toggled(name)
    if name == "describe":
        return preferences.with_description_toggled()
    if name == "caption" and value in list(CaptionPart):
        return preferences.with_part_toggled(CaptionPart(value))
    if name == "quality" and value in list(Quality):
        return preferences.changed(name, Quality(value))
    if name == "muted" and value in registry.by_name:
        return preferences.with_platform_toggled(value)
    if name == "album_cap" and value == _DEFAULT:
        return preferences.changed(name, None)
    if name == "album_cap" and value.isascii() and value.isdigit():
        cap = int(value)
        # Pressing the active limit removes it, so that the operator's limit applies again.
        return preferences.changed(name, None if cap == preferences.album_cap else cap)
    return preferences
