"""When an ad is due: the seed's rule, in one place."""

from typing import Final

#: An ad is due after this many downloads since the last one (the one with the ad counts as first).
DOWNLOADS_PER_AD: Final = 3
#: … or when this many seconds have passed since the last one, whichever comes first.
AD_MAX_INTERVAL_S: Final = 86_400
#: What the counter becomes when an ad is shown.
COUNT_AFTER_AD: Final = 1


def is_ad_due(ad_count: int, ad_cooldown: int, now: int) -> bool:
    """Tell whether the next download brings an ad.

    `ad_cooldown` is the Unix time until which the counter alone decides. A new chat has 0 and 0, so
    its first download brings one: that is how the seed page has it.
    """
    return ad_count >= DOWNLOADS_PER_AD or ad_cooldown < now
