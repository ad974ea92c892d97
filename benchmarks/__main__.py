"""Run all or the named benchmarks (`make bench`). The exit code is 1 if a target is missed."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import statistics
from benchmarks.members import BENCHMARKS
from benchmarks.stage import world


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
    names = options.names
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"Unknown: {', '.join(sorted(unknown))}. Available: {', '.join(BENCHMARKS)}")
        return 2
    is_met = True
    print(f"{'':42} {'Clipferry':>26} {'baseline':>22} {'ratio':>10}  target")
    for name in names or BENCHMARKS:
        with (
            tempfile.TemporaryDirectory(prefix="clipferry-bench-") as folder,
            world(Path(folder)) as simulator,
        ):
            for result in BENCHMARKS[name](simulator):
                is_met &= result.is_met
                mark = "" if result.is_met else "   MISSED"
                print(
                    f"{result.what:42} {result.value:>26} {result.baseline:>22} "
                    f"{result.ratio:>10}  {result.target}{mark}",
                    flush=True,
                )
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
