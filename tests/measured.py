"""Programs that need a process of their own, and are measured there by `make coverage`."""

import os
import sys
from pathlib import Path
from typing import Final
from uuid import uuid4

from data.config import ROOT

#: Where each measured process writes its report.
REPORTS: Final = ROOT / "var" / "coverage"


def measured(script: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment that run a script from the project's folder."""
    environment = {"PYTHONPATH": str(ROOT)} | {
        # A second SlipCover with these would take the reports of the tests' processes for its own.
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SLIPCOVER_")
    }
    if "SLIPCOVER_ENABLED" not in os.environ:
        return [sys.executable, str(script)], environment
    report = REPORTS / f"{uuid4().hex}.json"
    slipcover = [sys.executable, "-m", "slipcover", "--dont-wrap-pytest", "--out", str(report)]
    return [*slipcover, str(script)], environment
