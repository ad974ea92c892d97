"""Whose message it is, and whether the bot is meant."""

from typing import Any

import pytest
from aiogram.types import (
    Chat,
    Message,
    MessageEntity,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from misc.addressing import BotAccount, name_of, sender_of
from misc.filters import EditedSoon
from misc.message_links import asked_links
from platforms import load_registry
from tests.fakes import BOT_ID, DATE, LINK, PERSON, FakeTelegram, make_user

ACCOUNT = BotAccount(BOT_ID, "demo_bot")
REGISTRY = load_registry()
BOT = make_user(BOT_ID, is_bot=True)
OTHER_BOT = make_user(43, is_bot=True)
CHANNEL = Chat(id=-100, type="channel")
SIGNED = [MessageEntity(type="text_link", offset=0, length=1, url="https://t.me/Demo_bot")]
OTHERS = [MessageEntity(type="text_link", offset=0, length=1, url="https://t.me/demo_bot2")]


def origin(kind: type[Any], **values: Any) -> Any:
    return kind(date=DATE, **values)


FROM_CHANNEL = origin(MessageOriginChannel, chat=CHANNEL, message_id=1)
FROM_GROUP = origin(MessageOriginChat, sender_chat=CHANNEL)


@pytest.mark.parametrize(
    ("values", "is_own"),
    [
        ({}, False),
        ({"via_bot": BOT}, True),
        ({"via_bot": OTHER_BOT}, False),
        ({"from_user": BOT}, True),
        ({"sender_business_bot": BOT}, True),
        ({"forward_origin": origin(MessageOriginUser, sender_user=BOT)}, True),
        ({"forward_origin": origin(MessageOriginUser, sender_user=make_user())}, False),
        ({"forward_origin": origin(MessageOriginHiddenUser, sender_user_name="x")}, False),
        ({"forward_origin": FROM_CHANNEL}, False),
        ({"forward_origin": FROM_CHANNEL, "caption_entities": SIGNED}, True),
        ({"forward_origin": FROM_GROUP, "entities": SIGNED}, True),
        ({"forward_origin": FROM_CHANNEL, "entities": OTHERS}, False),
        ({"entities": SIGNED}, False),
    ],
)
def test_the_bots_own_answers_are_recognised(
    telegram: FakeTelegram, values: dict[str, Any], is_own: bool
):
    assert ACCOUNT.has_made(telegram.message("x", **values)) is is_own


@pytest.mark.parametrize(
    ("text", "above", "number"),
    [
        ("@demo_bot", LINK.url, 1),
        ("thanks @Demo_Bot!", LINK.url, 1),
        ("@demo_bot2", LINK.url, 0),
        ("hello", LINK.url, 0),
        ("@demo_bot", "no link", 0),
        ("@demo_bot", None, 0),
        (f"{LINK.url} @demo_bot", LINK.url + "9", 1),
    ],
)
def test_a_mention_asks_for_the_links_above_it(
    telegram: FakeTelegram, text: str, above: str | None, number: int
):
    reply = telegram.message(above, chat_id=-7) if above else None
    message = telegram.message(text, chat_id=-7, reply_to_message=reply)
    links = asked_links(message, REGISTRY, ACCOUNT)
    assert links == [LINK][:number]


@pytest.mark.parametrize(("chat_id", "author"), [(PERSON, 8), (-7, BOT_ID)])
def test_a_mention_asks_for_nothing_in_private_and_below_the_bots_own_answers(
    telegram: FakeTelegram, chat_id: int, author: int
):
    above = telegram.message(LINK.url, chat_id=chat_id, user_id=author)
    message = telegram.message("@demo_bot", chat_id=chat_id, reply_to_message=above)
    assert asked_links(message, REGISTRY, ACCOUNT) == []


def test_a_post_that_answers_a_post_asks_for_nothing_that_is_in_that_one():
    def post(text: str, above: Message | None = None) -> Message:
        return Message(message_id=1, date=DATE, chat=CHANNEL, text=text, reply_to_message=above)

    first = post(LINK.url)
    assert asked_links(first, REGISTRY, ACCOUNT) == [LINK]
    assert asked_links(post(f"Source {LINK.url}", first), REGISTRY, ACCOUNT) == []
    other = LINK.url[:-1] + "9"
    assert len(asked_links(post(f"{LINK.url} {other}", first), REGISTRY, ACCOUNT)) == 1


@pytest.mark.parametrize(
    ("values", "sender"),
    [
        ({}, PERSON),
        ({"from_user": OTHER_BOT}, None),
        ({"from_user": None}, None),
        ({"sender_chat": CHANNEL, "from_user": OTHER_BOT}, CHANNEL.id),
    ],
)
def test_a_message_is_by_a_person_or_by_the_chat_it_is_sent_as(
    telegram: FakeTelegram, values: dict[str, Any], sender: int | None
):
    assert sender_of(telegram.message("x", **values)) == sender


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "Ann"),
        ({"from_user": None}, ""),
        # Telegram's own name for an anonymous administrator is "Group".
        ({"sender_chat": Chat(id=-7, type="supergroup", title="Crew"), "from_user": BOT}, "Crew"),
    ],
)
def test_a_message_has_the_name_of_the_person_or_of_the_chat(
    telegram: FakeTelegram, values: dict[str, Any], name: str
):
    assert name_of(telegram.message("x", **values)) == name


@pytest.mark.parametrize(("after_s", "is_soon"), [(0, True), (120, True), (121, False)])
async def test_an_edit_counts_for_two_minutes(telegram: FakeTelegram, after_s: int, is_soon: bool):
    edited_at = int(DATE.timestamp()) + after_s
    assert await EditedSoon()(telegram.message("x", edit_date=edited_at)) is is_soon
    assert await EditedSoon()(telegram.message("x")) is False
