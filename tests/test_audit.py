"""The dependency audit fails on a vulnerability, and does not pass when data is missing."""

from data.config import ROOT
from tests.audit import Dependency, Outcome, audit, command

SAFE: Dependency = {"name": "aiogram", "version": "3.31.0", "vulns": []}
UNKNOWN: Dependency = {"name": "yarl", "skip_reason": "not found on PyPI"}
VULNERABLE: Dependency = {
    "name": "pillow",
    "version": "13.0.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["13.0.1"]}],
}


def test_a_vulnerability_fails_the_check():
    outcome, report = audit(lambda service: [SAFE, VULNERABLE])
    assert outcome is Outcome.FAILED
    assert report[0] == "pip-audit: pillow 13.0.0: PYSEC-2026-1 (fixed in 13.0.1)"


def test_safe_dependencies_pass_and_gaps_are_named():
    assert audit(lambda service: [SAFE]) == (Outcome.PASSED, ["pip-audit: 1 dependencies checked"])
    outcome, report = audit(lambda service: [SAFE, UNKNOWN])
    assert outcome is Outcome.PASSED
    assert report[0] == "pip-audit: no data about yarl"


def test_missing_data_is_a_visible_skip_and_not_a_pass():
    skipped = (Outcome.SKIPPED, ["pip-audit: SKIPPED: no data, nothing was checked"])
    assert audit(lambda service: []) == skipped
    assert audit(lambda service: [UNKNOWN]) == skipped


def test_the_second_source_is_used_when_the_first_has_no_data():
    outcome, _ = audit(lambda service: [VULNERABLE] if service == "osv" else [UNKNOWN])
    assert outcome is Outcome.FAILED


def test_every_pinned_file_but_that_of_developers_is_audited():
    pinned = {str(path) for path in ROOT.glob("requirements*.txt")}
    assert set(command("osv")) & pinned == pinned - {str(ROOT / "requirements-dev.txt")}
