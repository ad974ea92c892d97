"""Pages that `re` would search for minutes or years, on every site."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final

import pytest
from aiohttp import web as http

from core.errors import ClipferryError, UnreadablePageError
from platforms import _reader_threads
from platforms._instagram_page import product_in_page
from platforms._playlist import read_playlist
from platforms._proxies import Proxy
from simulator.sites.web import Site, Sites
from tests.platforms.test_mutated_sites import EXAMPLES, StoredSites, use
from tests.sites import Web

#: Characters that a page has more than before. Allowed are four million: there, `re` would need a
#: hundred times as long, or more.
_LENGTH: Final = 400_000


@dataclass(frozen=True)
class Slow:
    """What is repeated in a site's answers, and whether they have anything else."""

    repeated: str
    is_all: bool = False


#: Sites whose pages yt-dlp searches, one search each that needs the square of the length or more.
SLOW: Final = {
    "instagram": Slow("<script "),
    "bandcamp": Slow("<meta "),
    # In texts, such as the description: clean_html.
    "dailymotion": Slow("<"),
    # In playlists.
    "rutube": Slow("#EXT-X-KEY:"),
    "ok": Slow("<meta "),
    "youtube": Slow("<meta "),
    "youtube, a playlist": Slow("<script "),
    "facebook": Slow("<meta "),
    # Where the key of its client is looked for.
    "soundcloud": Slow("<script ", is_all=True),
    "snapchat": Slow("<script id='__NEXT_DATA__' ", is_all=True),
    "bilibili": Slow("window.__INITIAL_STATE__={", is_all=True),
}
#: What the other sites' answers repeat.
COMMON: Final = (
    *("<meta ", "<script ", "<", " ", "new Map([", "#EXT-X-KEY:"),
    '<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" ',
)


class SlowSite:
    """Another site whose answers repeat something."""

    def __init__(self, inner: Site) -> None:
        self._inner = inner
        self.slow: Slow | None = None

    def serves(self, host: str) -> bool:
        """Return True if the other site serves the host."""
        return self._inner.serves(host)

    async def answer(self, request: http.Request, proxy_name: str) -> http.StreamResponse:
        """Answer a request as the other site does, or with a longer text."""
        try:
            response = await self._inner.answer(request, proxy_name)
        except Exception:  # noqa: BLE001 - the site was asked for what it does not have
            return http.Response(status=500)
        if self.slow is None or not isinstance(response, http.Response) or not response.text:
            return response
        text = _longer(response.text, self.slow)
        return http.Response(status=response.status, text=text, content_type=response.content_type)


def _longer(text: str, slow: Slow) -> str:
    added = slow.repeated * (_LENGTH // len(slow.repeated))
    if text.startswith("#EXTM3U"):
        return text.replace("#EXTM3U", f"#EXTM3U\n{added}", 1)
    try:
        return json.dumps(_longer_texts(json.loads(text), added))
    except ValueError:
        return added if slow.is_all else f"{added}{text}"


def _longer_texts(value: Any, added: str) -> Any:
    """Return a JSON document in which what people write is longer: all that has spaces."""
    if isinstance(value, dict):
        return {key: _longer_texts(inner, added) for key, inner in value.items()}
    if isinstance(value, list):
        return [_longer_texts(inner, added) for inner in value]
    return value + added if isinstance(value, str) and " " in value else value


@pytest.mark.parametrize("name", EXAMPLES)
async def test_a_slow_page_ends_and_stops_nobody(
    name: str, web: Web, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "/nowhere")  # no runtime for YouTube's scripts
    monkeypatch.setattr(_reader_threads, "MAX_SEARCH_S", 0.2)
    example = EXAMPLES[name]
    example.add(web)
    site = SlowSite(Sites(*web.sites().members, StoredSites()))
    proxy = await web.add_proxy(site, name="exit-2")
    policy: dict[str, Any] = {"attempts": 0 if example.cookies else 1, "failure_threshold": 100}
    exits = [Proxy("exit-2", proxy.address())]
    async with web.fetcher(exits, example.cookies, **policy) as fetcher:
        known = SLOW.get(name)
        for site.slow in [known] if known else map(Slow, COMMON):
            # Far more than the read takes: `re` would hold up the loop for longer.
            async with asyncio.timeout(20):
                try:
                    await use(web, fetcher, example, saves=False)
                except UnreadablePageError:
                    continue
                except ClipferryError:
                    pass
            assert known is None
        assert not fetcher.open_routes()


def test_our_own_readers_take_linear_time():
    # Each of these took hours.
    tag = '<meta property="og:video" content="https://a.example/b.mp4">'
    product = product_in_page(f"{tag}<meta {'a ' * 1_500_000}")
    assert product
    assert product["video_versions"][0]["url"] == "https://a.example/b.mp4"
    lines = "#EXTM3U", f"#EXT-X-KEY:METHOD=NONE,{'A' * 3_000_000}", "0.ts", "#EXT-X-ENDLIST"
    assert len(read_playlist("\n".join(lines), "https://a.example/b.m3u8")) == 1
