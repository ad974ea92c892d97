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


def setup(dispatcher: Dispatcher, registration: Registration) -> None:
    """Put the handlers in place, in the order in which they are asked."""
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
