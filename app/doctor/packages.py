"""Doctor checks of the packages: `git pull` by hand leaves those of the last version behind.

Imports none of them, for it has to say which ones are missing.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path

from app.doctor.finding import Finding
from core.ytdlp_releases import YTDLP

#: Lies beside main.py in a checkout. A wheel and an image have none: pip has read it there.
_FILE = Path(__file__).parents[2] / "requirements.txt"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
_COMMAND = "pip install --require-hashes -r requirements.txt"


def package_findings() -> Iterator[Finding]:
    """Compare what is installed with what is pinned; nothing in a wheel or an image."""
    if not _FILE.exists():
        return
    installed: dict[str, str] = {}
    for one in distributions():  # the first one of a name is the one that is imported
        # An old version may have left a folder without a name.
        for name in one.metadata.get_all("Name") or ():
            installed.setdefault(_name(name), one.version)
    yield compare_packages(_FILE.read_text(encoding="utf-8"), installed)


def compare_packages(pinned: str, installed: Mapping[str, str]) -> Finding:
    """Compare the text of a requirements file with the versions of packages by their names.

    A package may be pinned more than once, for different versions of Python. The version of yt-dlp
    has a finding of its own, because it can be newer.
    """
    wanted: dict[str, list[str]] = {}
    for name, version in _PIN.findall(pinned):
        wanted.setdefault(_name(name), []).append(version)
    missing = [name for name in wanted if name not in installed]
    if missing:
        return Finding("failure", f"packages: {', '.join(missing)} missing: {_COMMAND}")
    wanted.pop(YTDLP, None)
    others = [
        f"{name} {installed[name]} instead of {' or '.join(versions)}"
        for name, versions in wanted.items()
        if installed[name] not in versions
    ]
    if others:
        return Finding("warning", f"packages: {', '.join(others)}: {_COMMAND}")
    return Finding("ok", f"packages: {len(wanted)}, as pinned in requirements.txt")


def _name(name: str) -> str:
    """Return the normalised name.

    Source: https://peps.python.org/pep-0503/#normalized-names
    """
    return re.sub(r"[-_.]+", "-", name).lower()
