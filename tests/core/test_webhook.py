"""The webhook: secrets, addresses, and what Telegram says about it."""

import pytest

from core.webhook import (
    WebhookReport,
    WebhookState,
    derive_secret,
    failure_of,
    fingerprint,
    is_webhook_secret,
    problem_of,
    secrets_match,
    url_mistake,
)

URL = "https://bot.example.org/updates"


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("a" * 16, True),
        ("A-z_0" * 51, True),
        ("a" * 15, False),
        ("a" * 256, True),
        ("a" * 257, False),
        ("a" * 16 + "\n", False),
        ("ä" * 16, False),
        ("a b" * 8, False),
        ("", False),
    ],
)
def test_a_secret_is_accepted_by_telegram_and_long_enough(text: str, is_valid: bool):
    assert is_webhook_secret(text) is is_valid


def test_the_derived_secret_is_valid_and_belongs_to_the_token():
    secret = derive_secret("1:a")
    assert is_webhook_secret(secret)
    assert secret == derive_secret("1:a") != derive_secret("1:b")
    assert "1:a" not in secret


@pytest.mark.parametrize(
    ("given", "is_same"),
    [("secret", True), ("secre", False), ("", False), ("secret\udcff", False), ("gehéim", False)],
)
def test_secrets_are_compared_whatever_comes(given: str, is_same: bool):
    assert secrets_match(given, "secret") is is_same


@pytest.mark.parametrize(
    ("url", "is_public", "part"),
    [
        (URL, True, None),
        ("https://bot.example.org:8443/", True, None),
        ("https://bot.example.org:443", True, None),
        ("", True, "is empty"),
        ("", False, "is empty"),
        ("http://bot.example.org/", True, "https"),
        ("https://bot.example.org:8080/", True, "443, 80, 88, 8443"),
        ("http://10.0.0.7:9000/", False, None),
        ("https://bot.example.org:99999/", True, None),
        ("https://[", True, None),
    ],
)
def test_an_address_that_telegram_does_not_send_to_is_named(
    url: str, is_public: bool, part: str | None
):
    mistake = url_mistake(url, is_public=is_public)
    assert (mistake is None) if part is None else (mistake and part in mistake)


@pytest.mark.parametrize(
    ("here", "there", "is_same"),
    [
        (URL, URL, True),
        ("https://bot.example.org", "https://bot.example.org/", True),
        ("https://BOT.example.org/", "https://bot.example.org:443/", True),
        ("http://bot.example.org:80/", "http://bot.example.org/", True),
        ("https://bot.example.org:80/", "https://bot.example.org/", False),
        ("https://bot.example.org/Updates", URL, False),
        ("https://bot.example.org/?a=1", "https://bot.example.org/", False),
        ("http://bot.example.org/updates", URL, False),
        ("", "", False),
        (URL, "", False),
        ("", URL, False),
    ],
)
def test_an_address_is_compared_as_telegram_writes_it(here: str, there: str, is_same: bool):
    assert WebhookState(here).is_at(there) is is_same


def test_the_fingerprint_tells_webhooks_apart_and_hides_the_secret():
    marks = {
        fingerprint(URL, "s" * 16),
        fingerprint(URL, "t" * 16),
        fingerprint(URL + "2", "s" * 16),
        fingerprint(URL, "s" * 16, b"certificate"),
    }
    assert len(marks) == 4
    assert fingerprint(URL, "s" * 16) in marks
    assert not any("s" * 16 in mark for mark in marks)


@pytest.mark.parametrize(
    ("report", "part"),
    [
        (WebhookReport(WebhookState(URL)), None),
        (WebhookReport(WebhookState(URL), 5, 999, "refused"), None),
        (WebhookReport(WebhookState("https://example.org/")), "another address"),
        (WebhookReport(), "removed"),
    ],
)
def test_what_keeps_updates_away_is_named(report: WebhookReport, part: str | None):
    problem = problem_of(report, URL)
    assert (problem is None) if part is None else (problem and part in problem)


@pytest.mark.parametrize(
    ("pending", "failed_at", "is_failing"),
    [
        (5, 999, True),
        (0, 999, False),  # delivered since
        (5, 821, True),
        (5, 820, False),  # long ago
        (5, 0, False),
    ],
)
def test_deliveries_fail_while_something_is_pending(pending: int, failed_at: int, is_failing: bool):
    report = WebhookReport(WebhookState(URL), pending, failed_at, "refused")
    expected = "Telegram cannot deliver updates: refused" if is_failing else None
    assert failure_of(report, 1_000) == expected


def test_the_last_error_is_told_with_its_time():
    assert WebhookReport(pending=3).details == ["pending updates: 3"]
    assert WebhookReport(WebhookState(URL), 3, 0, "").details == ["pending updates: 3"]
    assert WebhookReport(WebhookState(URL), 3, 60, "refused").details == [
        "pending updates: 3",
        "last error of Telegram, 1970-01-01T00:01:00+00:00: refused",
    ]
