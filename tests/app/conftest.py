"""Fixtures of the unit tests: a bot without a connection, a database."""

from tests.fakes import migrated_file, telegram

__all__ = ["migrated_file", "telegram"]
