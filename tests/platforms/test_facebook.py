"""Pages of Facebook: what somebody writes into a post must not stop the bot."""

import json
import time
from typing import Any

import pytest
from aiohttp import web

from core.media import Clip, Post
from platforms import Fetcher, FetchPolicy, ProxyPool, load_registry
from platforms._proxies import Proxy
from platforms.facebook import in_lines
from simulator.sites.proxy import Authority, SitesProxy

TAG = '<script type="application/json" data-content-len="1" data-sjs>'
ID = "1234567890123456"
FILE = "https://video.example.fbcdn.net/v/crossing.mp4"
#: Marks of data that a text may have, because none of them needs a quote or "<".
MARKS = ["data-sjs>{", "handleServerJS({", "s.handle({", "bigPipe.onPageletArrive({"]


def script(data: Any) -> str:
    # Like Facebook's: "<" is escaped, ">" is not.
    return f"{TAG}{json.dumps(data).replace('<', chr(92) + 'u003C')}</script>"


def video_page(text: str) -> str:
    """Return the page of a video, with texts of its post in the data and around it."""
    video = {"id": ID, "playable_url": FILE, "name": text[:20]}
    result = {"__bbox": {"result": {"data": {"video": video}}}}
    cache = ["RelayPrefetchedStreamCache", "next", [], ["key", result]]
    comments = {"require": [["Comments", "ScheduledServerJS", [], [{"text": text}]]]}
    inner = {"__bbox": {"require": [cache]}}
    scheduled = {"require": [["ScheduledServerJS", "handle", None, [inner]]]}
    body = "\n".join(map(script, (comments, scheduled, {"comments": [text] * 3})))
    return f"<html><head><title>{text} x</title></head><body>{body}</body></html>"


class _Site:
    def __init__(self, text: str) -> None:
        self._page = video_page(text)

    def serves(self, host: str) -> bool:
        return host.endswith("facebook.com")

    async def answer(self, _request: web.Request, _proxy_name: str) -> web.Response:
        return web.Response(text=self._page, content_type="text/html")


async def read(text: str, authority: Authority) -> Post:
    proxy = SitesProxy(_Site(text), authority, [], name="exit-1")
    await proxy.start()
    fetcher = Fetcher(
        load_registry(),
        ProxyPool([Proxy("exit-1", proxy.address())]),
        FetchPolicy(ca_file=authority.ca_file, attempts=1, budget_s=30, stall_s=30),
    )
    link = fetcher.registry.find(f"https://www.facebook.com/reel/{ID}")
    assert link
    try:
        return await fetcher.attempt(link, lambda attempt: attempt.read())
    finally:
        await fetcher.close()
        await proxy.stop()


@pytest.mark.parametrize("mark", ["", *MARKS, "ScheduledServerJS", '"dash_manifest'])
async def test_marks_of_data_in_a_text_cost_nothing(mark: str, authority: Authority):
    began_at = time.process_time()
    post = await read(mark * 3_000, authority)
    assert time.process_time() - began_at < 5
    (clip,) = post.items
    assert isinstance(clip, Clip)
    assert FILE in clip.renditions[0].urls


def test_each_piece_of_data_has_a_line():
    one, two = '{"a": "handleServerJS({data-sjs>{"}', '{"b": 1}'
    call = 'requireLazy(function(){bigPipe.onPageletArrive({id:"x"});})'
    page = f"<html>data-sjs>{{{TAG}{one}</script>{TAG}{two}</script><script>{call}</script></html>"
    assert in_lines(page).split("\n") == [
        "<html>{",
        f'{TAG}{{"a": "handleServerJS ({{{{"}}</script>',
        "",
        f"{TAG}{two}</script>",
        "<script>requireLazy(function(){",
        'bigPipe.onPageletArrive({id:"x"});})</script>',
        "</html>",
    ]
