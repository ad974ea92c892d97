"""Reads a post of each of several sites; prints as JSON what Python's audit hooks saw of it.

Called as a program by `test_isolation`, because an audit hook cannot be removed.

    python -m tests.platforms.audited_reads SHARED_FOLDER FOLDER

"events" are pairs of an event and its first argument, "environment" the variables that were read,
both by the threads that read pages. "threads" are the names of all threads that were heard.
"""

import asyncio
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from simulator.samples import SampleStore, VideoSpec
from simulator.sites.instagram import InstagramSite
from simulator.sites.music import Track
from simulator.sites.pinterest import PinterestSite
from simulator.sites.proxy import Authority
from simulator.sites.reddit import RedditSite
from simulator.sites.tiktok import TikTokSite
from simulator.sites.videos import Clip
from simulator.sites.x import XSite
from tests.sites import Web

_LINKS = (
    "https://soundcloud.com/ferry-demo/harbour-bell",
    "https://ferry-demo.bandcamp.com/track/harbour-bell",
    "https://www.mixcloud.com/ferry-demo/harbour-bell/",
    "https://www.dailymotion.com/video/x9demo1",
    "https://ok.ru/video/7300000001",
)
_HEARD = {
    "open",
    "os.listdir",
    "os.putenv",
    "os.system",
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
}


def _is_reader() -> bool:
    return threading.current_thread().name == "page-reader"


class _Audit:
    """Records what readers of pages do from now on."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.threads: set[str] = set()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        self.threads.add(threading.current_thread().name)
        if _is_reader() and event in _HEARD:
            self.events.append((event, str(arguments[0])))


class _Environment(dict[str, str]):
    """Records which variables are read."""

    def __init__(self) -> None:
        super().__init__(os.environ)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self._note(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def _note(self, name: str) -> None:
        if _is_reader():
            self.asked.add(name)


async def main() -> None:
    samples = SampleStore(Path(sys.argv[1]) / "samples")
    folder = Path(sys.argv[2])
    (folder / "ca").mkdir()
    sites = (TikTokSite(), InstagramSite(), XSite(), RedditSite(), PinterestSite())
    web = Web(*sites, samples, Authority(folder / "ca"), folder)
    for site in ("soundcloud", "bandcamp", "mixcloud"):
        web.music.tracks[f"{site}/ferry-demo/harbour-bell"] = Track(samples.sound())
    clip = Clip(samples.video(VideoSpec(container="ts")))
    web.videos.clips |= {"dailymotion/x9demo1": clip, "ok/7300000001": clip}
    await web.add_proxy(name="exit-1")
    async with web.fetcher(attempts=1) as fetcher:

        async def read_all() -> None:
            for url in _LINKS:
                link = fetcher.registry.find(url)
                assert link
                await fetcher.attempt(link, lambda attempt: attempt.read())

        await read_all()  # imports the extractors
        environment = _Environment()
        os.environ = environment  # type: ignore[assignment]  # noqa: B003 - replaced on purpose
        audit = _Audit()
        await read_all()
    for proxy in web.proxies:
        await proxy.stop()
    found = {
        "events": audit.events,
        "threads": sorted(audit.threads),
        "environment": sorted(environment.asked),
        "ca_file": str(web.authority.ca_file),
        "hosts": sorted(web.asked_hosts()),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
