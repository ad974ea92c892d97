"""What reading a site costs and touches: no extractor before it is needed, no file, no network."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from platforms import load_registry
from platforms._ytdlp_site import YtdlpSite
from simulator.samples import VideoSpec
from simulator.sites.music import Track
from simulator.sites.videos import Clip
from tests.sites import Web

ROOT = Path(__file__).resolve().parents[2]
LISTING = """
import json, sys
import app.application
from platforms import load_registry
load_registry()
print(json.dumps(sorted(sys.modules)))
"""


def test_no_extractor_of_a_site_is_imported_before_its_first_link():
    command = [sys.executable, "-c", LISTING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    readers = [platform.recognise for platform in load_registry().by_name.values()]
    lazy = [found for found in (getattr(r, "__self__", None) for r in readers) if found]
    modules = {site.extractor[0] for site in lazy if isinstance(site, YtdlpSite)}
    assert {"soundcloud", "dailymotion", "vk", "bilibili", "youtube"} <= modules
    # Reddit's own file extends the extractor.
    assert modules & {name.removeprefix("yt_dlp.extractor.") for name in loaded} <= {"reddit"}
    assert not {"platforms._po_tokens", "yt_dlp_ejs", "yt_dlp_plugins"} & loaded


def _is_reader() -> bool:
    return threading.current_thread().name == "page-reader"


class _Audit:
    """Records what readers of pages do, while it is on. A hook cannot be removed.

    libcurl connects to the proxy without Python's sockets, so a connection is never expected.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.events: list[tuple[str, str]] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if (
            self.is_on
            and _is_reader()
            and event
            in {
                "open",
                "os.listdir",
                "os.putenv",
                "os.system",
                "socket.connect",
                "socket.getaddrinfo",
                "subprocess.Popen",
            }
        ):
            self.events.append((event, str(arguments[0])))

    @contextmanager
    def on(self) -> Iterator[None]:
        self.is_on = True
        try:
            yield
        finally:
            self.is_on = False


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


AUDIT = _Audit()
LINKS = (
    "https://soundcloud.com/ferry-demo/harbour-bell",
    "https://ferry-demo.bandcamp.com/track/harbour-bell",
    "https://www.mixcloud.com/ferry-demo/harbour-bell/",
    "https://www.dailymotion.com/video/x9demo1",
    "https://ok.ru/video/7300000001",
)


async def test_a_read_opens_no_file_and_connects_to_the_proxy_only(
    web: Web, monkeypatch: pytest.MonkeyPatch
):
    for site in ("soundcloud", "bandcamp", "mixcloud"):
        web.music.tracks[f"{site}/ferry-demo/harbour-bell"] = Track(web.samples.sound())
    clip = Clip(web.samples.video(VideoSpec(container="ts")))
    web.videos.clips |= {"dailymotion/x9demo1": clip, "ok/7300000001": clip}
    async with web.fetcher(attempts=1) as fetcher:

        async def read_all() -> None:
            for url in LINKS:
                link = fetcher.registry.find(url)
                assert link
                await fetcher.attempt(link, lambda attempt: attempt.read())

        await read_all()  # imports the extractors
        environment = _Environment()
        monkeypatch.setattr(os, "environ", environment)
        with AUDIT.on():
            await read_all()
    allowed = {("open", str(web.authority.ca_file))}
    assert set(AUDIT.events) - allowed == set()
    # How yt-dlp would colour a terminal, and where curl_cffi looks for authorities.
    assert environment.asked <= {"TERM", "NO_COLOR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
    assert web.log
