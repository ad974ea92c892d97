"""The section about live updates of yt-dlp: which version is used, and a button for a newer one."""

from dataclasses import dataclass
from typing import Final

from data.ytdlp_plan import load_plan, request_newest
from handlers.admin.menu import AdminScreen, Press, button
from misc.ui import dates
from misc.ui.texts import Texts
from platforms import reader_version

_NOW: Final = "now"


@dataclass(frozen=True, slots=True)
class YtdlpMenu:
    """Shows the state of the live updates."""

    texts: Texts

    async def section(self, press: Press) -> AdminScreen:
        """Return the only screen; its button asks for the newest release, however young it is.

        Raises:
            StorageError: the database did not respond.
        """
        lang, notice = press.lang, None
        if press.page == _NOW:
            await request_newest()
            notice = self.texts[lang]["admin_ytdlp_asked"]
        return AdminScreen(
            await self._state(lang),
            [[button(self.texts[lang]["admin_ytdlp_now"], f"ytdlp/{_NOW}")]],
            notice,
        )

    async def _state(self, lang: str) -> str:
        plan, (version, _) = await load_plan(), reader_version()
        lines = [self.texts(lang, "admin_ytdlp_used", version=version)]
        if plan.looked_at:
            at = dates.minute(plan.looked_at, lang)
            lines.append(self.texts(lang, "admin_ytdlp_looked", time=at))
        lines += [
            self.texts(lang, "admin_ytdlp_refused", version=refused) for refused in plan.refused
        ]
        return "\n".join(lines)
