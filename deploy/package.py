"""Clipferry as an installed program: the wheel has this file as `clipferry/__init__.py`.

The bot's packages have short names (`core`, `data`, …). In the wheel they are inside of this one,
so that only `clipferry` is added to an environment, and are importable only in its own processes.
"""

import sys
from pathlib import Path


def main() -> int:
    """Run the command line, and return the exit code."""
    sys.path.insert(0, str(Path(__file__).parent))
    from main import main as run

    return run()
