"""Fetching files: cookie rule, faults of the CDN, limits, quota and the one budget."""

import asyncio
import errno
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.errors import BrokenLinkError, PlatformUnreachableError, SpoolError, TooLargeError
from core.media import Access, Post
from platforms._download import Checks, FileServer, download
from platforms._fetcher import Attempt
from platforms._files import FileRequest, FileVersion
from platforms._http import HostRule, PublicResolver, WebClient
from platforms._proxies import Proxy
from platforms._spool import DiskWaits, Spool
from simulator.samples import VideoSpec
from tests.sites import Web

URL = "https://www.tiktok.com/@ferry.demo/video/7300000000000000001"
LIMIT = 50_000_000


async def fetch(web: Web, *, limit: int = LIMIT, strip_cookies: bool = False, **policy) -> int:
    """Read the sample post and fetch its first rendition; give the number of bytes on disk."""
    spool = web.spool(waits=DiskWaits(check_s=0.01))

    async def work(attempt: Attempt) -> int:
        post = await attempt.read()
        if strip_cookies:
            post = Post(post.platform, post.id, post.url, Access("x", post.access.headers))
        async with spool.workspace() as space:
            size = web.samples.video(VideoSpec()).stat().st_size
            version = FileVersion(_addresses(web), limit, size)
            (file,) = await attempt.save(post, [FileRequest((version,), "v.mp4")], space)
            assert file is not None
            return file.path.stat().st_size

    async with web.fetcher(**policy) as fetcher:
        link = fetcher.registry.find(URL)
        assert link is not None
        return await fetcher.attempt(link, work)


def _addresses(web: Web) -> tuple[str, ...]:
    from simulator.sites.tiktok import file_address

    post = next(iter(web.site.posts.values()))
    return (file_address(post, 0), file_address(post, 0, "v19-webapp-prime"))


async def test_the_file_arrives_whole_with_the_pages_cookie(web: Web):
    web.video_post()
    assert await fetch(web) == web.samples.video(VideoSpec()).stat().st_size


async def test_without_the_pages_cookie_the_cdn_refuses(web: Web):
    web.video_post()
    from core.errors import PlatformRefusedError

    with pytest.raises(PlatformRefusedError):
        await fetch(web, strip_cookies=True, attempts=1)


async def test_signed_addresses_reach_the_cdn_byte_for_byte(web: Web):
    web.video_post()
    await fetch(web)
    assert any("signature=ab%2Fcd%3D%3D" in entry.path for entry in web.log)


async def test_a_dead_address_is_passed_over(web: Web):
    web.video_post(file_trouble="gone-first")
    assert await fetch(web, attempts=1) > 0
    assert {"v16-webapp-prime.tiktok.com", "v19-webapp-prime.tiktok.com"} <= web.asked_hosts()


@pytest.mark.parametrize("trouble", ["truncated", "empty", "gone"])
async def test_half_a_file_is_no_file(web: Web, trouble: str):
    post = web.video_post(file_trouble=trouble)
    with pytest.raises(PlatformUnreachableError):
        await fetch(web, attempts=2)
    assert post.page_requests == 2  # signed addresses are asked for anew


async def test_a_stalled_download_is_given_up(web: Web):
    web.video_post(file_trouble="stall")
    with pytest.raises(PlatformUnreachableError):
        await fetch(web, attempts=1, stall_s=0.3)


async def test_the_budget_ends_everything(web: Web):
    web.video_post()
    web.site.latency_s = 5
    with pytest.raises(PlatformUnreachableError, match="no result within"):
        await fetch(web, budget_s=0.3)


async def test_a_file_of_unannounced_length_is_taken(web: Web):
    web.video_post(file_trouble="chunked")
    assert await fetch(web) == web.samples.video(VideoSpec()).stat().st_size


@pytest.mark.parametrize("trouble", ["", "chunked"])
async def test_a_file_over_the_limit_is_stopped(web: Web, trouble: str):
    web.video_post(file_trouble=trouble)
    with pytest.raises(TooLargeError):
        await fetch(web, limit=100_000)


async def test_the_spool_waits_for_room_and_gives_it_back(tmp_path: Path):
    spool = Spool(tmp_path / "spool", 100)
    spool.prepare()
    order: list[str] = []

    async def use(name: str, size: int, seconds: float) -> None:
        async with spool.workspace() as space:
            await space.reserve(size)
            order.append(name)
            (space.folder / "file").write_bytes(b"x")
            await asyncio.sleep(seconds)

    await asyncio.gather(use("first", 60, 0.05), use("second", 60, 0), use("third", 40, 0))
    assert order == ["first", "third", "second"]
    assert list((tmp_path / "spool").glob("*/*")) == []
    async with spool.workspace() as space:
        with pytest.raises(SpoolError, match="larger than the whole quota"):
            await space.reserve(101)
        await space.reserve(100)


async def test_a_fresh_spool_forgets_what_a_crash_left_and_nothing_of_the_living(tmp_path: Path):
    folder = tmp_path / "spool"
    left = folder / "clipferry-crashed" / "half.mp4"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x")
    foreign = folder / "holiday.jpg"
    foreign.write_bytes(b"somebody else's")
    spool, other = Spool(folder, 1), Spool(folder, 1)
    spool.prepare()
    async with spool.workspace() as space:
        other.prepare()
        other.tidy()
        assert space.folder.exists()
        assert not left.exists()
    spool.close()
    other.close()
    assert list(folder.iterdir()) == [foreign]


async def test_a_direct_client_reaches_no_private_address():
    with pytest.raises(OSError, match="no public address"):
        await PublicResolver().resolve("localhost", 80)
    from platforms._proxies import DIRECT

    client = WebClient(DIRECT)
    hosts = HostRule(("localhost", "127.0.0.1"))
    try:
        with pytest.raises(PlatformUnreachableError):
            async with client.get("http://localhost:80/", hosts, {}, stall_s=2):
                raise AssertionError("it was reached")
        with pytest.raises(BrokenLinkError):
            async with client.get("http://elsewhere.example/", hosts, {}, stall_s=2):
                raise AssertionError("it was reached")
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://a.example/x", True),
        ("http://deep.a.example./x", True),
        ("https://a.example:443/", True),
        ("https://a.example:8080/", False),
        ("https://nota.example/", False),
        ("https://a.example.evil/", False),
        ("https://u@a.example/", False),
        ("https://evil.example\\.a.example/", False),
        ("ftp://a.example/", False),
        ("https://[::1]/", False),
        ("https://a.example:99999/", False),
    ],
)
def test_hosts_are_compared_as_hosts(url: str, allowed: bool):
    assert HostRule(("a.example",)).allows(url) is allowed


# --- a full disk ----------------------------------------------------------------------------------


def fill_disk(monkeypatch: pytest.MonkeyPatch, free: list[int]) -> None:
    """Let the disk have the given free bytes, one value per look; the last one stays."""

    def usage(_folder: Path) -> Any:
        return SimpleNamespace(free=free.pop(0) if len(free) > 1 else free[0])

    monkeypatch.setattr("shutil.disk_usage", usage)


async def test_a_request_waits_until_the_disk_has_room(web: Web, monkeypatch: pytest.MonkeyPatch):
    web.video_post()
    fill_disk(monkeypatch, [0] * 50 + [10**12])
    # The wait does not count as the site's time.
    assert await fetch(web, budget_s=20) == web.samples.video(VideoSpec()).stat().st_size


async def test_a_disk_that_stays_full_is_not_the_sites_fault(
    web: Web, monkeypatch: pytest.MonkeyPatch
):
    post = web.video_post()
    fill_disk(monkeypatch, [0])
    spool = web.spool(waits=DiskWaits(patience_s=0.1, check_s=0.01))
    async with web.fetcher(attempts=3, failure_threshold=1) as fetcher:
        link = fetcher.registry.find(URL)
        assert link

        async def work(attempt: Attempt) -> None:
            wanted = FileRequest((FileVersion(_addresses(web), LIMIT, 1_000),), "v.mp4")
            async with spool.workspace() as space:
                await attempt.save(await attempt.read(), [wanted], space)

        for _ in range(2):
            with pytest.raises(SpoolError):
                await fetcher.attempt(link, work)
        assert fetcher.open_routes() == []
    assert post.page_requests == 2  # no retry helps
    assert spool.is_full
    assert spool.reserved_bytes == 0


async def test_a_disk_that_fills_up_in_the_middle_is_not_the_sites_fault(web: Web, tmp_path: Path):
    web.video_post()
    target = tmp_path / "full"
    target.symlink_to("/dev/full")
    proxy = web.proxies[0]
    client = WebClient(Proxy("exit-1", proxy.address()), ca_file=web.authority.ca_file)
    async with web.fetcher(attempts=1) as fetcher:
        link = fetcher.registry.find(URL)
        assert link
        post = await fetcher.attempt(link, lambda attempt: attempt.read())
        hosts = fetcher.registry["tiktok"].media_hosts
        server = FileServer(client, hosts, post.access, stall_s=5)
        with pytest.raises(SpoolError, match="ENOSPC"):
            await download(server, _addresses(web), target, Checks(LIMIT))
    await client.close()


async def test_a_spool_that_somebody_deletes_is_made_again(tmp_path: Path):
    spool = Spool(tmp_path / "spool", 100)
    spool.prepare()
    shutil.rmtree(tmp_path / "spool")
    async with spool.workspace() as space:
        (space.folder / "file").write_bytes(b"x")
    spool.close()


async def test_a_spool_that_cannot_be_used_is_an_error_of_its_own(tmp_path: Path):
    spool = Spool(tmp_path / "spool", 100)
    spool.prepare()
    shutil.rmtree(tmp_path / "spool")
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(SpoolError):
        async with spool.workspace():
            pytest.fail("there is no folder")
    assert spool.free_bytes >= 0


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
async def test_a_file_error_inside_the_workspace_is_the_spools(tmp_path: Path, code: int):
    spool = Spool(tmp_path / "spool", 100)
    spool.prepare()
    with pytest.raises(SpoolError, match=errno.errorcode[code]):
        async with spool.workspace():
            raise OSError(code, "a secret path")
    assert spool.is_full == (code in {errno.ENOSPC, errno.EDQUOT})
    spool.close()
