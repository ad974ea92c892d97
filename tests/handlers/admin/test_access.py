"""/access, /allow and /disallow: an id, a name, or the author of the message replied to."""

from typing import Any

import pytest
from aiogram.filters import CommandObject
from aiogram.types import (
    Chat,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from handlers.admin.access import on_access, on_change
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import DATE, FakeTelegram, make_access, make_user

TEXTS = load_texts()
CHAT = ChatView("en")
CHANNEL = Chat(id=-1005, type="channel")
GROUP = Chat(id=-7, type="supergroup")

pytestmark = pytest.mark.usefixtures("sqlite_db")


async def allow(telegram: FakeTelegram, args: str | None, **values: Any) -> set[str]:
    access = make_access(telegram, "listed")
    message = telegram.message(f"/allow {args or ''}", chat_id=-7, **values)
    command = CommandObject(command="allow", args=args)
    await on_change(message, command, CHAT, access, telegram.sender, TEXTS)
    return set(access.entries)


@pytest.mark.parametrize(
    ("args", "entry"),
    [("123", "123"), ("-100123", "-100123"), ("@Ada_B", "@ada_b"), ("t.me/ada_b", "@ada_b")],
)
async def test_an_argument_names_who_is_allowed(telegram: FakeTelegram, args: str, entry: str):
    assert await allow(telegram, args) == {entry}
    assert telegram.texts == [TEXTS("en", "allow_added", who=entry)]


@pytest.mark.parametrize("args", [None, "x", "1 2", "١٢", "@"])
async def test_without_a_valid_argument_the_usage_is_shown(telegram: FakeTelegram, args: str):
    assert await allow(telegram, args) == set()
    assert telegram.texts == [TEXTS["en"]["allow_usage"]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"user_id": 9}, {"9"}),
        ({"from_user": make_user(42, is_bot=True)}, set()),
        ({"from_user": make_user(42, is_bot=True), "sender_chat": CHANNEL}, {"-1005"}),
        ({"from_user": make_user(42, is_bot=True), "sender_chat": GROUP}, set()),
        ({"forward_origin": MessageOriginUser(date=DATE, sender_user=make_user(8))}, {"8"}),
        ({"forward_origin": MessageOriginHiddenUser(date=DATE, sender_user_name="x")}, set()),
        ({"forward_origin": MessageOriginChat(date=DATE, sender_chat=GROUP)}, {"-7"}),
        (
            {"forward_origin": MessageOriginChannel(date=DATE, chat=CHANNEL, message_id=1)},
            {"-1005"},
        ),
    ],
)
async def test_an_answer_names_the_author_of_the_message(
    telegram: FakeTelegram, values: dict[str, Any], expected: set[str]
):
    answered = telegram.message("hello", chat_id=-7, **values)
    assert await allow(telegram, None, reply_to_message=answered) == expected


async def test_the_list_is_changed_and_shown(telegram: FakeTelegram):
    access = make_access(telegram, "members", "5")
    message = telegram.message("x")

    async def run(name: str, args: str) -> str:
        command = CommandObject(command=name, args=args)
        await on_change(message, command, CHAT, access, telegram.sender, TEXTS)
        return telegram.texts[-1]

    assert await run("allow", "@ada_b") == TEXTS("en", "allow_added", who="@ada_b")
    assert await run("allow", "@ADA_B") == TEXTS("en", "allow_known", who="@ada_b")
    await on_access(message, CHAT, access, telegram.sender, TEXTS)
    assert telegram.texts[-1] == "\n".join(
        [
            TEXTS("en", "access_mode_members", channels="@news"),
            "",
            TEXTS("en", "access_list", count=2),
            "<code>5</code>",
            "<code>@ada_b</code>",
        ]
    )
    assert await run("disallow", "5") == TEXTS("en", "allow_fixed", who="5")
    assert await run("disallow", "@ada_b") == TEXTS("en", "allow_removed", who="@ada_b")
    assert await run("disallow", "@ada_b") == TEXTS("en", "allow_missing", who="@ada_b")


async def test_an_empty_list_and_a_long_one_fit_into_a_message(telegram: FakeTelegram):
    for entries in ((), tuple(f"@{'a' * 27}{number:05}" for number in range(500))):
        access = make_access(telegram, "everyone", *entries)
        await on_access(telegram.message("x"), CHAT, access, telegram.sender, TEXTS)
    empty, long = telegram.texts
    assert TEXTS["en"]["access_mode_everyone"] in empty
    assert TEXTS["en"]["access_list_empty"] in empty
    assert "(500 entries)" in long
    assert long.endswith("…")
    assert len(long.replace("<code>", "").replace("</code>", "")) < 4_096
