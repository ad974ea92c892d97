"""Names the files of the bot that a whole run of the tests covers too little.

Run by `make coverage`, with the reports that SlipCover has written.
"""

import json
import sys
from functools import reduce
from pathlib import Path
from typing import Any

from slipcover import merge_coverage

from tests.measured import REPORTS

PACKAGES = (
    "app",
    "core",
    "data",
    "delivery",
    "handlers",
    "media",
    "misc",
    "platforms",
    "services",
)
#: Least share of a file's lines that the tests run through, in percent.
FLOOR = 80


def too_low(report: dict[str, Any], files: list[str]) -> list[str]:
    """List the files below the floor, with their share; a file that no test imports has 0 %."""
    shares = {
        name: float(found["summary"]["percent_covered"]) for name, found in report["files"].items()
    }
    return [f"{shares.get(name, 0):5.1f} % {name}" for name in files if shares.get(name, 0) < FLOOR]


def main() -> int:
    """Print the files below the floor; return the exit code."""
    report = reduce(merge_coverage, (json.loads(each.read_text()) for each in REPORTS.iterdir()))
    files = [
        str(path)
        for package in PACKAGES
        for path in sorted(Path(package).rglob("*.py"))
        if "migrations" not in path.parts
    ]
    found = too_low(report, files)
    print(*found or [f"Every one of {len(files)} files has at least {FLOOR} % coverage."], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
