"""The database for the time of a program."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.errors import SettingsError
from data import database
from data.errors import storage_errors


@asynccontextmanager
async def database_lifespan(url: str) -> AsyncIterator[None]:
    """Connect to the database, bring it to the newest schema, and close it after the block.

    Raises:
        SettingsError: its address is wrong.
        StorageError: it cannot be reached, or used.
    """
    with storage_errors():
        try:
            database.initialize_database_components(url)
        except ValueError as error:
            raise SettingsError([f"[database] url (DATABASE_URL): {error}"]) from None
        await database.init_db()
    try:
        yield
    finally:
        await database.close()
