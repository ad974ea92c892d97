"""The floor: aiogram alone, answering /start with one text, and anything else with a known video."""

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


async def main(server: str, token: str, file_id: str = "") -> None:
    """Poll until SIGTERM."""

    async def on_anything(message: Message) -> None:
        """Answer with the video."""
        await message.answer_video(file_id, caption="x" * 40)

    bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(server)))
    dispatcher = Dispatcher()
    dispatcher.message.register(on_start, CommandStart())
    dispatcher.message.register(on_anything)
    await dispatcher.start_polling(bot)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
