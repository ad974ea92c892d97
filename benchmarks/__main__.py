"""`make bench`: all measurements, or those that are named. Exit code 1 if a promise is broken."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import statistics
from benchmarks.members import MEMBERS
from benchmarks.stage import world


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…")
    parser.add_argument("names", nargs="*", help="what is measured; everything without")
    parser.add_argument(
        "--downloads", type=int, default=10_000_000, help="statistics: so many are looked at"
    )
    options = parser.parse_args(arguments)
    statistics.DOWNLOADS = options.downloads
    names = options.names
    unknown = set(names) - set(MEMBERS)
    if unknown:
        print(f"There is {', '.join(MEMBERS)}, but no {', '.join(sorted(unknown))}")
        return 2
    is_kept = True
    print(f"{'':42} {'Clipferry':>26} {'floor':>22} {'ratio':>10}  promise")
    for name in names or MEMBERS:
        with (
            tempfile.TemporaryDirectory(prefix="clipferry-bench-") as folder,
            world(Path(folder)) as stage,
        ):
            for figure in MEMBERS[name](stage):
                is_kept &= figure.is_kept
                mark = "" if figure.is_kept else "   NOT KEPT"
                print(
                    f"{figure.what:42} {figure.value:>26} {figure.floor:>22} "
                    f"{figure.ratio:>10}  {figure.promise}{mark}",
                    flush=True,
                )
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
