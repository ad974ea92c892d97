"""The docs are true: generated tables are current, links lead somewhere, commands exist."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
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


# --- what the program says ------------------------------------------------------------------------


OPERATING = [ROOT / "docs/operating.md", *sorted((ROOT / "docs/operating").glob("*.md"))]
#: What other programs say: Telegram, PostgreSQL, SQLite, the system; and a browser extension.
OF_OTHERS = {
    *("Connection refused", "Connection timed out", "SSL error … certificate verify failed"),
    *("Wrong response from the webhook: 404", "server version mismatch", "No space left on device"),
    *("database or disk is full", "Get cookies.txt LOCALLY"),
}


def quotes_of(text: str) -> Iterator[str]:
    """Yield the messages that a page quotes, also the doctor's lines in its examples."""
    yield from re.findall(r"^ *(?:ok|warning|failure)  +(.+)$", text, re.MULTILINE)
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    yield from re.findall(r'"([^"\n]+)"', re.sub(r"`[^`\n]+`", "", prose))


def parts_of(quote: str) -> list[str]:
    """Return what a quoted message certainly has: numbers and files are those of an example."""
    return [part.strip(" ,") for part in re.split(r"…|: |\d{4,}|\(/.*\)", quote)]


@cache
def source() -> list[str]:
    """Return the texts of the program's files."""
    folders = [ROOT / name for name in _PACKAGES.split("|") if name not in {"tests", "simulator"}]
    files = (ROOT / "main.py", *(file for folder in folders for file in folder.rglob("*.py")))
    return [file.read_text() for file in files]


@cache
def said() -> str:
    """Return all that the program says, with a line break in place of each value."""
    texts = json.loads((ROOT / "locale/en.json").read_text()).values()
    found = (text for file in source() for text in _texts(ast.parse(file)))
    return "\n".join(map(str, (*texts, *found)))


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "\n" for part in node.values]
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("page", OPERATING, ids=lambda path: path.name)
def test_messages_that_the_operators_pages_quote_are_those_of_the_program(page: Path):
    for quote in set(quotes_of(page.read_text())) - OF_OTHERS:
        for part in parts_of(quote):
            assert part in said(), quote


@pytest.mark.parametrize("page", OPERATING, ids=lambda path: path.name)
def test_events_settings_and_metrics_that_the_operators_pages_name_exist(page: Path):
    words = {word for text in source() for word in re.findall(r"\w+", text)}
    for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", page.read_text()):
        # prometheus_client adds the ends of these names, and has those of the process.
        stem = re.sub(r"^(clipferry_\w+)_(?:total|info)$", r"\1", name)
        assert stem in words or name.startswith("process_"), name


def test_a_quoted_message_is_found_with_its_values():
    quoted = 'It says "x is 0016, y … (/a/b.db)". `"no"`\n```\nok       z: w\n"no"\n```\n'
    assert list(quotes_of(quoted)) == ["z: w", "x is 0016, y … (/a/b.db)"]
    assert parts_of("x is 0016, y … (/a/b.db)") == ["x is", "y", "", ""]


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
