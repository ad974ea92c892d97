"""Clipferry's version number. A test compares it with pyproject.toml and CHANGELOG.md."""

from typing import Final

VERSION: Final = "0.1.0"
