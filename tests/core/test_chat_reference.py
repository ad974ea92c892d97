"""Ids and @names of chats, as administrators write them."""

import pytest

from core.chat_reference import ChatName, read_reference


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("123456", 123456),
        ("-1001234567890", -1001234567890),
        ("\u2212100", -100),
        ("–100", -100),
        ("@Ferry_News", ChatName("ferry_news")),
        ("t.me/Ferry_News", ChatName("ferry_news")),
        ("https://t.me/ferry_news/", ChatName("ferry_news")),
        ("@Abcd", ChatName("abcd")),
    ],
)
def test_a_reference_is_an_id_or_a_name(word: str, expected: object):
    assert read_reference(word) == expected


@pytest.mark.parametrize(
    "word",
    [
        *[
            "",
            "Bo",
            "@abc",
            "1 2",
            "12a",
            "--1",
            "0",
            "-0",
            "007",
            "1" * 19,
            "@1abcd",
            "@ім'я",
            "@ferry news",
            "t.me/",
        ],
        # Digits of other scripts, which int() reads as well.
        *["١٢٣٤٥٦", "१२३४५६", "１２３４", "²", "-١٢٣"],
    ],
)
def test_other_words_are_no_reference(word: str):
    assert read_reference(word) is None
