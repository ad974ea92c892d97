"""Settings of Sphinx, which makes the pages of the documentation: `make docs`.

The source folder is the whole repository, so links between docs/ and the pages at the top level
work in the site as they do on a forge. Navigation comes from the lists of links on the contents
pages: the Markdown has no directives that a forge would show as code.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).parents[1]
_PROJECT: Final = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
#: Pages whose lists of links are the navigation.
_CONTENTS: Final = ("docs/README", "docs/decisions/README")
_SECTION: Final = re.compile(r"^## (?P<title>.+)\n(?P<body>(?:(?!## ).*\n?)*)", re.MULTILINE)
_ENTRY: Final = re.compile(r"^- \[([^\]]+)\]\(([^)#:]+)\.md\)", re.MULTILINE)

project = "Clipferry"
author = "The authors of Clipferry"
version = release = _PROJECT["version"]

extensions = ["myst_parser"]
root_doc = _CONTENTS[0]
include_patterns = ["*.md", "docs/**.md"]
nitpicky = True

#: Headings down to this level have the anchors that a forge gives them.
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"{project} {release}"
html_additional_pages = {"index": "start.html"}
templates_path = ["site"]
html_copy_source = False
html_show_copyright = False


def _add_navigation(_app: object, page: str, source: list[str]) -> None:
    """Append the navigation to a contents page: one part for each heading with a list."""
    if page in _CONTENTS:
        parts = [(s["title"], _ENTRY.findall(s["body"])) for s in _SECTION.finditer(source[0])]
        source[0] += "".join(_toctree(title, entries) for title, entries in parts if entries)


def _toctree(title: str, entries: list[tuple[str, str]]) -> str:
    lines = "\n".join(f"{name} <{path}>" for name, path in entries)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{lines}\n```\n"


def setup(app: Any) -> None:
    """Register the navigation with Sphinx."""
    app.connect("source-read", _add_navigation)
