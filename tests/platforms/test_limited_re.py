"""Searching pages with yt-dlp's patterns: what `re` finds, in bounded time, beside everything."""

import asyncio
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from yt_dlp.utils import clean_html, js_to_json, traverse_obj

from core.errors import PlatformUnreachableError, UnreadablePageError
from platforms import _reader_threads
from platforms._limited_re import LIMITED_RE, LimitedPattern, limit_searches
from platforms._reader_threads import PageRead, ReaderThreads

PAGE = "<p>Ferry  naïve 12 <b id='q'>ÄÖ</b>\n</p>" * 40
WORD = re.compile(r"(?P<first>\w)(\w*)")
#: A function of `re` and its arguments.
CALLS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "search": ("search", (r"id='(?P<id>.)'", PAGE)),
    "search in vain": ("search", (r"<i>", PAGE)),
    "search with flags": ("search", (r"FERRY.+?12", PAGE, re.IGNORECASE | re.DOTALL)),
    "search for ASCII": ("search", (r"na\w+", PAGE, re.ASCII)),
    "search, verbose": ("search", (r"(?xs) < p > .*? </p>  # a paragraph", PAGE)),
    "search for a pattern": ("search", (WORD, PAGE)),
    "search of bytes": ("search", (rb"na\w+", PAGE.encode())),
    "match": ("match", (r"<p>(\w+)\s*(x)?", PAGE)),
    "fullmatch": ("fullmatch", (r"(?s).*", PAGE)),
    "findall": ("findall", (r"\w+", PAGE)),
    "findall of groups": ("findall", (WORD, PAGE)),
    "split": ("split", (r"\s+", PAGE)),
    "split with a limit": ("split", (r"(<p>)", PAGE, 3)),
    "sub": ("sub", (r"(?P<q>['\"])(?P<content>.*?)(?P=q)", r"\g<content>\\", PAGE)),
    "sub with a function": ("sub", (r"<.*?>", lambda found: f"[{found[0]}]", PAGE)),
    "sub with a limit": ("sub", (r"\s", "", PAGE, 3)),
    "sub with flags": ("sub", (r"ferry", "", PAGE, 0, re.IGNORECASE)),
    "subn": ("subn", (r"[^\x00-\x7f]", "?", PAGE)),
    "finditer": ("finditer", (r"<(\w+)(?:\s+id=(?P<id>[^>]+))?>", PAGE)),
    "what regex means otherwise": ("sub", (r"\d{e}|1{s}|[\w]{i<=1}", "", PAGE)),
}


def plain(result: Any) -> Any:
    """Return all that a match says, or several of them."""
    if hasattr(result, "span"):
        numbers = range(len(result.groups()) + 1)
        spans = [result.span(number) for number in numbers]
        return spans, result.groups(), result.groupdict(), result[0]
    return [plain(one) for one in result] if hasattr(result, "__next__") else result


def in_read(work: Callable[[], Any], read: PageRead | None = None) -> Any:
    """Do something in a thread that reads a page, and return or raise what it does."""
    done: list[Any] = []

    def run() -> None:
        limit_searches(read or PageRead(60))
        try:
            done.append(work())
        except Exception as error:  # noqa: BLE001 - raised again
            done.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    if isinstance(done[0], Exception):
        raise done[0]
    return done[0]


@pytest.mark.parametrize("name", CALLS)
def test_a_search_finds_what_re_finds(name: str):
    function, arguments = CALLS[name]
    expected = plain(getattr(re, function)(*arguments))
    call = getattr(LIMITED_RE, function)
    assert in_read(lambda: plain(call(*arguments))) == expected
    assert plain(call(*arguments)) == expected


def test_a_compiled_pattern_is_like_that_of_re():
    pattern = LIMITED_RE.compile(r"(?P<word>\w+)", re.ASCII)
    assert LIMITED_RE.compile(pattern) is pattern
    assert isinstance(pattern, LIMITED_RE.Pattern)
    assert (pattern.pattern, pattern.groups) == (r"(?P<word>\w+)", 1)
    assert in_read(lambda: plain(pattern.search(PAGE, 500)))[-1] == "b"
    assert in_read(lambda: LIMITED_RE.findall(pattern, PAGE)) == pattern.findall(PAGE)


def test_yt_dlp_takes_its_matches_for_matches():
    def names() -> Any:
        return traverse_obj(LIMITED_RE.search(r"id='(?P<id>.)'", PAGE), "id")

    assert in_read(names) == "q"


#: Searches that take `re` minutes, or longer than the universe has existed.
SLOW: dict[str, Callable[[], Any]] = {
    "clean_html": lambda: clean_html("<" * 300_000),
    "js_to_json": lambda: js_to_json("new Map([" * 50_000),
    "a compiled pattern": lambda: LimitedPattern(re.compile(r"(?:a|aa)*[:;]")).search("a" * 600),
    "one match of several": lambda: list(LIMITED_RE.finditer(r"b|(?:a|aa)*[:;]", f"b{'a' * 600}")),
    "many short searches": lambda: [clean_html("<" * 4_000) for _ in range(1_000)],
}


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_reader_threads, "MAX_SEARCH_S", 0.2)


@pytest.mark.usefixtures("short_search")
@pytest.mark.parametrize("name", SLOW)
async def test_a_slow_search_ends_and_stops_nobody(name: str):
    def work(read: PageRead) -> Any:
        limit_searches(read)
        return SLOW[name]()

    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    try:
        with pytest.raises(UnreadablePageError):
            await ReaderThreads(1).run(work, 60)
    finally:
        counting.cancel()
    assert turns > 3


@pytest.mark.usefixtures("short_search")
def test_a_read_that_has_used_its_time_searches_no_more():
    read = PageRead(60)
    for work in (SLOW["clean_html"], lambda: LIMITED_RE.search("x", PAGE)):
        with pytest.raises(UnreadablePageError):
            in_read(work, read)
    with pytest.raises(UnreadablePageError):
        read.start_request()
    assert in_read(lambda: LIMITED_RE.search("x", "short"), read) is None


def test_an_abandoned_read_searches_no_more():
    read = PageRead(60)
    read.abandon()
    with pytest.raises(PlatformUnreachableError):
        in_read(lambda: LIMITED_RE.search("x", PAGE), read)


def test_a_thread_that_reads_no_page_has_no_limit():
    assert isinstance(LIMITED_RE.search("F", PAGE), re.Match)
