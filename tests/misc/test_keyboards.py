"""The buttons below a post."""

import pytest

from core.choices import Choice, Offer
from core.formats import Quality
from core.media import Access, Clip, Item, Picture, Post
from misc.ui import keyboards
from misc.ui.texts import load_texts

TEXTS = load_texts()
EN = TEXTS["en"]
CLIP = Clip((), duration_s=600)
ALL = keyboards.Extras(versions=True)


def data_below(post: Post, link: str, extras: keyboards.Extras = ALL) -> list[str]:
    """Return the callback data below a post, without the counters."""
    keyboard = keyboards.under_post(post, EN, link, extras)
    rows = keyboard.inline_keyboard if keyboard else []
    return [button.callback_data or "" for row in rows for button in row]


def post(*items: Item, post_id: str = "abc") -> Post:
    return Post("youtube", post_id, "https://x", Access("direct"), items=items)


def test_a_link_that_names_a_time_offers_the_piece_from_there():
    link = "https://youtu.be/abc?t=90"
    assert data_below(post(CLIP), link)[1:] == ["take/90-/youtube/abc", "pick/youtube/abc"]
    keyboard = keyboards.under_post(post(CLIP), EN, link, ALL)
    assert keyboard
    assert keyboard.inline_keyboard[0][1].text == EN["from_button"].format(start="1:30")


@pytest.mark.parametrize("items", [(CLIP, CLIP), (Picture(("u",)),), (CLIP, Picture(("u",)))])
def test_only_a_single_video_has_versions(items: tuple[Item, ...]):
    assert not [data for data in data_below(post(*items), "") if "pick" in data]


def test_an_arabic_version_has_its_picture_at_the_right():
    offers = [Offer(Choice(Quality.HD)), Offer(Choice(Quality.SMALL))]
    (row, _) = keyboards.versions(offers, ("youtube", "abc"), TEXTS, "ar").inline_keyboard
    small = TEXTS["ar"]["quality_small"]
    assert [button.text for button in row] == ["\u200f🎬 720p", f"🎬 {small}"]


def test_a_button_that_telegram_would_refuse_is_left_out():
    assert data_below(post(CLIP, post_id="x" * 60), "") == []


def test_groups_have_no_versions():
    assert data_below(post(CLIP), "", keyboards.Extras()) == ["sound/youtube/abc"]


@pytest.mark.parametrize(("items", "is_offered"), [(3, False), (4, True), (35, True)])
def test_a_post_with_many_items_comes_as_an_archive_too(items: int, is_offered: bool):
    pictures = [Picture(("u",))] * items
    extras = keyboards.Extras(archive=True)
    assert ("zip/youtube/abc" in data_below(post(*pictures), "", extras)) is is_offered
    assert "zip/youtube/abc" not in data_below(post(*pictures), "", keyboards.Extras())
    assert data_below(post(*pictures, post_id="x" * 60), "", extras) == []
