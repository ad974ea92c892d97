"""One version number: in core/version.py, pyproject.toml, CHANGELOG.md and `main.py --version`."""

import re
import subprocess
import sys
import tomllib

import pytest

from core.version import VERSION
from data.config import ROOT


def run_main(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


def test_the_changelog_begins_with_the_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == VERSION


def test_the_command_line_prints_the_version():
    done = run_main("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Clipferry {VERSION}\n", "")


@pytest.mark.parametrize(
    "command", ["run", "maintenance", "doctor", "migrate", "recount", "demo"], ids=lambda name: name
)
def test_the_help_names_every_command(command: str):
    assert re.search(rf"^  {command} ", run_main("--help").stdout, re.MULTILINE)


def test_an_unknown_command_is_refused():
    done = run_main("inspect")
    assert done.returncode == 2
    assert "doctor" in done.stderr
