"""The section about ads: which there are, how often they come, and how often they came."""

import pytest

from core.ads import SEED_RULE, Ad, AdRule
from data.ads import count_ad_show
from handlers.admin.ads import AdMenu
from handlers.admin.menu import Press
from misc.ui.texts import load_texts
from tests.fakes import PERSON

TEXTS = load_texts()
pytestmark = pytest.mark.usefixtures("sqlite_db")


async def show(ads: tuple[Ad, ...], rule: AdRule = SEED_RULE, lang: str = "en") -> str:
    screen = await AdMenu(TEXTS, ads, rule).section(Press(PERSON, lang))
    return screen.text


async def test_without_ads_that_is_said():
    assert await show(()) == TEXTS["en"]["admin_ads_none"]


async def test_ads_are_named_with_their_rule_and_numbers():
    ads = (
        Ad("own", "https://tea.example/x?y"),
        Ad("b<", "https://b.example", languages=frozenset({"uk", "ru"}), weight=3),
    )
    for _ in range(3):
        await count_ad_show("own")
    text = await show(ads, AdRule(every=5, max_interval_s=86_400, grace_s=7_200))
    assert "own: tea.example\nb&lt;: b.example · ru · uk · ×3" in text
    assert "Shown after every 5 downloads\nOr when the last one was more than 24 hours ago" in text
    assert "None in a chat's first 2 hours" in text
    assert "apart" not in text
    assert "<b>3</b> in 24 hours" in text
    assert TEXTS["en"]["admin_ads_clicks"] in text


@pytest.mark.parametrize("lang", TEXTS.languages)
async def test_every_language_has_the_words(lang: str):
    rule = AdRule(every=2, min_interval_s=3_600, grace_s=3_600)
    assert await show((Ad("own", "https://tea.example"),), rule, lang)
