"""Run all or the named benchmarks (`make bench`). The exit code is 1 if a target is missed."""

import argparse
import subprocess
import sys
import time

from benchmarks import statistics
from benchmarks.members import BENCHMARKS
from benchmarks.results import Result
from benchmarks.stage import new_world


def main(arguments: list[str]) -> int:
    """Run the benchmarks and print the results; return the exit code."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…")
    parser.add_argument("names", nargs="*", help="benchmarks to run; default: all")
    parser.add_argument(
        "--downloads",
        type=int,
        default=10_000_000,
        help="number of downloads in the statistics database",
    )
    options = parser.parse_args(arguments)
    statistics.DOWNLOADS = options.downloads
    names = options.names or list(BENCHMARKS)
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"Unknown: {', '.join(sorted(unknown))}. Available: {', '.join(BENCHMARKS)}")
        return 2
    print(f"{'':44} {'Clipferry':>26} {'baseline':>24} {'ratio':>10}  target")
    missed: list[str] = []
    took_s: dict[str, float] = {}
    for name in names:
        began = time.monotonic()
        missed += [result.what for result in _run(name) if not result.is_met]
        took_s[name] = time.monotonic() - began
    took = ", ".join(f"{name} {seconds:.0f}" for name, seconds in took_s.items())
    print(f"\nSeconds: {took}; together {sum(took_s.values()):.0f}")
    print(f"Missed: {'; '.join(missed) or 'none'}")
    return 1 if missed else 0


def _run(name: str) -> list[Result]:
    """Run one benchmark with a simulator of its own, and print its lines."""
    try:
        with new_world() as simulator:
            results = BENCHMARKS[name](simulator)
    except (RuntimeError, subprocess.SubprocessError) as error:
        results = [Result(name, f"failed: {error}", "-", "-", "-", is_met=False)]
    for result in results:
        print(
            f"{result.what:44} {result.value:>26} {result.baseline:>24} "
            f"{result.ratio:>10}  {result.target}{'' if result.is_met else '   MISSED'}",
            flush=True,
        )
    return results


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
