"""Run the baseline of new links: the same work in one script, with nothing else around it.

For each post: the page and the file by curl_cffi through the proxy, the file's facts, thumbnail and
cover by PyAV, the upload by aiogram. There is no database, no queue, no retry, and no check.

The options are JSON: {"server", "token", "proxy", "ca_file", "folder", "posts", "at_once"}. Prints
one line of JSON at the end: {"ended": the seconds after the start at which each answer was sent,
"cpu_s": …, "peak_mb": the process's largest resident memory in MiB}.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InputFile
from curl_cffi.requests import AsyncSession

from benchmarks.bare_media import Video, look_into

_PIECE_BYTES = 256 * 1024
_FIRST_CHAT = 1_000
_DETAIL = '"webapp.video-detail":'


class OpenedFile(InputFile):
    """A file that is read where it is sent: aiogram's own would read each piece in a thread."""

    def __init__(self, path: Path) -> None:
        super().__init__(filename=path.name, chunk_size=_PIECE_BYTES)
        self.path = path

    async def read(self, _bot: Bot) -> AsyncGenerator[bytes, None]:
        """Yield the pieces of the file."""
        with self.path.open("rb", buffering=0) as file:
            while piece := file.read(self.chunk_size):
                yield piece


@dataclass(frozen=True)
class Baseline:
    """The clients of the sites and of Telegram."""

    site: Any
    telegram: Bot
    folder: Path

    async def answer(self, post: str, chat: int) -> None:
        """Fetch a post and send its video to a chat."""
        page = f"https://www.tiktok.com/@_/video/{post}"
        address = address_in((await self.site.get(page)).text)
        path = self.folder / f"baseline-{post}.mp4"
        with path.open("wb", buffering=0) as file:
            response = await self.site.get(
                address, headers={"Referer": page}, content_callback=file.write, quote=False
            )
        response.raise_for_status()
        await self.send(await asyncio.to_thread(look_into, path), chat)

    async def send(self, video: Video, chat: int) -> None:
        """Upload a video, and delete its files."""
        await self.telegram.send_video(
            chat,
            OpenedFile(video.path),
            width=video.width,
            height=video.height,
            duration=video.duration_s,
            thumbnail=OpenedFile(video.thumbnail),
            cover=OpenedFile(video.cover),
            supports_streaming=True,
            request_timeout=600,
        )
        for path in (video.path, video.thumbnail, video.cover):
            path.unlink()


def address_in(page: str) -> str:
    """Return the address of the video in the page of a post."""
    start = page.index(_DETAIL) + len(_DETAIL)
    detail, _ = json.JSONDecoder().raw_decode(page, start)
    address: str = detail["itemInfo"]["itemStruct"]["video"]["playAddr"]
    return address


async def answer_all(baseline: Baseline, posts: Sequence[str], at_once: int) -> list[float]:
    """Answer all links, at most `at_once` at a time; return when each was answered, in seconds."""
    began, free = time.monotonic(), asyncio.Semaphore(at_once)
    ended: list[float] = []

    async def one(number: int, post: str) -> None:
        async with free:
            await baseline.answer(post, _FIRST_CHAT + number)
        ended.append(time.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        for number, post in enumerate(posts):
            group.create_task(one(number, post))
    return ended


async def main(options: dict[str, Any]) -> None:
    """Connect, answer all links, and print what it took."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(options["server"]))
    telegram = Bot(options["token"], session=session)
    async with AsyncSession(
        proxy=options["proxy"],
        verify=options["ca_file"],
        impersonate="chrome",
        max_clients=options["at_once"],
        timeout=120,
    ) as site:
        baseline = Baseline(site, telegram, Path(options["folder"]))
        cpu = time.process_time()
        ended = await answer_all(baseline, options["posts"], options["at_once"])
        cpu = time.process_time() - cpu
    await telegram.session.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"ended": ended, "cpu_s": cpu, "peak_mb": peak}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
