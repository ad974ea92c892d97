"""The floor for registrations and for the start: aiogram alone, answering /start with one text."""

import asyncio
import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.types import Message


async def on_start(message: Message) -> None:
    """Answer with a text as long as a welcome."""
    await message.answer("x" * 350)


async def main(server: str, token: str) -> None:
    """Poll until SIGTERM."""
    bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(server)))
    dispatcher = Dispatcher()
    dispatcher.message.register(on_start, CommandStart())
    await dispatcher.start_polling(bot)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
