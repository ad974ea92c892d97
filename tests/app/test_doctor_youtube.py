"""What the doctor says about YouTube, for what is and is not installed."""

import pytest

from app.doctor import youtube
from app.doctor.finding import Finding
from core.errors import PlatformUnreachableError
from data.config import HelpersSection, NetworkSection, Settings, SitesSection


async def findings(
    monkeypatch: pytest.MonkeyPatch, sites: tuple[str, ...], **found
) -> list[Finding]:
    values = {"js_runtime": "deno 2.9.8", "js_solver": "0.8.1", "wanted_js_solver": "0.8.0"} | found
    for name in ("js_runtime", "js_solver", "wanted_js_solver"):
        monkeypatch.setattr(youtube, name, lambda value=values[name]: value)

    async def version(_session: object, _url: str) -> str:
        if values.get("is_down"):
            raise PlatformUnreachableError("no answer")
        return "2.0.2"

    monkeypatch.setattr(youtube, "po_token_version", version)
    settings = Settings(
        sites=SitesSection(allowed=sites),
        helpers=HelpersSection(pot_url=values.get("pot_url", "")),
        network=NetworkSection(cookies_file=values.get("cookies_file")),
    )
    return [finding async for finding in youtube.youtube_findings(settings)]


async def test_what_is_there_is_ok(monkeypatch: pytest.MonkeyPatch):
    found = await findings(
        monkeypatch, ("youtube",), pot_url="http://127.0.0.1:4416", cookies_file=__file__
    )
    assert [finding.level for finding in found] == ["ok"] * 3
    assert [finding.text for finding in found] == [
        "JavaScript runtime: deno 2.9.8",
        "yt-dlp-ejs 0.8.1",
        "PO tokens: service 2.0.2",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"js_runtime": None}, "needs deno or quickjs"),
        ({"js_solver": None}, "yt-dlp-ejs is not installed"),
        ({"js_solver": "0.7.0"}, "yt-dlp-ejs 0.7.0, but yt-dlp needs 0.8.0"),
        ({"pot_url": "http://127.0.0.1:4416", "is_down": True}, "PO tokens does not respond"),
    ],
)
async def test_what_is_missing_is_a_warning(monkeypatch: pytest.MonkeyPatch, options, words: str):
    found = await findings(monkeypatch, ("tiktok", "youtube"), **options)
    (warning,) = [finding for finding in found if finding.level == "warning"]
    assert words in warning.text


async def test_without_youtube_nothing_is_checked(monkeypatch: pytest.MonkeyPatch):
    assert await findings(monkeypatch, ("tiktok",), js_runtime=None) == []
