"""The section about ads: which there are, how often they are shown, and how often they were."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from core.ads import Ad, AdRule
from core.statistics import Period
from data.ads import ad_shows_since
from data.database import unix_now
from handlers.admin.menu import AdminScreen, Press
from handlers.statistics.screens import amount
from misc.ui import dates
from misc.ui.texts import Texts


@dataclass(frozen=True, slots=True)
class AdMenu:
    """Shows the ads of the settings."""

    texts: Texts
    ads: tuple[Ad, ...]
    rule: AdRule

    async def section(self, press: Press) -> AdminScreen:
        """Return the only screen.

        Raises:
            StorageError: the database did not respond.
        """
        lang = press.lang
        if not self.ads:
            return AdminScreen(self.texts[lang]["admin_ads_none"])
        now = unix_now()
        day, week, ever = [
            sum(number for _, number in await ad_shows_since(period.since(now)))
            for period in (Period.DAY, Period.WEEK, Period.ALL)
        ]
        shown = self.texts(
            lang, "admin_ads_shown", day=amount(day), week=amount(week), ever=amount(ever)
        )
        parts = (
            self.texts[lang]["admin_ads_title"] + "\n" + "\n".join(map(self._line, self.ads)),
            "\n".join(self._rule_lines(lang)),
            shown + "\n" + self.texts[lang]["admin_ads_clicks"],
        )
        return AdminScreen("\n\n".join(parts))

    def _line(self, ad: Ad) -> str:
        details = [urlsplit(ad.link).netloc or ad.link, *sorted(ad.languages)]
        if ad.weight > 1:
            details.append(f"×{ad.weight}")
        return self.texts.escaped(f"{ad.name}: {' · '.join(details)}")

    def _rule_lines(self, lang: str) -> list[str]:
        """Return how often ads are shown, a rule a line."""
        lines = [self.texts(lang, "admin_ads_every", count=self.rule.every)]
        for key, seconds in (
            ("admin_ads_interval", self.rule.max_interval_s),
            ("admin_ads_pause", self.rule.min_interval_s),
            ("admin_ads_grace", self.rule.grace_s),
        ):
            if seconds:
                lines.append(self.texts(lang, key, time=dates.length(seconds, lang)))
        return lines
