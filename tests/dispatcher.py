"""The bot's dispatcher as the application builds it, without a connection to anything."""

from collections.abc import Iterator
from pathlib import Path

from aiogram import Dispatcher, Router

from app.container import Container, build
from app.dispatcher import build_dispatcher, build_intake
from data.config import load_settings

TOKEN = "42:" + "a" * 35
ADMIN = 1


def real_dispatcher(folder: Path) -> Dispatcher:
    """Build container and dispatcher; files would go to `folder`."""
    return real_bot(folder)[1]


def real_bot(folder: Path, **environment: str) -> tuple[Container, Dispatcher]:
    """Build container and dispatcher with more settings; files go to `folder`."""
    nothing = folder / "nothing"
    environment = {
        "BOT_TOKEN": TOKEN,
        "BOT_ADMINS": str(ADMIN),
        "FILES_SPOOL_DIR": str(folder),
        **environment,
    }
    settings = load_settings(nothing, nothing, environment)
    container = build(settings)
    intake = build_intake(container, settings, bot_username="demo_bot", can_share=True)
    return container, build_dispatcher(container, settings, intake, has_inline=True)


def routers(dispatcher: Dispatcher) -> Iterator[Router]:
    """Yield the dispatcher and all routers below it."""
    waiting: list[Router] = [dispatcher]
    while waiting:
        router = waiting.pop()
        waiting += router.sub_routers
        yield router
