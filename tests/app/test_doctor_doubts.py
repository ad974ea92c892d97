"""The doctor warns of variables and settings that are probably meant otherwise."""

import pytest

from app.doctor.doubts import doubt_findings


def test_a_mistyped_variable_is_a_warning_that_names_it(monkeypatch: pytest.MonkeyPatch):
    before = list(doubt_findings())
    monkeypatch.setenv("LIMITS_ACTIVE_REQUEST", "3")
    (found,) = [each for each in doubt_findings() if each not in before]
    assert found.level == "warning"
    assert "LIMITS_ACTIVE_REQUEST" in found.text
    assert "LIMITS_ACTIVE_REQUESTS" in found.text
