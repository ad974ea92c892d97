"""When an ad is due and which one is shown: the seed's rule, with the operator's adjustments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: The column `ad_cooldown` holds the Unix time of the last ad plus this many seconds.
AD_MAX_INTERVAL_S: Final = 86_400
#: Value of the counter after an ad was shown.
COUNT_AFTER_AD: Final = 1


@dataclass(frozen=True, slots=True)
class AdRule:
    """How often ads are shown. The defaults are the rule of the seed page."""

    #: An ad is due after this many downloads. The download that brought the last ad counts as one.
    every: int = 3
    #: An ad is also due when more than this many seconds have passed since the last one.
    max_interval_s: int = AD_MAX_INTERVAL_S
    #: No ad is due within this many seconds of the last one.
    min_interval_s: int = 0
    #: No ad is due within this many seconds of the chat's registration. Unless it is 0, none is due
    #: with the chat's first download either, however late that comes.
    grace_s: int = 0


SEED_RULE: Final = AdRule()


def is_ad_due(
    ad_count: int,
    ad_cooldown: int,
    now: int,
    rule: AdRule = SEED_RULE,
    registered_at: int | None = None,
) -> bool:
    """Return True if the next download shows an ad. Times are Unix seconds.

    A new chat has `ad_count` 0 and `ad_cooldown` 0, so by the seed's rule its first download shows
    one. `registered_at` is None if it is unknown.
    """
    shown_at = ad_cooldown - AD_MAX_INTERVAL_S
    if rule.grace_s and _is_in_grace(ad_count, ad_cooldown, now, rule.grace_s, registered_at):
        return False
    if ad_cooldown and now < shown_at + rule.min_interval_s:
        return False
    return ad_count >= rule.every or shown_at + rule.max_interval_s < now


def _is_in_grace(
    ad_count: int, ad_cooldown: int, now: int, grace_s: int, registered_at: int | None
) -> bool:
    is_first_download = ad_count == 0 and ad_cooldown == 0
    return is_first_download or (registered_at is not None and now < registered_at + grace_s)


@dataclass(frozen=True, slots=True)
class Ad:
    """An ad: one text with one button.

    An empty text or button label means the bot's own text from locale/, in the chat's language.
    """

    name: str
    link: str
    #: Telegram HTML.
    text: str = ""
    button: str = ""
    #: Codes of the languages in which the ad is shown; empty for all.
    languages: frozenset[str] = frozenset()
    #: Relative frequency: an ad of weight 2 is chosen twice as often as one of weight 1.
    weight: int = 1


def ads_for(ads: Sequence[Ad], language: str) -> list[Ad]:
    """Return the ads that may be shown to chats with a language code, in their order."""
    return [ad for ad in ads if not ad.languages or language in ad.languages]


def choose_ad(ads: Sequence[Ad], chance: float) -> Ad:
    """Choose an ad at random by weight. `chance` is a random number in [0, 1).

    Raises:
        IndexError: there are no ads.
    """
    left = chance * sum(ad.weight for ad in ads)
    for ad in ads:
        left -= ad.weight
        if left < 0:
            return ad
    return ads[-1]
