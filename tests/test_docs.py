"""The papers say what is: generated tables are fresh, links lead somewhere, commands exist."""

import re
from pathlib import Path

import pytest

from data.config import ROOT
from tests.generated import README, platforms_table, render_readme, settings_table

PAPERS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def test_the_tables_of_the_readme_are_fresh():
    """If this fails, run `make settings`."""
    text = README.read_text()
    assert settings_table() in text
    assert platforms_table() in text
    assert render_readme(text) == text


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.name)
def test_links_between_papers_lead_somewhere(paper: Path):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", paper.read_text()):
        assert (paper.parent / target).exists(), target


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    for paper in PAPERS:
        for target in re.findall(r"make ([a-z]+)", "\n".join(_commands(paper.read_text()))):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{paper.name}: {target}"


def _commands(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
