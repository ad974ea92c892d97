"""Doctor checks of what YouTube needs in addition to yt-dlp.

Source: https://github.com/yt-dlp/yt-dlp/wiki/EJS
"""

from collections.abc import AsyncIterator, Iterator

import aiohttp

from app.doctor.checks import Check, run_checks
from app.doctor.finding import Finding
from core.errors import PlatformError
from data.config import Settings
from platforms import js_runtime, js_solver, po_token_version, wanted_js_solver

#: What installs both, in the environment of the bot.
_INSTALL = "`pip install -r requirements-youtube.txt`"


async def youtube_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Check the JavaScript runtime, its scripts, PO tokens and cookies, if YouTube is allowed."""
    if "youtube" not in settings.sites.allowed:
        return
    parts: list[tuple[str, Check]] = [
        ("the JavaScript runtime", _runtime()),
        ("yt-dlp-ejs", _solver()),
        ("PO tokens", _po_tokens(settings.helpers.pot_url)),
    ]
    async for finding in run_checks(parts):
        yield finding
    if settings.network.cookies_file is None:
        yield Finding("ok", "YouTube without cookies: it may ask data centres to sign in")


def _runtime() -> Iterator[Finding]:
    if found := js_runtime():
        yield Finding("ok", f"JavaScript runtime: {found}")
    else:
        yield Finding(
            "warning", f"JavaScript runtime: none, YouTube needs deno or quickjs: {_INSTALL}"
        )


def _solver() -> Iterator[Finding]:
    solver, wanted = js_solver(), wanted_js_solver()
    if solver is None:
        yield Finding("warning", f"yt-dlp-ejs is not installed, YouTube needs it: {_INSTALL}")
    elif solver.split(".")[:2] != wanted.split(".")[:2]:
        yield Finding("warning", f"yt-dlp-ejs {solver}, but yt-dlp needs {wanted}: {_INSTALL}")
    else:
        yield Finding("ok", f"yt-dlp-ejs {solver}")


async def _po_tokens(url: str) -> Finding:
    if not url:
        return Finding("ok", "PO tokens: none ([helpers] pot_url)")
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        try:
            found = await po_token_version(session, url)
        except PlatformError as error:
            return Finding("warning", f"the service for PO tokens does not respond: {error}")
    return Finding("ok", f"PO tokens: service {found}")
