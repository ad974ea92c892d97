"""Check the pinned dependencies for known vulnerabilities (`make check`).

Without vulnerability data, for example offline or behind a mirror that serves none, the check is
skipped with a visible line. It fails only if a vulnerability is found.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS: Final = ROOT / "requirements.txt"
#: pip-audit's sources of data, in the order in which they are tried.
SERVICES: Final = ("pypi", "osv")

Dependency = dict[str, Any]


def audit(query: Callable[[str], list[Dependency]] | None = None) -> tuple[bool, list[str]]:
    """Return whether the check passed, and the lines of the report.

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
        return True, ["pip-audit: skipped: no data"]
    findings = [
        f"pip-audit: {entry['name']} {entry['version']}: {found['id']}"
        f" (fixed in {', '.join(found['fix_versions']) or 'no version yet'})"
        for entry in audited
        for found in entry["vulns"]
    ]
    without_data = [entry["name"] for entry in dependencies if "skip_reason" in entry]
    if without_data:
        findings.append(f"pip-audit: no data about {', '.join(without_data)}")
    has_vulnerability = any(entry["vulns"] for entry in audited)
    summary = f"pip-audit: {len(audited)} dependencies checked"
    return not has_vulnerability, [*findings, summary]


def _run_pip_audit(service: str) -> list[Dependency]:
    """Run pip-audit; return an empty list if it could not reach its data."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--requirement"]
    command += [str(REQUIREMENTS), "--vulnerability-service", service]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        dependencies: list[Dependency] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return dependencies


if __name__ == "__main__":
    passed, report = audit()
    sys.stdout.write("\n".join(report) + "\n")
    sys.exit(0 if passed else 1)
