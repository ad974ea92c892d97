"""Inline mode and guest mode: answers, requests for chosen cards, and who is turned away."""

from pathlib import Path
from typing import Any

import pytest
from aiogram.methods import AnswerGuestQuery, AnswerInlineQuery, EditMessageText
from aiogram.types import ChosenInlineResult, InlineQuery, InlineQueryResultArticle

from core.captions import CaptionPart
from core.choices import Piece
from core.errors import FloodError, StorageError
from core.formats import Quality
from core.preferences import Preferences
from core.request import Request, Selection
from data.chats import change_preferences
from data.db_service import get_user_videos
from data.inline_messages import find_inline
from services.metrics import KNOWN
from tests.fakes import (
    LINK,
    PERSON,
    FakeTelegram,
    counted,
    make_ack,
    make_user,
)
from tests.handlers.inline.bench import AUDIO, TEXTS, Bench, cache, make_bench, register

WORDS = TEXTS["en"]


@pytest.fixture
def bench(sqlite_db: None, telegram: FakeTelegram, tmp_path: Path) -> Bench:
    return make_bench(telegram, tmp_path)


async def ask(bench: Bench, text: str) -> AnswerInlineQuery:
    query = InlineQuery(id="1", from_user=make_user(), query=text, offset="")
    ack, _ = make_ack()
    await bench.queries.answer(query.as_(bench.telegram.bot), ack)
    return bench.telegram.of(AnswerInlineQuery)[-1]


def ids(answer: AnswerInlineQuery) -> list[str]:
    return [result.id for result in answer.results]


async def test_a_person_who_has_not_started_the_bot_gets_a_button_that_starts_it(bench: Bench):
    answer = await ask(bench, LINK.url)
    assert ids(answer) == []
    assert answer.button
    assert (answer.button.text, answer.button.start_parameter) == (WORDS["inline_enable"], "inline")


@pytest.mark.usefixtures("sqlite_db")
async def test_a_bot_for_everybody_turns_nobody_away(telegram: FakeTelegram, tmp_path: Path):
    answer = await ask(make_bench(telegram, tmp_path, is_for_everybody=True), LINK.url)
    assert answer.button is None
    assert ids(answer) == ["fetch/post", "fetch/sound"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "inline_hint"),
        ("  https://ww ", "inline_hint"),
        ("https://example.org", "inline_foreign"),
    ],
)
async def test_without_a_link_there_is_a_hint(bench: Bench, text: str, key: str):
    await register()
    answer = await ask(bench, text)
    assert [result.model_dump()["title"] for result in answer.results] == [WORDS[key]]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("https://www.tiktok.com/@ferry.demo", "link_profile"),
        ("tiktok.com/@ferry.demo/live", "media_live"),
        ("https://fxtwitter.com/ferry", "link_profile"),
    ],
)
async def test_a_page_that_is_no_post_is_named(bench: Bench, text: str, key: str):
    await register()
    (card,) = (await ask(bench, text)).results
    assert isinstance(card, InlineQueryResultArticle)
    assert (card.title, card.description) == (WORDS["inline_no_post"], WORDS[key])


@pytest.mark.parametrize("text", ["tiktok.com/@a/video/73", "看x.com/a/status/73"])
async def test_a_link_needs_no_scheme(bench: Bench, text: str):
    await register()
    assert ids(await ask(bench, text)) == ["fetch/post", "fetch/sound"]


async def test_a_new_post_is_offered(bench: Bench):
    await register()
    answer = await ask(bench, f"look {LINK.url}")
    assert ids(answer) == ["fetch/post", "fetch/sound"]
    assert (answer.cache_time, answer.is_personal) == (0, True)


async def test_words_choose_a_version_of_a_known_post_too(bench: Bench):
    await register()
    await cache(bench)
    assert ids(await ask(bench, f"{LINK.url} mp3 0:30-1:10")) == ["fetch/post"]
    assert ids(await ask(bench, f"{LINK.url} nice music")) == ["known/1"]


async def test_a_known_post_is_there_at_once_with_its_audio(bench: Bench):
    await register()
    await cache(bench)
    await cache(bench, AUDIO, quality=Quality.SOUND)
    answer = await ask(bench, LINK.url)
    assert ids(answer) == ["known/1", "known/sound"]
    caption = answer.results[0].model_dump()["caption"]
    assert caption == f'<a href="{LINK.url}">TikTok</a>'


async def test_a_known_post_has_the_caption_that_the_person_has_chosen(bench: Bench):
    await register()
    caption = (CaptionPart.BOT, CaptionPart.SOURCE)
    await change_preferences(PERSON, "en", lambda _: Preferences(caption=caption, silent=True))
    await cache(bench)
    (card,) = (await ask(bench, LINK.url)).results
    assert "@demo_bot</a> · <a" in card.model_dump()["caption"]
    person = await bench.lookup.person(make_user())
    request = bench.lookup.request("post", LINK, make_user(), person, "i")
    assert request.chat.preferences == Preferences(caption=caption, silent=True)


async def test_an_answer_that_is_too_late_raises_nothing(bench: Bench):
    bench.telegram.fail(AnswerInlineQuery, FloodError(3))
    await ask(bench, LINK.url)
    assert len(bench.telegram.of(AnswerInlineQuery)) == 1


# --- chosen cards ---------------------------------------------------------------------------------


async def choose(
    bench: Bench, result_id: str, *, inline_id: str | None = "inline-1", query: str = LINK.url
) -> None:
    chosen = ChosenInlineResult(
        result_id=result_id, from_user=make_user(), query=query, inline_message_id=inline_id
    )
    ack, _ = make_ack()
    await bench.queries.choose(chosen.as_(bench.telegram.bot), ack)


@pytest.mark.parametrize(("card", "kind"), [("fetch/post", "post"), ("fetch/sound", "sound")])
async def test_a_chosen_offer_becomes_a_request(bench: Bench, card: str, kind: str):
    await register()
    await choose(bench, card)
    (submission,) = bench.intake.submissions
    request = submission.origin
    assert isinstance(request, Request)
    assert (request.kind, request.target.inline_id, request.is_recorded) == (kind, "inline-1", True)
    message = await find_inline("inline-1")
    assert message
    assert (message.owner_id, message.request) == (PERSON, request)


async def test_a_chosen_offer_is_sent_in_the_version_that_the_words_name(bench: Bench):
    await register()
    await choose(bench, "fetch/post", query=f"{LINK.url} mp3 0:30-1:10")
    await choose(bench, "fetch/post", query=f"{LINK.url} file", inline_id="inline-2")
    first, second = (submission.origin for submission in bench.intake.submissions)
    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert (first.kind, first.selection) == ("sound", Selection(True, Piece(30, 70)))
    assert (second.kind, second.chat.file_mode) == ("post", True)


async def test_a_chosen_card_of_a_person_who_has_not_started_the_bot_becomes_an_invitation(
    bench: Bench,
):
    await choose(bench, "fetch/post")
    assert bench.intake.submissions == []
    (edit,) = bench.telegram.of(EditMessageText)
    assert (edit.inline_message_id, edit.text) == ("inline-1", WORDS["inline_usage"])


async def test_an_invitation_that_fails_raises_nothing(bench: Bench):
    bench.telegram.fail(EditMessageText, FloodError(3))
    await choose(bench, "fetch/post")
    assert len(bench.telegram.of(EditMessageText)) == 1


async def test_a_chosen_post_is_recorded(bench: Bench):
    await register()
    await cache(bench)
    await choose(bench, "known/1")
    assert bench.intake.submissions == []
    assert [link for _, link in await get_user_videos(PERSON)] == [LINK.url]
    assert counted(bench.tools.metrics, KNOWN) == 1


async def test_for_somebody_unknown_a_chosen_post_is_only_counted(bench: Bench):
    await cache(bench)
    await choose(bench, "known/1")
    assert await get_user_videos(PERSON) == []
    assert counted(bench.tools.metrics, KNOWN) == 1


async def test_a_chosen_hint_is_nothing(bench: Bench):
    await choose(bench, "hint")
    assert bench.intake.submissions == []
    assert counted(bench.tools.metrics, KNOWN) == 0


async def test_without_inline_feedback_the_operator_is_warned(
    bench: Bench, caplog: pytest.LogCaptureFixture
):
    await register()
    await choose(bench, "fetch/post", inline_id=None)
    assert bench.intake.submissions == []
    assert "inline_feedback_off" in [getattr(record, "event", "") for record in caplog.records]


async def test_a_database_that_fails_stops_no_request(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object, **__: object) -> None:
        raise StorageError

    await register()
    await cache(bench)
    for name in ("store_inline", "record_download", "record_shown_post"):
        monkeypatch.setattr(f"handlers.inline.queries.{name}", failing)
    await choose(bench, "fetch/post")
    assert len(bench.intake.submissions) == 1
    await choose(bench, "known/1")
    assert counted(bench.tools.metrics, KNOWN) == 1


# --- guest calls ----------------------------------------------------------------------------------


async def call(bench: Bench, text: str, **values: Any) -> None:
    message = bench.telegram.message(text, chat_id=-7, guest_query_id="call-1", **values)
    ack, _ = make_ack()
    await bench.queries.call(message, ack)


def card_id(telegram: FakeTelegram) -> str:
    (answer,) = telegram.of(AnswerGuestQuery)
    return answer.result.id


async def test_a_guest_call_is_answered_and_becomes_a_request(bench: Bench):
    await register()
    await call(bench, f"@demo_bot {LINK.url}")
    assert card_id(bench.telegram) == "fetch/post"
    (submission,) = bench.intake.submissions
    request = submission.origin
    assert isinstance(request, Request)
    assert (request.target.inline_id, request.chat_id) == ("guest-inline", PERSON)
    assert await find_inline("guest-inline") is not None


async def test_the_link_may_stand_in_the_message_above(bench: Bench):
    await register()
    above = bench.telegram.message(LINK.url, chat_id=-7, message_id=69)
    await call(bench, "@demo_bot", reply_to_message=above)
    assert [submission.links[0].post_id for submission in bench.intake.submissions] == [
        LINK.post_id
    ]


async def test_a_known_post_is_the_answer_itself(bench: Bench):
    await register()
    await cache(bench)
    await call(bench, LINK.url)
    assert card_id(bench.telegram) == "known/1"
    assert bench.intake.submissions == []
    message = await find_inline("guest-inline")
    assert message
    assert message.post_id == LINK.post_id
    assert len(await get_user_videos(PERSON)) == 1


async def test_a_call_may_name_a_version(bench: Bench):
    await register()
    await cache(bench)
    above = bench.telegram.message(LINK.url, chat_id=-7, message_id=69)
    await call(bench, "@demo_bot 480p", reply_to_message=above)
    assert card_id(bench.telegram) == "fetch/post"
    (submission,) = bench.intake.submissions
    assert isinstance(submission.origin, Request)
    assert submission.origin.chat.preferences.quality is Quality.SMALL


@pytest.mark.parametrize(("text", "is_registered"), [("@demo_bot", True), (LINK.url, False)])
async def test_without_a_link_or_a_start_there_is_a_hint(
    bench: Bench, text: str, is_registered: bool
):
    if is_registered:
        await register()
    await call(bench, text)
    assert card_id(bench.telegram) == "hint"
    assert bench.intake.submissions == []


async def test_a_call_about_a_page_that_is_no_post_is_explained(bench: Bench):
    await register()
    above = bench.telegram.message("https://x.com/ferry", chat_id=-7, message_id=69)
    await call(bench, "@demo_bot", reply_to_message=above)
    (answer,) = bench.telegram.of(AnswerGuestQuery)
    assert (
        answer.result.model_dump()["input_message_content"]["message_text"]
        == (WORDS["link_profile"])
    )


async def test_a_call_that_telegram_does_not_take_is_no_request(bench: Bench):
    await register()
    bench.telegram.fail(AnswerGuestQuery, FloodError(3))
    await call(bench, LINK.url)
    assert bench.intake.submissions == []


async def test_a_message_that_has_been_handled_is_not_a_call_too(bench: Bench):
    await register()
    message = bench.telegram.message(LINK.url, chat_id=-7)
    assert bench.queries.deduplicator.is_first(message, 4)
    await call(bench, LINK.url)
    assert bench.telegram.session.calls == []
