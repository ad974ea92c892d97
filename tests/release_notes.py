"""Print the release notes of the current version: its section of CHANGELOG.md (`make dist`)."""

import re
import sys

from core.version import VERSION
from data.config import ROOT


def release_notes(changelog: str, version: str) -> str:
    """Return a version's section of a changelog, with the version in its heading.

    Raises:
        ValueError: there is no such section.
    """
    section = re.search(
        rf"^## {re.escape(version)}(?!\S)[^\n]*\n(.*?)(?=^## |\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    if not section or not section[1].strip():
        raise ValueError(f"CHANGELOG.md has no section about {version}")
    return f"# Clipferry {version}\n\n{section[1].strip()}\n"


if __name__ == "__main__":
    sys.stdout.write(release_notes((ROOT / "CHANGELOG.md").read_text(), VERSION))
