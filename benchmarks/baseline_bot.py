"""Run the baseline bot: plain aiogram.

It answers /start with a text and anything else with a video. The video is sent bare, or with a
caption, three buttons and a quote like those of Clipferry.
"""

import asyncio
import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

_CAPTION = '<a href="https://www.tiktok.com/@_/video/1">Source</a>\n<a href="https://t.me/x">@x</a>'


def _buttons() -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(text=text, callback_data="x") for text in ("1.2K", "3.4M", "Sound")]
    return InlineKeyboardMarkup(inline_keyboard=[row[:2], row[2:]])


async def on_start(message: Message) -> None:
    """Reply with a text as long as the bot's welcome."""
    await message.answer("x" * 350)


async def main(server: str, token: str, file_id: str = "", style: str = "bare") -> None:
    """Poll until SIGTERM; `style` is "bare" or "full"."""

    async def on_anything(message: Message) -> None:
        """Reply with the video."""
        if style == "bare":
            await message.answer_video(file_id)
            return
        await message.reply_video(
            file_id, caption=_CAPTION, parse_mode="HTML", reply_markup=_buttons()
        )

    bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(server)))
    dispatcher = Dispatcher()
    dispatcher.message.register(on_start, CommandStart())
    dispatcher.message.register(on_anything)
    await dispatcher.start_polling(bot)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
