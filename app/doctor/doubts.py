"""Doctor check of the settings: of what is valid, and probably meant otherwise."""

from collections.abc import Iterator

from app.doctor.finding import Finding
from data.config import default_doubts


def doubt_findings() -> Iterator[Finding]:
    """Report each doubtful variable and setting of the program's own."""
    for sentence in default_doubts():
        yield Finding("warning", sentence)
