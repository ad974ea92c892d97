"""/settings: everything that a chat can choose, as one keyboard."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core.errors import DeliveryError
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers import not_allowed
from handlers.preferences import change
from misc.filters import GROUPS, Carries, MayChangeSettings
from misc.middlewares.registration import TURNS_AWAY, ChatView
from misc.ui import keyboards
from misc.ui.callback_data import SETTING
from misc.ui.texts import Texts
from platforms import Registry


def router() -> Router:
    """Build the router."""
    router = Router(name="settings")
    is_setting = Carries(prefix=SETTING)
    router.message.register(on_settings, Command("settings"), MayChangeSettings())
    router.message.register(not_allowed.on_command, Command("settings"), flags=TURNS_AWAY)
    router.callback_query.register(on_setting, is_setting, MayChangeSettings())
    router.callback_query.register(not_allowed.on_press, is_setting)
    return router


async def on_settings(
    message: Message, chat: ChatView, sender: Sender, texts: Texts, registry: Registry
) -> None:
    """Show the settings."""
    text = texts[chat.lang]["settings_title"]
    if message.chat.type in GROUPS:
        text += "\n\n" + texts[chat.lang]["settings_group"]
    await sender.send_text(ChatTarget.of(message), text, _keyboard(message, chat, texts, registry))


async def on_setting(
    query: CallbackQuery, chat: ChatView, texts: Texts, registry: Registry
) -> None:
    """Change what the button says, and show how things are now."""
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
    """Put the keyboard in place; a message that is gone, or shows it already, is fine."""
    try:
        await message.edit_reply_markup(reply_markup=keyboard)
    except DeliveryError:
        return
