"""Measure the demo's chat page in a headless browser: its start, and a long chat that scrolls."""

import os
import shutil
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.results import Result, Rounds, ratios
from benchmarks.stage import World, new_world
from benchmarks.world import TALK, TALKER

T = TypeVar("T")
#: A selector, and the number of elements that it finds once the page is ready.
_Elements = tuple[str, int]

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ARGUMENTS = [
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
_WINDOW: Any = {"width": 1280, "height": 800}
_STARTS, _ROUNDS = 5, 3
_MOST_READY_MS = 1_000
#: Share of the frames that an empty page draws: 57 of 60 a second on a machine without other work.
_SHARE = 0.95
#: Frames that are scrolled, and pixels in each: 6 000 a second, as after a strong flick.
_FRAMES, _STEP_PX = 300, 100

#: Returns the milliseconds since the navigation once the elements are there.
_READY = """([selector, number]) =>
  document.querySelectorAll(selector).length >= number && performance.now()"""
#: Scrolls an element up from near its end, and returns the times of the frames, in milliseconds.
_SCROLL = """([selector, frames, step]) => new Promise((done) => {
  const view = document.querySelector(selector);
  const times = [];
  view.scrollTop = view.scrollHeight - 2 * view.clientHeight;
  const frame = (now) => {
    times.push(now);
    if (times.length > frames) done(times);
    else {
      view.scrollTop -= step;
      requestAnimationFrame(frame);
    }
  };
  requestAnimationFrame(frame);
})"""
#: As high as the long chat.
_BARE = '<div id="view" style="height: 700px; overflow: auto"><div style="height: 900000px">'


def page(_world: World) -> list[Result]:
    """Measure how soon the page is ready, and how many frames a second it draws."""
    if not _CHROMIUM:
        missing = "not measured: apt install chromium"
        return [Result("the chat page", missing, "-", "-", "-")]
    with (
        new_world("page") as fresh,
        new_world("page", "talk") as talk,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        try:
            return [
                _start(
                    "the page is ready",
                    browser,
                    fresh.ready["server"],
                    ("#chat-list li", 1),
                    most_ms=_MOST_READY_MS,
                ),
                _start(
                    f"the same, {TALK:,} messages in the chat",
                    browser,
                    f"{talk.ready['server']}/#{TALKER}/{TALKER}",
                    ("#messages ol > li", TALK),
                ),
                _scrolling(browser, talk.ready["server"]),
            ]
        finally:
            browser.close()


def _start(
    what: str, browser: Browser, url: str, ready: _Elements, *, most_ms: float | None = None
) -> Result:
    icon = f"{url.partition('/#')[0]}/page/icon.svg"
    ours, baseline = [], []
    for _ in range(_STARTS):
        ours.append(_ready_ms(browser, url, ready))
        baseline.append(_ready_ms(browser, icon, ("svg", 1)))
    took = Rounds(ours)
    return Result(
        what,
        f"{took.median:.0f} ms",
        f"{Rounds(baseline).median:.0f} ms a picture",
        f"{ratios(ours, baseline).median:.1f}",
        f"< {most_ms} ms" if most_ms else "-",
        most_ms is None or took.is_at_most(most_ms),
    )


def _ready_ms(browser: Browser, url: str, elements: _Elements) -> float:
    """Open a page with an empty cache; return the milliseconds until elements are there."""

    def ready_ms(window: Page) -> float:
        window.goto(url)
        return float(window.wait_for_function(_READY, arg=list(elements)).json_value())

    return _in_window(browser, ready_ms)


def _scrolling(browser: Browser, server: str) -> Result:
    ours, baseline = [], []
    for _ in range(_ROUNDS):
        ours.append(_in_window(browser, lambda window: _talk_frames(window, server)))
        baseline.append(_in_window(browser, _bare_frames))
    fps, bare_fps = list(map(_per_second, ours)), list(map(_per_second, baseline))
    share, slowest = ratios(fps, bare_fps), statistics.median(map(_p95_ms, ours))
    return Result(
        f"{TALK:,} messages scroll",
        f"{statistics.median(fps):.1f} fps, p95 {slowest:.0f} ms",
        f"{statistics.median(bare_fps):.1f} fps, empty",
        f"{share.median:.0%}",
        f"≥ {_SHARE:.0%} of the empty page",
        share.is_at_least(_SHARE),
    )


def _talk_frames(window: Page, server: str) -> list[float]:
    window.goto(f"{server}/#{TALKER}/{TALKER}")
    window.wait_for_function(_READY, arg=["#messages ol > li", TALK])
    return _frames(window, "#messages")


def _bare_frames(window: Page) -> list[float]:
    window.set_content(_BARE)
    return _frames(window, "#view")


def _frames(window: Page, selector: str) -> list[float]:
    times: list[float] = window.evaluate(_SCROLL, [selector, _FRAMES, _STEP_PX])
    return times


def _per_second(times: Sequence[float]) -> float:
    return (len(times) - 1) * 1_000 / (times[-1] - times[0])


def _p95_ms(times: Sequence[float]) -> float:
    spans = sorted(later - earlier for earlier, later in pairwise(times))
    return spans[int(len(spans) * 0.95)]


def _in_window(browser: Browser, measure: Callable[[Page], T]) -> T:
    """Measure something in a new window, which shares nothing with the others."""
    context = browser.new_context(viewport=_WINDOW)
    try:
        return measure(context.new_page())
    finally:
        context.close()
