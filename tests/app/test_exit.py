"""The program's exit."""

import subprocess
import sys

from data.config import ROOT

_SCRIPT = """
import threading, time, main
threading.Thread(target=time.sleep, args=(300,)).start()
main.exit_soon(7, limit_s=0.2)
"""


def test_a_thread_that_hangs_does_not_hold_the_exit():
    process = subprocess.run([sys.executable, "-c", _SCRIPT], cwd=ROOT, timeout=60, check=False)
    assert process.returncode == 7
