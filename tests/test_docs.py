"""The docs are true: generated tables are current, links lead somewhere, commands exist."""

import re
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name
from typing import get_args

import pytest

from core.drop_reasons import DropReason
from data.config import ROOT, write_ini
from tests.generated import (
    DECISIONS,
    PAGES,
    SETTINGS,
    SITES,
    decisions_list,
    pictures,
    render,
    settings_table,
    sites_table,
)

DOCS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("**/*.md"))]
README = ROOT / "README.md"
#: Packages of the program, whose files the docs name by their paths.
_PACKAGES = "app|core|data|delivery|handlers|media|misc|platforms|services|simulator|tests|locale"


def test_generated_files_are_current():
    """If this fails, run `make settings`."""
    assert (ROOT / "config.ini").read_text() == write_ini()
    assert settings_table() in SETTINGS.read_text()
    assert sites_table() in SITES.read_text()
    assert decisions_list() in DECISIONS.read_text()
    for path, picture in pictures().items():
        assert path.read_text() == picture, path.name
    for page in PAGES:
        assert render(page.read_text()) == page.read_text()


def test_the_readme_is_short():
    assert len(README.read_bytes()) <= 8_000


@pytest.mark.parametrize("page", DOCS, ids=lambda path: path.name)
def test_links_between_docs_lead_somewhere(page: Path):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", DOCS, ids=lambda path: path.name)
def test_links_to_headings_lead_to_one(page: Path):
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", page.read_text()):
        other = (page.parent / target) if target else page
        if other.suffix == ".md":
            assert anchor in _anchors(other.read_text()), f"{target}#{anchor}"


def _anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", plain, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", DOCS, ids=lambda path: path.name)
def test_files_named_in_the_docs_exist(page: Path):
    for path in re.findall(rf"`((?:{_PACKAGES})/[\w./-]+\.\w+)`", page.read_text()):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", DOCS, ids=lambda path: path.name)
def test_code_named_in_the_docs_exists(page: Path):
    """Names such as `data.database.read`: what has moved is named where it is now."""
    for name in re.findall(rf"`((?:{_PACKAGES})(?:\.\w+)+)`", page.read_text()):
        if not name.endswith((".css", ".html", ".ini", ".js", ".json", ".md", ".py", ".txt")):
            resolve_name(name)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/operating/monitoring.md"])
def test_every_reason_to_drop_an_update_is_explained(page: str):
    words = set(re.findall(r"\w+", (ROOT / page).read_text()))
    assert set(get_args(DropReason)) - words == set()


def test_decisions_are_numbered_without_gaps():
    pages = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in pages] == list(range(1, len(pages) + 1))
    for path in pages:
        assert path.read_text().startswith(f"# {path.name[:4]} "), path.name


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    for page in DOCS:
        for target in re.findall(r"make ([a-z-]+)", "\n".join(_commands(page.read_text()))):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page.name}: {target}"


def _commands(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def test_the_exit_codes_of_the_page_and_of_the_help_are_those_of_the_program():
    page = (ROOT / "docs/operating/running.md").read_text()
    table = {int(code) for code in re.findall(r"^\| (\d) \|", page, re.MULTILINE)}
    text = subprocess.run(
        [sys.executable, "main.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = {int(code) for code in re.findall(r"^  (\d)  ", text, re.MULTILINE)}
    source = (ROOT / "main.py").read_text()
    wrong, failed = re.findall(r"^WRONG_SETTING, FAILED = (\d), (\d)$", source, re.MULTILINE)[0]
    assert table == listed == {0, int(wrong), int(failed)}
