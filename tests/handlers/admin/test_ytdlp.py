"""The section about yt-dlp: what it says of the stored plan, and the request for an update."""

import pytest

from core.ytdlp_plan import Plan
from data.ytdlp_plan import begin_requested_update, change_plan
from handlers.admin.menu import AdminScreen, Press
from handlers.admin.ytdlp import YtdlpMenu
from misc.ui import dates
from misc.ui.texts import load_texts
from platforms import reader_version
from tests.fakes import PERSON

TEXTS = load_texts()
EN = TEXTS["en"]
pytestmark = pytest.mark.usefixtures("sqlite_db")


async def show(page: str = "", lang: str = "en") -> AdminScreen:
    return await YtdlpMenu(TEXTS).section(Press(PERSON, lang, page))


async def test_at_first_only_the_version_in_use_is_named():
    screen = await show()
    assert screen.text == TEXTS("en", "admin_ytdlp_used", version=reader_version()[0])
    ((button,),) = screen.rows
    assert (button.text, button.callback_data) == (EN["admin_ytdlp_now"], "admin/ytdlp/now")


async def test_the_last_look_and_every_refused_version_are_named():
    looked_at = 1_790_000_000
    plan = Plan(refused=("2026.8.1", "<2026.9.1>"), looked_at=looked_at)
    assert await change_plan(Plan(), plan)
    screen = await show(lang="uk")
    _, *lines = screen.text.splitlines()
    assert lines == [
        TEXTS("uk", "admin_ytdlp_looked", time=dates.minute(looked_at, "uk")),
        *(TEXTS("uk", "admin_ytdlp_refused", version=version) for version in plan.refused),
    ]
    assert "&lt;2026.9.1&gt;" in screen.text


async def test_the_button_asks_for_the_newest_release_and_says_so():
    screen = await show("now")
    assert screen.notice == EN["admin_ytdlp_asked"]
    assert screen.text == (await show()).text
    assert await begin_requested_update() == 1


@pytest.mark.parametrize("page", ["", "later", "now/now"])
async def test_opening_the_screen_requests_no_update(page: str):
    assert (await show(page)).notice is None
    assert await begin_requested_update() == 0


async def test_another_press_begins_the_count_of_tries_anew():
    await show("now")
    assert [await begin_requested_update() for _ in range(2)] == [1, 2]
    await show("now")
    assert await begin_requested_update() == 1
