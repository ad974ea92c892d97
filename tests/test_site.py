"""The documentation's site builds without a warning, holds together, and needs no network."""

import fcntl
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from data.config import ROOT

pytestmark = pytest.mark.slow
#: Attributes that a browser follows by itself, by element.
_FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class _Page(HTMLParser):
    """What one page offers to links, and where its own lead."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if values.get(_FETCHED.get(tag, "")):
            self.fetched.append(values[_FETCHED[tag]])


@pytest.fixture(scope="module")
def site(shared_folder: Path) -> Path:
    """Return the folder of the site, which is built once, whatever processes the tests run in."""
    folder = shared_folder / "site"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "html").exists():
            build(folder).rename(folder / "html")
    return folder / "html"


def build(folder: Path) -> Path:
    options = ("-q", "-E", "-W", "--keep-going", "-b", "html", "-c", "docs")
    made = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "-d", folder / "cache", ".", folder / "part"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return folder / "part"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    return {path: _Page(path) for path in site.glob("**/*.html")}


@pytest.mark.long
def test_every_page_of_the_docs_is_in_the_site(site: Path):
    for source in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")):
        assert (site / source.relative_to(ROOT).with_suffix(".html")).exists()


def test_every_link_leads_to_a_page_and_an_anchor(pages: dict[Path, _Page]):
    checked = 0
    for path, page in pages.items():
        for link in (*page.links, *page.fetched):
            url = urlsplit(link)
            if url.scheme:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            assert target.exists(), f"{path.name}: {link}"
            if url.fragment and target in pages:
                assert unquote(url.fragment) in pages[target].anchors, f"{path.name}: {link}"
            checked += 1
    assert checked > 1_000


def test_every_table_is_a_table(pages: dict[Path, _Page]):
    """A comment between a table's rows ends the table, here and on a forge."""
    for path in pages:
        assert "<p>| " not in path.read_text(), path.name


def test_no_page_asks_another_server_for_anything(site: Path, pages: dict[Path, _Page]):
    for path, page in pages.items():
        for address in page.fetched:
            assert not urlsplit(address).netloc, f"{path.name}: {address}"
    for style in site.glob("**/*.css"):
        assert "url(http" not in style.read_text(), style.name
        assert "@import" not in style.read_text(), style.name
