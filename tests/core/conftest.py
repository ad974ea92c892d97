"""Share a time zone: the results of core/ must not depend on the machine's."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the machine nine hours ahead of UTC."""
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
