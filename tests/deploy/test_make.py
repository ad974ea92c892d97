"""`make dist` and `make update-yt-dlp`, run on copies of the tree, without a network."""

import asyncio
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from core.version import VERSION
from core.ytdlp_releases import EJS, YTDLP
from data.config import ROOT
from tests.e2e.bot_harness import PATIENCE_S
from tests.release_notes import release_notes
from tests.test_house import tracked
from tests.ytdlp_releases import FakeIndex, serving_index, wheel_files, write_wheel

pytestmark = pytest.mark.slow

#: A dependency that nothing upgrades.
OTHER = "clipferry-sample"


def copy_of_tree(folder: Path, names: Iterable[str]) -> Path:
    """Copy files of this tree to a folder of their own."""
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return folder


def pins(requirements: str) -> dict[str, str]:
    """Return the pinned versions by name."""
    return dict(re.findall(r"^([\w.-]+)(?:\[\S*\])?==([^\s;]+)", requirements, re.MULTILINE))


# --- make dist ------------------------------------------------------------------------------------


def make_dist(tree: Path) -> Path:
    """Build a release in a tree with this environment; return its folder."""
    environment = Path(sys.prefix)
    packages = environment / "dev"  # is not brought up to date: that needs an index
    done = subprocess.run(
        ["make", f"--old-file={packages}", f"VENV={environment}", "dist"],
        cwd=tree,
        env={"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": "1700000000"},
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return tree / "dist"


def sums(folder: Path) -> dict[str, str]:
    """Return the checksums that a release has, by file."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


@pytest.mark.long
def test_a_release_has_its_parts_with_true_checksums_and_every_pin_in_its_bill_of_materials(
    tmp_path: Path,
):
    release = make_dist(copy_of_tree(tmp_path / "one", tracked()))
    base = f"clipferry-{VERSION}"
    listed = sums(release)
    assert listed.keys() == {
        f"{base}-py3-none-any.whl",
        f"{base}-requirements.txt",
        f"{base}.cdx.json",
        f"{base}-notes.md",
    }
    assert {path.name for path in release.iterdir()} == {*listed, "SHA256SUMS"}
    for name, digest in listed.items():
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == digest, name

    requirements = (ROOT / "requirements.txt").read_text()
    assert (release / f"{base}-requirements.txt").read_text() == requirements
    materials = json.loads((release / f"{base}.cdx.json").read_text())
    named = materials["metadata"]["component"]
    assert (named["name"], named["version"]) == ("clipferry", VERSION)
    components = {part["name"]: part["version"] for part in materials["components"]}
    assert len(components) > 30
    assert components == pins(requirements)

    with ZipFile(release / f"{base}-py3-none-any.whl") as wheel:
        about = wheel.read(f"{base}.dist-info/METADATA").decode()
    assert f"\nVersion: {VERSION}\n" in about
    notes = release_notes((ROOT / "CHANGELOG.md").read_text(), VERSION)
    assert (release / f"{base}-notes.md").read_text() == notes

    # Another place and another time make no other release.
    assert sums(make_dist(copy_of_tree(tmp_path / "two", tracked()))) == listed


# --- make clean -----------------------------------------------------------------------------------


def test_cleaning_up_leaves_what_belongs_to_a_bot(tmp_path: Path):
    """A checkout that runs a bot has its database in the same folder."""
    copy_of_tree(tmp_path, ["Makefile"])
    made = {"dist/x.whl", "var/samples/clip.mp4", "var/docs/index.html", ".venv/dev"}
    kept = {"var/clipferry.db", "var/identities/x/a.txt", "var/backups/a.backup", ".env"}
    for name in made | kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"Makefile", *kept}


# --- make update-yt-dlp ---------------------------------------------------------------------------

OLD, NEW = "2098.1.1", "2099.1.1"
SETS = ("", "-attestations", "-demo", "-fleet", "-youtube", "-dev")
#: Depends on yt-dlp, its scripts, and a package that is not to change.
PROJECT = f"""
[project]
name = "clipferry"
version = "1"
requires-python = ">=3.11"
dependencies = ["{OTHER}", "{YTDLP}"]
[project.optional-dependencies]
attestations = []
demo = []
fleet = []
youtube = ["{EJS}"]
dev = []
[tool.pytest.ini_options]
addopts = "--import-mode=importlib -p no:cacheprovider"
"""
#: What stands for the tests of the sites: they run with the release that was pinned.
SITE_TEST = f"""
from yt_dlp.version import __version__

def test_the_release():
    assert __version__ == "{NEW}"
"""
SITE_TESTS = ("platforms/test_any.py", "e2e/test_more_sites.py", "e2e/test_instagram.py")


def small_tree(folder: Path, requirements: Mapping[str, str]) -> Path:
    """Write a project with these requirements, and with an environment of its own.

    It has the packages of this environment, too, and nothing is installed or removed there.
    """
    code = [name for name in tracked() if re.match(r"(core|data)/.*\.py$", name)]
    copy_of_tree(folder, ["Makefile", "tests/aarch64.py", *code])
    files = {"pyproject.toml": PROJECT, "deploy/aarch64.txt": "", **requirements}
    for name, text in (files | {f"tests/{name}": SITE_TEST for name in SITE_TESTS}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    environment = folder / ".venv"
    venv.create(environment, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (environment / "bin/uv").symlink_to(Path(sysconfig.get_path("scripts")) / "uv")
    (environment / "dev").touch()
    return folder


def add_release(index: FakeIndex, folder: Path, project: str, version: str) -> str:
    """Let the index have a release; return the pin of it."""
    package = {"__init__.py": b"", "version.py": f"__version__ = {version!r}\n".encode()}
    wheel = write_wheel(folder, project, version, wheel_files(project, version, package))
    entry = index.add(project, wheel)
    return f"{project}=={version} \\\n    --hash=sha256:{entry['hashes']['sha256']}\n"


async def make_update(tree: Path, index: FakeIndex) -> str:
    """Update yt-dlp in a tree; return what was printed."""
    process = await asyncio.create_subprocess_exec(
        *("make", "update-yt-dlp"),
        cwd=tree,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tree),
            "UV_DEFAULT_INDEX": f"{index.url}/simple",
            "PIP_INDEX_URL": f"{index.url}/simple",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(300):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_an_update_pins_the_newest_yt_dlp_alone_and_runs_the_tests_of_the_sites_with_it(
    tmp_path: Path,
):
    async with serving_index() as index:
        old, scripts, other = (
            add_release(index, tmp_path, project, version)
            for project, version in ((YTDLP, OLD), (EJS, "0.8.0"), (OTHER, "1.0"))
        )
        new, new_scripts, _ = (
            add_release(index, tmp_path, project, version)
            for project, version in ((YTDLP, NEW), (EJS, "0.9.0"), (OTHER, "2.0"))
        )
        before = {f"requirements{name}.txt": other + old for name in SETS}
        before["requirements-youtube.txt"] += scripts
        tree = small_tree(tmp_path / "tree", before)
        output = await make_update(tree, index)

    after = {name: (tree / name).read_text() for name in before}
    expected = dict.fromkeys(before, other + new)
    expected["requirements-youtube.txt"] += new_scripts
    assert after == expected
    assert "3 passed" in output
    recorded = (tree / "deploy/aarch64.txt").read_text()
    assert f"yt_dlp-{NEW}-py3-none-any.whl sha256:" in recorded
