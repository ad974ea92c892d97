"""Proxies: strict loading, masked names, one proxy per attempt."""

import asyncio
import itertools
from pathlib import Path

import pytest

from core.errors import SettingsError
from platforms._proxies import DIRECT, Proxy, ProxyPool, is_open, load_proxies
from tests.ports import free_port


def test_without_a_file_the_connection_is_direct():
    assert load_proxies(None, include_direct=False).all == (DIRECT,)


def test_a_list_is_read_and_credentials_are_encoded_once(tmp_path: Path):
    file = tmp_path / "proxies.txt"
    file.write_text(
        "# home\nhttp://1.2.3.4:80\n\nsocks5://us er:p@ss:word@host:1080\n"
        "socks5h://user:p%40ss@[2001:db8::1]:1080\n"
    )
    proxies = load_proxies(file, include_direct=True).all
    assert [proxy.name for proxy in proxies] == [
        "direct",
        "http://1.2.3.4:80",
        "socks5://host:1080",
        "socks5h://[2001:db8::1]:1080",
    ]
    assert proxies[3].url == "socks5h://user:p%40ss@[2001:db8::1]:1080"
    assert not any("p%40ss" in repr(proxy) for proxy in proxies)


def test_every_bad_line_is_named_and_none_is_repeated(tmp_path: Path):
    file = tmp_path / "proxies.txt"
    file.write_text(
        "hunter2\nhttp://ok:1\nhttp://u:hunter2@host\nftp://hunter2:1\nhttp://h:hunter2\n"
    )
    with pytest.raises(SettingsError) as caught:
        load_proxies(file, include_direct=False)
    assert len(caught.value.mistakes) == 4
    assert "line 1" in caught.value.mistakes[0]
    assert "hunter2" not in str(caught.value)


def test_an_empty_list_stops_the_start(tmp_path: Path):
    file = tmp_path / "proxies.txt"
    file.write_text("# nothing\n")
    with pytest.raises(SettingsError, match="contains no proxy address"):
        load_proxies(file, include_direct=True)


def test_a_request_uses_every_proxy_before_it_uses_one_again():
    proxies = ProxyPool([Proxy("a"), Proxy("b"), Proxy("c")])
    routes = [[e.name for e in itertools.islice(proxies.rotation(), 4)] for _ in range(3)]
    assert routes == [list("abca"), list("bcab"), list("cabc")]


async def test_the_direct_connection_is_tried():
    port = free_port()
    async with await asyncio.start_server(
        lambda _reader, writer: writer.close(), "127.0.0.1", port
    ):
        assert await is_open(Proxy("direct"), "127.0.0.1", port)
    assert not await is_open(Proxy("direct"), "127.0.0.1", port)
