"""Commands in texts: name, the bot that is addressed, arguments."""

import pytest

from core.commands import CommandText, is_for_another_bot, read_command


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/start", CommandText("start", "", "")),
        ("/START Promo", CommandText("start", "", "Promo")),
        ("/help@Demo_Bot", CommandText("help", "demo_bot", "")),
        ("/msg@demo_bot 1  two\nlines ", CommandText("msg", "demo_bot", "1  two\nlines")),
        ("/x@other_bot, please", CommandText("x", "other_bot", ", please")),
        (" /x\u00a0y", CommandText("x", "", "y")),
        ("/" + "a" * 64, CommandText("a" * 64, "", "")),
    ],
)
def test_a_command_is_read(text: str, expected: CommandText):
    assert read_command(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "hello",
        "hello /start",
        "/",
        "/ start",
        "//",
        "/home/ada",
        "/старт",
        "/a@b@c",
        "/x@",
    ],
)
def test_other_texts_are_no_commands(text: str | None):
    assert read_command(text) is None


@pytest.mark.parametrize(
    ("text", "is_other"),
    [
        ("/x", False),
        ("/x@demo_bot", False),
        ("/x@DEMO_BOT", False),
        ("/x@other_bot", True),
        ("/x@demo_bot2", True),
        ("/x@demo_bo", True),
        ("hello @other_bot", False),
        ("hello /x@other_bot", False),
        (None, False),
    ],
)
def test_a_command_for_another_bot_is_recognised(text: str | None, is_other: bool):
    assert is_for_another_bot(text, "Demo_Bot") is is_other
