"""Dates and lengths of time as people write them, by the rules of CLDR through Babel.

Babel is imported when it is first needed: only administrators, and cards of lists, show dates.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

_MINUTE_S: Final = 60
#: A length is given in the next larger unit from this many of them.
_THRESHOLD: Final = 1.5


def day(unix: int, lang: str) -> str:
    """Format the day of a Unix time (in UTC), such as "Nov 27, 2026"."""
    from babel import Locale
    from babel.dates import format_skeleton

    at = datetime.fromtimestamp(unix, UTC)
    return format_skeleton("yMMMd", at, locale=Locale.parse(lang))


def minute(unix: int, lang: str) -> str:
    """Format a Unix time with its day, such as "Nov 27, 2026, 14:05", in UTC.

    The time has 24 hours in every language, like the times that administrators write.
    """
    from babel import Locale

    time = datetime.fromtimestamp(unix, UTC).strftime("%H:%M")
    pattern = str(Locale.parse(lang).datetime_formats["medium"])
    return pattern.format(time, day(unix, lang))


def length(seconds: float, lang: str) -> str:
    """Format a length of time in its largest unit, such as "2 minutes"; one minute at least."""
    from babel import Locale
    from babel.dates import format_timedelta

    delta = timedelta(seconds=max(seconds, _MINUTE_S))
    return format_timedelta(
        delta, granularity="minute", threshold=_THRESHOLD, locale=Locale.parse(lang)
    )
