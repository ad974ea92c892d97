"""Every text of every language, as a phone shows it: nothing runs over the edge.

With SCREENS set, var/screens has pictures of all, for people who read a language.
"""

from collections.abc import Mapping

import pytest
from playwright.async_api import expect

from core.facts import Fact, FileSize
from misc.ui.texts import DECIDING, Text, load_texts
from simulator.telegram.markup import parse_html
from tests.e2e.bot_harness import PLATFORMS
from tests.e2e.browser_harness import IN_BROWSER, TAKES_SCREENS, BrowserHarness, screenshot
from tests.misc.test_texts import FILES, placeholders

TEXTS = load_texts()
#: Width of a phone, in pixels.
WIDTH = 390
#: Number of texts in one chat: all of a language, or as many as a picture has room for.
SHEET = 60 if TAKES_SCREENS else 10_000
#: Facts that no number can stand for; all others are 5.
FACTS: Mapping[str, Fact] = {
    "platforms": PLATFORMS,
    "language": "English",
    "name": "Ada & Bo",
    "size": FileSize(84_300_000),
    "limit": FileSize(50_000_000),
    "free": FileSize(900_000_000),
    "length": "1:02:03",
    "start": "0:30",
    "site": "TikTok",
    "value": "10",
    "command": "/ban",
    "state": "▶️",
    "time": "27.11.2026 06:30",
    "registered": "27.11.2026",
    "last": "27.11.2026",
    "url": "https://git.example/clipferry",
    "contact": "@clipferry_admin",
    "channel": "@clipferry_news",
    "channels": ("@clipferry_news", "@clipferry_talk"),
    "bot": "clipferry_demo_bot",
    "who": "@ada",
    "error": "PageChangedError",
    "where": "message.forward_origin",
    "code": "7F3K9Q",
    "version": "0.1.0",
}

pytestmark = IN_BROWSER


def examples(language: str, key: str, text: Text) -> list[str]:
    """Return a text with example facts, in each of its plural forms."""
    facts = {name: FACTS.get(name, 5) for name in placeholders(text)}
    counts = [1, 2, 3, 5, 11] if DECIDING in facts else [5]
    return list(dict.fromkeys(TEXTS(language, key, **facts | {DECIDING: n}) for n in counts))


def sheets(language: str) -> list[list[str]]:
    """Return all texts of a language, in portions for one chat each."""
    texts = [t for key, text in FILES[language].items() for t in examples(language, key, text)]
    return [texts[start : start + SHEET] for start in range(0, len(texts), SHEET)]


@pytest.mark.parametrize("language", sorted(FILES))
async def test_no_text_runs_over_the_edge_of_a_phone(
    browser_harness: BrowserHarness, language: str
):
    world = browser_harness.harness.world
    for number, sheet in enumerate(sheets(language)):
        person = world.person(3_000 + number, f"{language} {number}", language_code=language)
        for source in sheet:
            words, entities = parse_html(source)
            chat = world.chats[person.id]
            world.add_message(chat, {"text": words, "entities": entities})
        page = await browser_harness.window(f"{person.id}/{person.id}", phone=True)
        await expect(page.locator("#messages li")).to_have_count(len(sheet))
        # What is out of sight is not laid out otherwise.
        height = await page.locator("#messages .blocks").evaluate(
            "all => { for (const block of all.children) block.style.contentVisibility = 'visible';"
            " return all.scrollHeight + 150 }"
        )
        if TAKES_SCREENS:
            await page.set_viewport_size({"width": WIDTH, "height": height})
            await screenshot(page, f"texts-{language}-{number}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= WIDTH
        too_wide = await page.locator("#messages .words").evaluate_all(
            "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
        )
        assert too_wide == []
        await page.context.close()
