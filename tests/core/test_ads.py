"""When an ad is due, by the operator's own rule, and which one it is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ads import AD_MAX_INTERVAL_S, COUNT_AFTER_AD, Ad, AdRule, ads_for, choose_ad, is_ad_due

NOW = 1_800_000_000
HOUR_S = 3_600


def shown_after(seconds: int) -> int:
    """Give what stands in the table when the last ad was shown so long ago."""
    return NOW - seconds + AD_MAX_INTERVAL_S


@given(st.integers(0, 9), st.integers(0, 3 * AD_MAX_INTERVAL_S))
def test_as_it_stands_it_is_the_seeds_rule(count: int, ago: int):
    cooldown = shown_after(ago)
    assert is_ad_due(count, cooldown, NOW) == (count >= 3 or cooldown < NOW)
    assert is_ad_due(0, 0, NOW)


@pytest.mark.parametrize(
    ("rule", "count", "ago", "is_due"),
    [
        (AdRule(every=5), 4, HOUR_S, False),
        (AdRule(every=5), 5, HOUR_S, True),
        (AdRule(max_interval_s=2 * HOUR_S), 1, 2 * HOUR_S + 1, True),
        (AdRule(max_interval_s=48 * HOUR_S), 1, 25 * HOUR_S, False),
        (AdRule(min_interval_s=6 * HOUR_S), 9, 5 * HOUR_S, False),
        (AdRule(min_interval_s=6 * HOUR_S), 9, 6 * HOUR_S, True),
    ],
)
def test_an_operator_may_have_another(rule: AdRule, count: int, ago: int, is_due: bool):
    assert is_ad_due(count, shown_after(ago), NOW, rule) == is_due


def test_a_new_chat_gets_no_ad_in_the_grace_period():
    rule = AdRule(grace_s=24 * HOUR_S)
    assert not is_ad_due(9, 0, NOW, rule, registered_at=NOW - HOUR_S)
    assert is_ad_due(9, 0, NOW, rule, registered_at=NOW - 24 * HOUR_S)
    assert is_ad_due(9, 0, NOW, rule, registered_at=None)


@pytest.mark.parametrize("registered_at", [None, NOW - 99 * HOUR_S])
def test_with_a_grace_period_the_first_download_has_no_ad_however_late_it_comes(
    registered_at: int | None,
):
    rule = AdRule(grace_s=1)
    assert not is_ad_due(0, 0, NOW, rule, registered_at)
    assert is_ad_due(1, 0, NOW, rule, registered_at)
    assert is_ad_due(0, shown_after(25 * HOUR_S), NOW, rule, registered_at)
    assert is_ad_due(0, 0, NOW, AdRule(), registered_at)


def test_after_an_ad_the_counter_begins_at_one():
    assert not is_ad_due(COUNT_AFTER_AD, shown_after(0), NOW)


def test_ads_are_chosen_by_language_and_weight():
    ads = [
        Ad("often", "https://a", weight=3),
        Ad("russian", "https://b", languages=frozenset({"ru"})),
    ]
    assert [ad.name for ad in ads_for(ads, "en")] == ["often"]
    chosen = Counter(choose_ad(ads_for(ads, "ru"), n / 400).name for n in range(400))
    assert chosen == {"often": 300, "russian": 100}
    assert ads_for(ads[1:], "en") == []


@pytest.mark.parametrize(
    ("rule", "ago", "is_due"),
    [
        (AdRule(), 24 * HOUR_S, False),
        (AdRule(), 24 * HOUR_S + 1, True),
        (AdRule(max_interval_s=HOUR_S), HOUR_S, False),
        (AdRule(max_interval_s=HOUR_S), HOUR_S + 1, True),
    ],
)
def test_an_ad_is_due_when_more_than_the_interval_has_passed(rule: AdRule, ago: int, is_due: bool):
    assert is_ad_due(2, shown_after(ago), NOW, rule) is is_due


@pytest.mark.parametrize(("ago", "is_due"), [(59, False), (60, True)])
def test_the_shortest_interval_and_the_grace_period_end_to_the_second(ago: int, is_due: bool):
    assert is_ad_due(9, shown_after(ago), NOW, AdRule(min_interval_s=60)) is is_due
    assert is_ad_due(9, 0, NOW, AdRule(grace_s=60), registered_at=NOW - ago) is is_due


@pytest.mark.parametrize(
    ("chance", "name"),
    [(0.0, "a"), (0.249, "a"), (0.25, "b"), (0.749, "b"), (0.75, "c"), (1 - 2**-53, "c")],
)
def test_each_ad_has_its_share_of_the_chances(chance: float, name: str):
    ads = [Ad("a", "https://a"), Ad("b", "https://b", weight=2), Ad("c", "https://c")]
    assert choose_ad(ads, chance).name == name


def test_a_weight_of_zero_means_never_unless_there_is_nothing_else():
    never, always = Ad("never", "https://a", weight=0), Ad("always", "https://b")
    assert choose_ad([never, always], 0.0) is always
    assert choose_ad([never], 0.0) is never


def test_without_ads_there_is_none_to_choose():
    with pytest.raises(IndexError):
        choose_ad([], 0.5)
