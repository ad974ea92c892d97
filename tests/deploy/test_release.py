"""What a release consists of: its notes, and a wheel for 64-bit ARM behind every pin."""

import pytest
from packaging.utils import canonicalize_name, parse_wheel_filename

from core.version import VERSION
from data.config import ROOT
from tests.aarch64 import RECORD, is_for_arm, pins, record
from tests.deploy.test_dockerfile import SETS
from tests.release_notes import release_notes


def test_every_pin_has_a_recorded_wheel_for_arm():
    """If this fails after a change of the requirements, run `make aarch64`."""
    recorded = {}
    for line in RECORD.read_text().splitlines():
        if not line.startswith("#"):
            name, _, digest = line.partition(" sha256:")
            project, number, *_ = parse_wheel_filename(name)
            assert is_for_arm(name), name
            recorded[project] = (str(number), digest)
    needed = {}
    for name in ("", *(f"-{name}" for name in SETS)):
        for pin, hashes in pins((ROOT / f"requirements{name}.txt").read_text()):
            project = canonicalize_name(pin.name)
            needed[project] = str(pin.specifier)
            version, digest = recorded.get(project, ("missing", ""))
            assert str(pin.specifier) == f"=={version}", pin
            assert digest in hashes, pin
    assert needed.keys() == recorded.keys()
    assert len(needed) > 30


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x-1.0-py3-none-any.whl", True),
        ("x-1.0-py2.py3-none-any.whl", True),
        ("x-1.0-cp311-cp311-manylinux2014_aarch64.manylinux_2_17_aarch64.whl", True),
        ("x-1.0-cp39-abi3-manylinux_2_28_aarch64.whl", True),
        ("x-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", False),
        ("x-1.0-cp313-cp313-manylinux_2_28_aarch64.whl", False),
        ("x-1.0-cp311-cp311-musllinux_1_2_aarch64.whl", False),
        ("x-1.0-cp311-cp311-macosx_11_0_arm64.whl", False),
        ("x-1.0-cp311-cp311-manylinux_2_40_aarch64.whl", False),
    ],
)
def test_wheels_for_arm_are_recognised(name: str, expected: bool):
    assert is_for_arm(name) is expected


def test_a_package_without_a_wheel_for_arm_is_named():
    def package(name: str, file: str, **more: str) -> dict[str, object]:
        wheel = {"url": f"https://index.invalid/{file}", "hashes": {"sha256": "ab"}}
        return {"name": name, "version": "1.0", "wheels": [wheel], **more}

    pure = package("pure", "pure-1.0-py3-none-any.whl")
    other = package("other", "other-1.0-cp311-cp311-win_amd64.whl")
    on_windows = {**other, "marker": "sys_platform == 'win32'"}
    assert record({"packages": [pure, on_windows]}).splitlines()[2:] == [
        "pure-1.0-py3-none-any.whl sha256:ab"
    ]
    with pytest.raises(ValueError, match=r"other 1\.0 has no wheel for ARM"):
        record({"packages": [pure, other]})


def test_pins_are_read_with_their_markers_and_hashes():
    text = (
        "# a comment\na==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "b==2 ; sys_platform == 'win32' \\\n    --hash=sha256:cc\n"
    )
    assert [(str(pin), set(hashes)) for pin, hashes in pins(text)] == [("a==1", {"aa", "bb"})]


CHANGELOG = "# Changelog\n\n## 0.2.0\n\n### Added\n\n- Two.\n\n## 0.1.0\n\n- One.\n"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.2.0", "# Clipferry 0.2.0\n\n### Added\n\n- Two.\n"),
        ("0.1.0", "# Clipferry 0.1.0\n\n- One.\n"),
    ],
)
def test_the_notes_of_a_version_are_its_section(version: str, expected: str):
    assert release_notes(CHANGELOG, version) == expected


@pytest.mark.parametrize("version", ["0.3.0", "0.2", "2.0"])
def test_a_version_without_a_section_has_no_notes(version: str):
    with pytest.raises(ValueError, match="no section"):
        release_notes(CHANGELOG, version)


def test_this_version_has_notes():
    assert release_notes((ROOT / "CHANGELOG.md").read_text(), VERSION).count("\n- ") > 20
