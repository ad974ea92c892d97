"""Write the generated files: config.ini, and tables, lists and a picture in docs/.

`make settings` runs this.
"""

from pathlib import Path

from data.config import ROOT, SitesSection, describe, write_ini
from platforms import load_registry
from tests import badges
from tests.architecture import PICTURE, draw

SETTINGS = ROOT / "docs" / "settings.md"
SITES = ROOT / "docs" / "sites.md"
DECISIONS = ROOT / "docs" / "decisions" / "README.md"
#: Pages with tables or lists that are generated.
PAGES = (SETTINGS, SITES, DECISIONS)


def settings_table() -> str:
    """Return a table with a row for every setting."""
    rows = [
        f"| `{section}` | `{key}` | `{section.upper()}_{key.upper()}` | "
        f"{f'`{default}`' if default else ''} | {meaning} |"
        for section, key, default, meaning in describe()
    ]
    return "\n".join(
        [
            "| Section | Key | Environment | Default | Meaning |",
            "| --- | --- | --- | --- | --- |",
            *rows,
        ]
    )


def sites_table() -> str:
    """Return a table with a row for every site, those enabled by default first."""
    allowed = SitesSection().allowed
    others = [name for name in load_registry().by_name if name not in allowed]
    rows = [
        f"| {platform.title}{'' if name in allowed else ' (when allowed)'} "
        f"| {'<br>'.join(f'`{e}`' for e in platform.examples)} |"
        for name, platform in load_registry((*allowed, *others)).by_name.items()
    ]
    return "\n".join(["| Site | Links such as |", "| --- | --- |", *rows])


def decisions_list() -> str:
    """Return one list entry for every decision, in the order of their numbers."""
    pages = sorted(DECISIONS.parent.glob("[0-9]*.md"))
    titles = [page.read_text().partition("\n")[0].removeprefix("# ") for page in pages]
    return "\n".join(f"- [{t}]({page.name})" for t, page in zip(titles, pages, strict=True))


def pictures() -> dict[Path, str]:
    """Return the SVG of each picture that is drawn from the code."""
    return {PICTURE: draw()} | {badges.FOLDER / name: b for name, b in badges.badges().items()}


def render(text: str) -> str:
    """Return a page with what is between its marks replaced by what is current."""
    for name, table in (
        ("settings", settings_table()),
        ("sites", sites_table()),
        ("decisions", decisions_list()),
    ):
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if mark and end:
            text = f"{before}{mark}{table}\n{end}{after}"
    return text


if __name__ == "__main__":
    (ROOT / "config.ini").write_text(write_ini())
    for path, picture in pictures().items():
        path.write_text(picture)
    for page in PAGES:
        page.write_text(render(page.read_text()))
