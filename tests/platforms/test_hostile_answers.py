"""Hostile answers: every fetch ends, in bounded time and memory, with one of our errors."""

import asyncio
import gzip
import json
import sys
import threading
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from yt_dlp.extractor.common import InfoExtractor

from core.errors import (
    ClipferryError,
    PlatformChangedError,
    PlatformError,
    PlatformUnreachableError,
    TooLargeError,
)
from core.media import Access, Post
from platforms import (
    Attempt,
    Fetcher,
    FetchPolicy,
    FileRequest,
    FileVersion,
    ProxyPool,
    Spool,
    load_registry,
)
from platforms._download import Checks, FileServer, download
from platforms._external_apis import ExternalApis
from platforms._http import HostRule, OwnService, WebClient
from platforms._linked_media import LINKED_HOSTS, fetch_linked
from platforms._proxies import DIRECT, Proxy
from simulator.sites.proxy import Authority, SitesProxy
from tests.platforms.hostile import ANSWERS, ENDLESS, HostileSite
from tests.sites import identities_with

TIKTOK = "https://www.tiktok.com/@a/video/7300000000000000001"
#: One post per way to read a page: our own readers, and yt-dlp's extractors as they are.
POSTS = (
    TIKTOK,
    "https://www.instagram.com/p/CxAbCdEfGhI/",
    "https://www.reddit.com/r/a/comments/1abcde/b/",
    "https://www.facebook.com/reel/1234567890123456",
)
#: Those that search pages and answers for objects by themselves, over the same requests.
SEARCHED = (
    "https://www.threads.com/@a/post/CxAbCdEfGhI",
    "https://www.tumblr.com/a/730000000000000001",
    "https://bsky.app/profile/a.example/post/3demo01",
    "https://www.facebook.com/a/posts/7300000002",
    "https://www.facebook.com/photo/?fbid=7300000031",
)
#: One list per way to read lists.
LISTS = (
    "https://www.tiktok.com/@ferry.demo",
    "https://soundcloud.com/ferry-demo/sets/crossings",
    "https://ferry-demo.bandcamp.com/album/crossings",
    "https://www.mixcloud.com/ferry-demo/uploads/",
    "https://www.dailymotion.com/playlist/x9demo",
    "https://www.facebook.com/media/set/?set=a.7300000030",
    "https://bsky.app/profile/a.example",
    "https://www.reddit.com/user/ferry_demo/",
    "https://www.pinterest.com/ferry_demo/boats/",
    "https://rutube.ru/plst/73/",
)
#: Highest memory of one read above idle.
MOST_MIB = 64
#: Answers of which there is so little that only the time for a post ends a read of them.
SLOW = ("a byte at a time", "silence")
#: A short time, for those.
SHORT: Final = {"budget_s": 3, "stall_s": 2}


@pytest.fixture
async def site(authority: Authority) -> AsyncIterator[tuple[HostileSite, SitesProxy]]:
    hostile = HostileSite()
    proxy = SitesProxy(hostile, authority, [], name="exit-1")
    await proxy.start()
    yield hostile, proxy
    await proxy.stop()


def _fetcher(proxy: SitesProxy, authority: Authority, **policy) -> Fetcher:
    """Return a fetcher that has, unless `policy` says otherwise, more time than any read needs."""
    settings = {"attempts": 1, "budget_s": 60, "stall_s": 30, **policy}
    return Fetcher(
        load_registry(),
        ProxyPool([Proxy("exit-1", proxy.address())]),
        FetchPolicy(ca_file=authority.ca_file, **settings),
    )


async def _readers_gone() -> None:
    """Wait until no thread reads a page."""
    while any(thread.name == "page-reader" for thread in threading.enumerate()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def _closed(hostile: HostileSite) -> None:
    """Wait until the site's writes end: connections are closed, not just ignored."""
    while True:
        written = hostile.written
        await asyncio.sleep(0.2)
        if hostile.written == written:
            break


@pytest.mark.parametrize("url", POSTS)
@pytest.mark.parametrize("name", ANSWERS)
async def test_every_page_ends_with_an_error_of_ours(name: str, url: str, site, authority):
    hostile, proxy = site
    hostile.answer_name = name
    fetcher = _fetcher(proxy, authority, **(SHORT if name in SLOW else {}))
    link = fetcher.registry.find(url)
    assert link
    async with asyncio.timeout(120):
        # On a busy machine, a short time may be over before the first request.
        while not hostile.requests:
            with pytest.raises(ClipferryError):
                await fetcher.attempt(link, lambda attempt: attempt.read())
        await _readers_gone()
    await fetcher.close()


@pytest.mark.parametrize(
    "url",
    [
        "https://x.com/a/status/1234567890123456789",
        "https://www.pinterest.com/pin/1234567890123456/",
    ],
)
@pytest.mark.parametrize("name", ["endless", "gzip bomb", "deep JSON", "no UTF-8"])
async def test_an_api_is_not_trusted_more_than_a_page(name: str, url: str, site, authority):
    await test_every_page_ends_with_an_error_of_ours(name, url, site, authority)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.redgifs.com/watch/demogif",
        "https://imgur.com/gallery/demo1",
        "https://imgur.com/demo1",
    ],
)
@pytest.mark.parametrize("name", ["endless", "endless redirect", "gzip bomb", "deep JSON"])
async def test_a_site_behind_a_link_is_not_trusted_either(name: str, url: str, site, authority):
    hostile, proxy = site
    hostile.answer_name = name
    fetcher = _fetcher(proxy, authority)
    pages = fetcher.context(Proxy("exit-1", proxy.address())).pages
    with pytest.raises(ClipferryError):
        await pages.read(
            InfoExtractor, LINKED_HOSTS, lambda extractor, _: fetch_linked(extractor, url)
        )
    await fetcher.close()
    assert {request.partition("/")[0] for request in hostile.requests} <= {
        "api.redgifs.com",
        "api.imgur.com",
    }
    # The limit of a page, for two requests, and what fits into the buffers.
    assert hostile.written < 30_000_000


@pytest.mark.parametrize("url", SEARCHED)
@pytest.mark.parametrize("name", ["endless", *(name for name in ANSWERS if name not in ENDLESS)])
async def test_every_page_that_is_searched_ends_so_too(name: str, url: str, site, authority):
    await test_every_page_ends_with_an_error_of_ours(name, url, site, authority)


class Redirecting:
    """Redirects every request of every host to one address."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.hosts: list[str] = []

    def serves(self, host: str) -> bool:
        return bool(host)

    async def answer(self, request: web.Request, _proxy_name: str) -> web.Response:
        self.hosts.append(request.host)
        return web.Response(status=302, headers={"Location": self._target})


@pytest.mark.parametrize("target", ["http://127.0.0.1/x", "https://evil.example/x", "file:///x"])
@pytest.mark.parametrize("url", [*SEARCHED, "https://www.instagram.com/stories/ferry.demo/"])
async def test_no_answer_leads_a_reader_to_another_host(
    url: str, target: str, authority, tmp_path: Path
):
    site = Redirecting(target)
    proxy = SitesProxy(site, authority, [], name="exit-1")
    await proxy.start()
    cookies = "# Netscape HTTP Cookie File\n.instagram.com\tTRUE\t/\tTRUE\t0\tsessionid\tx\n"
    pool = ProxyPool([Proxy("exit-1", proxy.address())])
    policy = FetchPolicy(attempts=1, budget_s=60, stall_s=30, ca_file=authority.ca_file)
    identities = identities_with(tmp_path, pool, cookies)
    fetcher = Fetcher(load_registry(), pool, policy, identities=identities)
    link = fetcher.registry.find(url)
    assert link
    with pytest.raises(ClipferryError):
        await fetcher.attempt(link, lambda attempt: attempt.read())
    await fetcher.close()
    await proxy.stop()
    rule = fetcher.registry[link.platform].page_hosts
    assert site.hosts
    assert all(rule.allows(f"https://{host}/") for host in site.hosts)


class CookieSetter:
    """Redirects to another host of the site, with cookies for all kinds of domains."""

    #: Domains, and whether www.tiktok.com or m.tiktok.com may set cookies for them.
    DOMAINS: Final = {
        ".tiktok.com": True,
        ".m.tiktok.com": True,
        ".instagram.com": False,
        ".com": False,
        "evil.example": False,
        "127.0.0.1": False,
    }

    def __init__(self) -> None:
        #: The Cookie headers of the requests, by host.
        self.sent: dict[str, str] = {}

    def serves(self, host: str) -> bool:
        return bool(host)

    async def answer(self, request: web.Request, _proxy_name: str) -> web.Response:
        self.sent[request.host] = request.headers.get("Cookie", "")
        response = web.Response(status=302, headers={"Location": "https://m.tiktok.com/v/73.html"})
        for number, domain in enumerate(self.DOMAINS):
            response.headers.add("Set-Cookie", f"c{number}=x; Domain={domain}; Path=/")
        return response


async def test_a_site_sets_no_cookies_for_other_domains(authority):
    site = CookieSetter()
    proxy = SitesProxy(site, authority, [], name="exit-1")
    await proxy.start()
    fetcher = _fetcher(proxy, authority)
    for url in (TIKTOK, "https://www.instagram.com/p/CxAbCdEfGhI/"):
        link = fetcher.registry.find(url)
        assert link
        with pytest.raises(ClipferryError):
            await fetcher.attempt(link, lambda attempt: attempt.read())
    await fetcher.close()
    await proxy.stop()
    allowed = {f"c{n}=x" for n, may in enumerate(site.DOMAINS.values()) if may}
    assert set(site.sent["m.tiktok.com"].split("; ")) == allowed
    assert not any("=x" in sent for host, sent in site.sent.items() if "instagram" in host)


@pytest.mark.parametrize("name", ENDLESS)
async def test_a_cancelled_read_leaves_no_thread_behind(name: str, site, authority):
    hostile, proxy = site
    hostile.answer_name = name
    fetcher = _fetcher(proxy, authority, budget_s=4, stall_s=3)
    link = fetcher.registry.find(TIKTOK)
    assert link
    with pytest.raises((TimeoutError, ClipferryError)):
        async with asyncio.timeout(0.2):
            await fetcher.attempt(link, lambda attempt: attempt.read())
    async with asyncio.timeout(120):
        await _readers_gone()
        await _closed(hostile)
    await fetcher.close()


async def test_a_signed_in_read_has_the_same_limits(site, authority, tmp_path: Path):
    hostile, proxy = site
    cookies = "# Netscape HTTP Cookie File\n.tiktok.com\tTRUE\t/\tTRUE\t0\tsid_tt\tx\n"
    fetcher = _fetcher(proxy, authority)
    fetcher.identities = identities_with(tmp_path, ProxyPool([DIRECT]), cookies)
    link = fetcher.registry.find(TIKTOK)
    assert link
    with pytest.raises(PlatformChangedError, match="too large"):
        await fetcher.attempt(link, lambda attempt: attempt.read())
    await fetcher.close()
    assert len(hostile.requests) >= 2  # signed out and signed in


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_short_link_costs_no_body(name: str, site, authority):
    hostile, proxy = site
    hostile.answer_name = name
    fetcher = _fetcher(proxy, authority)
    link = fetcher.registry.find("https://vm.tiktok.com/ZMabcdefg/")
    assert link
    assert link.post_id is None
    async with asyncio.timeout(120):
        try:
            resolved = await fetcher.resolve(link)
        except ClipferryError:
            assert name != "endless redirect"
        else:
            assert resolved.post_id == "7300000000000000001"
    await fetcher.close()
    # Some megabytes fit into the buffers of the kernel and of the proxy.
    assert hostile.written < 30_000_000


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_media_file_ends_at_its_limit(name: str, site, authority, tmp_path: Path):
    hostile, proxy = site
    hostile.answer_name = name
    web_client = WebClient(Proxy("exit-1", proxy.address()), ca_file=authority.ca_file)
    target = tmp_path / "file.mp4"
    try:
        async with asyncio.timeout(3):
            server = FileServer(web_client, HostRule(("example.com",)), Access("exit-1"), stall_s=1)
            urls = ("https://cdn.example.com/file.mp4",)
            await download(server, urls, target, Checks(2_000_000))
    except (ClipferryError, TimeoutError):
        pass
    else:
        assert name not in {*ENDLESS, "gzip bomb", "gzip bomb, whole", "unknown encoding"}
    finally:
        await web_client.close()
    assert not target.exists() or target.stat().st_size <= 2_000_000


async def test_a_dripping_file_ends_with_the_time_of_its_post(site, authority, tmp_path: Path):
    """There is always some data, so that only the time for the whole post ends it."""
    hostile, proxy = site
    hostile.answer_name = "a byte at a time"
    fetcher = _fetcher(proxy, authority, budget_s=3, stall_s=60)
    link = fetcher.registry.find(TIKTOK)
    assert link
    post = Post("tiktok", "7300000000000000001", TIKTOK, Access("exit-1"))
    wanted = FileRequest((FileVersion(("https://v16.tiktokcdn.com/a.mp4",), 2_000_000),), "a.mp4")
    spool = Spool(tmp_path / "spool", 100_000_000)
    spool.prepare()

    async def work(attempt: Attempt) -> None:
        async with spool.workspace() as space:
            await attempt.save(post, [wanted], space)

    try:
        async with asyncio.timeout(120):
            with pytest.raises(PlatformUnreachableError, match="no result within 3 s"):
                await fetcher.attempt(link, work)
            await _closed(hostile)
    finally:
        await fetcher.close()
    assert spool.reserved_bytes == 0


@pytest.mark.parametrize(
    ("url", "name"),
    [
        *((LISTS[0], name) for name in ("endless", "gzip bomb", "silence", "a byte at a time")),
        *((url, name) for url in LISTS[1:] for name in ("endless", "gzip bomb")),
    ],
)
async def test_a_list_is_not_trusted_more_than_a_page(url: str, name: str, site, authority):
    hostile, proxy = site
    hostile.answer_name = name
    fetcher = _fetcher(proxy, authority, budget_s=2, stall_s=1)
    link = fetcher.registry.find_list(url)
    assert link
    try:
        async with asyncio.timeout(120):
            with pytest.raises(ClipferryError):
                await fetcher.read_list(link, 25)
            await _readers_gone()
            await _closed(hostile)
    finally:
        await fetcher.close()
    # The limit of a post's pages, and what fits into the buffers.
    assert hostile.written < 60_000_000


@pytest.mark.parametrize("name", ["endless", "endless gzip", "gzip bomb", "deep JSON"])
async def test_an_external_api_is_not_trusted_either(name: str, site, authority):
    hostile, proxy = site
    hostile.answer_name = name
    web_client = WebClient(Proxy("exit-1", proxy.address()), ca_file=authority.ca_file)
    apis = ExternalApis(web_client.session)
    async with asyncio.timeout(120):
        with pytest.raises(PlatformError):
            await apis.ask("GET", "https://api.example.com/", {})
    await web_client.close()


@pytest.fixture
async def file_server() -> AsyncIterator[tuple[str, dict[str, web.Response]]]:
    """Yield the address of a server, and its responses by path."""
    responses: dict[str, web.Response] = {}

    async def answer(request: web.Request) -> web.Response:
        return responses[request.path]

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", responses
    await runner.cleanup()


async def _save(address: str, target: Path) -> bytes:
    web_client = WebClient(DIRECT, is_private=True)
    try:
        server = FileServer(web_client, OwnService(address), Access("direct"), stall_s=5)
        size = await download(server, (f"{address}/file",), target, Checks(10_000_000))
    finally:
        await web_client.close()
    saved = target.read_bytes()
    assert size == len(saved)
    return saved


CONTENT = bytes(range(256)) * 4_000


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(CONTENT)),
        ("x-gzip", gzip.compress(CONTENT)),
        ("GZIP", gzip.compress(CONTENT[:70_000]) + gzip.compress(CONTENT[70_000:])),
        ("deflate", zlib.compress(CONTENT)),
        ("identity", CONTENT),
        ("", CONTENT),
    ],
    ids=["gzip", "x-gzip", "two members", "deflate", "identity", "none"],
)
async def test_a_compressed_file_is_saved_decoded(encoding, body, file_server, tmp_path: Path):
    address, responses = file_server
    responses["/file"] = web.Response(body=body, headers={"Content-Encoding": encoding})
    assert await _save(address, tmp_path / "file") == CONTENT


@pytest.mark.parametrize(
    ("encoding", "body", "error"),
    [
        ("gzip", gzip.compress(CONTENT)[:-9], PlatformUnreachableError),
        ("gzip", b"not gzip at all", PlatformUnreachableError),
        ("br", CONTENT, PlatformChangedError),
        ("gzip", gzip.compress(bytes(11_000_000)), TooLargeError),
        ("gzip", gzip.compress(b""), PlatformUnreachableError),
    ],
    ids=["cut off", "not gzip", "unknown", "too large", "empty"],
)
async def test_a_broken_compressed_file_is_refused(
    encoding, body, error, file_server, tmp_path: Path
):
    address, responses = file_server
    responses["/file"] = web.Response(body=body, headers={"Content-Encoding": encoding})
    with pytest.raises(error):
        await _save(address, tmp_path / "file")


async def _read_in_process(proxy: SitesProxy, authority: Authority, leave_after_s: float):
    """Read a post in another process; return its report and how long its exit took, in seconds."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.platforms.one_read", proxy.address()),
        *(str(authority.ca_file), TIKTOK, str(leave_after_s)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    report = json.loads(out)
    return report, time.time() - report["at"]


@pytest.mark.parametrize(
    "name", ["endless", "endless gzip", "gzip bomb", "deep JSON", "wide JSON", "many strings"]
)
async def test_a_hostile_page_takes_little_memory(name: str, site, authority):
    hostile, proxy = site
    hostile.answer_name = name
    report, _ = await _read_in_process(proxy, authority, 60)
    assert report["outcome"] in {"PlatformChangedError", "PlatformRefusedError"}
    assert report["mib"] < MOST_MIB


@pytest.mark.parametrize("name", ["silence", "a byte at a time", "endless"])
async def test_the_program_ends_without_waiting_for_a_page(name: str, site, authority):
    hostile, proxy = site
    hostile.answer_name = name
    report, exit_s = await _read_in_process(proxy, authority, 0.5)
    # A busy machine may not get to the limit of an endless page in this time.
    assert report["outcome"] in {"left", *(["PlatformChangedError"] if name == "endless" else [])}
    assert exit_s < 25  # a reader's own limits are 30 and 60 seconds


async def test_a_fault_inside_an_extractor_is_the_sites_change(site, authority):
    _, proxy = site
    fetcher = _fetcher(proxy, authority)
    link = fetcher.registry.find(TIKTOK)
    assert link
    pages = fetcher.context(Proxy("exit-1", proxy.address())).pages

    def work(_extractor: InfoExtractor, _ydl: object) -> None:
        raise TypeError("'NoneType' object is not subscriptable")

    with pytest.raises(PlatformChangedError, match="TypeError in the extractor"):
        await pages.read(InfoExtractor, HostRule(("tiktok.com",)), work)
    await fetcher.close()
