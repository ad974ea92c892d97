"""Updates without another handler: the hint that fits, and the answer to old buttons."""

import asyncio
import re
from typing import Any

import pytest
from aiogram.methods import SendMessage
from aiogram.types import (
    Message,
    MessageEntity,
    MessageOriginHiddenUser,
    PhotoSize,
    Sticker,
    Video,
)

from handlers.fallback import on_anything, on_old_button, on_other_link
from misc.addressing import BotAccount
from misc.bundles import Bundles
from misc.filters import AsksForOtherLink
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from misc.utils import platform_titles
from platforms import load_registry
from tests.fakes import BOT_ID, DATE, GONE, FakeTelegram, make_ack, make_user, settle

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
PHOTO = PhotoSize(file_id="p", file_unique_id="p", width=1, height=1)
FOREIGN = "https://example.org/video"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"text": "hello"}, "send_link"),
        ({"text": "MP3 please"}, "which_post"),
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
        ({"text": "https://www.facebook.com/stories/1/2/"}, "link_stories"),
        ({"text": "https://www.snapchat.com/@ferry/highlight/18"}, "link_highlights"),
        ({"text": "https://www.tiktok.com/music/dawn-73"}, "link_audio"),
        ({"text": "https://pbs.twimg.com/media/AbC12?format=jpg&name=orig"}, "link_unnamed"),
        ({"text": "https://www.tiktok.com/@ferry.demo/live"}, "media_live"),
        ({"text": "https://www.reddit.com/r/ferries/"}, "media_list"),
        ({"text": "https://www.twitch.tv/videos/73"}, "media_none"),
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
        ({"photo": [PHOTO], "caption": "mine"}, "links_only"),
        (
            {
                "photo": [PHOTO],
                "caption": FOREIGN,
                "caption_entities": [MessageEntity(type="url", offset=0, length=25)],
            },
            "foreign_link",
        ),
        ({"video": VIDEO, "caption": "https://www.tiktok.com/@ferry.demo"}, "link_profile"),
    ],
)
async def test_the_hint_fits_what_was_sent(
    telegram: FakeTelegram, values: dict[str, Any], key: str
):
    message = telegram.message(**values)
    await on_anything(message, ChatView("en"), telegram.sender, TEXTS, REGISTRY, Bundles())
    assert telegram.texts == [TEXTS("en", key, platforms=platform_titles(REGISTRY))]


@pytest.mark.parametrize(
    ("text", "key"), [("hello", None), ("https://www.tiktok.com/@ferry.demo", "link_profile")]
)
async def test_a_new_chat_gets_only_a_hint_that_its_welcome_has_not_given(
    telegram: FakeTelegram, text: str, key: str | None
):
    chat = ChatView("en", is_new=True)
    await on_anything(telegram.message(text), chat, telegram.sender, TEXTS, REGISTRY, Bundles())
    assert telegram.texts == ([TEXTS["en"][key]] if key else [])


@pytest.mark.parametrize(
    ("text", "above", "key"),
    [
        (f"@demo_bot {FOREIGN}", None, "foreign_link"),
        ("@Demo_Bot please", FOREIGN, "foreign_link"),
        ("@demo_bot", "https://www.tiktok.com/@ferry.demo", "link_profile"),
        (f"look: {FOREIGN}", None, None),
        ("@demo_bot is great", None, None),
        ("@demo_bot is at https://t.me/demo_bot", None, None),
    ],
)
async def test_in_a_group_a_link_that_is_sent_to_the_bot_gets_a_hint(
    telegram: FakeTelegram, text: str, above: str | None, key: str | None
):
    reply = with_urls(telegram, above) if above else None
    message = with_urls(telegram, text, reply_to_message=reply)
    account = BotAccount(BOT_ID, "demo_bot")
    assert await AsksForOtherLink()(message, account) is bool(key)
    if key:
        seen = Deduplicator()
        for update_id in (1, 2):  # itself, and as a call of the bot as a guest
            ack, _ = make_ack(update_id)
            view = ChatView("en")
            await on_other_link(message, view, telegram.sender, TEXTS, REGISTRY, seen, ack)
        assert telegram.texts == [TEXTS("en", key, platforms=platform_titles(REGISTRY))]


async def test_the_bots_own_messages_are_no_links_that_are_sent_to_it(telegram: FakeTelegram):
    ours = with_urls(telegram, FOREIGN, user_id=BOT_ID)
    thanks = with_urls(telegram, "@demo_bot thanks", reply_to_message=ours)
    assert not await AsksForOtherLink()(thanks, BotAccount(BOT_ID, "demo_bot"))


@pytest.mark.parametrize(
    "values",
    [
        {"forward_origin": MessageOriginHiddenUser(date=DATE, sender_user_name="Ann")},
        {"from_user": make_user(43, is_bot=True)},
    ],
    ids=["forward", "another bot"],
)
async def test_forwards_and_other_bots_get_no_hint(telegram: FakeTelegram, values: dict[str, Any]):
    message = with_urls(telegram, f"by @demo_bot {FOREIGN}", **values)
    assert not await AsksForOtherLink()(message, BotAccount(BOT_ID, "demo_bot"))


def with_urls(telegram: FakeTelegram, text: str, **values: Any) -> Message:
    """Return a message in a group, with an entity for each URL."""
    entities = [
        MessageEntity(type="url", offset=found.start(), length=len(found[0]))
        for found in re.finditer(r"https://\S+", text)
    ]
    return telegram.message(text, chat_id=-7, entities=entities, **values)


@pytest.mark.parametrize("message", [None, GONE])
async def test_an_old_button_has_expired(telegram: FakeTelegram, message: Any):
    await on_old_button(telegram.query("whatever", message), ChatView("uk"), TEXTS)
    assert telegram.alerts == [(TEXTS["uk"]["button_expired"], True)]


def album(telegram: FakeTelegram, *captions: str, media_group_id: str = "1") -> list[Message]:
    return [
        telegram.message(
            message_id=number, caption=caption, photo=[PHOTO], media_group_id=media_group_id
        )
        for number, caption in enumerate(captions, start=1)
    ]


async def hint(telegram: FakeTelegram, bundles: Bundles, *messages: Message) -> list[SendMessage]:
    """Let messages arrive at the same time; return the hints so far."""
    calls = (
        on_anything(message, ChatView("en"), telegram.sender, TEXTS, REGISTRY, bundles)
        for message in messages
    )
    await asyncio.gather(*calls)
    return telegram.of(SendMessage)


@pytest.mark.slow
async def test_an_album_gets_one_hint_however_its_items_arrive(telegram: FakeTelegram):
    bundles = Bundles()
    first, *others, late = album(telegram, *[""] * 10)
    (only,) = await hint(telegram, bundles, *others, first)
    assert only.text == TEXTS("en", "links_only", platforms=platform_titles(REGISTRY))
    assert len(await hint(telegram, bundles, late)) == 1
    assert len(await hint(telegram, bundles, *album(telegram, "", "", media_group_id="2"))) == 2


@pytest.mark.slow
async def test_the_hint_below_an_album_is_the_most_specific(telegram: FakeTelegram):
    items = album(telegram, "", "https://www.tiktok.com/@ferry.demo", "")
    (only,) = await hint(telegram, Bundles(), *items)
    assert only.text == TEXTS["en"]["link_profile"]
    assert only.reply_parameters
    assert only.reply_parameters.message_id == 2


@pytest.mark.parametrize("is_first", [True, False])
async def test_an_album_with_a_link_gets_no_hint(telegram: FakeTelegram, is_first: bool):
    bundles = Bundles()
    with_link, *others = album(telegram, "a link", "", "")
    if is_first:
        bundles.mark_answered(with_link)
    waiting = asyncio.ensure_future(hint(telegram, bundles, *others))
    await settle()
    bundles.mark_answered(with_link)
    assert await waiting == []


@pytest.mark.slow
async def test_messages_that_are_forwarded_together_get_one_hint(telegram: FakeTelegram):
    origin = MessageOriginHiddenUser(date=DATE, sender_user_name="Ann")
    forwards = [
        telegram.message("hello", message_id=number, forward_origin=origin) for number in range(10)
    ]
    assert len(await hint(telegram, Bundles(), *forwards)) == 1
