"""YouTube through yt-dlp's real extractor, without JavaScript: versions, refusals, PO tokens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import aiohttp
import pytest

from core.errors import (
    AgeRestrictedError,
    ClipferryError,
    LiveError,
    LoginRequiredError,
    MediaPrivateError,
    NotAvailableError,
    PlatformChangedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RegionBlockedError,
)
from core.media import Clip, Post
from platforms import js_solver, po_token_version, wanted_js_solver
from platforms._http import HostRule
from platforms._proxies import Proxy
from simulator.samples import VideoSpec
from simulator.sites.youtube import Stream, YouTubeVideo
from tests.sites import Web

ID = "DemoShort01"
URL = f"https://www.youtube.com/shorts/{ID}"
AUDIO = 'audio/mp4; codecs="mp4a.40.2"'


@pytest.fixture(autouse=True)
def _without_javascript(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def add_video(web: Web, **options) -> YouTubeVideo:
    video = YouTubeVideo(
        (
            Stream(web.samples.video(VideoSpec(width=288, height=512)), 134, size=(288, 512)),
            Stream(web.samples.video(VideoSpec()), 136, size=(576, 1024)),
            Stream(web.samples.sound(encoder="aac", kind="mp4"), 140, AUDIO),
        ),
        **options,
    )
    return web.youtube.videos.setdefault(ID, video)


async def read(web: Web, **policy: Any) -> Post:
    async with web.fetcher(attempts=1, **policy) as fetcher:
        link = fetcher.registry.find(URL)
        assert link
        return await fetcher.attempt(link, lambda attempt: attempt.read())


async def test_a_short_is_read_in_all_its_versions_with_its_audio(web: Web):
    add_video(web)
    post = await read(web)
    (clip,) = post.items
    assert isinstance(clip, Clip)
    assert [(r.width, r.height) for r in clip.renditions] == [(288, 512), (576, 1024)]
    assert all("itag=140" in r.audio_urls[0] for r in clip.renditions)
    assert (post.details.text, post.details.views, clip.duration_s) == ("A crossing", 730, 3)


async def test_of_dubbed_audio_the_original_is_taken(web: Web):
    video = add_video(web)
    sound = web.samples.sound(encoder="aac", kind="mp4")
    louder = web.samples.sound(20, encoder="aac", kind="mp4")
    dubbed = Stream(louder, 141, AUDIO, track=("de", False))
    video.streams = (video.streams[1], dubbed, Stream(sound, 140, AUDIO, track=("en", True)))
    (clip,) = (await read(web)).items
    assert isinstance(clip, Clip)
    assert "itag=140" in clip.renditions[0].audio_urls[0]


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (("LOGIN_REQUIRED", "Private video"), MediaPrivateError),
        (("LOGIN_REQUIRED", "Sign in to confirm your age"), AgeRestrictedError),
        (("LOGIN_REQUIRED", "Sign in to confirm you’re not a bot"), PlatformRefusedError),
        (("UNPLAYABLE", "Join this channel to get access: log in"), LoginRequiredError),
        (
            ("UNPLAYABLE", "The uploader has not made this video available in your country"),
            RegionBlockedError,
        ),
        (("ERROR", "Video unavailable"), NotAvailableError),
    ],
)
async def test_refusals_have_their_own_errors(
    web: Web, refusal: tuple[str, str], error: type[ClipferryError]
):
    add_video(web, refusal=refusal)
    with pytest.raises(error):
        await read(web)


async def test_a_live_stream_is_no_video(web: Web):
    add_video(web, is_live=True)
    with pytest.raises(LiveError):
        await read(web)


class _Service(BaseHTTPRequestHandler):
    """The operator's service for PO tokens."""

    answer: ClassVar[Any] = None
    asked: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.asked.append((self.path, json.loads(self.rfile.read(length))))
        self._send(self.answer)

    def do_GET(self) -> None:
        self._send({"version": "2.0.2", "server_uptime": 1} if self.path == "/ping" else {})

    def _send(self, answer: Any) -> None:
        body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def service(answer: Any) -> Iterator[str]:
    """Run the service; yield its URL."""
    _Service.answer, _Service.asked = answer, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def token(web: Web, url: str) -> str | None:
    """Return the PO token that YouTube's extractor gets for its web client."""
    async with web.fetcher(attempts=1, pot_url=url) as fetcher:
        site = fetcher.registry["youtube"]
        reader = site.recognise.__self__  # type: ignore[attr-defined]
        proxy = Proxy(web.proxies[0].name, web.proxies[0].address())
        pages = fetcher.context(proxy).pages

        def work(extractor: Any, _ydl: Any) -> str | None:
            from yt_dlp.extractor.youtube.pot.provider import PoTokenContext

            extractor.initialize()
            client = {"clientName": "WEB", "clientVersion": "2.0"}
            found: str | None = extractor.fetch_po_token(
                client="web",
                context=PoTokenContext.GVS,
                ytcfg={"INNERTUBE_CONTEXT": {"client": client}},
                visitor_data="visitor",
                video_id=ID,
                required=True,
            )
            return found

        return await pages.read(reader.load_extractor(), HostRule(("youtube.com",)), work)


async def test_po_tokens_come_from_the_operators_service_without_a_proxy(web: Web):
    with service({"poToken": "dG9rZW4x"}) as url:
        assert await token(web, url) == "dG9rZW4x"
        ((path, wanted),) = _Service.asked
    assert (path, wanted["content_binding"]) == ("/get_pot", "visitor")
    assert wanted["proxy"] == web.proxies[0].address()
    assert web.log == []


@pytest.mark.parametrize("answer", [{}, {"error": "x"}, "no JSON", [1]])
async def test_without_a_token_the_read_goes_on(web: Web, answer: Any):
    with service(answer) as url:
        assert await token(web, url) is None


async def test_without_a_service_nobody_is_asked(web: Web):
    assert await token(web, "") is None


async def test_a_service_that_is_down_is_no_failure_of_the_video(web: Web):
    assert await token(web, "http://127.0.0.1:9") is None
    add_video(web)
    assert (await read(web, pot_url="http://127.0.0.1:9")).items


async def test_the_service_tells_its_version():
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        with service({}) as url:
            assert await po_token_version(session, url) == "2.0.2"
            with pytest.raises(PlatformChangedError):
                await po_token_version(session, f"{url}/elsewhere")
        with pytest.raises(PlatformUnreachableError):
            await po_token_version(session, "http://127.0.0.1:9")


def test_the_solver_that_is_wanted_is_that_of_the_requirements():
    from pathlib import Path

    pins = (Path(__file__).parents[2] / "requirements-youtube.txt").read_text()
    assert f"yt-dlp-ejs=={wanted_js_solver()} " in pins
    assert js_solver() in {None, wanted_js_solver()}
