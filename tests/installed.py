"""Programs that tests run, and that Python's packages do not bring."""

import os
import shutil

import pytest


def needs(program: str, package: str, unchecked: str) -> pytest.MarkDecorator:
    """Return a mark for tests that run a program: without it they are skipped, with a reason.

    `package` is Debian's, `unchecked` what the skipped tests would have checked. In continuous
    integration, which installs the package, they fail instead.
    """
    is_skipped = shutil.which(program) is None and not os.environ.get("CI")
    reason = f"{program} is not installed (apt install {package}); not checked: {unchecked}"
    return pytest.mark.skipif(is_skipped, reason=reason)
