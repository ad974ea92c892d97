"""The program's exit."""

import subprocess
import sys
from pathlib import Path

import pytest

from data.config import ROOT

_SCRIPT = """
import threading, time, main
threading.Thread(target=time.sleep, args=(300,)).start()
main.exit_soon(7, limit_s=0.2)
"""


def test_a_thread_that_hangs_does_not_hold_the_exit():
    process = subprocess.run([sys.executable, "-c", _SCRIPT], cwd=ROOT, timeout=60, check=False)
    assert process.returncode == 7


_AGAIN = """
import os, sys, threading, time, main
if "AGAIN" not in os.environ:
    os.environ["AGAIN"] = str(os.getpid())
    threading.Thread(target=time.sleep, args=(300,)).start()
    if "fails" in sys.argv:
        sys.executable = "/not/there"
    main.start_anew()
    os._exit(4)
print(os.environ["AGAIN"] == str(os.getpid()), sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("arguments", "code", "output", "errors"),
    [
        (["run", "--x"], 0, "True ['run', '--x']\n", ""),
        (["fails"], 4, "", "The program cannot start anew: [Errno 2]"),
    ],
)
def test_the_program_starts_anew_in_the_same_process(
    arguments: list[str], code: int, output: str, errors: str
):
    process = subprocess.run(
        [sys.executable, "-c", _AGAIN, *arguments],
        cwd=ROOT,
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (process.returncode, process.stdout) == (code, output)
    assert errors in process.stderr


_CLOSING = """
import asyncio, sys
from contextlib import asynccontextmanager
import app.application, data.lifespan, main
from app.stop_time import StopTime

class Application:
    must_restart = "restart" in sys.argv
    stop_time = StopTime(60)

    def __init__(self, settings):
        pass

    async def run(self):
        print("stopped")
        return True

@asynccontextmanager
async def lifespan(url):
    yield
    print("connections closed")

app.application.Application = Application
data.lifespan.database_lifespan = lifespan
main.prepare = main._use_selected_ytdlp = lambda settings: None
main.start_anew = lambda: print("started anew")
main.exit_soon = lambda code, *limit_s: print("exits with", code)
asyncio.run(main.run({"database": {"url": "postgresql://u@127.0.0.1:9/d"}}))
"""


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ([], ["stopped", "exits with 0", "connections closed", "exits with 0"]),
        (["restart"], ["stopped", "connections closed", "started anew", "exits with 1"]),
    ],
)
def test_the_end_of_the_connections_does_not_hold_the_exit(arguments: list[str], steps: list[str]):
    """Nothing ends the process before it has started anew."""
    output = subprocess.check_output(
        [sys.executable, "-c", _CLOSING, *arguments], cwd=ROOT, timeout=60, text=True
    )
    assert output.splitlines() == steps


def test_a_reader_that_has_gone_ends_a_command_without_a_traceback(tmp_path: Path):
    """As `head` does, behind the doctor."""
    with subprocess.Popen(
        [sys.executable, "main.py", "doctor"],
        cwd=ROOT,
        env={"DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_command_whose_reader_has_gone_does_all_its_work_and_says_so(tmp_path: Path):
    """As behind a pipe that ends early; with an unbuffered output, as in the image."""
    database, target = tmp_path / "bot.db", tmp_path / "backup.db"
    env = {"DATABASE_URL": f"sqlite:///{database}", "BOT_TOKEN": "42:TOKEN-OF-A-TEST"} | {
        "IDENTITIES_FOLDER": str(tmp_path / "identities"),
        "FILES_HEARTBEAT": str(tmp_path / "heartbeat"),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "main.py"]
    subprocess.run([*command, "migrate"], cwd=ROOT, env=env, check=True, timeout=60)

    def unread(*arguments: str) -> list[str]:
        with subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.close()
            lines = process.stderr.read().splitlines()
        assert process.returncode == 0
        return [line.split()[0] for line in lines]

    assert unread("backup", str(target), "--with-secrets") == ["Copied", "Copied"]
    assert Path(f"{target}.secrets.tar").exists()
    assert unread("restore", str(target), "--with-secrets") == ["The", "Restored.", "Put"]


def test_a_name_that_the_terminal_cannot_show_is_no_reason_to_fail(tmp_path: Path):
    env = {"DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}", "PYTHONIOENCODING": "ascii"}
    target = tmp_path / "Sicherung für morgen.db"
    command = [sys.executable, "main.py"]
    subprocess.run([*command, "migrate"], cwd=ROOT, env=env, check=True, timeout=60)
    output = subprocess.check_output(
        [*command, "backup", str(target)], cwd=ROOT, env=env, timeout=60, text=True
    )
    assert output.endswith("Sicherung f\\xfcr morgen.db.\n")
    assert target.exists()
