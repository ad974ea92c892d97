"""Fixtures of the unit tests: a bot without a connection, a database."""

from tests.fakes import migrated_file, sqlite_db, telegram

__all__ = ["migrated_file", "sqlite_db", "telegram"]
