"""Faults of the sites as a whole: what each kind does to pages and to files."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from simulator.samples import SampleStore, VideoSpec
from simulator.sites.tiktok import Encoding, SamplePost, TikTokSite
from simulator.sites.web import SiteCall, SiteControl, Sites
from simulator.sites.x import XSite

PAGE = ("www.tiktok.com", "/@ferry.demo/video/7300000000000000001")
FILE = ("v16-webapp-prime.tiktok.com", "/video/7300000000000000001/0/")
X = ("x.com", "/nothing")

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def control() -> SiteControl:
    return SiteControl()


@pytest.fixture
async def client(samples: SampleStore, control: SiteControl) -> AsyncIterator[Client]:
    """Yield a client of two sites, one of which has a post."""
    tiktok = TikTokSite()
    video = samples.video(VideoSpec())
    tiktok.add(SamplePost("7300000000000000001", encodings=(Encoding(video),)))
    sites = Sites(tiktok, XSite(), control=control)
    assert sites.names == ["TikTok", "X"]
    app = web.Application()

    async def answer(request: web.Request) -> web.StreamResponse:
        return await sites.answer(request, "proxy-1")

    app.router.add_route("*", "/{path:.*}", answer)
    async with TestClient(TestServer(app)) as client:
        yield client


async def status(client: Client, host: str, path: str) -> tuple[int, str]:
    async with client.get(path, headers={"Host": host}, allow_redirects=False) as answer:
        await answer.read()
        return answer.status, answer.headers.get("Location", "")


@pytest.mark.parametrize(
    ("kind", "where", "expected"),
    [
        ("", PAGE, (200, "")),
        ("404", PAGE, (404, "")),
        ("403", PAGE, (403, "")),
        ("503", PAGE, (503, "")),
        ("captcha", PAGE, (302, "https://www.tiktok.com/challenge/")),
        ("region", PAGE, (302, "https://www.tiktok.com/hk/notfound")),
        ("region", X, (451, "")),
        ("404", FILE, (200, "")),
        ("truncated", PAGE, (200, "")),
    ],
)
async def test_each_kind_does_what_it_says(
    client: Client,
    control: SiteControl,
    kind: str,
    where: tuple[str, str],
    expected: tuple[int, str],
):
    control.faults.set("", kind)
    assert await status(client, *where) == expected


async def test_files_break_off(client: Client, control: SiteControl):
    control.faults.set("TikTok", "truncated")
    with pytest.raises(aiohttp.ClientPayloadError):
        await status(client, *FILE)


async def test_a_fault_of_one_site_leaves_the_others_alone(client: Client, control: SiteControl):
    control.faults.set("X", "403")
    assert (await status(client, *PAGE))[0] == 200
    assert (await status(client, *X))[0] == 403


async def test_the_line_is_as_fast_as_it_is_set(client: Client, control: SiteControl):
    """A throttled file arrives whole, in pieces."""
    control.faults.line.bytes_per_s = 100_000_000
    assert (await status(client, *FILE))[0] == 200


def test_an_unknown_kind_is_refused(control: SiteControl):
    with pytest.raises(ValueError, match="no such fault"):
        control.faults.set("", "nonsense")


async def test_requests_are_reported(client: Client, control: SiteControl):
    calls: list[SiteCall] = []
    control.on_call = calls.append
    await status(client, *X)
    assert [(call.site, call.host, call.path, call.status) for call in calls] == [("X", *X, 404)]
