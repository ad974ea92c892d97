"""/log and the section about errors."""

import pytest
from aiogram.filters import CommandObject

from data.error_reports import store_report
from handlers.admin.error_reports import ErrorReportMenu
from handlers.admin.menu import Press
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import PERSON, FakeTelegram, buttons_in

TEXTS = load_texts()
pytestmark = pytest.mark.usefixtures("sqlite_db")


async def log(telegram: FakeTelegram, args: str | None) -> str:
    command = CommandObject(command="log", args=args)
    reports = ErrorReportMenu(telegram.sender, TEXTS)
    await reports.on_log(telegram.message("/log"), command, ChatView("en"))
    return telegram.texts[-1]


async def test_errors_are_listed_and_shown_by_their_code(telegram: FakeTelegram):
    assert await log(telegram, None) == TEXTS["en"]["log_none"]
    await store_report("A1B2C3D4", "a <request>", ValueError("less < more"))
    listed = await log(telegram, None)
    assert listed.startswith(TEXTS["en"]["log_list"])
    assert "<code>A1B2C3D4</code>" in listed
    assert "less &lt; more" in listed
    shown = await log(telegram, " a1b2c3d4 ")
    assert "a &lt;request&gt;" in shown
    assert "ValueError: less &lt; more" in shown


async def test_of_a_long_traceback_the_end_is_shown(telegram: FakeTelegram):
    await store_report("A1B2C3D4", "it", ValueError("begin " + "x" * 5_000 + " end"))
    shown = await log(telegram, "A1B2C3D4")
    assert len(shown) < 4_096
    assert " end" in shown
    assert "begin" not in shown
    unknown = await log(telegram, "<b>")
    assert unknown == TEXTS("en", "log_unknown", code="<B>")


async def test_the_section_opens_each_report_and_leads_back(telegram: FakeTelegram):
    reports = ErrorReportMenu(telegram.sender, TEXTS)
    await store_report("A1B2C3D4", "it", ValueError("no"))
    listed = await reports.section(Press(PERSON, "en"))
    markup = listed.markup(TEXTS, "en")
    assert buttons_in(markup) == ["admin/errors/A1B2C3D4", "admin/menu"]
    report = await reports.section(Press(PERSON, "en", "A1B2C3D4"))
    assert "ValueError: no" in report.text
    assert buttons_in(report.markup(TEXTS, "en")) == ["admin/errors"]
