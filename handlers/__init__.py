"""The reception: an update comes in, one service is called, an answer goes out."""

from aiogram import Dispatcher

from handlers import (
    cancel,
    errors,
    fallback,
    inert,
    language,
    links,
    membership,
    mode,
    retry,
    settings,
    sound,
    start,
)
from misc.middlewares import Registration
from misc.spam_guard import SpamGuard


def setup(
    dispatcher: Dispatcher, registration: Registration, guard: SpamGuard | None = None
) -> None:
    """Put the handlers in place, in the order in which they are asked; the guard before them all."""
    if guard:
        dispatcher.message.outer_middleware(guard)
    dispatcher.message.middleware(registration)
    dispatcher.callback_query.middleware(registration)
    for part in (
        start,
        mode,
        language,
        settings,
        links,
        sound,
        retry,
        cancel,
        membership,
        inert,
        fallback,
        errors,
    ):
        dispatcher.include_router(part.router())
