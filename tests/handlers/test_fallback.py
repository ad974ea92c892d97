"""What nobody else wanted: the fitting hint, and an end to old buttons."""

from typing import Any

import pytest
from aiogram.types import MessageEntity, Sticker, Video

from handlers.fallback import on_anything, on_old_button
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from misc.utils import platform_titles
from platforms import load_registry
from tests.fakes import GONE, FakeTelegram

TEXTS = load_texts()
REGISTRY = load_registry()
VIDEO = Video(file_id="v", file_unique_id="v", width=1, height=1, duration=1)
STICKER = Sticker(
    file_id="s",
    file_unique_id="s",
    type="regular",
    width=1,
    height=1,
    is_animated=False,
    is_video=False,
)
FOREIGN = "https://example.org/video"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"text": "hello"}, "send_link"),
        (
            {"text": FOREIGN, "entities": [MessageEntity(type="url", offset=0, length=25)]},
            "foreign_link",
        ),
        (
            {
                "text": "look",
                "entities": [MessageEntity(type="text_link", offset=0, length=4, url=FOREIGN)],
            },
            "foreign_link",
        ),
        ({"text": "https://www.tiktok.com/@ferry.demo"}, "link_profile"),
        ({"text": "www.instagram.com/explore/tags/ferry/"}, "link_tag"),
        ({"text": "https://www.instagram.com/stories/ferry.demo/"}, "link_stories"),
        ({"text": "https://www.instagram.com/stories/highlights/18/"}, "link_highlights"),
        ({"text": "https://www.tiktok.com/music/dawn-73"}, "link_audio"),
        ({"text": "https://www.tiktok.com/@ferry.demo/live"}, "media_live"),
        ({"text": "https://www.reddit.com/r/ferries/"}, "media_list"),
        ({"text": "https://www.facebook.com/photo/?fbid=73"}, "media_none"),
        ({"text": "https://www.tiktok.com/"}, "link_broken"),
        (
            {
                "text": "look",
                "entities": [
                    MessageEntity(type="text_link", offset=0, length=4, url="https://x.com/ferry")
                ],
            },
            "link_profile",
        ),
        ({"video": VIDEO}, "uploads_not_processed"),
        ({"video": VIDEO, "caption": "mine"}, "uploads_not_processed"),
        ({"sticker": STICKER}, "links_only"),
    ],
)
async def test_the_hint_fits_what_was_sent(
    telegram: FakeTelegram, values: dict[str, Any], key: str
):
    message = telegram.message(**values)
    await on_anything(message, ChatView("en"), telegram.sender, TEXTS, REGISTRY)
    assert telegram.texts == [TEXTS("en", key, platforms=platform_titles(REGISTRY))]


async def test_somebody_new_has_just_been_told(telegram: FakeTelegram):
    chat = ChatView("en", is_new=True)
    await on_anything(telegram.message("hello"), chat, telegram.sender, TEXTS, REGISTRY)
    assert telegram.texts == []


@pytest.mark.parametrize("message", [None, GONE])
async def test_an_old_button_has_expired(telegram: FakeTelegram, message: Any):
    await on_old_button(telegram.query("whatever", message), ChatView("uk"), TEXTS)
    assert telegram.alerts == [(TEXTS["uk"]["button_expired"], True)]
