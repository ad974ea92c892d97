"""Write the generated files: config.ini, and the tables in docs/ (`make settings`)."""

from data.config import ROOT, SitesSection, describe, write_ini
from platforms import load_registry

SETTINGS = ROOT / "docs" / "settings.md"
SITES = ROOT / "docs" / "sites.md"


def settings_table() -> str:
    """Return one table row for every setting."""
    rows = [
        f"| `{section}` | `{key}` | `{section.upper()}_{key.upper()}` | "
        f"{f'`{default}`' if default else ''} | {meaning} |"
        for section, key, default, meaning in describe()
    ]
    return "\n".join(rows)


def sites_table() -> str:
    """Return one table row for every site, those enabled by default first."""
    allowed = SitesSection().allowed
    others = [name for name in load_registry().by_name if name not in allowed]
    rows = [
        f"| {platform.title}{'' if name in allowed else ' (when allowed)'} "
        f"| {'<br>'.join(f'`{e}`' for e in platform.examples)} |"
        for name, platform in load_registry((*allowed, *others)).by_name.items()
    ]
    return "\n".join(rows)


def render(text: str) -> str:
    """Return a page with the tables between its marks replaced by current ones."""
    for name, table in (("settings", settings_table()), ("sites", sites_table())):
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if mark and end:
            text = f"{before}{mark}{table}\n{end}{after}"
    return text


if __name__ == "__main__":
    (ROOT / "config.ini").write_text(write_ini())
    for page in (SETTINGS, SITES):
        page.write_text(render(page.read_text()))
