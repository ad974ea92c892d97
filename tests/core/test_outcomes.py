"""Every error has words for the statistics."""

import pytest

from core.errors import (
    CardReplyError,
    ClipferryError,
    CookieFileError,
    ReleaseRefusedError,
    SettingsError,
)
from core.outcomes import OUTCOME_KEYS, is_site_fault, outcome_key
from misc.ui.texts import load_texts
from tests.core.test_rules import leaves

#: Errors that end no request.
NOT_OF_REQUESTS = (SettingsError, CardReplyError, CookieFileError, ReleaseRefusedError)


def test_every_error_has_words_of_its_own_or_its_parents():
    for leaf in leaves():
        if leaf.__module__ != "core.errors" or issubclass(leaf, NOT_OF_REQUESTS):
            continue
        assert outcome_key(leaf.code) != "stats_why_other", leaf


def test_every_entry_belongs_to_an_error_and_a_text():
    def codes(error: type[ClipferryError]) -> set[str]:
        return {error.code}.union(*map(codes, error.__subclasses__()))

    assert set(OUTCOME_KEYS) <= codes(ClipferryError)
    assert set(OUTCOME_KEYS.values()) <= set(load_texts()["en"])


def test_an_error_without_an_entry_has_the_words_of_its_parent():
    assert outcome_key("ExpiredLinkError") == "stats_why_link"
    assert outcome_key("ChatMovedError") == "stats_why_blocked"


def test_a_code_of_another_version_has_general_words():
    assert outcome_key("OldError") == outcome_key("") == "stats_why_other"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *(("PlatformError", True), ("PlatformChangedError", True)),
        *(("PlatformRateLimitedError", True), ("MediaDeletedError", False), ("BugError", False)),
        *(("ClipferryError", False), ("OldError", False), ("", False)),
    ],
)
def test_only_a_sites_own_errors_are_its_faults(code: str, *, expected: bool):
    assert is_site_fault(code) is expected
