"""The dependency audit fails on a vulnerability, and never because data is missing."""

from tests.audit import Dependency, audit

SAFE: Dependency = {"name": "aiogram", "version": "3.31.0", "vulns": []}
UNKNOWN: Dependency = {"name": "yarl", "skip_reason": "not found on PyPI"}
VULNERABLE: Dependency = {
    "name": "pillow",
    "version": "13.0.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["13.0.1"]}],
}


def test_a_vulnerability_fails_the_check():
    passed, report = audit(lambda service: [SAFE, VULNERABLE])
    assert not passed
    assert report[0] == "pip-audit: pillow 13.0.0: PYSEC-2026-1 (fixed in 13.0.1)"


def test_safe_dependencies_pass_and_gaps_are_named():
    assert audit(lambda service: [SAFE]) == (True, ["pip-audit: 1 dependencies checked"])
    passed, report = audit(lambda service: [SAFE, UNKNOWN])
    assert passed
    assert report[0] == "pip-audit: no data about yarl"


def test_missing_data_is_visible_and_passes():
    skipped = (True, ["pip-audit: skipped: no data"])
    assert audit(lambda service: []) == skipped
    assert audit(lambda service: [UNKNOWN]) == skipped


def test_the_second_source_is_used_when_the_first_has_no_data():
    passed, _ = audit(lambda service: [VULNERABLE] if service == "osv" else [UNKNOWN])
    assert not passed
