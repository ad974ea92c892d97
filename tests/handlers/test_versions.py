"""The versions of a post: which are offered, and what the button of each one asks for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiogram.methods import DeleteMessage, SendMessage
from aiogram.types import InlineKeyboardMarkup

from core.errors import NotFoundError
from core.media import Clip, Picture, Post, Rendition, Subtitles
from handlers.versions import on_close, on_version, on_versions
from misc.middlewares.registration import ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.ui.callback_data import CLOSE
from misc.ui.keyboards import choices
from misc.ui.texts import load_texts
from platforms import load_registry
from services.requests.versions import VersionFinder
from tests.fakes import (
    GONE,
    LINK,
    FakeIntake,
    FakeTelegram,
    buttons_in,
    fake_tools,
    make_ack,
    make_post,
)

TEXTS = load_texts()
EN = TEXTS["en"]
REGISTRY = load_registry()
CHAT = ChatView("en")
POST = f"tiktok/{LINK.post_id}"
#: Of one video, the last one too large for Telegram.
CLIP = Clip(
    tuple(
        Rendition((f"https://cdn.example/{side}",), "h264", side, side * 2, size)
        for side, size in ((480, 2_000_000), (720, 5_000_000), (1080, 60_000_000))
    ),
    10,
)


class Bench:
    """The handlers, and what they work with."""

    def __init__(self, telegram: FakeTelegram, folder: Path) -> None:
        self.telegram = telegram
        self.tools = fake_tools(folder, post=make_post(CLIP))
        self.intake, self.running = FakeIntake(), RunningButtons()
        self.video: Any = telegram.message(message_id=70, caption="a video")
        buttons = (("720p", f"take/720p/{POST}"), ("480p", f"take/small/{POST}"), ("✖️", CLOSE))
        self.menu: Any = telegram.message(
            EN["versions_title"],
            message_id=71,
            reply_to_message=self.video,
            reply_markup=choices(buttons),
        )

    async def show(self, post: Post | None = None, data: str = f"pick/{POST}", **on: Any) -> None:
        """Press the button for the versions of a post."""
        self.tools.fetcher.post = post or self.tools.fetcher.post
        query = self.telegram.query(data, on.get("message", self.video))
        finder = VersionFinder(self.tools.toolkit)
        await on_versions(query, CHAT, TEXTS, self.telegram.sender, REGISTRY, finder)

    async def choose(self, message: Any, data: str = f"take/720p/{POST}") -> None:
        """Press the button of a version."""
        query, (ack, _) = self.telegram.query(data, message), make_ack()
        await on_version(query, CHAT, TEXTS, self.intake.as_intake, self.running, REGISTRY, ack)

    @property
    def sent(self) -> SendMessage:
        (message,) = self.telegram.of(SendMessage)
        return message

    @property
    def labels(self) -> list[str]:
        assert isinstance(self.sent.reply_markup, InlineKeyboardMarkup)
        return [button.text for row in self.sent.reply_markup.inline_keyboard for button in row]

    @property
    def deleted(self) -> list[int]:
        return [call.message_id for call in self.telegram.of(DeleteMessage)]


@pytest.fixture
def bench(telegram: FakeTelegram, tmp_path: Path) -> Bench:
    return Bench(telegram, tmp_path)


# --- which versions there are ---------------------------------------------------------------------


async def test_the_versions_that_telegram_takes_are_offered_below_the_post(bench: Bench):
    await bench.show()
    assert bench.sent.text == EN["versions_title"]
    assert bench.sent.reply_parameters
    assert bench.sent.reply_parameters.message_id == bench.video.message_id
    assert buttons_in(bench.sent.reply_markup) == [
        *(f"take/{name}/{POST}" for name in ("best", "small", "file", "sound", "mp3")),
        CLOSE,
    ]
    assert [label.partition(" · ")[0] for label in bench.labels[:2]] == ["🎬 720p", "🎬 480p"]
    assert bench.telegram.alerts == [(None, False)]


async def test_subtitles_are_offered_and_explained_those_of_the_chats_language_first(bench: Bench):
    subtitles = tuple(
        Subtitles(language, ("https://cdn.example/s",)) for language in ("uk", "en", "de")
    )
    await bench.show(make_post(replace(CLIP, subtitles=subtitles)))
    assert bench.sent.text == f"{EN['versions_title']}\n{EN['versions_subtitles']}"
    offered = [data for data in buttons_in(bench.sent.reply_markup) if "subs." in data]
    assert offered == [f"take/subs.{language}/{POST}" for language in ("en", "uk", "de")]


async def test_a_post_without_versions_has_no_menu(bench: Bench):
    await bench.show(make_post(Picture(("https://cdn.example/1.jpg",))))
    assert bench.telegram.alerts == [(EN["versions_none"], False)]
    assert bench.telegram.of(SendMessage) == []


async def test_a_post_that_is_gone_is_explained(bench: Bench):
    bench.tools.fetcher.failures.append(NotFoundError())
    await bench.show()
    assert bench.telegram.alerts == [(TEXTS.plain("en", NotFoundError.text_key), True)]
    assert bench.telegram.of(SendMessage) == []


@pytest.mark.parametrize("data", ["pick/", "pick/tiktok", "pick/nowhere/1", "pick/tiktok/../1"])
async def test_an_invalid_button_has_expired(bench: Bench, data: str):
    await bench.show(data=data)
    await bench.show(message=GONE)
    assert bench.telegram.alerts == [(EN["button_expired"], True)] * 2
    assert bench.tools.fetcher.reads == 0


# --- one of them ----------------------------------------------------------------------------------


async def test_a_version_is_the_answer_to_the_post_and_its_menu_goes(bench: Bench):
    await bench.choose(bench.menu)
    (submission,) = bench.intake.submissions
    assert (submission.origin, submission.data) == (bench.video, "720p")
    assert [(link.platform, link.post_id) for link in submission.links] == [
        ("tiktok", LINK.post_id)
    ]
    assert bench.deleted == [bench.menu.message_id]
    assert bench.telegram.alerts == [(None, False)]


async def test_a_post_with_a_button_of_a_version_stays(bench: Bench):
    await bench.choose(bench.video)
    assert [submission.origin for submission in bench.intake.submissions] == [bench.video]
    assert bench.deleted == []


async def test_without_the_post_the_menu_is_answered(bench: Bench):
    menu = bench.telegram.message(EN["versions_title"], message_id=71)
    await bench.choose(menu)
    assert [submission.origin for submission in bench.intake.submissions] == [menu]


async def test_a_second_press_starts_nothing_and_deletes_nothing(bench: Bench):
    for _ in range(2):
        await bench.choose(bench.menu)
    assert len(bench.intake.submissions) == len(bench.deleted) == 1
    assert bench.telegram.alerts[-1] == (EN["already_running"], False)
    await bench.choose(bench.menu, f"take/small/{POST}")  # another version
    assert len(bench.intake.submissions) == 2


@pytest.mark.parametrize("data", ["take/", "take/8k/tiktok/1", "take/720p/nowhere/1", "take/720p"])
async def test_an_invalid_version_has_expired(bench: Bench, data: str):
    await bench.choose(bench.menu, data)
    await bench.choose(GONE)
    assert bench.telegram.alerts == [(EN["button_expired"], True)] * 2
    assert (bench.intake.submissions, bench.deleted) == ([], [])


async def test_only_a_message_with_the_button_is_deleted(bench: Bench):
    """Callback data can be forged, for any message of the bot, also by a member of a group."""
    other = bench.telegram.message(EN["lang_prompt"], message_id=72)
    await bench.choose(other)
    for message in (other, bench.video):
        await on_close(bench.telegram.query(CLOSE, message))
    assert bench.deleted == []


async def test_the_menu_can_be_closed_as_long_as_telegram_lets_it_be_deleted(bench: Bench):
    for message in (bench.menu, GONE):
        await on_close(bench.telegram.query(CLOSE, message))
    assert bench.deleted == [bench.menu.message_id]
    assert bench.telegram.alerts == [(None, False)] * 2
