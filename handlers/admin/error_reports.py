"""Reports of unexpected errors, for administrators: /log and the section of the menu."""

from dataclasses import dataclass
from html import escape
from typing import Final

from aiogram import Router
from aiogram.filters import CommandObject
from aiogram.types import Message

from core.captions import cut
from data.error_reports import ErrorReport, find_report, recent_reports
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin.menu import AdminScreen, Press, button
from misc.filters import CommandNamed, FromAdmin, InPrivate
from misc.middlewares.registration import ChatView
from misc.ui import dates
from misc.ui.texts import Texts

#: Maximum number of reports that are listed.
_MAX_REPORTS: Final = 10
#: Maximum length of a report's summary in the list, in UTF-16 units.
_MAX_SUMMARY: Final = 200
#: Maximum length of a traceback, in characters. Telegram's limit is 4 096 UTF-16 units per
#: message, counted after HTML entities are parsed, so escaping does not lengthen the text.
_MAX_TRACEBACK: Final = 3_000


@dataclass(frozen=True, slots=True)
class ErrorReportMenu:
    """Lists reports, and shows one by its code."""

    sender: Sender
    texts: Texts

    async def on_log(self, message: Message, command: CommandObject, chat: ChatView) -> None:
        """List the newest reports, or show the one with the given code.

        Raises:
            StorageError, DeliveryError: it cannot be shown.
        """
        screen = await self._screen((command.args or "").strip().upper(), chat.lang)
        markup = screen.markup(self.texts, chat.lang)
        await self.sender.send_text(ChatTarget.of(message), screen.text, markup)

    async def section(self, press: Press) -> AdminScreen:
        """Return the list, or the report with the code that a button carries.

        Raises:
            StorageError: the database did not respond.
        """
        return await self._screen(press.page, press.lang)

    async def _screen(self, code: str, lang: str) -> AdminScreen:
        if not code:
            return await self._list(lang)
        report = await find_report(code)
        if report is None:
            return AdminScreen(self.texts(lang, "log_unknown", code=code), back="errors")
        return AdminScreen(_report_text(report, lang), back="errors")

    async def _list(self, lang: str) -> AdminScreen:
        reports = await recent_reports(_MAX_REPORTS)
        if not reports:
            return AdminScreen(self.texts[lang]["log_none"])
        lines = [
            f"<code>{report.code}</code> {dates.minute(report.at, lang)}\n"
            f"{escape(cut(report.summary, _MAX_SUMMARY))}"
            for report in reports
        ]
        buttons = [button(report.code, f"errors/{report.code}") for report in reports]
        rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
        return AdminScreen("\n\n".join([self.texts[lang]["log_list"], *lines]), rows)


def commands(reports: ErrorReportMenu, admins: frozenset[int]) -> Router:
    """Register /log."""
    router = Router(name="error reports")
    router.message.register(reports.on_log, CommandNamed("log"), FromAdmin(admins), InPrivate())
    return router


def _report_text(report: ErrorReport, lang: str) -> str:
    """Return a report as Telegram HTML, with the end of its traceback."""
    # The end names the error and the frame that raised it.
    trace = escape(report.traceback[-_MAX_TRACEBACK:])
    return (
        f"<code>{report.code}</code> {dates.minute(report.at, lang)}, {escape(report.doing)}\n"
        f"<pre>{trace}</pre>"
    )
