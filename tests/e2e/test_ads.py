"""Ads: chosen by language, counted on delivery, and never a reason for a request to fail."""

import json
import time
from pathlib import Path

import pytest

from app.ads_file import load_ads
from core.errors import SettingsError
from data import database
from data.ads import ad_shows_since
from data.db_service import get_user
from misc.ui.texts import load_texts
from tests.e2e.bot_harness import VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]


def ad(name: str, **options: object) -> dict[str, object]:
    """Return an ad as it stands in the ads file."""
    link, text = f"https://{name}.example/?a=1", f"<b>{name}</b> pays for the server."
    return {"name": name, "link": link, "text": text, "button": f"To {name}", **options}


def file_of(folder: Path, *ads: dict[str, object]) -> Path:
    path = folder / "ads.json"
    path.write_text(json.dumps(ads))
    return path


async def test_ads_of_the_file_are_shown_by_language_and_counted(harness: BotHarness):
    harness.video()
    file = file_of(
        harness.folder, ad("tea", languages=["en"]), ad("chai", languages=["ru"], weight=9)
    )
    await harness.start(ADS_FILE=str(file))
    for _ in range(4):
        await harness.say(VIDEO)
    shown = [m for m in harness.answers() if "pays for the server" in m.get("text", "")]
    assert [m["text"] for m in shown] == ["tea pays for the server."] * 2
    ((button,),) = shown[0]["reply_markup"]["inline_keyboard"]
    assert button == {"text": "To tea", "url": "https://tea.example/?a=1"}
    assert await ad_shows_since(None) == [("tea", 2)]


async def test_an_undelivered_ad_is_not_counted_and_does_not_fail_the_request(harness: BotHarness):
    harness.video()
    await harness.start(ADS_LINK="https://tea.example")
    await harness.say("hello")
    harness.fail("sendMessage", "400")
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    assert await ad_shows_since(None) == []


async def test_a_chat_without_an_ad_in_its_language_keeps_its_ad_counters(harness: BotHarness):
    harness.video()
    file = file_of(harness.folder, ad("chai", languages=["ru"]))
    await harness.start(ADS_FILE=str(file))
    await harness.say(VIDEO)
    assert await ad_shows_since(None) == []
    user = await get_user(1001)
    assert user
    assert (user.ad_count, user.ad_cooldown) == (1, 0)


async def test_new_users_see_no_ads_during_the_grace_period(harness: BotHarness):
    harness.video()
    await harness.start(ADS_LINK="https://tea.example", ADS_GRACE_H="1", ADS_EVERY="2")
    for _ in range(3):
        await harness.say(VIDEO)
    assert await ad_shows_since(None) == []


async def test_with_a_grace_period_the_first_answer_is_without_an_ad(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    harness.video()
    await harness.start(ADS_LINK="https://tea.example", ADS_GRACE_H="1")
    await harness.say("hello")
    now = time.time() + 2 * 3_600
    monkeypatch.setattr(database, "clock", lambda: now)  # the hours are over
    await harness.say(VIDEO)
    assert await ad_shows_since(None) == []
    await harness.say(VIDEO)
    assert await ad_shows_since(None) == [("own", 1)]
    assert harness.answers()[-1]["text"] == EN["ad_support"]


async def test_no_ad_follows_an_error(harness: BotHarness):
    harness.video()
    await harness.start(ADS_LINK="https://tea.example")
    await harness.say("https://www.tiktok.com/@ferry.demo/video/7300000000000000404")
    assert EN["ad_support"] not in harness.texts()
    await harness.say(VIDEO)
    assert harness.texts()[-1] == EN["ad_support"]


def test_all_mistakes_in_the_ads_file_are_reported_together(tmp_path: Path):
    file = file_of(
        tmp_path, {"name": "a", "link": "nowhere"}, ad("b", weight=0), ad("c", colour="red")
    )
    with pytest.raises(SettingsError) as caught:
        load_ads("", file, TEXTS)
    found = "\n".join(caught.value.mistakes)
    for place in ("0/link", "0/text", "0/button", "1/weight", "2/colour"):
        assert f"[ads] file (ADS_FILE): {place}" in found
    file = file_of(tmp_path, ad("b", languages=["xx"]), ad("b"))
    with pytest.raises(SettingsError) as caught:
        load_ads("", file, TEXTS)
    assert caught.value.mistakes == [
        "[ads] file (ADS_FILE): unknown language xx",
        "[ads] file (ADS_FILE): duplicate name b",
    ]
