"""The doctor names packages that an update by hand has left behind."""

import subprocess
import sys
from pathlib import Path

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


#: Runs a command after a statement that breaks something.
_BROKEN = """
import sys

import app.doctor.packages, main
from app.doctor.finding import Finding

def fail():
    yield Finding("ok", "the first part")
    raise KeyError("hunter2")

exec(sys.argv.pop(1))
sys.exit(main.main())
"""
_NO_PYDANTIC = "sys.modules['pydantic'] = None"


def run_broken(folder: Path, statement: str, command: str) -> tuple[int, list[str], str]:
    """Run a command in another process; return its exit code, lines and errors."""
    done = subprocess.run(
        [sys.executable, "-c", _BROKEN, statement, command],
        cwd=ROOT,
        env={"PATH": "/nowhere", "DATABASE_URL": f"sqlite:///{folder / 'bot.db'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "hunter2" not in done.stdout + done.stderr
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_an_unexpected_error_in_the_check_of_the_packages_is_a_line_and_the_others_go_on(
    tmp_path: Path,
):
    code, lines, errors = run_broken(
        tmp_path, "app.doctor.packages.package_findings = fail", "doctor"
    )
    assert (code, errors) == (1, "")
    assert lines[0] == "ok       the first part"
    assert lines[1].startswith("failure  the check of the packages failed: KeyError in <string>")
    assert any(line.startswith("ok       database: it is empty") for line in lines[2:])
    assert any("[bot] token (BOT_TOKEN) is empty" in line for line in lines[2:])


def test_a_damaged_package_is_a_line_of_the_doctor_and_a_sentence_elsewhere(tmp_path: Path):
    code, lines, errors = run_broken(tmp_path, _NO_PYDANTIC, "doctor")
    assert (code, errors) == (1, "")
    assert lines[-1].startswith("failure  packages: import of pydantic halted")
    code, lines, errors = run_broken(tmp_path, _NO_PYDANTIC, "migrate")
    assert (code, lines) == (1, [])
    assert errors.startswith("A package is missing or damaged, see `doctor`: import of pydantic")
