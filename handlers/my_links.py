"""/notmylinks and /mylinks: members who do not want their links answered in groups."""

from aiogram import Router
from aiogram.filters import CommandObject
from aiogram.types import CallbackQuery, Message

from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.addressing import sender_of
from misc.filters import Carries, CommandNamed
from misc.middlewares.registration import STORES, TURNS_AWAY, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.opt_outs import OptOutList
from misc.ui import keyboards
from misc.ui.callback_data import MY_LINKS
from misc.ui.texts import Texts


def router() -> Router:
    """Register both commands and the button."""
    router = Router(name="my links")
    # Neither is a request, so a group is not registered by it.
    router.message.register(
        on_command, CommandNamed("notmylinks", "mylinks"), flags=TURNS_AWAY | STORES
    )
    router.callback_query.register(on_press, Carries(one_of=(MY_LINKS,)), flags=STORES)
    return router


async def on_command(
    message: Message,
    command: CommandObject,
    chat: ChatView,
    sender: Sender,
    texts: Texts,
    opt_outs: OptOutList,
    ack: UpdateAck,
) -> None:
    """Stop answering the sender's links in groups, or answer them again, and say so.

    People who write in the name of a chat, such as anonymous administrators, take it back with the
    other command: a press of a button comes from the person, and does not say for which chat.

    Raises:
        StorageError, DeliveryError: it is not stored, or the answer is not sent.
    """
    sender_id, words, button = sender_of(message), texts[chat.lang], None
    if sender_id is None:
        return
    if command.command == "mylinks":
        await opt_outs.remove(sender_id)
        text = words["my_links_on"]
    else:
        await opt_outs.add(sender_id)
        text = words["my_links_off"]
        if message.sender_chat is None:
            button = keyboards.one_button(words["my_links_button"], MY_LINKS)
    ack.acknowledge()
    await sender.send_text(ChatTarget.of(message), text, button)


async def on_press(
    query: CallbackQuery, chat: ChatView, texts: Texts, opt_outs: OptOutList, ack: UpdateAck
) -> None:
    """Answer the links of the person who presses again; other people's are not affected.

    Raises:
        StorageError: it is not stored.
    """
    await opt_outs.remove(query.from_user.id)
    ack.acknowledge()
    await query.answer(texts[chat.lang]["my_links_on"])
