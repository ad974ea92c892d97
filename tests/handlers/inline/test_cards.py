"""The cards of an inline answer."""

from typing import Any

import pytest
from aiogram.types import InlineQueryResultArticle, InputTextMessageContent

from core.media import RemoteFile
from delivery.api_requests import MessageOptions
from handlers.inline import cards
from misc.ui import keyboards
from tests.handlers.inline.bench import AUDIO, TEXTS

WORDS = TEXTS["en"]
OPTIONS = MessageOptions("caption", keyboards.hourglass())


def test_a_post_that_is_not_known_can_be_fetched_whole_or_as_audio():
    found = cards.unknown(WORDS, "TikTok")
    assert [cards.wanted(card.id) for card in found] == ["post", "sound"]
    for card in found:
        assert isinstance(card, InlineQueryResultArticle)
        assert card.reply_markup  # without a keyboard it could never be edited
        assert "TikTok" in (card.description or "")


@pytest.mark.parametrize(
    ("result_id", "kind"),
    [
        ("fetch/post", "post"),
        ("fetch/sound", "sound"),
        ("tt_download_1", "post"),
        ("ig_download", "post"),
        ("known/1", None),
        ("hint", None),
        ("", None),
    ],
)
def test_only_some_cards_start_a_request(result_id: str, kind: str | None):
    assert cards.wanted(result_id) == kind


@pytest.mark.parametrize("kind", ["video", "photo", "animation", "document", "audio"])
def test_every_kind_of_file_has_its_card(kind: str):
    card = cards.single(1, RemoteFile(kind, "file-1"), WORDS["inline_post"], OPTIONS)
    values: dict[str, Any] = card.model_dump(exclude_none=True)
    assert "file-1" in values.values()
    assert (card.id, values["caption"]) == ("known/1", "caption")
    assert values["reply_markup"]
    assert cards.wanted(card.id) is None
    assert values.get("title") == (None if kind == "audio" else WORDS["inline_post"])


def test_the_audio_of_a_post_has_a_card_of_its_own():
    audio = cards.sound(AUDIO, WORDS["inline_sound"], MessageOptions("signature"))
    assert audio.id == "known/sound"
    assert audio.model_dump()["audio_file_id"] == AUDIO.file_id
    assert audio.model_dump()["reply_markup"] is None


def test_a_whole_post_starts_a_request_whether_it_is_known_or_not():
    card = cards.whole_post(WORDS, "TikTok")
    assert card == cards.unknown(WORDS, "TikTok")[0]
    assert cards.wanted(card.id) == "post"


def test_a_hint_tells_others_how_it_is_used():
    (card,) = cards.hint("title", "text", keyboards.hourglass())
    assert isinstance(card, InlineQueryResultArticle)
    assert isinstance(card.input_message_content, InputTextMessageContent)
    assert (card.title, card.input_message_content.message_text) == ("title", "text")
    assert card.reply_markup == keyboards.hourglass()
