"""Payloads of links to the bot, at the edges of what Telegram allows."""

import pytest

from core.referrals import read_payload, read_referral


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/start " + "X" * 64, "x" * 64),
        ("/start a ", "a"),
        ("/start a\n", "a"),
        ("/start  a", None),
        (" /start a", None),
        ("/START a", "a"),
        ("/started a", None),
        ("/start@ a", None),
        ("/start a.b", None),
        ("", None),
    ],
)
def test_a_payload_has_one_to_64_letters_digits_hyphens_and_underscores(
    text: str, expected: str | None
):
    assert read_referral(text) == expected


@pytest.mark.parametrize("payload", ["help", "HELP", "privacy", "access"])
def test_what_asks_for_something_is_no_referral(payload: str):
    assert read_referral(f"/start {payload}") is None
    assert read_payload(f"/START@demo_bot {payload}") == payload.lower()
