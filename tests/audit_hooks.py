"""Lets a program of the tests install an audit hook: coverage does not trace that process."""

import os


def hooked_environment() -> dict[str, str]:
    """Return the environment of a program that calls `sys.addaudithook`.

    A hook cannot be removed, so that it would see every later test of its process. And a hook
    written in Python lets other threads run in the middle of `sys.settrace`, which Python 3.11 then
    refuses to the other thread ("Cannot install a trace function while another …"): a thread that
    begins under coverage dies before its first line.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COVERAGE_", "COV_CORE_"))
    }
