"""The demo says in one sentence why it cannot run here."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.doctor.machine import ytdlp_advice
from data.config import ROOT

_PATIENCE_S = 60


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return what an image has of the program, as far as these commands need it."""
    shutil.copy(ROOT / "main.py", tmp_path)
    shutil.copy(ROOT / "config.ini", tmp_path)
    for name in ("app", "core", "data", "platforms"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def errors_of(tree: Path, command: str, **environment: str) -> str:
    """Run a command that ends with exit code 2; return what it prints to standard error."""
    done = subprocess.run(
        [sys.executable, str(tree / "main.py"), command],
        capture_output=True,
        text=True,
        env={"PATH": "/nowhere", **environment},
        timeout=_PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_without_the_simulator_there_is_no_demo_and_no_advice_to_try_it(tree: Path):
    assert errors_of(tree, "demo") == (
        "The demo needs the folder simulator/, which is not here: run it from a checkout.\n"
    )
    errors = errors_of(tree, "run")
    assert "BOT_TOKEN" in errors
    assert "demo" not in errors


def test_the_package_that_a_wheel_with_the_bots_own_pins_lacks_is_named(tree: Path):
    (tree / "simulator").mkdir()
    (tree / "sitecustomize.py").write_text("import sys\nsys.modules['trustme'] = None\n")
    assert errors_of(tree, "demo", PYTHONPATH=str(tree)) == (
        "The demo needs one more package: pip install trustme\n"
    )


def test_the_demo_needs_no_other_package_than_it_says():
    """What it lacks is named one at a time."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (package,) = extras["optional-dependencies"]["demo"]
    assert package.startswith("trustme>=")


def test_a_folder_that_cannot_be_written_is_named(tree: Path):
    (tree / "simulator").mkdir()
    (tree / "var").touch()  # the tests may run as root, who may write everywhere else
    assert errors_of(tree, "demo") == (
        f"The demo writes to {tree / 'var' / 'demo'}, "
        f"but {tree / 'var'} cannot be written by this user.\n"
    )


def test_a_program_without_a_makefile_advises_the_demo_of_the_wheel(tree: Path):
    (tree / "simulator").mkdir()
    assert "try `clipferry demo` first" in errors_of(tree, "run")


def test_only_a_checkout_is_updated_by_make(tmp_path: Path):
    assert "make" not in ytdlp_advice(tmp_path)
    (tmp_path / "Makefile").touch()
    assert ytdlp_advice(tmp_path) == "update it with `make update-yt-dlp`"
