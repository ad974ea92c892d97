"""Reads a post or a list of each site; prints as JSON what Python's audit hooks saw of it.

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

from simulator.samples import SampleStore
from simulator.sites.instagram import InstagramSite
from simulator.sites.pinterest import PinterestSite
from simulator.sites.proxy import Authority
from simulator.sites.reddit import RedditSite
from simulator.sites.tiktok import TikTokSite
from simulator.sites.web import Sites
from simulator.sites.x import XSite
from tests.platforms.test_mutated_sites import EXAMPLES, StoredSites, use
from tests.sites import Web

#: Those that are read signed out. YouTube's reader starts a runtime for its scripts.
_EXAMPLES = [
    example
    for name, example in EXAMPLES.items()
    if not example.cookies and name.partition(",")[0] != "youtube"
]
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
    for example in _EXAMPLES:
        example.add(web)
    await web.add_proxy(Sites(*web.sites().members, StoredSites()), name="exit-1")
    async with web.fetcher(attempts=1) as fetcher:

        async def read_all() -> None:
            for example in _EXAMPLES:
                await use(web, fetcher, example, saves=False)

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
