"""Record that every pinned package has a wheel for 64-bit ARM (`make requirements`).

The record names a file and its hash for each pin, so that a test can compare it with the
requirements without a network: no image is built for ARM here.
"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from data.config import ROOT

RECORD: Final = ROOT / "deploy" / "aarch64.txt"
_HEADING: Final = (
    "# The wheel for 64-bit ARM (Linux, glibc 2.36, Python 3.11) of every pin that an image may "
    "have.\n# Written by `make requirements`.\n"
)
#: The image's Python and Debian.
_PYTHON: Final = (3, 11)
_GLIBC: Final = 36
#: What decides whether a pin is installed there.
_ENVIRONMENT: Final = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def tags() -> frozenset[Tag]:
    """Return the tags of all wheels that can be installed in the image for ARM."""
    platforms = ["manylinux2014_aarch64", "linux_aarch64"]
    platforms += [f"manylinux_2_{minor}_aarch64" for minor in range(17, _GLIBC + 1)]
    found = {*cpython_tags(_PYTHON, platforms=platforms)}
    return frozenset({*found, *compatible_tags(_PYTHON, "cp311", platforms)})


def pins(requirements: str) -> Iterator[tuple[Requirement, frozenset[str]]]:
    """Yield each pin that is installed there, with the SHA-256 hashes that it accepts."""
    for entry in requirements.replace("\\\n", " ").splitlines():
        pin, *hashes = entry.split("--hash=sha256:")
        if pin.strip() and not pin.startswith("#"):
            requirement = Requirement(pin.strip())
            if is_installed(requirement.marker):
                yield requirement, frozenset(text.strip() for text in hashes)


def is_installed(marker: Marker | None) -> bool:
    """Return True if a pin with this marker is installed in the image for ARM."""
    return marker is None or marker.evaluate(_ENVIRONMENT)


def is_for_arm(file_name: str) -> bool:
    """Return True if a wheel can be installed in the image for ARM."""
    *_, found = parse_wheel_filename(file_name)
    return bool(found & tags())


def record(lock: dict[str, Any]) -> str:
    """Return the record of a lock file (PEP 751).

    Raises:
        ValueError: a package has no wheel for ARM.
    """
    lines = []
    for package in lock["packages"]:
        if not is_installed(Marker(package["marker"]) if "marker" in package else None):
            continue
        wheels = {wheel["url"].rpartition("/")[2]: wheel for wheel in package.get("wheels", ())}
        name = next((name for name in sorted(wheels) if is_for_arm(name)), None)
        if name is None:
            raise ValueError(f"{package['name']} {package['version']} has no wheel for ARM")
        lines.append(f"{name} sha256:{wheels[name]['hashes']['sha256']}\n")
    return _HEADING + "".join(lines)


if __name__ == "__main__":
    RECORD.write_text(record(tomllib.loads(Path(sys.argv[1]).read_text())))
