"""/stats: one message that becomes the next screen, graphs, uploads and histories."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from aiogram.methods import EditMessageText, SendDocument, SendMessage

from core.errors import FloodError, UnchangedError
from core.statistics import Curve, Metric, Period, Scope
from data.chats import register_chat
from data.downloads import record_download
from handlers.admin.menu import Press
from handlers.statistics.menu import StatisticsMenu
from handlers.statistics.screens import Screen, View
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from platforms import Spool, load_registry
from services.botstat import BotStat
from services.statistics import Statistics
from tests.fakes import GONE, LINK, PERSON, FakeTelegram, buttons_in

TEXTS = load_texts()
WORDS = TEXTS["en"]
CHAT = ChatView("en")
NOW = 1_790_000_000


@dataclass
class FakeStatistics:
    """Draws nothing, and records what it is asked for."""

    asked: list[tuple[Metric, Scope, Period]] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)

    async def curve(self, metric: Metric, scope: Scope, period: Period) -> Curve:
        self.asked.append((metric, scope, period))
        return cast("Curve", None)

    async def send_picture(self, curve: Curve, labels: Any, caption: str, target: Any) -> None:
        self.captions.append(caption)


@dataclass
class FakeBotStat:
    outcome: Literal["done", "busy", "failed"] = "done"

    async def upload(self) -> tuple[Literal["done", "busy", "failed"], int]:
        return self.outcome, 3


def menu(
    telegram: FakeTelegram,
    statistics: object = None,
    botstat: FakeBotStat | None = None,
    folder: Path | None = None,
) -> StatisticsMenu:
    real = Statistics(telegram.sender, Spool(folder or Path(), 1_000_000_000))
    return StatisticsMenu(
        telegram.sender,
        TEXTS,
        load_registry(),
        cast("Statistics", statistics or real),
        cast("BotStat | None", botstat),
        has_ads=False,
        admins=frozenset({PERSON}),
    )


async def press(telegram: FakeTelegram, one: StatisticsMenu, view: View | str) -> None:
    data = view if isinstance(view, str) else view.data
    await one.press(telegram.query(data, telegram.message("stats")), CHAT)


async def test_the_menu_is_a_message_of_its_own(telegram: FakeTelegram):
    await menu(telegram).open(telegram.message("/stats"), CHAT)
    (message,) = telegram.of(SendMessage)
    assert message.text == WORDS["stats_menu"]
    assert message.reply_markup is not None


@pytest.mark.usefixtures("sqlite_db")
@pytest.mark.parametrize("screen", list(Screen))
async def test_a_press_turns_the_message_into_a_screen(telegram: FakeTelegram, screen: Screen):
    await register_chat(PERSON, "en")
    await press(telegram, menu(telegram), View(screen))
    (edit,) = telegram.of(EditMessageText)
    assert edit.text
    assert edit.reply_markup is not None
    assert telegram.alerts == [(None, False)]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_download_is_seen_at_once(telegram: FakeTelegram):
    await register_chat(PERSON, "en")
    for _ in range(2):
        await record_download(
            PERSON, LINK.url, is_images=False, is_processed=False, is_inline=False, ads=None
        )
    await press(telegram, menu(telegram), View(Screen.DETAILS))
    assert "Posts: <b>2</b>" in telegram.texts[-1]


@pytest.mark.usefixtures("sqlite_db")
async def test_if_nothing_has_changed_that_is_said(telegram: FakeTelegram):
    telegram.fail(EditMessageText, UnchangedError())
    await press(telegram, menu(telegram), View(Screen.DETAILS))
    assert telegram.alerts == [(WORDS["stats_same"], False)]


async def test_other_refusals_are_not_hidden(telegram: FakeTelegram):
    telegram.fail(EditMessageText, FloodError(3))
    with pytest.raises(FloodError):
        await press(telegram, menu(telegram), View())


@pytest.mark.usefixtures("sqlite_db")
async def test_a_period_is_compared_with_the_one_before_once_the_bot_is_old_enough(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    await register_chat(PERSON, "en")
    day = 86_400
    for ago, times in ((40, 1), (30, 2), (2, 3)):
        now = NOW - ago * 3_600
        monkeypatch.setattr("data.database.clock", lambda now=now: now)
        for _ in range(times):
            await record_download(
                PERSON, LINK.url, is_images=False, is_processed=False, is_inline=False, ads=None
            )
    monkeypatch.setattr("data.database.clock", lambda: NOW)
    await press(telegram, menu(telegram), View(Screen.DETAILS))
    assert "Posts: <b>3</b> (chats" in telegram.texts[-1]
    monkeypatch.setattr("data.database.clock", lambda: NOW - 10 * day)
    await register_chat(8, "en")
    monkeypatch.setattr("data.database.clock", lambda: NOW)
    await press(telegram, menu(telegram), View(Screen.DETAILS))
    assert "Posts: <b>3</b> =" in telegram.texts[-1]
    assert WORDS["stats_trend_about"] in telegram.texts[-1]


async def test_the_menu_leads_administrators_back_to_theirs(telegram: FakeTelegram):
    one = menu(telegram)
    await press(telegram, one, View())
    await one.press(telegram.query(View().data, telegram.message("stats"), user_id=9), CHAT)
    markups = [edit.reply_markup for edit in telegram.of(EditMessageText)]
    leads_back = ["admin/menu" in buttons_in(markup) for markup in markups if markup]
    assert leads_back == [True, False]
    screen = await one.section(Press(PERSON, "en"))
    assert "count/details/all/day/posts/see" in buttons_in(screen.markup(TEXTS, "en"))
    assert buttons_in(screen.markup(TEXTS, "en")).count("admin/menu") == 1


async def test_an_invalid_button_has_expired(telegram: FakeTelegram):
    one = menu(telegram)
    await press(telegram, one, "count/nonsense")
    await one.press(telegram.query(View().data, GONE), CHAT)
    assert telegram.alerts == [(WORDS["button_expired"], True)] * 2
    assert telegram.texts == []


async def test_a_graph_is_sent_as_it_was_chosen(telegram: FakeTelegram):
    statistics = FakeStatistics()
    view = View(Screen.GRAPH, Scope.GROUPS, Period.WEEK, Metric.SOUNDS, does=True)
    await press(telegram, menu(telegram, statistics), view)
    assert statistics.asked == [(Metric.SOUNDS, Scope.GROUPS, Period.WEEK)]
    assert statistics.captions == ["Sounds · Groups · 7 days"]
    assert telegram.alerts == [(None, False)]
    assert telegram.of(EditMessageText) == []


@pytest.mark.parametrize("outcome", ["done", "busy", "failed"])
async def test_an_upload_ends_with_a_word_about_it(
    telegram: FakeTelegram, outcome: Literal["done", "busy", "failed"]
):
    one = menu(telegram, botstat=FakeBotStat(outcome))
    await press(telegram, one, View(Screen.BOTSTAT, does=True))
    assert telegram.texts == [TEXTS("en", f"stats_botstat_{outcome}", number=3)]


async def test_without_botstat_nothing_is_uploaded(telegram: FakeTelegram):
    await press(telegram, menu(telegram), View(Screen.BOTSTAT, does=True))
    assert telegram.texts == []


async def history(telegram: FakeTelegram, folder: Path, data: str, message: Any = None) -> None:
    query = telegram.query(data, message or telegram.message("card"))
    await menu(telegram, folder=folder).send_history(query, CHAT)


@pytest.mark.usefixtures("sqlite_db")
async def test_a_chats_history_is_a_table(telegram: FakeTelegram, tmp_path: Path):
    await register_chat(-7, "en")
    await record_download(
        -7, LINK.url, is_images=False, is_processed=False, is_inline=False, ads=None
    )
    await history(telegram, tmp_path, "history/-7")
    (document,) = telegram.of(SendDocument)
    assert document.chat_id == PERSON
    assert LINK.url in telegram.session.uploads["chat_-7.csv"].decode()
    assert telegram.alerts == [(None, False)]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_chat_without_a_history_says_so(telegram: FakeTelegram, tmp_path: Path):
    await history(telegram, tmp_path, "history/8")
    assert telegram.alerts == [(WORDS["stats_no_history"], True)]
    assert telegram.of(SendDocument) == []


@pytest.mark.parametrize("data", ["history/", "history/x", "history/²", "history/1/2"])
async def test_a_history_without_a_chat_has_expired(
    telegram: FakeTelegram, tmp_path: Path, data: str
):
    await history(telegram, tmp_path, data)
    await history(telegram, tmp_path, "history/8", GONE)
    assert telegram.alerts == [(WORDS["button_expired"], True)] * 2
