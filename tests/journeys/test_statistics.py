"""/stats: every screen, graphs that are pictures, a chat's history, the board, BotStat."""

import asyncio
import csv
import io
import itertools
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from PIL import Image

from core.statistics import Counts, Curve, Metric, Period, Scope
from data.db_service import create_user
from data.statistics import counts_since
from misc.callbacks import MAX_BYTES
from misc.statistics_screens import Screen, View
from misc.texts import load_texts
from services.graphs import Labels, draw
from simulator.telegram.world import Json
from tests.journeys.ferry import ID, VIDEO, Ferry

TEXTS = load_texts()
EN = TEXTS["en"]
ADMIN = {"BOT_ADMINS": "1001"}


async def busy(ferry: Ferry, **environment: str) -> Json:
    """Let something happen; gives the message of /stats."""
    ferry.video()
    await ferry.start(**{**ADMIN, **environment})
    bo = ferry.world.person(1002, "Bo")
    await ferry.say("/start spring", bo)
    await ferry.say(VIDEO)
    await ferry.say(VIDEO, bo)
    await ferry.press(ferry.videos()[0], f"id/{ID}")
    group = ferry.world.group(-1005, "Ferries")
    await ferry.say(VIDEO, chat=group)
    await ferry.say("https://www.tiktok.com/@ferry.demo/video/7300000000000000404")
    assert ferry.application
    await ferry.application.parts.meters.write()
    await ferry.say("/stats")
    return ferry.answers()[-1]


def view(screen: Screen, **chosen: object) -> str:
    return View(screen, **chosen).data  # type: ignore[arg-type]


async def test_the_overview(ferry: Ferry):
    menu = await busy(ferry)
    assert menu["text"] == "Statistics\nAll times are UTC."
    await ferry.press(menu, view(Screen.OVERVIEW))
    text = menu["text"]
    assert text.count("Private") == text.count("Groups") == 2
    assert text.count("Chats: 2\nPosts: 2 (chats: 2)\nWith pictures: 0 (chats: 0)") == 1
    assert text.count("New chats: 1\nPosts: 1 (chats: 1)") == 1
    assert text.count("Sounds: 1 (chats: 1)") == 2
    assert "As of 20" in text


@pytest.mark.parametrize(
    ("scope", "posts"), [(Scope.ALL, 3), (Scope.PRIVATE, 2), (Scope.GROUPS, 1)]
)
async def test_details(ferry: Ferry, scope: Scope, posts: int):
    menu = await busy(ferry)
    for period in Period:
        await ferry.press(menu, view(Screen.DETAILS, scope=scope, period=period))
        assert f"Posts: {posts} (chats: {posts})" in menu["text"]
        chosen = [b["text"] for row in menu["reply_markup"]["inline_keyboard"] for b in row]
        assert f"• {EN[f'stats_scope_{scope}']} •" in chosen
        assert f"• {EN[f'stats_period_{period}']} •" in chosen


async def test_sites_referrals_and_the_rest(ferry: Ferry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.statistics._FRESH_S", 0.0)
    monkeypatch.setattr("services.statistics._REST", 0)
    menu = await busy(ferry)
    await ferry.press(menu, view(Screen.SITES))
    assert "TikTok  ✅ 4 (⚡ 50%)  ❌ 1" in menu["text"]
    assert "TikTok: MediaDeletedError – 1" in menu["text"]
    await ferry.press(menu, view(Screen.REFERRALS))
    assert "spring – 1" in menu["text"]
    await ferry.press(menu, view(Screen.OTHERS))
    assert "As files: 0\nClosed to me: 0" in menu["text"]
    assert "English – 3" in menu["text"]
    assert "1001 – 1\n1002 – 1" in menu["text"] or "-1005 – 1" in menu["text"]


async def test_a_new_look_that_shows_nothing_new_says_so(
    ferry: Ferry, monkeypatch: pytest.MonkeyPatch
):
    menu = await busy(ferry)
    monkeypatch.setattr("misc.statistics.unix_now", lambda: 1_800_000_000)
    await ferry.press(menu, view(Screen.OVERVIEW))
    answer = await ferry.press(menu, view(Screen.OVERVIEW))
    assert answer["text"] == EN["stats_same"]
    answer = await ferry.press(menu, view(Screen.MENU))
    assert "text" not in answer
    assert menu["text"] == "Statistics\nAll times are UTC."


async def test_every_screen_can_be_shown_in_every_language(ferry: Ferry):
    await ferry.start(**ADMIN, ADS_LINK="https://tea.example")
    for lang in TEXTS.languages:
        await ferry.say(f"/lang {lang}")
        await ferry.press(ferry.answers()[-1], f"lang/{lang}")
        await ferry.say("/stats")
        menu = ferry.answers()[-1]
        for screen in (s for s in Screen if s is not Screen.BOTSTAT):
            before = menu["text"]
            await ferry.press(menu, view(screen))
            assert screen is Screen.MENU or menu["text"] != before


def test_what_buttons_carry_fits_and_is_read_back():
    for screen, scope, period, metric, does in itertools.product(
        Screen, Scope, Period, Metric, (False, True)
    ):
        one = View(screen, scope, period, metric, does)
        assert len(one.data.encode()) <= MAX_BYTES
        assert View.read(one.data) == one
    for nonsense in ("count/", "count/menu", "count/a/b/c/d/e", "count/menu/all/day/posts"):
        assert View.read(nonsense) is None


# --- graphs --------------------------------------------------------------------------------------


async def test_a_graph_comes_as_a_picture(ferry: Ferry):
    menu = await busy(ferry)
    await ferry.press(menu, view(Screen.GRAPH))
    await ferry.press(menu, view(Screen.GRAPH, does=True))
    (message,) = [m for m in ferry.answers() if "photo" in m]
    assert message["caption"] == "Posts · Everywhere · 24 hours"
    file = ferry.simulator.api.files.by_id[message["photo"][-1]["file_id"]]
    with Image.open(file.path) as picture:
        assert picture.format == "PNG"
        assert picture.size == (1080, 640)
    assert list(ferry.folder.glob("spool/**/*.png")) == []


@pytest.mark.parametrize(
    "values", [[0], [3], [0] * 48, [1, 0, 7, 0, 0], list(range(720)), [2_000_000, 1_999_999]]
)
def test_whatever_has_happened_can_be_drawn(values: list[int]):
    curve = Curve(1_799_971_200, 86_400, values)
    with Image.open(io.BytesIO(draw(curve, Labels("Title", "Posts", "Title", "Posts")))) as picture:
        assert picture.size == (1080, 640)
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours
    assert any(colour == (47, 127, 184) for _, colour in colours)


@pytest.mark.parametrize("lang", sorted(TEXTS.languages))
def test_words_that_the_typeface_lacks_are_english(lang: str, recwarn: pytest.WarningsRecorder):
    words = TEXTS[lang]["stats_metric_posts"]
    curve = Curve(1_799_971_200, 1_800, [1, 2])
    picture = draw(curve, Labels(words, words, "Posts", "Posts"))
    english = draw(curve, Labels("Posts", "Posts", "Posts", "Posts"))
    assert (picture == english) == (lang in {"ar", "hi", "en"})
    assert not recwarn.list


# --- a chat's history ----------------------------------------------------------------------------


async def test_a_history_comes_as_a_table_that_no_spreadsheet_runs(ferry: Ferry):
    await busy(ferry)
    await ferry.say("/user 1002")
    card = ferry.answers()[-1]
    await ferry.press(card, "history/1002")
    document = next(m["document"] for m in ferry.answers() if "document" in m)
    assert document["file_name"] == "chat_1002.csv"
    text = ferry.simulator.api.files.by_id[document["file_id"]].path.read_text()
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["link"] == VIDEO
    assert row["time"].startswith("20")
    await create_user(77, "en")
    answer = await ferry.press(card, "history/77")
    assert answer["text"] == EN["stats_no_history"]


async def test_readers_see_numbers_but_no_chats(ferry: Ferry):
    await busy(ferry, STATISTICS_READERS="1002")
    bo, home = ferry.world.person(1002, "Bo"), ferry.world.chats[1002]
    await ferry.say("/stats", bo)
    menu = ferry.answers(home)[-1]
    assert menu["text"].startswith("Statistics")
    await ferry.press(menu, view(Screen.OVERVIEW), bo)
    assert "Posts: 2" in menu["text"]
    await ferry.press(menu, "history/1001", bo)
    assert all("document" not in m for m in ferry.answers(home))


# --- the board -----------------------------------------------------------------------------------


async def test_the_board_is_written_once_and_kept_right(ferry: Ferry):
    ferry.video()
    channel = ferry.world.group(-1007, "Numbers")
    env = {**ADMIN, "STATISTICS_BOARD_CHAT": "-1007"}
    await ferry.start(**env)
    await ferry.until(lambda: len(ferry.texts(channel)) == 2, "the board")
    await ferry.say(VIDEO)
    assert ferry.application
    board = ferry.application.parts.board
    assert board
    await asyncio.gather(board.show_ever(), board.show_day())
    assert sum("Posts: 1 (chats: 1)" in text for text in ferry.texts(channel)) == 2
    await ferry.stop()
    edited = len(ferry.calls("editMessageText"))
    await ferry.start(**env)
    await ferry.until(lambda: len(ferry.calls("editMessageText")) == edited + 2, "the board")
    assert len(ferry.texts(channel)) == 2
    # Somebody has deleted it: it is written anew.
    channel.messages.clear()
    assert ferry.application.parts.board
    await ferry.application.parts.board.show_ever()
    assert len(ferry.texts(channel)) == 1


# --- BotStat -------------------------------------------------------------------------------------


@pytest.fixture
async def botstat() -> AsyncIterator[tuple[str, list[tuple[dict[str, str], str]], list[int]]]:
    """A directory of bots; gives its address, what it has got, and what it will answer."""
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
    assert site._server
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    yield f"http://127.0.0.1:{port}", got, answers
    await runner.cleanup()


async def test_all_ids_go_to_botstat_when_that_is_confirmed(ferry: Ferry, botstat):
    address, got, answers = botstat
    answers += [200, 409, 500]
    env = {"STATISTICS_BOTSTAT_KEY": "the-key", "STATISTICS_BOTSTAT_URL": address}
    menu = await busy(ferry, **env)
    await ferry.press(menu, view(Screen.BOTSTAT))
    assert "BotStat would get the ids of all chats" in menu["text"]
    assert got == []
    sure = view(Screen.BOTSTAT, does=True)
    await ferry.press(menu, sure)
    facts, ids = got[0]
    assert facts["key"] == "the-key"
    assert facts["notify_id"] == "1001"
    assert sorted(map(int, ids.split())) == [-1005, 1001, 1002]
    assert ferry.texts()[-1] == TEXTS("en", "stats_botstat_done", number=3)
    await ferry.press(menu, sure)
    assert ferry.texts()[-1] == EN["stats_botstat_busy"]
    await ferry.press(menu, sure)
    assert ferry.texts()[-1] == EN["stats_botstat_failed"]


async def test_without_a_key_botstat_is_not_offered(ferry: Ferry):
    menu = await busy(ferry)
    offered = [b["callback_data"] for row in menu["reply_markup"]["inline_keyboard"] for b in row]
    assert view(Screen.BOTSTAT) not in offered
    await ferry.press(menu, view(Screen.BOTSTAT, does=True))
    assert menu["text"].startswith("Statistics")


async def test_a_chat_that_is_gone_takes_its_numbers_along(ferry: Ferry):
    await busy(ferry)
    await ferry.say("/privacy")
    await ferry.press(ferry.answers()[-1], "privacy/yes")
    counts = (await counts_since(None))[Scope.PRIVATE]
    assert counts == Counts(chats=1, posts=1, post_chats=1)
