"""Reads posts and lists; prints as JSON what Python's audit hooks saw of it.

Called as a program by `test_isolation`, because an audit hook cannot be removed.

    python -m tests.platforms.audited_reads KIND SHARED_FOLDER FOLDER

KIND says what is read: "visitors" all sites but YouTube without an account, "accounts" all sites
that take one with it, "youtube" YouTube with a JavaScript runtime, and "no-runtime" without.

"events" are the name of an example, an event and its argument, of the threads that read pages;
"files" those events of other threads that are about files. "environment" are the variables that
readers looked at, "threads" the names of all threads that were heard, and "videos" the address of
the first video of each post.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.media import Clip, Post
from platforms import Fetcher, Identities, Platform, ProxyPool, Registry, load_registry
from platforms._proxies import DIRECT, Proxy
from simulator.samples import SampleStore, VideoSpec
from simulator.sites.instagram import InstagramSite
from simulator.sites.pinterest import PinterestSite
from simulator.sites.proxy import Authority
from simulator.sites.reddit import RedditSite
from simulator.sites.tiktok import TikTokSite
from simulator.sites.web import Sites
from simulator.sites.x import XSite
from simulator.sites.youtube import Stream, YouTubeVideo
from tests.platforms import js_stand_ins
from tests.platforms.test_mutated_sites import EXAMPLES, Example, StoredSites, use
from tests.records import changed
from tests.sites import TERMS, Web

#: Beginnings of the events of files, and of all that are heard.
_FILES: Final = ("open", "glob.", "os.", "shutil.", "tempfile.")
_HEARD: Final = (*_FILES, "ctypes.", "socket.", "subprocess.", "urllib.")
_PROCESS: Final = "subprocess.Popen"
_COOKIES: Final = "# Netscape HTTP Cookie File\n.{}\tTRUE\t/\tTRUE\t2147483647\tsessionid\t{}\n"
_REGISTRY: Final = load_registry()


def _site_of(name: str) -> str:
    return name.partition(",")[0]


def _examples(kind: str) -> Mapping[str, Example]:
    def is_wanted(name: str) -> bool:
        site = _site_of(name)
        match kind:
            case "visitors":
                return site != "youtube" and not EXAMPLES[name].cookies
            case "accounts":
                return site != "youtube" and _REGISTRY[site].takes_accounts
        return site == "youtube"

    return {name: example for name, example in EXAMPLES.items() if is_wanted(name)}


class _Audit:
    """Records what is done while an example is read."""

    def __init__(self) -> None:
        #: The name of the example; empty if nothing is read.
        self.example = ""
        #: Of readers of pages, and of other threads.
        self.events: list[tuple[str, str, str]] = []
        self.files: list[tuple[str, str, str]] = []
        self.threads: set[str] = set()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        self.threads.add(threading.current_thread().name)
        beginnings, heard = (_HEARD, self.events) if _is_reader() else (_FILES, self.files)
        # A file that is open already has a number.
        is_open = event == "open" and isinstance(arguments[0], int)
        if self.example and event.startswith(beginnings) and not is_open:
            argument = _command(*arguments[1]) if event == _PROCESS else str(arguments[0])
            heard.append((self.example, event, argument))


def _command(program: object, *arguments: object) -> str:
    """Return a command line, without the folder of its program."""
    return " ".join((Path(str(program)).name, *map(str, arguments)))


def _is_reader() -> bool:
    return threading.current_thread().name == "page-reader"


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


@asynccontextmanager
async def _fetcher(web: Web, *, signs_in: bool) -> AsyncIterator[Fetcher]:
    """Yield a new fetcher, which has nothing of earlier reads in its memory."""
    pool = ProxyPool([Proxy(proxy.name, proxy.address()) for proxy in web.proxies])
    sites = [p for p in _REGISTRY.by_name.values() if p.takes_accounts or not signs_in]
    sites = [_signed_in(p) if signs_in else p for p in sites]
    identities = Identities(web.folder / "identities" if signs_in else None, pool)
    policy = changed(TERMS, ca_file=web.authority.ca_file, attempts=1)
    fetcher = Fetcher(Registry(sites), pool, policy, identities=identities)
    try:
        yield fetcher
    finally:
        await fetcher.close()


def _signed_in(site: Platform) -> Platform:
    """Return a site that is read with its accounts only."""
    return replace(site, layers=tuple(layer for layer in site.layers if layer.is_signed_in))


def _add_accounts(web: Web) -> None:
    identities = Identities(web.folder / "identities", ProxyPool([DIRECT]))
    for site in filter(lambda site: site.takes_accounts, _REGISTRY.by_name.values()):
        cookies = _COOKIES.format(site.page_hosts.domains[0], web.instagram.session)
        identities.add(site, "anna", "", cookies.encode())


def _ask_for_javascript(web: Web) -> None:
    """Let YouTube's files have addresses that a script of its player must change."""
    stream = Stream(web.samples.video(VideoSpec()), 136, size=(576, 1024))
    web.youtube.videos["DemoShort01"] = YouTubeVideo((stream,), challenge="ferry")


async def _web(kind: str) -> Web:
    samples = SampleStore(Path(sys.argv[2]) / "samples")
    folder = Path(sys.argv[3])
    (folder / "ca").mkdir()
    sites = (TikTokSite(), InstagramSite(), XSite(), RedditSite(), PinterestSite())
    web = Web(*sites, samples, Authority(folder / "ca"), folder)
    for example in _examples(kind).values():
        example.add(web)
    if kind == "youtube":
        js_stand_ins.accept()
        _ask_for_javascript(web)
    if kind == "accounts":
        _add_accounts(web)
    await web.add_proxy(Sites(*web.sites().members, StoredSites()), name="exit-1")
    return web


async def _read_all(web: Web, kind: str, audit: _Audit | None = None) -> dict[str, str]:
    """Read all examples; return the address of the first video of each post."""
    videos = {}
    async with _fetcher(web, signs_in=kind == "accounts") as fetcher:
        for name, example in _examples(kind).items():
            if audit:
                audit.example = name
            read = await use(web, fetcher, example, saves=False)
            if audit:
                audit.example = ""
            videos[name] = _first_video(read)
    return videos


def _first_video(read: object) -> str:
    items = read.items if isinstance(read, Post) else ()
    return next((item.renditions[0].urls[0] for item in items if isinstance(item, Clip)), "")


async def main() -> None:
    kind = sys.argv[1]
    web = await _web(kind)
    await _read_all(web, kind)  # imports the extractors
    environment = _Environment()
    os.environ = environment  # type: ignore[assignment]  # noqa: B003 - replaced on purpose
    audit = _Audit()
    videos = await _read_all(web, kind, audit)
    for proxy in web.proxies:
        await proxy.stop()
    found = {
        "events": audit.events,
        "files": audit.files,
        "threads": sorted(audit.threads),
        "environment": sorted(environment.asked),
        "hosts": sorted(web.asked_hosts()),
        "videos": videos,
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
