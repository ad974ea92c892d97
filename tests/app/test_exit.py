"""The program's exit."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import main
from app.stop_time import StopStep
from data.config import ROOT
from tests.stops import stop_begun

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


@pytest.mark.parametrize("must_restart", [False, True])
async def test_the_connections_of_the_database_cannot_hold_the_exit(
    monkeypatch: pytest.MonkeyPatch, must_restart: bool
):
    """A new start of the same process must not be cut off by the exit of the former."""
    stop_time = stop_begun(80)
    steps: list[Any] = []

    class Application:
        def __init__(self, _settings: Any) -> None:
            self.must_restart = must_restart
            self.stop_time = stop_time

        async def run(self) -> bool:
            return True

    @asynccontextmanager
    async def lifespan(_url: str) -> AsyncIterator[None]:
        yield
        steps.append("connections closed")

    monkeypatch.setattr("app.application.Application", Application)
    monkeypatch.setattr("data.lifespan.database_lifespan", lifespan)
    for name in ("prepare", "_use_selected_ytdlp", "_reap_children"):
        monkeypatch.setattr(main, name, lambda *_: None)
    monkeypatch.setattr(main, "start_anew", lambda: steps.append("started anew"))
    monkeypatch.setattr(main, "exit_soon", lambda *limits: steps.append(limits))
    settings: Any = {"database": {"url": "postgresql://u@127.0.0.1:9/d"}}
    code = await main.run(settings)
    if must_restart:
        assert steps == ["connections closed", "started anew", (main.FAILED,)]
    else:
        limit_s = stop_time.left_s(StopStep.CLOSE)
        assert steps == [(0, limit_s), "connections closed", (0,)]
    assert code == (main.FAILED if must_restart else 0)
