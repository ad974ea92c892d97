"""The doctor names packages that an update by hand has left behind."""

import subprocess
import sys

import pytest

from app.doctor.packages import compare_packages, package_findings
from data.config import ROOT

PINNED = """\
# generated
Pillow==12.0.0 \\
    --hash=sha256:00
av==18.1.0 ; python_full_version < '3.12' \\
    --hash=sha256:01
av==19.0.2 ; python_full_version >= '3.12' \\
    --hash=sha256:02
regex==2026.11.19
typing_extensions==4.20.0
yt-dlp==2026.11.20
"""
INSTALLED = {
    "pillow": "12.0.0",
    "av": "18.1.0",
    "regex": "2026.11.19",
    "typing-extensions": "4.20.0",
    "yt-dlp": "2026.11.27",
}


@pytest.mark.parametrize(
    ("changes", "level", "text"),
    [
        ({}, "ok", "packages: 4, as pinned in requirements.txt"),
        ({"av": "19.0.2"}, "ok", "packages: 4, as pinned"),
        ({"regex": None}, "failure", "packages: regex missing: pip install --require-hashes"),
        ({"regex": None, "av": None}, "failure", "packages: av, regex missing: "),
        ({"av": "17.0.0"}, "warning", "packages: av 17.0.0 instead of 18.1.0 or 19.0.2: pip"),
        ({"yt-dlp": None}, "failure", "packages: yt-dlp missing: "),
    ],
)
def test_what_is_installed_is_compared_with_what_is_pinned(
    changes: dict[str, str | None], level: str, text: str
):
    versions = {**INSTALLED, **changes}
    finding = compare_packages(PINNED, {name: one for name, one in versions.items() if one})
    assert finding.level == level
    assert finding.text.startswith(text)


def test_the_tests_run_with_the_pinned_packages():
    (finding,) = package_findings()
    assert finding.level != "failure"
    assert "missing" not in finding.text


def test_missing_packages_are_named_where_there_is_none():
    """Without its site-packages, an interpreter has none: everything that needs one would fail."""
    command = [sys.executable, "-E", "-S", str(ROOT / "main.py"), "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith("failure  packages: ")
    for name in ("aiogram", "pydantic", "sqlalchemy", "yt-dlp"):
        assert f" {name}" in line
    assert line.endswith(" missing: pip install --require-hashes -r requirements.txt")
