"""Fixtures of the unit tests: an SQLite database, and a bot without a connection."""

from tests.fakes import migrated_file, sqlite_db, telegram

__all__ = ["migrated_file", "sqlite_db", "telegram"]
