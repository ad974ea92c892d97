"""/lang: choose the language of a chat."""

from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core.errors import DeliveryError
from data.chats import set_language
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers import not_allowed
from misc.filters import Carries, CommandNamed, MayChangeSettings
from misc.middlewares.registration import STORES, TURNS_AWAY, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui import keyboards
from misc.ui.callback_data import LANGUAGE, WELCOME
from misc.ui.texts import Texts
from misc.utils import platform_titles, welcome_message
from platforms import Registry


def router() -> Router:
    """Register /lang and its buttons."""
    router = Router(name="language")
    is_choice = Carries(prefix=LANGUAGE)
    for observer in (router.message, router.channel_post):
        observer.register(on_lang, CommandNamed("lang"), MayChangeSettings())
    router.message.register(not_allowed.on_command, CommandNamed("lang"), flags=TURNS_AWAY)
    router.callback_query.register(on_choice, is_choice, MayChangeSettings(), flags=STORES)
    router.callback_query.register(not_allowed.on_press, is_choice)
    is_welcome = Carries(prefix=WELCOME)
    router.callback_query.register(on_welcome_choice, is_welcome, MayChangeSettings(), flags=STORES)
    router.callback_query.register(not_allowed.on_press, is_welcome)
    return router


async def on_lang(message: Message, chat: ChatView, sender: Sender, texts: Texts) -> None:
    """Show a button for each language.

    Raises:
        DeliveryError: the buttons are not shown.
    """
    target = ChatTarget.of(message)
    await sender.send_text(target, texts[chat.lang]["lang_prompt"], keyboards.languages(texts))


async def on_choice(query: CallbackQuery, chat: ChatView, texts: Texts, ack: UpdateAck) -> None:
    """Store the chosen language, and confirm it in that language.

    Raises:
        StorageError: the language is not stored.
    """
    lang = (query.data or "").removeprefix(LANGUAGE)
    if not await _store(query, lang, chat, texts, ack):
        return
    confirmation = texts(lang, "lang_set", language=texts[lang]["language_name"])
    if isinstance(query.message, Message):
        await _edit(query.message, confirmation)
    await query.answer()


async def on_welcome_choice(
    query: CallbackQuery, chat: ChatView, texts: Texts, registry: Registry, ack: UpdateAck
) -> None:
    """Store the language that was chosen below a group's welcome, and repeat the welcome in it.

    Raises:
        StorageError: the language is not stored.
    """
    lang = (query.data or "").removeprefix(WELCOME)
    if not await _store(query, lang, chat, texts, ack):
        return
    if isinstance(query.message, Message):
        text, buttons = welcome_message(lang, platform_titles(registry), is_private=False)
        await _edit(query.message, text, buttons)
    await query.answer()


async def _store(
    query: CallbackQuery, lang: str, chat: ChatView, texts: Texts, ack: UpdateAck
) -> bool:
    """Store the language of the chat; return False if it was refused, which the answer says.

    Raises:
        StorageError: the language is not stored.
    """
    if lang not in texts or query.message is None:
        await query.answer(texts[chat.lang]["lang_unknown"], show_alert=True)
        return False
    await set_language(query.message.chat.id, lang)
    ack.acknowledge()
    return True


async def _edit(message: Message, text: str, buttons: InlineKeyboardMarkup | None = None) -> None:
    """Replace the menu. Errors are ignored: the menu may be deleted or unchanged."""
    try:
        await message.edit_text(text, reply_markup=buttons)
    except DeliveryError:
        return
