"""What is written from declarations: config.ini and the tables of the README (`make settings`)."""

from data.config import ROOT, SitesSection, describe, write_ini
from platforms import load_registry

README = ROOT / "README.md"


def settings_table() -> str:
    """Give a row for every setting."""
    rows = [
        f"| `{section}` | `{key}` | `{section.upper()}_{key.upper()}` | "
        f"{f'`{default}`' if default else ''} | {meaning} |"
        for section, key, default, meaning in describe()
    ]
    return "\n".join(rows)


def platforms_table() -> str:
    """Give a row for every platform, those that are served by default first."""
    allowed = SitesSection().allowed
    others = [name for name in load_registry().by_name if name not in allowed]
    rows = [
        f"| {platform.title}{'' if name in allowed else ' (when allowed)'} "
        f"| {'<br>'.join(f'`{e}`' for e in platform.examples)} |"
        for name, platform in load_registry((*allowed, *others)).by_name.items()
    ]
    return "\n".join(rows)


def render_readme(text: str) -> str:
    """Put the tables between their marks."""
    for name, table in (("settings", settings_table()), ("platforms", platforms_table())):
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, mark, after = rest.partition(f"<!-- /{name} -->")
        text = f"{before}<!-- {name} -->\n{table}\n{mark}{after}"
    return text


if __name__ == "__main__":
    (ROOT / "config.ini").write_text(write_ini())
    README.write_text(render_readme(README.read_text()))
