"""A browser that shows the chat page of the bot under test."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Route,
    async_playwright,
    expect,
)

from data.config import ROOT
from simulator.catalogue import ADMIN, LINKS, add_people
from simulator.page import BotSwitch
from simulator.page.inspection import BotProcess
from tests.e2e.bot_harness import PATIENCE_S, BotHarness
from tests.installed import needs

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
#: Marks of every module with browser tests: all of a process run in one event loop, because its
#: browser belongs to that. In continuous integration, a missing browser is a failure.
IN_BROWSER = [
    needs(CHROMIUM or "chromium", "chromium", "the chat page in a browser"),
    pytest.mark.asyncio(loop_scope="session"),
]
#: True if the tests save what they show, for manual review, in this folder.
TAKES_SCREENS = bool(os.environ.get("SCREENS"))
_SCREENS = ROOT / "var" / "screens"
#: How long anything may take, in milliseconds: browsers are slow while tests use all cores.
_PATIENCE_MS = PATIENCE_S * 1_000
expect.set_options(timeout=_PATIENCE_MS)
_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Start a browser."""
    assert CHROMIUM, "Chromium is not installed: apt install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def show_page(harness: BotHarness, browser: Browser) -> AsyncIterator["BrowserHarness"]:
    """Start the simulator with its page, and the bot once the test does so.

    Everybody has started the bot before, so that the composer is in place of the Start button.
    Fails at the end if a page logged an error or asked another server.
    """
    links = [asdict(link) for link in LINKS]
    browser_harness = BrowserHarness(harness, browser)
    harness.simulator.show_page(browser_harness.switch(), links)
    add_people(harness.world)
    for person in harness.world.people:
        harness.world.chats[person].has_begun = True
    try:
        await harness.simulator.start()
        yield browser_harness
    finally:
        await browser_harness.close()
        await harness.close()
    assert browser_harness.troubles == []


class BrowserHarness:
    """Browser windows on one simulator."""

    def __init__(self, harness: BotHarness, browser: Browser) -> None:
        self.harness = harness
        self.browser = browser
        #: Errors in the browser's console, and requests to other servers.
        self.troubles: list[str] = []
        self.crashes = 0
        #: Processes that the page shows, and the names of those that it has killed.
        self.processes: list[BotProcess] = []
        self.killed: list[str] = []
        self._contexts: list[BrowserContext] = []

    def switch(self) -> BotSwitch:
        """Return the page's control over the bot."""
        return BotSwitch(
            self.crash,
            lambda: True,
            lambda: self.processes,
            self.kill,
            f"sqlite:///{self.harness.folder / 'bot.db'}",
            frozenset({ADMIN}),
        )

    async def crash(self) -> None:
        self.crashes += 1

    async def kill(self, name: str) -> None:
        self.killed.append(name)

    async def window(
        self, place: str = "", *, dark: bool = False, phone: bool = False, moves: bool = False
    ) -> Page:
        """Open a window; `place` is "chat/person", the ids in the page's URL fragment.

        Unless it `moves`, animations are off, as people may choose in their system.
        """
        context = await self.browser.new_context(
            viewport={"width": 390, "height": 800} if phone else {"width": 1280, "height": 800},
            color_scheme="dark" if dark else "light",
            reduced_motion="no-preference" if moves else "reduce",
        )
        context.set_default_timeout(_PATIENCE_MS)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._on_console)
        page.on("request", lambda asked: self._check_url(asked.url))
        await page.goto(f"{self.harness.simulator.address}/#{place}")
        await expect(page.locator("#chat-list li").first).to_be_attached()
        return page

    async def close(self) -> None:
        """Close all windows; the browser remains."""
        for context in self._contexts:
            await context.close()

    def _on_console(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.troubles.append(said.text)

    def _check_url(self, url: str) -> None:
        if not url.startswith((self.harness.simulator.address, "blob:")):
            self.troubles.append(f"request to {url}")


async def screenshot(page: Page, name: str) -> None:
    """Save a screenshot in var/screens if the environment variable SCREENS is set."""
    if TAKES_SCREENS:
        _SCREENS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=_SCREENS / f"{name}.png")


async def until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression is true.

    `Page.wait_for_function` evaluates it in the page, whose content security policy forbids that
    unless it is true at once.
    """
    async with asyncio.timeout(PATIENCE_S):
        while not await page.evaluate(condition):  # noqa: ASYNC110 - the page tells nobody
            await asyncio.sleep(0.05)


async def hold(page: Page, address: str) -> asyncio.Event:
    """Hold the page's requests to an address, a glob, until the returned event is set."""
    may_go = asyncio.Event()

    async def wait(route: Route) -> None:
        await may_go.wait()
        await route.continue_()

    await page.route(address, wait)
    return may_go


async def write(page: Page, words: str) -> None:
    """Send a message as the person of the page."""
    await page.fill("#text", words)
    await page.press("#text", "Enter")


async def pick(page: Page, title: str) -> None:
    """Send a sample, whatever group it is in; on a phone, open the panel first."""
    if await page.locator("#toggle-aside").is_visible():
        await page.click("#toggle-aside")
    await page.click("#tab-samples")
    button = page.locator("#samples button", has_text=title).first
    await button.evaluate("b => { b.closest('details').open = true }")
    await button.click()
