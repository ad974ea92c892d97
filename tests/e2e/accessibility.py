"""Check a page with axe-core, whose script comes with the wheel of axe-playwright-python."""

from importlib import resources
from typing import Any, Final

from playwright.async_api import Page

_SCRIPT: Final = resources.files("axe_playwright_python") / "axe.min.js"
_GRAVE: Final = {"serious", "critical"}


async def grave_violations(page: Page) -> list[str]:
    """Return what axe-core finds on the page that is serious: the rule, and the element."""
    # The page's own security policy admits no script from elsewhere; the test evaluates it.
    await page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
    result: dict[str, Any] = await page.evaluate("axe.run()")
    return [
        f"{violation['id']}: {node['target']}: {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in _GRAVE
        for node in violation["nodes"]
    ]
