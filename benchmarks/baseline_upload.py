"""Run the baseline of the deliveries: upload one file from disk many times in parallel."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """Read a file in chunks of 256 KiB, like the bot."""
    with path.open("rb") as file:
        while chunk := file.read(256 * 1024):
            yield chunk


async def send(session: aiohttp.ClientSession, url: str, path: Path, person: int) -> None:
    """Upload the file once."""
    form = aiohttp.FormData()
    for key, value in (("chat_id", person), ("width", 576), ("height", 1024), ("duration", 3)):
        form.add_field(key, str(value))
    form.add_field("video", pieces(path), filename="x.mp4")
    async with session.post(url, data=form) as response:
        response.raise_for_status()


async def main(server: str, token: str, file: str, first_person: int, times: int) -> None:
    """Upload the file to `times` users in parallel."""
    url = f"{server}/bot{token}/sendVideo"
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=600)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        asyncio.TaskGroup() as group,
    ):
        for person in range(first_person, first_person + times):
            group.create_task(send(session, url, Path(file), person))


if __name__ == "__main__":
    server, token, file, first, times = sys.argv[1:]
    asyncio.run(main(server, token, file, int(first), int(times)))
