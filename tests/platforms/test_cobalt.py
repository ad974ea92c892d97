"""The operator's cobalt: its answers, its tunnels, and the sites that only it reads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aioweb

from app.container import check_sites
from core.errors import (
    BrokenLinkError,
    ClipferryError,
    DrmError,
    LoginRequiredError,
    PlatformChangedError,
    PlatformRefusedError,
    RegionBlockedError,
    SettingsError,
)
from core.media import Audio, Clip, Link, Picture, Post
from data.config import HelpersSection, Settings, SitesSection
from platforms import Attempt, FileRequest, FileVersion, load_registry
from platforms._cobalt import read_answer
from platforms._json import Json
from tests.sites import Web

RELAY = "http://cobalt:9000"
QUERY = "id=a&exp=1&sig=b&sec=c&iv=d"
TUNNEL = f"https://api.cobalt.example/tunnel?{QUERY}"
LINK = Link("soundcloud", "https://soundcloud.com/a/b", "a/b")


def read(answer: dict[str, Any], relay: str = RELAY) -> Post:
    return read_answer(Json(answer, "cobalt"), LINK, relay)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        # The instance's own address, whatever it is.
        (TUNNEL, f"{RELAY}/tunnel?{QUERY}"),
        (f"https://media.example/cobalt/tunnel?{QUERY}&p=1", f"{RELAY}/tunnel?{QUERY}&p=1"),
        (f"http://127.0.0.1/tunnel?{QUERY}", f"{RELAY}/tunnel?{QUERY}"),
        (f"{RELAY}/tunnel?{QUERY}", f"{RELAY}/tunnel?{QUERY}"),
        # A file of the site.
        ("https://cdn.example/tunnel?id=a", "https://cdn.example/tunnel?id=a"),
        (f"https://cdn.example/a.mp4?{QUERY}", f"https://cdn.example/a.mp4?{QUERY}"),
        ("https://[", "https://["),
    ],
)
def test_a_tunnel_is_requested_at_the_bots_address_of_the_instance(url: str, expected: str):
    (clip,) = read({"status": "tunnel", "url": url, "filename": "a.mp4"}).items
    assert isinstance(clip, Clip)
    assert clip.renditions[0].urls == (expected,)
    photo = {"type": "photo", "url": url}
    post = read({"status": "picker", "picker": [photo], "audio": url})
    assert (post.items, post.audio) == ((Picture((expected,)),), Audio((expected,)))


def test_audio_has_the_title_and_the_author_of_its_name():
    url = f"{RELAY}/tunnel?{QUERY}"
    post = read({"status": "tunnel", "url": TUNNEL, "filename": "Harbour bell - Ferry Demo.MP3"})
    assert post.items == (Audio((url,), "Harbour bell", "Ferry Demo"),)
    assert post.audio == post.items[0]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("link.unsupported", PlatformRefusedError),
        ("link.invalid", BrokenLinkError),
        ("service.disabled", PlatformRefusedError),
        ("content.region", RegionBlockedError),
        ("content.paid", LoginRequiredError),
        ("youtube.drm", DrmError),
    ],
)
def test_refusals_are_understood(code: str, error: type[ClipferryError]):
    with pytest.raises(error):
        read({"status": "error", "error": {"code": f"error.api.{code}"}})


@asynccontextmanager
async def instance(tunnel: str, file: Path) -> AsyncIterator[str]:
    """Run a cobalt that answers every request with a tunnel; yield the bot's address of it."""

    async def answer(request: aioweb.Request) -> aioweb.StreamResponse:
        if request.path == "/tunnel":
            return aioweb.FileResponse(file)
        return aioweb.json_response({"status": "tunnel", "url": tunnel, "filename": "a.mp4"})

    app = aioweb.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = aioweb.AppRunner(app, access_log=None)
    await runner.setup()
    await aioweb.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def saved(web: Web, tunnel: str) -> bytes:
    """Save the file of a post on Vimeo, which cobalt relays."""
    file = web.samples.picture(40, 50, "c")
    async with instance(tunnel, file) as url, web.fetcher(attempts=1, cobalt_url=url) as fetcher:
        link = fetcher.registry.find("https://vimeo.com/730000001")
        assert link

        async def work(attempt: Attempt) -> bytes:
            (clip,) = (await attempt.read()).items
            assert isinstance(clip, Clip)
            wanted = [FileRequest((FileVersion(clip.renditions[0].urls, 1_000_000),), "a.mp4")]
            async with web.spool().workspace() as space:
                (found,) = await attempt.save(await attempt.read(), wanted, space)
                assert found
                return found.path.read_bytes()

        return await fetcher.attempt(link, work)


async def test_a_tunnel_of_an_instance_behind_a_proxy_is_downloaded(web: Web):
    assert await saved(web, TUNNEL) == web.samples.picture(40, 50, "c").read_bytes()
    assert web.log == []


async def test_a_file_elsewhere_is_refused(web: Web):
    with pytest.raises(PlatformChangedError):
        await saved(web, "https://evil.example/a.mp4")
    assert web.log == []


async def test_a_site_that_only_cobalt_reads_needs_one(web: Web):
    async with web.fetcher(attempts=1) as fetcher:
        link = fetcher.registry.find("https://vimeo.com/730000001")
        assert link
        with pytest.raises(PlatformRefusedError):
            await fetcher.attempt(link, lambda attempt: attempt.read())


def test_a_site_that_only_cobalt_reads_is_a_mistake_without_one():
    settings = Settings(sites=SitesSection(allowed=("tiktok", "vimeo", "newgrounds")))
    registry = load_registry(settings.sites.allowed)
    with pytest.raises(SettingsError) as caught:
        check_sites(settings, registry)
    (mistake,) = caught.value.mistakes
    assert "vimeo, newgrounds" in mistake
    check_sites(settings, load_registry(("tiktok",)))
    helpers = HelpersSection(cobalt_url="http://cobalt:9000/")
    check_sites(settings.model_copy(update={"helpers": helpers}), registry)
