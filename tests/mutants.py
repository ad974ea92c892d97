"""Reports how many changes of core/ the tests notice. Run by `make mutants`, after mutmut."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

#: Least share of the mutants that a test must notice, in percent.
FLOOR: Final = 90
_STATS: Final = Path("mutants/mutmut-cicd-stats.json")


def share_killed(stats: dict[str, int]) -> float:
    """Return the share of noticed mutants in percent; those without a test are not noticed."""
    noticed = stats["killed"] + stats["timeout"] + stats["segfault"]
    return 100 * noticed / max(noticed + stats["survived"] + stats["no_tests"], 1)


def main() -> int:
    """Print the share and the mutants that survive; return the exit code."""
    mutmut = [sys.executable, "-m", "mutmut"]
    subprocess.run([*mutmut, "export-cicd-stats"], check=True, stdout=subprocess.DEVNULL)
    share = share_killed(json.loads(_STATS.read_text()))
    print(subprocess.run([*mutmut, "results"], check=True, capture_output=True, text=True).stdout)
    print(f"{share:.1f} % of the mutants of core/ are noticed; at least {FLOOR} % must be.")
    return 0 if share >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
