"""The program as operators run it: on a read-only tree as an ordinary user, and from its wheel."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import venv
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from core.version import VERSION
from core.ytdlp_releases import YTDLP
from data.config import ROOT
from tests.e2e.bot_harness import PATIENCE_S, VIDEO, BotHarness
from tests.e2e.test_ytdlp_update import GOOD, said, started
from tests.ytdlp_releases import serving_index, ytdlp_wheel

pytestmark = pytest.mark.slow

#: Debian's user without rights.
_NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder that every user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="clipferry-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def settings(harness: BotHarness, var: Path) -> dict[str, str]:
    """Return the environment that connects a program with the simulator; all files are in `var`."""
    environment = harness.simulator.bot_environment(harness.folder)
    for name in ("NETWORK_PROXY_FILE", "NETWORK_CA_FILE"):
        environment[name] = str(shutil.copy(environment[name], str(var)))
    # The defaults, which are below var.
    for name in ("FILES_SPOOL_DIR", "FILES_HEARTBEAT", "IDENTITIES_FOLDER"):
        del environment[name]
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}


def output_of(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


async def serve_a_link(harness: BotHarness, process: Process) -> str:
    """Send a link, wait for its video, stop the program, and return its log."""
    harness.video()
    await harness.until(
        lambda: harness.api.polls or process.returncode is not None, "the first getUpdates"
    )
    harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: harness.videos() or process.returncode is not None, "the video")
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    _, log = await process.communicate()
    assert process.returncode == 0, log.decode()
    assert len(harness.videos()) == 1
    return log.decode()


# --- a read-only tree -----------------------------------------------------------------------------


def as_ordinary_user(folder: Path) -> list[str]:
    """Return the command line of a Python that runs as a user without rights.

    As root, another user is needed, who may be unable to reach this Python: it is then mounted at a
    second place.
    """
    python = Path(sys.executable).resolve()
    if os.getuid():
        return [str(python)]
    drop = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    drop += ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    if all(path.stat().st_mode & 0o001 for path in python.parents):
        return [*drop, str(python)]
    second = folder / "python"
    second.mkdir()
    mount = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"']
    inside = str(second / python.relative_to(sys.base_prefix))
    libraries = ["env", f"LD_LIBRARY_PATH={second / 'lib'}"]
    command = [*mount, "sh", sys.base_prefix, str(second), *drop, *libraries, inside]
    if subprocess.run([*command, "-c", ""], capture_output=True, check=False).returncode:
        reason = "no other user can run this Python, and no file system can be mounted here"
        # Continuous integration is root, and can: there it must not be left out silently.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"{reason}; not checked: that a tree without rights to write is enough"
        )
    return command


def read_only_copy(tree: Path) -> Path:
    """Copy what the image has to `tree`, without any right to write; return its var/."""
    tree.mkdir()
    for name in re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("main.py", "config.ini"):
        shutil.copy(ROOT / name, tree)
    var = tree / "var"
    var.mkdir()
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    var.chmod(0o755)
    return var


def give_to_nobody(*folders: Path) -> None:
    """Make the ordinary user the owner, if that is another one."""
    if os.getuid() == 0:
        for folder in folders:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY)


def files_of(folder: Path) -> set[str]:
    """Return the paths of all files and folders below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def make_deletable(tree: Path) -> None:
    """Return the right to write, so that the tree can be deleted."""
    for path in (tree, *tree.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)


async def test_an_ordinary_user_serves_links_on_a_read_only_tree(harness: BotHarness, folder: Path):
    tree = folder / "app"
    var = read_only_copy(tree)
    environment = settings(harness, var)
    give_to_nobody(var)
    command = as_ordinary_user(folder)
    packages = sysconfig.get_path("purelib")
    attempt = "import pathlib; pathlib.Path('app/x').touch()"
    assert "PermissionError" in output_of(*command, "-c", attempt, cwd=tree).stderr
    process = await asyncio.create_subprocess_exec(
        *command,
        "main.py",
        "run",
        cwd=tree,
        env={**environment, "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=PIPE,
        stderr=PIPE,
    )
    log = await serve_a_link(harness, process)
    assert not re.search(r"ERROR|Permission denied|Read-only", log), log
    written = {path.relative_to(var).parts[0] for path in var.rglob("*")}
    assert {"clipferry.db", "heartbeat", "spool", "starts"} <= written
    owners = {path.stat().st_uid for path in var.rglob("*")}
    assert owners == {_NOBODY if os.getuid() == 0 else os.getuid()}
    make_deletable(tree)


@pytest.mark.long
async def test_a_newer_yt_dlp_needs_no_folder_to_write_but_its_own(
    harness: BotHarness, folder: Path
):
    """Nothing keeps Python from writing byte code, and the tree stays as it was."""
    tree, versions, temporary = (folder / name for name in ("app", "versions", "tmp"))
    var = read_only_copy(tree)
    versions.mkdir()
    temporary.mkdir()
    environment = settings(harness, var)
    give_to_nobody(var, versions, temporary)
    before = {name for name in files_of(tree) if not name.startswith("var/")}
    release = await asyncio.to_thread(ytdlp_wheel, harness.folder, GOOD)
    async with serving_index() as index:
        index.add(YTDLP, release)
        process = await asyncio.create_subprocess_exec(
            *(*as_ordinary_user(folder), "main.py", "run"),
            cwd=tree,
            env={
                **environment,
                "BOT_ADMINS": "1001",
                "PYTHONPATH": sysconfig.get_path("purelib"),
                "TMPDIR": str(temporary),
                "YTDLP_UPDATE": "true",
                "YTDLP_INDEX_URL": index.url,
                "YTDLP_FOLDER": str(versions),
            },
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            await started(harness, 1)
            harness.world.say(harness.ada, "/start")
            await started(harness, 2)
            log = await serve_a_link(harness, process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert said(harness, f"⬆️ yt-dlp {GOOD}")
    assert not re.search(r"Permission denied|Read-only", log), log
    assert (versions / "selected").read_text() == GOOD
    assert {path.name for path in versions.iterdir()} == {GOOD, "selected", "lock"}
    assert {name for name in files_of(tree) if not name.startswith("var/")} == before
    assert not [name for name in files_of(var) if "yt_dlp" in name or name.endswith(".pyc")]
    assert files_of(temporary) == set()
    make_deletable(tree)


# --- the wheel ------------------------------------------------------------------------------------


def build_wheel(folder: Path) -> Path:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run(
        [*command, folder],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel in an environment of its own that has this one's packages; return `bin`."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = ["pip", "--python", str(python), "install", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run(
        [sys.executable, "-m", *pip, "--quiet", str(wheel)], check=True, timeout=PATIENCE_S
    )
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


async def test_the_wheel_is_reproducible_complete_and_serves_links(
    harness: BotHarness, folder: Path
):
    wheel = build_wheel(folder / "one")
    again = build_wheel(folder / "two")
    assert wheel.name == f"clipferry-{VERSION}-py3-none-any.whl"
    assert wheel.read_bytes() == again.read_bytes()
    names = ZipFile(wheel).namelist()
    # Nothing but one package is importable in the environment.
    top = {name.split("/")[0] for name in names}
    assert top == {
        "clipferry",
        f"clipferry-{VERSION}.dist-info",
        f"clipferry-{VERSION}.data",
    }
    assert {
        "clipferry/main.py",
        "clipferry/locale/en.json",
        "clipferry/data/migrations/env.py",
        "clipferry/simulator/page/index.html",
        f"clipferry-{VERSION}.data/data/share/clipferry/config.ini",
        f"clipferry-{VERSION}.dist-info/licenses/LICENSE",
    } <= set(names)
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]

    program = install(wheel, folder / "environment") / "clipferry"
    home = folder / "home"
    (home / "var").mkdir(parents=True)
    assert output_of(program, "--version", cwd=home).stdout == f"Clipferry {VERSION}\n"
    environment = settings(harness, home / "var")
    token = environment.pop("BOT_TOKEN")
    (home / ".env").write_text(f"BOT_TOKEN={token}\n")
    process = await asyncio.create_subprocess_exec(
        program, "run", cwd=home, env=environment, stdout=PIPE, stderr=PIPE
    )
    await serve_a_link(harness, process)
    # The working directory is the program's home, not the folder of its code.
    assert (home / "var" / "clipferry.db").exists()
    assert not [*(folder / "environment").rglob("clipferry.db")]
