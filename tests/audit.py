"""Check the pinned dependencies for known vulnerabilities (`make check`).

Without vulnerability data, for example offline or behind a mirror that serves none, the check is
skipped with a visible line, which is no pass. The exit code is 1 only if a vulnerability is found.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
#: What operators and visitors of the demo install; not the tools of developers.
REQUIREMENTS: Final = tuple(
    ROOT / f"requirements{name}.txt"
    for name in ("", "-attestations", "-demo", "-fleet", "-youtube")
)
#: pip-audit's sources of data, in the order in which they are tried.
SERVICES: Final = ("pypi", "osv")

Dependency = dict[str, Any]


class Outcome(Enum):
    """What an audit found."""

    PASSED = "passed"
    FAILED = "failed"
    #: Nothing was checked, because no source has data.
    SKIPPED = "skipped"


def audit(query: Callable[[str], list[Dependency]] | None = None) -> tuple[Outcome, list[str]]:
    """Return the outcome, and the lines of the report.

    `query` returns pip-audit's dependencies from one service; an empty list means no data.
    """
    query = query or _run_pip_audit
    dependencies: list[Dependency] = []
    for service in SERVICES:
        dependencies = query(service)
        if any("skip_reason" not in dependency for dependency in dependencies):
            break
    audited = [entry for entry in dependencies if "skip_reason" not in entry]
    if not audited:
        return Outcome.SKIPPED, ["pip-audit: SKIPPED: no data, nothing was checked"]
    findings = [
        f"pip-audit: {entry['name']} {entry['version']}: {found['id']}"
        f" (fixed in {', '.join(found['fix_versions']) or 'no version yet'})"
        for entry in audited
        for found in entry["vulns"]
    ]
    without_data = [entry["name"] for entry in dependencies if "skip_reason" in entry]
    if without_data:
        findings.append(f"pip-audit: no data about {', '.join(without_data)}")
    is_vulnerable = any(entry["vulns"] for entry in audited)
    summary = f"pip-audit: {len(audited)} dependencies checked"
    return Outcome.FAILED if is_vulnerable else Outcome.PASSED, [*findings, summary]


def command(service: str) -> list[str]:
    """Return the command that audits all pinned files; what they share is checked once."""
    return [
        *(sys.executable, "-m", "pip_audit", "--disable-pip", "--vulnerability-service", service),
        *(part for path in REQUIREMENTS for part in ("--requirement", str(path))),
        *("--format", "json", "--progress-spinner", "off", "--timeout", "10"),
    ]


def _run_pip_audit(service: str) -> list[Dependency]:
    """Run pip-audit; return an empty list if it could not reach its data."""
    try:
        done = subprocess.run(
            command(service), capture_output=True, text=True, timeout=60, check=False
        )
        dependencies: list[Dependency] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return dependencies


if __name__ == "__main__":
    outcome, report = audit()
    sys.stdout.write("\n".join(report) + "\n")
    sys.exit(1 if outcome is Outcome.FAILED else 0)
