"""The next version that `make chaos ARGS=versions` makes is one for this version."""

import subprocess
import sys
from pathlib import Path

from core.request import Request, is_from_newer_version
from tests.chaos.versions import make_next_version

STORED = """
from core.request import ChatSettings, Link, Request, Target
target = Target(1, 2, is_private=True)
print(Request("post", Link("tiktok", "1", None), target, 0, ChatSettings("en")).as_json())
"""


def test_its_requests_are_left_to_it(tmp_path: Path):
    program = make_next_version(tmp_path / "next")
    command = [sys.executable, "-c", STORED]
    done = subprocess.run(command, cwd=program.parent, capture_output=True, text=True, check=True)
    assert Request.from_json(done.stdout) is None
    assert is_from_newer_version(done.stdout)
