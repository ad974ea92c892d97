"""The screens of /stats: what their buttons carry, and what they say."""

import pytest

from core.outcomes import OUTCOME_KEYS
from core.statistics import Counts, Metric, Period, Scope, Trend
from handlers.statistics import screens
from handlers.statistics.screens import Screen, View
from misc.ui.texts import load_texts
from services.statistics import Tops
from tests.fakes import buttons_in

TEXTS = load_texts()
NOW = 1_790_000_000
THIN = "\u202f"


def counts(posts: int) -> dict[Scope, Counts]:
    return {
        Scope.ALL: Counts(posts=posts + 1),
        Scope.PRIVATE: Counts(chats=7, posts=posts),
        Scope.GROUPS: Counts(posts=1),
    }


def trends(posts: int, before: int | None = None) -> dict[Scope, Trend]:
    earlier = None if before is None else counts(before)
    return {
        scope: Trend(count, earlier[scope] if earlier else None)
        for scope, count in counts(posts).items()
    }


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(Screen.GRAPH, Scope.GROUPS, Period.MONTH, Metric.SOUNDS, does=True),
        View(Screen.SITES, period=Period.ALL),
    ],
)
def test_a_button_carries_a_whole_view(view: View):
    assert View.read(view.data) == view
    assert len(view.data.encode()) <= 64


@pytest.mark.parametrize(
    "data", ["count/", "count/menu", "count/menu/all/day/posts/see/x", "count/a/b/c/d/e"]
)
def test_invalid_data_is_no_view(data: str):
    assert View.read(data) is None


@pytest.mark.parametrize(("has_ads", "has_botstat"), [(True, False), (False, True)])
def test_the_menu_offers_what_there_is(has_ads: bool, has_botstat: bool):
    markup = screens.menu_buttons(TEXTS, "en", has_ads=has_ads, has_botstat=has_botstat)
    offered = [view.screen for data in buttons_in(markup) if (view := View.read(data))]
    assert (Screen.ADS in offered, Screen.BOTSTAT in offered) == (has_ads, has_botstat)
    assert Screen.MENU not in offered
    assert all(len(row) <= 2 for row in markup.inline_keyboard)


@pytest.mark.parametrize("screen", [screen for screen in Screen if screen is not Screen.MENU])
def test_every_screen_leads_back_and_marks_what_is_chosen(screen: Screen):
    view = View(screen, Scope.GROUPS, Period.WEEK, Metric.CHATS)
    markup = screens.buttons_of(view, TEXTS, "en")
    *choices, last = markup.inline_keyboard
    assert last[0].callback_data == View().data
    marked = [b.callback_data for row in choices for b in row if b.text.startswith("•")]
    assert marked == [view.data] * len(choices)
    does = View.read(last[1].callback_data or "")
    assert does
    assert does.does is (screen in {Screen.GRAPH, Screen.BOTSTAT})


def test_the_overview_has_both_periods_and_both_kinds_of_chats():
    people = {Period.DAY: 3, Period.WEEK: 14, Period.MONTH: 1_590}
    active = screens.active_text(people, {Period.DAY: 2, Period.WEEK: 14}, TEXTS, "en")
    text = screens.overview(counts(12_345), trends(9, 10), active, TEXTS, "en", NOW)
    assert text.startswith(
        f"<b>Active people</b>\n24 hours: <b>3</b> ▲{THIN}50{THIN}%\n"
        f"7 days: <b>14</b> =\n31 days: <b>1{THIN}590</b>"
    )
    assert f"<b>12{THIN}345</b>" in text
    assert f"Posts: <b>9</b> ▼{THIN}10{THIN}%" in text
    assert text.index("24 hours</b>") < text.index("All time")
    assert text.count("<u>Private</u>") == text.count("<u>Groups</u>") == 2
    assert "Chats: <b>7</b>" in text
    assert "New chats: <b>7</b>" in text


def test_the_details_are_those_of_one_kind_and_period():
    view = View(Screen.DETAILS, Scope.PRIVATE, Period.WEEK)
    text = screens.details(view, trends(9, 6), TEXTS, "en", NOW)
    assert text.startswith("<b>Private · 7 days</b>\nSince Sep 14, 2026, 14:00")
    assert f"New chats: <b>7</b> =\nPosts: <b>9</b> ▲{THIN}50{THIN}% (chats: 0)" in text
    assert TEXTS["en"]["stats_trend_about"] in text
    ever = screens.details(View(Screen.DETAILS, period=Period.ALL), trends(9), TEXTS, "en", NOW)
    assert "Since" not in ever
    assert "▲" not in ever
    assert "Posts: <b>10</b>" in ever


def test_the_board_is_the_overview_of_one_period():
    text = screens.board(Period.DAY, trends(9), TEXTS, "en", NOW)
    assert text.startswith("<b>24 hours</b>")
    assert "All time" not in text
    assert text.endswith("UTC</i>")


def test_a_graph_is_titled_in_the_readers_language_and_in_english():
    labels = screens.graph_labels(View(Screen.GRAPH), TEXTS, "uk")
    title = screens.graph_title(View(Screen.GRAPH), TEXTS, "en")
    assert title == "Posts · Everywhere · 24 hours"
    assert labels != screens.graph_labels(View(Screen.GRAPH), TEXTS, "en")
    assert title in repr(labels)


def tops(**values: object) -> Tops:
    nothing: dict[str, object] = {
        "languages": [],
        "busiest": [],
        "referrals": [],
        "people_before": {},
    }
    facts = {"taken_at": NOW, "in_file_mode": 3, "blocked": 1_000, **nothing, **values}
    return Tops(**facts)  # type: ignore[arg-type]


def test_referrals_are_listed_and_made_harmless():
    text = screens.referrals(tops(referrals=[("a<b", 1_200)]), TEXTS, "en")
    assert f"a&lt;b – 1{THIN}200" in text
    assert TEXTS["en"]["stats_nothing"] in screens.referrals(tops(), TEXTS, "en")


def test_languages_have_their_names_and_chats_their_ids():
    many = tops(languages=[("uk", 2), ("x<", 1)], busiest=[(-7, 55)])
    text = screens.others(many, TEXTS, "en")
    assert f"{TEXTS['uk']['language_name']} – 2" in text
    assert "x&lt; – 1" in text
    assert "<code>-7</code> – 55" in text
    assert f"<b>1{THIN}000</b>" in text
    assert screens.others(tops(), TEXTS, "en").count(TEXTS["en"]["stats_nothing"]) == 2


def sites(*outcomes: tuple[str, str, int]) -> str:
    titles = {"tiktok": "TikTok", "x": "X"}
    return screens.sites(View(Screen.SITES), outcomes, titles, TEXTS, "en", NOW)


def test_sites_are_listed_by_use_with_what_came_from_the_cache():
    text = sites(
        ("x", "fetched", 1),
        ("tiktok", "known", 3),
        ("tiktok", "fetched", 1),
        ("tiktok", "NotAvailableError", 4),
    )
    lines = text.splitlines()
    assert [line.replace(THIN, "") for line in lines[2:5]] == [
        "<b>Everywhere</b>  56%  ✅ 5 (⚡ 60%)  ❌ 4",
        "<b>TikTok</b>  50%  ✅ 4 (⚡ 75%)  ❌ 4",
        "<b>X</b>  100%  ✅ 1 (⚡ 0%)  ❌ 0",
    ]
    assert text.endswith("TikTok: Not available – 4")


def test_nearly_all_is_not_all_and_hardly_any_is_not_none():
    text = sites(("x", "fetched", 999), ("x", "BugError", 1), ("x", "known", 1)).replace(THIN, "")
    assert "<b>X</b>  99%  ✅ 1000 (⚡ 1%)  ❌ 1" in text


def test_reasons_have_words_and_those_with_the_same_words_are_added():
    text = sites(("x", "BusyError", 2), ("x", "QueueFullError", 3), ("x", "OldError", 1))
    assert text.endswith("X: Queue full – 5\nX: Other – 1")


def test_a_single_site_has_no_sum_and_a_gone_site_its_name():
    text = sites(("gone", "BugError", 2))
    assert "Everywhere" not in text
    assert f"<b>gone</b>  0{THIN}%  ✅ 0 (⚡ –)  ❌ 2" in text
    assert TEXTS["en"]["stats_nothing"] in sites()


def test_only_the_most_frequent_errors_are_named():
    text = sites(*(("x", code, 1) for code in list(OUTCOME_KEYS)[:25]))
    assert text.count("\nX: ") == 12


def test_ads_are_listed():
    text = screens.ads(View(Screen.ADS), [("a<b", 5)], TEXTS, "en", NOW)
    assert "a&lt;b – 5" in text
