"""The coverage floor names files that are tested too little, or not at all."""

from tests.coverage_floor import FLOOR, too_low


def test_files_below_the_floor_and_files_without_any_test_are_named():
    report = {
        "files": {
            "core/good.py": {"summary": {"percent_covered": float(FLOOR)}},
            "core/bad.py": {"summary": {"percent_covered": FLOOR - 0.1}},
        }
    }
    found = too_low(report, ["core/good.py", "core/bad.py", "core/new.py"])
    assert [line.split()[-1] for line in found] == ["core/bad.py", "core/new.py"]
