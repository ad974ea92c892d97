"""Reads small documents that people have sent to the bot."""

import asyncio
from pathlib import Path
from typing import Final

import aiohttp
from aiogram import Bot

from core.errors import FileRejectedError, TelegramUnreachableError

#: Longest time for the download, in seconds.
_LIMIT_S: Final = 30


async def read_document(bot: Bot, file_id: str, limit_bytes: int) -> bytes:
    """Return the content of a document, or its beginning if it is larger than the limit.

    It has at most one block more than the limit, so that the caller sees that it is too large.

    Raises:
        DeliveryError: Telegram does not provide it.
    """
    path = (await bot.get_file(file_id)).file_path
    if path is None:
        raise FileRejectedError("no path")
    try:
        # A server that runs with --local names a file of its own machine.
        # Source: https://core.telegram.org/bots/api#using-a-local-bot-api-server
        if path.startswith("/"):
            return await asyncio.to_thread(_read_file, path, limit_bytes)
        return await _download(bot, path, limit_bytes)
    except (aiohttp.ClientError, OSError) as error:  # also a timeout
        # The error itself would name the URL, which contains the token.
        raise TelegramUnreachableError(type(error).__name__) from None


async def _download(bot: Bot, path: str, limit_bytes: int) -> bytes:
    data = bytearray()
    url = bot.session.api.file_url(bot.token, path)
    chunks = bot.session.stream_content(url, timeout=_LIMIT_S)
    try:
        async for chunk in chunks:
            data += chunk
            if len(data) > limit_bytes:
                break
    finally:
        await chunks.aclose()
    return bytes(data)


def _read_file(path: str, limit_bytes: int) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(limit_bytes + 1)
