"""The flood guard: one warning, then silence; only messages that ask for something count."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram.methods import SendMessage
from aiogram.types import (
    Chat,
    Message,
    MessageEntity,
    MessageOriginHiddenUser,
    TelegramObject,
    TextQuote,
)

from core.errors import FloodError, StorageError
from core.flood import GROUP as GROUP_LIMIT
from core.flood import SENDER, TimeOut
from data.chats import register_chat
from misc.middlewares.flood_guard import FloodGuard, TimeOuts
from misc.ui.texts import load_texts
from platforms import load_registry
from tests.fakes import LINK, FakeTelegram, make_ack, make_user

TEXTS = load_texts()
ADMIN, GROUP = 1, -7
pytestmark = pytest.mark.usefixtures("sqlite_db")
MOST = SENDER[0]


class Bench:
    def __init__(self, telegram: FakeTelegram, time_outs: TimeOuts | None = None) -> None:
        self.dropped: list[tuple[str, int]] = []
        self.guard = FloodGuard(
            telegram.sender,
            TEXTS,
            load_registry(),
            "demo_bot",
            frozenset({ADMIN}),
            lambda *drop: self.dropped.append(drop),
            time_outs,
        )
        self.ack, self.acks = make_ack()

    async def handled(self, message: Message, times: int) -> int:
        """Return how many of some equal messages are handled."""
        new = message.model_copy(update={"date": datetime.now(UTC)}).as_(message.bot)
        outcomes = [await self.guard(handle, new, {"ack": self.ack}) for _ in range(times)]
        return outcomes.count("handled")


def command(telegram: FakeTelegram, **values: Any) -> Message:
    entities = [MessageEntity(type="bot_command", offset=0, length=5)]
    return telegram.message("/mode", entities=entities, chat_id=GROUP, **values)


async def handle(_event: TelegramObject, _data: dict[str, Any]) -> str:
    return "handled"


async def test_a_sender_over_the_limit_is_warned_once_and_then_ignored(telegram: FakeTelegram):
    bench = Bench(telegram)
    assert await bench.handled(telegram.message("x"), MOST + 3) == MOST
    assert telegram.texts == [TEXTS("en", "spam_sender", count=1)]
    assert bench.dropped == [("flood", 7)] * 3
    assert bench.acks.acknowledged == [5] * 3


async def test_the_warning_is_in_the_persons_language(telegram: FakeTelegram):
    message = telegram.message("x", from_user=make_user(language_code="uk"))
    await Bench(telegram).handled(message, MOST + 1)
    assert telegram.texts == [TEXTS("uk", "spam_sender", count=1)]


async def test_the_warning_is_in_the_language_that_the_chat_has_chosen(telegram: FakeTelegram):
    for chat_id, lang in ((7, "hi"), (GROUP, "vi")):
        await register_chat(chat_id, lang)
    bench = Bench(telegram)
    await bench.handled(telegram.message("x"), MOST + 1)
    for user_id in range(100, 122):
        await bench.handled(command(telegram, user_id=user_id), 1)
    assert telegram.texts == [
        TEXTS("hi", "spam_sender", count=1),
        TEXTS("vi", "spam_group", count=1),
    ]


@pytest.mark.parametrize("user_id", [ADMIN, 8])
async def test_administrators_may_write_as_much_as_they_like(telegram: FakeTelegram, user_id: int):
    handled = await Bench(telegram).handled(telegram.message("x", user_id=user_id), 30)
    assert handled == (30 if user_id == ADMIN else MOST)


@pytest.mark.parametrize(
    ("values", "is_counted"),
    [
        ({"text": "hello"}, False),
        ({"text": LINK.url}, False),
        (
            {"text": "/mode", "entities": [MessageEntity(type="bot_command", offset=0, length=5)]},
            True,
        ),
        ({"caption": LINK.url}, False),
        (
            {
                "text": "try /mode@other_bot",
                "entities": [MessageEntity(type="bot_command", offset=4, length=15)],
            },
            False,
        ),
        ({"text": "@Demo_bot https://example.org/x"}, True),
    ],
    ids=["talk", "link", "command", "link in a caption", "another bot's command", "mention"],
)
async def test_in_groups_only_what_is_for_the_bot_counts(
    telegram: FakeTelegram, values: dict[str, Any], is_counted: bool
):
    message = telegram.message(chat_id=GROUP, **values)
    assert await Bench(telegram).handled(message, 30) == (MOST if is_counted else 30)


@pytest.mark.parametrize(
    ("chat_id", "text", "is_counted"),
    [(GROUP, "@demo_bot", False), (GROUP, "/mode", True), (7, "thanks", True)],
)
async def test_a_mention_in_reply_to_a_link_is_a_link(
    telegram: FakeTelegram, chat_id: int, text: str, is_counted: bool
):
    above = telegram.message(LINK.url, chat_id=chat_id)
    entities = [MessageEntity(type="bot_command", offset=0, length=5)] if "/" in text else []
    message = telegram.message(text, chat_id=chat_id, reply_to_message=above, entities=entities)
    assert await Bench(telegram).handled(message, 30) == (MOST if is_counted else 30)


async def test_a_quoted_link_is_a_link(telegram: FakeTelegram):
    quote = TextQuote(text=LINK.url, position=0)
    message = telegram.message("this", quote=quote)
    assert await Bench(telegram).handled(message, 30) == 30


async def test_a_flood_by_many_members_is_announced_to_the_group(telegram: FakeTelegram):
    bench = Bench(telegram)
    handled = [
        await bench.handled(command(telegram, user_id=user_id), 1) for user_id in range(100, 122)
    ]
    assert handled == [1] * 20 + [0] * 2
    assert telegram.texts == [TEXTS("en", "spam_group", count=1)]


async def test_a_channel_in_a_group_is_one_sender_and_a_bot_none(telegram: FakeTelegram):
    bench = Bench(telegram)
    channel = Chat(id=-9, type="channel")
    message = command(telegram, sender_chat=channel)
    assert await bench.handled(message, MOST + 1) == MOST
    robot = telegram.message("x", from_user=make_user(9, is_bot=True))
    assert await bench.handled(robot, 30) == 30
    assert await bench.handled(telegram.message("x", from_user=None), 30) == 30


async def test_a_warning_that_fails_raises_nothing(telegram: FakeTelegram):
    telegram.fail(SendMessage, FloodError(3))
    assert await Bench(telegram).handled(telegram.message("x"), MOST + 2) == MOST
    assert len(telegram.of(SendMessage)) == 1


async def test_messages_from_a_downtime_are_no_flood(telegram: FakeTelegram):
    bench = Bench(telegram)
    old = telegram.message("x")
    outcomes = [await bench.guard(handle, old, {"ack": bench.ack}) for _ in range(MOST + 20)]
    assert set(outcomes) == {"handled"}


async def test_links_are_handled_even_in_a_time_out(telegram: FakeTelegram):
    bench = Bench(telegram)
    assert await bench.handled(telegram.message(LINK.url), 30) == 30
    assert telegram.texts == []
    assert await bench.handled(telegram.message("x"), MOST + 3) == MOST
    assert await bench.handled(telegram.message(LINK.url), 30) == 30
    assert await bench.handled(telegram.message("x"), 1) == 0


async def test_the_messages_of_one_action_count_once(telegram: FakeTelegram):
    bench = Bench(telegram)
    for number in range(MOST):
        album = telegram.message("x", media_group_id=str(number))
        assert await bench.handled(album, 10) == 10
    assert telegram.texts == []
    assert await bench.handled(telegram.message("x"), 1) == 0
    # An album that has begun is ignored, too.
    assert await bench.handled(telegram.message("x", media_group_id="0"), 1) == 0


async def test_messages_that_are_forwarded_together_count_once(telegram: FakeTelegram):
    bench = Bench(telegram)
    origin = MessageOriginHiddenUser(date=datetime.now(UTC), sender_user_name="Ann")
    assert await bench.handled(telegram.message("x", forward_origin=origin), 30) == 30


# --- several receivers ----------------------------------------------------------------------------


class Announcements:
    """What a receiver tells the others."""

    def __init__(self, error: StorageError | None = None) -> None:
        self.made: list[TimeOut] = []
        self._error = error

    async def __call__(self, time_out: TimeOut) -> None:
        if self._error:
            raise self._error
        self.made.append(time_out)


async def test_the_other_receivers_hear_of_a_time_out_once(telegram: FakeTelegram):
    announcements = Announcements()
    bench = Bench(telegram, TimeOuts(announce=announcements))
    await bench.handled(telegram.message("x"), MOST + 3)
    assert announcements.made == [TimeOut(7, is_group=False, minutes=1)]


async def test_the_other_receivers_hear_of_a_groups_time_out(telegram: FakeTelegram):
    announcements = Announcements()
    bench = Bench(telegram, TimeOuts(announce=announcements))
    for number in range(GROUP_LIMIT[0] + 1):
        await bench.handled(command(telegram, user_id=100 + number), 1)
    assert announcements.made == [TimeOut(GROUP, is_group=True, minutes=1)]


async def test_a_message_over_both_limits_says_both_and_the_other_receivers_hear_of_both(
    telegram: FakeTelegram,
):
    """The person's time-out counts in every chat, and may be the longer one."""
    announcements = Announcements()
    bench = Bench(telegram, TimeOuts(announce=announcements))
    for number in range(GROUP_LIMIT[0] - MOST):
        await bench.handled(command(telegram, user_id=100 + number), 1)
    assert await bench.handled(command(telegram, user_id=9), MOST + 2) == MOST
    both = [TEXTS("en", key, count=1) for key in ("spam_group", "spam_sender")]
    assert telegram.texts == ["\n\n".join(both)]
    assert announcements.made == [TimeOut(GROUP, True, 1), TimeOut(9, False, 1)]
    assert await bench.handled(telegram.message("x", user_id=9), 1) == 0


async def test_a_time_out_of_another_receiver_is_kept_without_a_second_warning(
    telegram: FakeTelegram,
):
    time_outs = TimeOuts()
    time_outs.guard.begin(TimeOut(7, False, 1), asyncio.get_running_loop().time())
    assert await Bench(telegram, time_outs).handled(telegram.message("x"), 3) == 0
    assert telegram.texts == []


async def test_a_database_that_does_not_answer_costs_no_warning(telegram: FakeTelegram):
    time_outs = TimeOuts(announce=Announcements(StorageError("gone")))
    assert await Bench(telegram, time_outs).handled(telegram.message("x"), MOST + 3) == MOST
    assert telegram.texts == [TEXTS("en", "spam_sender", count=1)]
