"""/stats: every screen, charts, a chat's history, the live board and BotStat."""

import asyncio
import csv
import io
import itertools
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from PIL import Image

from core.statistics import Counts, Curve, Metric, Period, Scope
from data.db_service import create_user
from data.statistics import counts_since
from handlers.statistics.screens import Screen, View
from misc.ui.callback_data import MAX_BYTES
from misc.ui.texts import load_texts
from services.charts import Labels, draw
from simulator.telegram.world import Json
from tests.e2e.bot_harness import ID, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
ADMIN = {"BOT_ADMINS": "1001"}


async def create_activity(harness: BotHarness, **environment: str) -> Json:
    """Create some activity; return the message of /stats."""
    harness.video()
    await harness.start(**{**ADMIN, **environment})
    bo = harness.world.person(1002, "Bo")
    await harness.say("/start spring", bo)
    await harness.say(VIDEO)
    await harness.say(VIDEO, bo)
    await harness.press(harness.videos()[0], f"id/{ID}")
    group = harness.world.group(-1005, "Ferries")
    await harness.say(VIDEO, chat=group)
    await harness.say("https://www.tiktok.com/@ferry.demo/video/7300000000000000404")
    assert harness.application
    await harness.application.container.metrics.write()
    await harness.say("/stats")
    return harness.answers()[-1]


def view(screen: Screen, **chosen: object) -> str:
    return View(screen, **chosen).data  # type: ignore[arg-type]


async def test_the_overview_shows_all_counts(harness: BotHarness):
    menu = await create_activity(harness)
    assert menu["text"] == "Statistics\nAll times are UTC."
    await harness.press(menu, view(Screen.OVERVIEW))
    text = menu["text"]
    assert text.count("Private") == text.count("Groups") == 2
    assert text.count("Chats: 2\nPosts: 2 (chats: 2)\nWith pictures: 0 (chats: 0)") == 1
    assert text.count("New chats: 1\nPosts: 1 (chats: 1)") == 1
    assert text.count("Sounds: 1 (chats: 1)") == 2
    assert re.search(r"As of [A-Z][a-z]{2} \d+, 20\d\d, \d\d:\d\d UTC", text)
    assert text.startswith("Active people\n24 hours: 2\n7 days: 2\n31 days: 2\n")


@pytest.mark.parametrize(
    ("scope", "posts"), [(Scope.ALL, 3), (Scope.PRIVATE, 2), (Scope.GROUPS, 1)]
)
async def test_details_show_every_scope_and_period(harness: BotHarness, scope: Scope, posts: int):
    menu = await create_activity(harness)
    for period in Period:
        await harness.press(menu, view(Screen.DETAILS, scope=scope, period=period))
        assert f"Posts: {posts} (chats: {posts})" in menu["text"]
        chosen = [b["text"] for row in menu["reply_markup"]["inline_keyboard"] for b in row]
        assert f"• {EN[f'stats_scope_{scope}']} •" in chosen
        assert f"• {EN[f'stats_period_{period}']} •" in chosen


async def test_the_sites_referrals_and_others_screens_show_their_counts(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("services.statistics.MIN_REFRESH_S", 0.0)
    monkeypatch.setattr("services.statistics.REFRESH_FACTOR", 0)
    menu = await create_activity(harness)
    assert harness.application
    statistics = harness.application.container.statistics
    await statistics.tops()
    await statistics.prepare_tops()  # on a slow machine, the first call returns older rankings
    await harness.press(menu, view(Screen.SITES))
    assert "TikTok  80%  ✅ 4 (⚡ 50%)  ❌ 1" in menu["text"].replace("\u202f", "")
    assert "TikTok: Deleted or not found – 1" in menu["text"]
    await harness.press(menu, view(Screen.REFERRALS))
    assert "spring – 1" in menu["text"]
    await harness.press(menu, view(Screen.OTHERS))
    assert "As files: 0\nBlocked the bot: 0" in menu["text"]
    assert "English – 3" in menu["text"]
    assert "1001 – 1\n1002 – 1" in menu["text"] or "-1005 – 1" in menu["text"]


async def test_a_refresh_without_changes_is_reported(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    menu = await create_activity(harness)
    monkeypatch.setattr("handlers.statistics.menu.unix_now", lambda: 1_800_000_000)
    await harness.press(menu, view(Screen.OVERVIEW))
    answer = await harness.press(menu, view(Screen.OVERVIEW))
    assert answer["text"] == EN["stats_same"]
    answer = await harness.press(menu, view(Screen.MENU))
    assert "text" not in answer
    assert menu["text"] == "Statistics\nAll times are UTC."


async def test_every_screen_works_in_every_language(harness: BotHarness):
    await harness.start(**ADMIN, ADS_LINK="https://tea.example")
    for lang in TEXTS.languages:
        await harness.say(f"/lang {lang}")
        await harness.press(harness.answers()[-1], f"lang/{lang}")
        await harness.say("/stats")
        menu = harness.answers()[-1]
        for screen in (s for s in Screen if s is not Screen.BOTSTAT):
            before = menu["text"]
            await harness.press(menu, view(screen))
            assert screen is Screen.MENU or menu["text"] != before


def test_callback_data_of_every_view_fits_and_round_trips():
    for screen, scope, period, metric, does in itertools.product(
        Screen, Scope, Period, Metric, (False, True)
    ):
        one = View(screen, scope, period, metric, does)
        assert len(one.data.encode()) <= MAX_BYTES
        assert View.read(one.data) == one
    for nonsense in ("count/", "count/menu", "count/a/b/c/d/e", "count/menu/all/day/posts"):
        assert View.read(nonsense) is None


# --- charts ---------------------------------------------------------------------------------------


async def test_a_chart_is_sent_as_a_picture(harness: BotHarness):
    menu = await create_activity(harness)
    await harness.press(menu, view(Screen.GRAPH))
    await harness.press(menu, view(Screen.GRAPH, does=True))
    (message,) = [m for m in harness.answers() if "photo" in m]
    assert message["caption"] == "Posts · Everywhere · 24 hours"
    file = harness.simulator.api.files.by_id[message["photo"][-1]["file_id"]]
    with Image.open(file.path) as picture:
        assert picture.format == "PNG"
        assert picture.size == (1080, 810)
    assert list(harness.folder.glob("spool/**/*.png")) == []


@pytest.mark.parametrize(
    "values", [[0], [3], [0] * 48, [1, 0, 7, 0, 0], list(range(720)), [2_000_000, 1_999_999]]
)
def test_any_series_of_values_can_be_drawn(values: list[int]):
    curve = Curve(1_799_971_200, 86_400, values)
    with Image.open(io.BytesIO(draw(curve, Labels("Title", "Posts", "Title", "Posts")))) as picture:
        assert picture.size == (1080, 810)
        colours = picture.convert("RGB").getcolors(1 << 24)
        edge = picture.convert("RGB").copy()
    edge.paste((251, 250, 248), (20, 20, 1060, 790))
    assert edge.getcolors() == [(1080 * 810, (251, 250, 248))]  # apps round the corners off
    assert colours
    assert any(colour == (47, 127, 184) for _, colour in colours)


async def test_a_chart_ends_with_what_has_just_happened(harness: BotHarness):
    harness.video()
    await harness.start(**ADMIN)
    for _ in range(8):
        await harness.say(VIDEO)
    assert harness.application
    statistics = harness.application.container.statistics
    for period in Period:
        curve = await statistics.curve(Metric.POSTS, Scope.ALL, period)
        assert sum(curve.values) == 8
        assert curve.values[-1] == 8 or sum(curve.values[-2:]) == 8  # the half-hour may have ended


def test_the_running_step_is_drawn_and_paler():
    names = Labels("Title", "Posts", "Title", "Posts")
    picture = Image.open(io.BytesIO(draw(Curve(1_799_971_200, 86_400, [8] * 10), names)))
    colours = [picture.convert("RGB").getpixel((x, 500)) for x in (500, 980)]
    full, running = colours
    assert isinstance(full, tuple)
    assert isinstance(running, tuple)
    assert sum(full) < sum(running) < sum((251, 250, 248))


@pytest.mark.parametrize("lang", sorted(TEXTS.languages))
def test_labels_missing_from_the_font_fall_back_to_english(
    lang: str, recwarn: pytest.WarningsRecorder
):
    words = TEXTS[lang]["stats_metric_posts"]
    curve = Curve(1_799_971_200, 1_800, [1, 2])
    picture = draw(curve, Labels(words, words, "Posts", "Posts"))
    english = draw(curve, Labels("Posts", "Posts", "Posts", "Posts"))
    assert (picture == english) == (lang in {"ar", "hi", "en"})
    assert not recwarn.list


# --- a chat's history -----------------------------------------------------------------------------


async def test_a_history_is_sent_as_csv(harness: BotHarness):
    await create_activity(harness)
    await harness.say("/user 1002")
    card = harness.answers()[-1]
    await harness.press(card, "history/1002")
    document = next(m["document"] for m in harness.answers() if "document" in m)
    assert document["file_name"] == "chat_1002.csv"
    text = harness.simulator.api.files.by_id[document["file_id"]].path.read_text()
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["link"] == VIDEO
    assert row["time"].startswith("20")
    await create_user(77, "en")
    answer = await harness.press(card, "history/77")
    assert answer["text"] == EN["stats_no_history"]


async def test_readers_see_counts_but_no_chats(harness: BotHarness):
    await create_activity(harness, STATISTICS_READERS="1002")
    bo, home = harness.world.person(1002, "Bo"), harness.world.chats[1002]
    await harness.say("/stats", bo)
    menu = harness.answers(home)[-1]
    assert menu["text"].startswith("Statistics")
    await harness.press(menu, view(Screen.OVERVIEW), bo)
    assert "Posts: 2" in menu["text"]
    await harness.press(menu, "history/1001", bo)
    assert all("document" not in m for m in harness.answers(home))


# --- the live board -------------------------------------------------------------------------------


async def test_the_live_board_is_posted_once_and_updated(harness: BotHarness):
    harness.video()
    channel = harness.world.group(-1007, "Numbers")
    env = {**ADMIN, "STATISTICS_BOARD_CHAT": "-1007"}
    await harness.start(**env)
    await harness.until(lambda: len(harness.texts(channel)) == 2, "the board")
    await harness.say(VIDEO)
    assert harness.application
    board = harness.application.container.board
    assert board
    await asyncio.gather(board.show_ever(), board.show_day())
    assert sum("Posts: 1 (chats: 1)" in text for text in harness.texts(channel)) == 2
    await harness.stop()
    edited = len(harness.calls("editMessageText"))
    await harness.start(**env)
    await harness.until(lambda: len(harness.calls("editMessageText")) == edited + 2, "the board")
    assert len(harness.texts(channel)) == 2
    # A deleted board is posted again.
    channel.messages.clear()
    assert harness.application.container.board
    await harness.application.container.board.show_ever()
    assert len(harness.texts(channel)) == 1


# --- BotStat --------------------------------------------------------------------------------------


@pytest.fixture
async def botstat() -> AsyncIterator[tuple[str, list[tuple[dict[str, str], str]], list[int]]]:
    """Run a fake BotStat; yield its URL, the received requests and the statuses to answer with."""
    got: list[tuple[dict[str, str], str]] = []
    answers: list[int] = []

    async def create(request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        got.append(({**request.match_info, **request.query}, file.file.read().decode()))
        return web.json_response({"ok": True}, status=answers.pop(0) if answers else 200)

    app = web.Application()
    app.router.add_post("/create/{token}/{key}", create)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}", got, answers
    await runner.cleanup()


async def test_all_ids_are_sent_to_botstat_after_confirmation(harness: BotHarness, botstat):
    address, got, answers = botstat
    answers += [200, 409, 500]
    env = {"STATISTICS_BOTSTAT_KEY": "the-key", "STATISTICS_BOTSTAT_URL": address}
    menu = await create_activity(harness, **env)
    await harness.press(menu, view(Screen.BOTSTAT))
    assert "BotStat would get the ids of all chats" in menu["text"]
    assert got == []
    sure = view(Screen.BOTSTAT, does=True)
    await harness.press(menu, sure)
    facts, ids = got[0]
    assert facts["key"] == "the-key"
    assert facts["notify_id"] == "1001"
    assert sorted(map(int, ids.split())) == [-1005, 1001, 1002]
    assert harness.texts()[-1] == TEXTS("en", "stats_botstat_done", number=3)
    await harness.press(menu, sure)
    assert harness.texts()[-1] == EN["stats_botstat_busy"]
    await harness.press(menu, sure)
    assert harness.texts()[-1] == EN["stats_botstat_failed"]


async def test_without_a_key_botstat_is_not_offered(harness: BotHarness):
    menu = await create_activity(harness)
    offered = [b["callback_data"] for row in menu["reply_markup"]["inline_keyboard"] for b in row]
    assert view(Screen.BOTSTAT) not in offered
    await harness.press(menu, view(Screen.BOTSTAT, does=True))
    assert menu["text"].startswith("Statistics")


async def test_a_deleted_chats_counts_are_removed(harness: BotHarness):
    await create_activity(harness)
    await harness.say("/privacy")
    await harness.press(harness.answers()[-1], "privacy/yes")
    counts = (await counts_since(None))[Scope.PRIVATE]
    assert counts == Counts(chats=1, posts=1, post_chats=1)
