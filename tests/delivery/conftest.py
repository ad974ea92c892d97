"""Fixtures of the unit tests: a bot without a connection."""

from tests.fakes import telegram

__all__ = ["telegram"]
