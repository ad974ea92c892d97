"""Draw the README's badges from what they state (`make settings`); no service is asked."""

import tomllib
from typing import Final

from data.config import ROOT

FOLDER: Final = ROOT / "docs" / "images"
#: What only installs is no step.
_VENV: Final = ".venv/"
#: Widths in pixels: of a character, and of the space around a word.
_CHAR_W: Final = 7
_SPACE_W: Final = 12


def badges() -> dict[str, str]:
    """Return the SVG of each badge, by the name of its file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    steps = [line.partition(" >")[0] for line in lines if line[:5] == "make " and _VENV not in line]
    facts = {
        "ci": ("CI", " · ".join(steps)),
        "python": ("Python", project["requires-python"].replace(">=", "") + " or newer"),
        "license": ("License", project["license"]),
    }
    return {f"badge-{name}.svg": _draw(*fact) for name, fact in facts.items()}


def _draw(name: str, fact: str) -> str:
    left, right = (len(text) * _CHAR_W + _SPACE_W for text in (name, fact))
    dark = f"M4 0h{left - 4}v20h-{left - 4}a4 4 0 0 1-4-4V4a4 4 0 0 1 4-4z"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" '
            f'role="img" aria-label="{name}: {fact}">',
            f'<rect width="{left + right}" height="20" rx="4" fill="#1a6ba6"/>',
            f'<path d="{dark}" fill="#3c4650"/>',
            _words(_SPACE_W // 2, name),
            _words(left + _SPACE_W // 2, fact),
            "</svg>\n",
        ]
    )


def _words(x: int, words: str) -> str:
    return (
        f'<text x="{x}" y="14" textLength="{len(words) * _CHAR_W}" font-size="11" fill="#fff" '
        f'font-family="Verdana, DejaVu Sans, sans-serif">{words}</text>'
    )
