"""When an ad is due, and which one: the seed's rule, and what an operator may change about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: `ad_cooldown` in the table is the Unix time of the last ad and this many seconds.
AD_MAX_INTERVAL_S: Final = 86_400
#: What the counter becomes when an ad is shown.
COUNT_AFTER_AD: Final = 1


@dataclass(frozen=True, slots=True)
class AdRule:
    """How often. As it stands here it is the seed page's."""

    #: An ad is due after this many downloads since the last one (the one with the ad counts as first).
    every: int = 3
    #: … or when this many seconds have passed since the last one, whichever comes first,
    max_interval_s: int = AD_MAX_INTERVAL_S
    #: but never within this many seconds of the last one,
    min_interval_s: int = 0
    #: nor within this many seconds of a chat's registration.
    grace_s: int = 0


SEED_RULE: Final = AdRule()


def is_ad_due(
    ad_count: int,
    ad_cooldown: int,
    now: int,
    rule: AdRule = SEED_RULE,
    registered_at: int | None = None,
) -> bool:
    """Tell whether the next download brings an ad.

    A new chat has 0 and 0, so by the seed's rule its first download brings one. Times are Unix seconds.
    """
    shown_at = ad_cooldown - AD_MAX_INTERVAL_S
    if registered_at is not None and now < registered_at + rule.grace_s:
        return False
    if ad_cooldown and now < shown_at + rule.min_interval_s:
        return False
    return ad_count >= rule.every or shown_at + rule.max_interval_s < now


@dataclass(frozen=True, slots=True)
class Ad:
    """One text with one button. Empty words stand for our own, in the chat's language."""

    name: str
    link: str
    #: Telegram HTML.
    text: str = ""
    button: str = ""
    #: Codes of the languages in which it is shown; none for all.
    languages: frozenset[str] = frozenset()
    #: How often it is chosen, against the others.
    weight: int = 1


def ads_for(ads: Sequence[Ad], language: str) -> list[Ad]:
    """List the ads that may be shown in a language."""
    return [ad for ad in ads if not ad.languages or language in ad.languages]


def choose_ad(ads: Sequence[Ad], chance: float) -> Ad:
    """Choose one by weight; `chance` is from 0 to below 1."""
    left = chance * sum(ad.weight for ad in ads)
    for ad in ads:
        left -= ad.weight
        if left < 0:
            return ad
    return ads[-1]
