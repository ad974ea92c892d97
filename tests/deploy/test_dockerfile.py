"""The image: what is copied into it, how it is linted, and what compose makes of it."""

import ast
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from data.config import ROOT
from tests.stops import longest_stop_s

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
#: Packages that only the demo needs.
_DEMO = {"simulator"}


def imported_folders(start: Path) -> set[str]:
    """Return the folders beside a file that it imports from, also indirectly and in functions."""
    waiting, seen = [start], {start}
    while waiting:
        for node in ast.walk(ast.parse(waiting.pop().read_text())):
            for name in _imported(node):
                path = ROOT.joinpath(*name.split("."))
                for file in (path.with_suffix(".py"), *path.glob("*.py")):
                    if file.exists() and file not in seen:
                        seen.add(file)
                        waiting.append(file)
    return {file.relative_to(ROOT).parts[0] for file in seen if file.parent != ROOT}


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def test_every_package_that_main_imports_is_copied():
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    needed = imported_folders(ROOT / "main.py") - _DEMO
    assert {"app", "core", "platforms"} <= needed
    assert copied == needed | {"locale"}
    assert re.search(r"^COPY main\.py config\.ini \./$", DOCKERFILE, re.MULTILINE)


def test_the_wheel_has_every_package_that_main_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = imported_folders(ROOT / "main.py")
    assert set(wheel["only-include"]) == needed | {"locale"}
    assert wheel["sources"] == {name: f"clipferry/{name}" for name in wheel["only-include"]}
    for file in (*wheel["force-include"], *wheel["shared-data"]):
        assert (ROOT / file).is_file(), file


def test_the_formats_of_every_language_stay_in_the_image():
    kept = re.search(r"\(root\|\(([a-z|]+)\)", DOCKERFILE)
    assert kept
    assert kept[1].split("|") == sorted(file.stem for file in (ROOT / "locale").glob("*.json"))


def test_what_is_copied_is_not_ignored():
    ignored = set((ROOT / ".dockerignore").read_text().split())
    assert not ignored & set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    assert {".git", ".env", "var", "tests"} <= ignored


def test_hadolint_finds_nothing():
    """A pinned tag of a Debian suite is what DL3006 asks for; a digest would hide its updates."""
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--failure-threshold", "style", "-"],
        input=DOCKERFILE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


#: The sets of packages that an image may have, besides those that every image has.
SETS = ["attestations", "fleet", "youtube"]


def test_every_set_of_packages_can_be_chosen_for_the_image():
    """The demo and the development packages are for no image."""
    copied = re.findall(r"requirements-(\w+)\.txt", DOCKERFILE)
    assert copied == SETS
    files = {path.stem for path in ROOT.glob("requirements-*.txt")}
    assert files == {f"requirements-{name}" for name in [*SETS, "demo", "dev"]}


def test_what_only_a_fleet_needs_is_in_no_other_set():
    """One process on its own installs nothing for several."""

    def has(name: str, package: str) -> bool:
        pins = (ROOT / f"requirements{name}.txt").read_text()
        return re.search(rf"^{package}(\[.+\])?==", pins, re.MULTILINE) is not None

    for package in ("procrastinate", "psycopg", "psycopg-binary"):
        carriers = [
            name for name in ("", "-attestations", "-demo", "-youtube") if has(name, package)
        ]
        assert carriers == [], package
        assert has("-fleet", package)
        assert has("-dev", package)


def test_the_sets_of_packages_fit_together():
    """pip refuses two versions, or other hashes, of a package that several files name."""
    pins: dict[str, tuple[str, list[str]]] = {}
    for name in ("", *(f"-{name}" for name in SETS)):
        text = (ROOT / f"requirements{name}.txt").read_text().replace("\\\n", " ")
        for line in text.splitlines():
            pin, _, hashes = line.partition(" --hash=")
            package, _, version = pin.partition(";")[0].partition("==")
            name_and_marker = package.partition("[")[0] + pin.partition(";")[2].strip()
            found = (version.strip(), hashes.split())
            assert pins.setdefault(name_and_marker, found) == found, package
    assert len(pins) > 70


@pytest.mark.parametrize(
    ("names", "files"),
    [
        ("", [""]),
        ("fleet", ["", "-fleet"]),
        ("fleet youtube attestations", ["", "-fleet", "-youtube", "-attestations"]),
        ("requirements-fleet.txt", None),
    ],
)
def test_the_build_installs_the_sets_that_are_named(
    names: str, files: list[str] | None, tmp_path: Path
):
    """Run the shell of the Dockerfile, with a pip that only says how it was called."""
    for name in ("", *(f"-{name}" for name in SETS)):
        (tmp_path / f"requirements{name}.txt").touch()
    pip = tmp_path / "pip"
    pip.write_text("#!/bin/sh\necho $*\nexit 7\n")  # nothing after it runs
    pip.chmod(0o755)
    (command,) = re.findall(r"^RUN (echo .*?)(?<!\\)\n", DOCKERFILE, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("\\\n", "").replace("/requirements/", f"{tmp_path}/")],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "REQUIREMENTS": names},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if files is None:
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"REQUIREMENTS: {names} is no set of packages\n"
        return
    assert done.returncode == 7
    assert "--require-hashes" in done.stdout
    assert done.stdout.endswith(f"-r {tmp_path}/all.txt\n")
    expected = [f"-r requirements{name}.txt" for name in files]
    assert (tmp_path / "all.txt").read_text().splitlines() == expected


def test_compose_builds_every_image_with_the_sets_of_the_environment_file():
    arguments = {
        name: service["build"]["args"]["REQUIREMENTS"]
        for name, service in COMPOSE["services"].items()
        if "build" in service
    }
    more = "${REQUIREMENTS:-}"
    assert arguments.pop("bot") == more
    assert set(arguments.values()) == {f"fleet {more}"}


def test_the_image_runs_as_a_numbered_user_and_reports_its_health():
    *_, final = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    assert re.search(r"^USER \d+$", final, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", final, re.MULTILINE)
    assert "pip" not in final  # the installer stays in the first stage


@pytest.mark.parametrize(("age_s", "is_healthy"), [(5, True), (300, False), (None, False)])
@pytest.mark.parametrize("name", ["var/heartbeat", "elsewhere"])
def test_the_image_is_healthy_while_its_heartbeat_is_new(
    tmp_path: Path, name: str, age_s: int | None, *, is_healthy: bool
):
    found = re.search(r"^HEALTHCHECK .*\\\n\s+CMD (?P<command>\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found
    _, *arguments = json.loads(found["command"])
    heartbeat = tmp_path / name
    heartbeat.parent.mkdir(exist_ok=True)
    if age_s is not None:
        heartbeat.touch()
        os.utime(heartbeat, (time.time() - age_s,) * 2)
    environment = {} if name == "var/heartbeat" else {"FILES_HEARTBEAT": name}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode == 0) is is_healthy


@pytest.mark.parametrize("name", [*COMPOSE["services"]])
def test_compose_pins_every_image_that_it_does_not_build(name: str):
    service = COMPOSE["services"][name]
    if "build" not in service:
        tag = service["image"].partition(":")[2]
        assert re.fullmatch(r"\d[\w.-]*", tag), service["image"]


@pytest.mark.parametrize("name", ["bot", "receiver", "scheduler", "worker"])
def test_compose_runs_the_program_on_a_read_only_root_without_privileges(name: str):
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert float(service["stop_grace_period"].removesuffix("s")) > longest_stop_s()
    # Less than that would kill the encoder, which may take 1 500 MB beside the others.
    assert int(service["mem_limit"].removesuffix("g")) >= 3
    assert service["pids_limit"] > 0
