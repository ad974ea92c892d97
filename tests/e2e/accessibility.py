"""Check that everybody can use a page: with axe-core, and for fingers.

The script of axe-core comes with the wheel of axe-playwright-python.
"""

from importlib import resources
from typing import Any, Final

from playwright.async_api import Page

_SCRIPT: Final = resources.files("axe_playwright_python") / "axe.min.js"
_GRAVE: Final = {"serious", "critical"}
#: Smallest height of what a finger taps, in pixels (WCAG 2.2, 2.5.5). A button within a sentence is
#: exempt.
_TARGET_PX: Final = 44
_TOO_LOW: Final = """px =>
  [...document.querySelectorAll("button, select, summary, textarea, input")]
  .filter(e => e.checkVisibility({ visibilityProperty: true }) && e.id !== "pick")
  .filter(e => Math.round(e.getBoundingClientRect().height) < px)
  .map(e => `${e.getBoundingClientRect().height} px: ${e.outerHTML.slice(0, 80)}`)"""


async def grave_violations(page: Page) -> list[str]:
    """Return what axe-core finds on the page that is serious: the rule, and the element."""
    # The page's own security policy admits no script from elsewhere; the test evaluates it.
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
    result: dict[str, Any] = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {node['target']}: {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in _GRAVE
        for node in violation["nodes"]
    ]


async def low_targets(page: Page) -> list[str]:
    """Return what is too low for a finger: the height, and the element."""
    found: list[str] = await page.evaluate(_TOO_LOW, _TARGET_PX)
    return found
