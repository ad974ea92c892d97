"""Links to lists, and what the buttons of their cards fetch, show and store."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiogram.methods import DeleteMessage, EditMessageText
from aiogram.types import InlineKeyboardMarkup

from core.errors import UnchangedError
from core.lists import Entry, ListCard, Listing
from core.media import Link
from data.lists import change_ticks, find_list, store_list
from handlers.lists import on_list, on_press
from misc.bundles import Bundles
from misc.intake import RequestIntake, Taken
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.registration import ChatView
from misc.ui.keyboards import one_button
from misc.ui.texts import load_texts
from platforms import load_registry
from tests.fakes import BOT_ID, GONE, PERSON, FakeTelegram, make_ack, make_request

pytestmark = pytest.mark.usefixtures("sqlite_db")

TEXTS = load_texts()
EN = TEXTS["en"]
REGISTRY = load_registry()
PROFILE = Link("tiktok", "https://www.tiktok.com/@ferry.demo", "@ferry.demo")
IDS = [f"73000000000000005{number:02}" for number in range(12)]


class ListIntake:
    """Records which entries are asked for; `left` of them find no room."""

    def __init__(self) -> None:
        self.groups = SimpleNamespace(account=SimpleNamespace(id=BOT_ID))
        self.lists: list[str] = []
        self.entries: list[list[int]] = []
        self.archives: list[list[str]] = []
        self.left = 0
        #: All entries were asked for before.
        self.are_known = False

    async def submit_list(self, message: Any, link: Link, chat: Any, ack: Any) -> None:
        self.lists.append(link.url)

    async def submit_entries(
        self, query: Any, message: Any, card: ListCard, links: Mapping[int, Link], *_: Any
    ) -> Taken:
        self.entries.append(list(links))
        assert [link.post_id for link in links.values()] == [IDS[index] for index in links]
        return self._taken(len(links))

    async def submit_list_archive(
        self, query: Any, message: Any, card: ListCard, posts: Sequence[str], *_: Any
    ) -> Taken:
        self.archives.append(list(posts))
        return self._taken(len(posts))

    def _taken(self, number: int) -> Taken:
        return Taken(0 if self.are_known else number - self.left, self.left)


class Bench:
    """A stored card, and its message."""

    def __init__(self, telegram: FakeTelegram, card: ListCard) -> None:
        self.telegram = telegram
        self.card = card
        self.intake = ListIntake()
        button = one_button("10", f"list/{card.id}/first")
        self.message: Any = telegram.message("the card", message_id=71, reply_markup=button)

    async def press(self, action: str, **values: Any) -> None:
        """Press the button with an action, such as "all" or "tick/3"."""
        await self.press_data(f"list/{self.card.id}/{action}", **values)

    async def press_data(self, data: str, **values: Any) -> None:
        query = self.telegram.query(data, self.message, **values)
        intake = cast("RequestIntake", self.intake)
        await on_press(query, ChatView("en"), TEXTS, intake, REGISTRY, make_ack()[0])

    async def ticked(self) -> set[int]:
        card = await find_list(BOT_ID, self.card.id)
        assert card
        return set(card.ticked)

    async def tick(self, *indexes: int) -> None:
        await change_ticks(self.card, lambda _: frozenset(indexes))

    @property
    def shown(self) -> list[str]:
        """Return the data of the card's buttons, without what they have in common."""
        edit = self.telegram.of(EditMessageText)[-1]
        assert isinstance(edit.reply_markup, InlineKeyboardMarkup)
        data = [b.callback_data or "" for row in edit.reply_markup.inline_keyboard for b in row]
        return [each.partition("/")[2].partition("/")[2] for each in data]

    @property
    def notice(self) -> tuple[str | None, bool]:
        """Return how the only press was answered."""
        (notice,) = self.telegram.alerts
        return notice


async def stored_card(number: int = 12, platform: str = "tiktok") -> ListCard:
    link = Link(platform, PROFILE.url, PROFILE.post_id)
    entries = tuple(Entry(post_id, f"Crossing {n}") for n, post_id in enumerate(IDS[:number]))
    return await store_list(BOT_ID, make_request("list", PROFILE), Listing(link, "Ferry", entries))


@pytest.fixture
async def bench(telegram: FakeTelegram) -> Bench:
    return Bench(telegram, await stored_card())


async def test_a_link_to_a_list_is_queued_once(telegram: FakeTelegram):
    intake, deduplicator, bundles = ListIntake(), Deduplicator(), Bundles()
    for update_id in (5, 6):  # it arrives twice
        message = telegram.message(PROFILE.url)
        about = cast("RequestIntake", intake), deduplicator, make_ack(update_id)[0], bundles
        await on_list(message, PROFILE, ChatView("en"), *about)
    assert intake.lists == [PROFILE.url]


@pytest.mark.parametrize(
    ("action", "ticks", "fetched"),
    [
        ("first", [], [*range(10)]),
        ("all", [], [*range(12)]),
        ("get", [7, 2], [2, 7]),
        ("get", [], []),
    ],
)
async def test_buttons_fetch_entries(
    bench: Bench, action: str, ticks: list[int], fetched: list[int]
):
    await bench.tick(*ticks)
    await bench.press(action)
    assert bench.intake.entries == [fetched]
    expected = TEXTS("en", "list_taken", count=len(fetched)) if fetched else EN["list_nothing_new"]
    assert bench.notice == (expected, False)


@pytest.mark.parametrize(
    ("action", "ticks", "packed"), [("zipfirst", [3], IDS[:10]), ("zip", [7, 2], [IDS[2], IDS[7]])]
)
async def test_buttons_fetch_archives(
    bench: Bench, action: str, ticks: list[int], packed: list[str]
):
    await bench.tick(*ticks)
    await bench.press(action)
    assert (bench.intake.archives, bench.intake.entries) == ([packed], [])
    assert bench.notice == (TEXTS("en", "list_zip_taken", count=len(packed)), True)
    assert await bench.ticked() == set(ticks)


@pytest.mark.parametrize(
    ("left", "are_known", "notice", "is_alert"),
    [
        (4, False, TEXTS("en", "list_taken_some", count=8), True),
        (12, False, EN["list_no_room"], True),
        (0, True, EN["list_nothing_new"], False),
    ],
)
async def test_a_notice_says_what_finds_no_room_or_was_asked_for_before(
    bench: Bench, left: int, are_known: bool, notice: str, is_alert: bool
):
    bench.intake.left, bench.intake.are_known = left, are_known
    await bench.press("all")
    assert bench.notice == (notice, is_alert)


@pytest.mark.parametrize("left", [2, 0])
async def test_an_archive_without_room_or_asked_for_before_is_an_alert(bench: Bench, left: int):
    await bench.tick(0, 1)
    bench.intake.left, bench.intake.are_known = left, True
    await bench.press("zip")
    assert bench.notice == (EN["list_no_room" if left else "list_nothing_new"], True)


@pytest.mark.parametrize(
    ("left", "are_known", "kept"),
    [(0, False, set()), (1, False, {2, 7}), (0, True, {2, 7})],
)
async def test_what_was_chosen_stays_chosen_until_all_of_it_is_fetched(
    bench: Bench, left: int, are_known: bool, kept: set[int]
):
    await bench.tick(2, 7)
    bench.intake.left, bench.intake.are_known = left, are_known
    await bench.press("get")
    assert await bench.ticked() == kept
    assert bool(bench.telegram.of(EditMessageText)) == (not kept)


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        ("front", ["first", "page/0", "all", "zipfirst", "close"]),
        ("page/0", [*(f"tick/{n}" for n in range(6)), "page/1", "", "page/1", "front"]),
        ("page/1", [*(f"tick/{n}" for n in range(6, 12)), "page/0", "", "page/0", "front"]),
        ("page/9", [*(f"tick/{n}" for n in range(6, 12)), "page/0", "", "page/0", "front"]),
    ],
)
async def test_pages_of_the_card(bench: Bench, action: str, shown: list[str]):
    await bench.press(action)
    assert bench.shown == shown
    assert bench.notice == (None, False)


@pytest.mark.parametrize(("index", "ticked"), [(7, {2, 7}), (2, set()), (12, {2})])
async def test_a_press_chooses_an_entry_or_no_longer(bench: Bench, index: int, ticked: set[int]):
    await bench.tick(2)
    await bench.press(f"tick/{index}")
    assert await bench.ticked() == ticked
    assert ("get" in bench.shown, "zip" in bench.shown) == (bool(ticked), bool(ticked))


async def test_a_page_that_is_shown_already_is_no_error(bench: Bench):
    bench.telegram.fail(EditMessageText, UnchangedError())
    await bench.press("page/0")
    assert bench.notice == (None, False)


async def test_a_closed_card_is_deleted(bench: Bench):
    await bench.press("close")
    assert [call.message_id for call in bench.telegram.of(DeleteMessage)] == [71]
    assert await find_list(BOT_ID, bench.card.id) is None
    await bench.press("all")
    assert bench.telegram.alerts[-1] == (EN["button_expired"], True)
    assert bench.intake.entries == []


async def test_another_message_of_the_bot_is_no_card(bench: Bench):
    """Callback data can be forged, and a view of the card would replace the message's text."""
    other = await stored_card()
    bench.message = bench.telegram.message(
        "another card", message_id=72, reply_markup=one_button("10", f"list/{other.id}/first")
    )
    for action in ("front", "close"):
        await bench.press(action)
    assert bench.telegram.alerts == [(EN["button_expired"], True)] * 2
    assert bench.telegram.of(EditMessageText) == []
    assert bench.telegram.of(DeleteMessage) == []


async def test_only_the_person_who_asked_may_press(bench: Bench):
    await bench.press("all", user_id=PERSON + 1)
    assert bench.notice == (EN["not_yours"], False)
    assert bench.intake.entries == []


@pytest.mark.parametrize("data", ["list/", "list/1/other", "list/x/all", "list/999/all"])
async def test_a_button_without_a_card_has_expired(bench: Bench, data: str):
    await bench.press_data(data)
    assert bench.notice == (EN["button_expired"], True)
    assert bench.intake.entries == []


@pytest.mark.parametrize("place", ["gone", "another chat"])
async def test_a_card_is_pressed_in_its_own_chat_only(bench: Bench, place: str):
    elsewhere = bench.telegram.message("a copy", chat_id=-8)
    bench.message = GONE if place == "gone" else elsewhere
    await bench.press("all")
    assert bench.notice == (EN["button_expired"], True)
    assert bench.intake.entries == []


async def test_entries_of_a_site_that_was_disabled_are_left_out(telegram: FakeTelegram):
    bench = Bench(telegram, await stored_card(platform="nowhere"))
    await bench.press("all")
    assert bench.intake.entries == [[]]
