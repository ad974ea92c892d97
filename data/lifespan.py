"""The database while the program runs: opened at the start, closed at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.errors import SettingsError
from data import database
from data.rollups import ensure_counted


@asynccontextmanager
async def database_lifespan(url: str) -> AsyncIterator[None]:
    """Connect, upgrade the schema and the rollups, and close the connections after the block.

    Raises:
        SettingsError: the URL is invalid.
        StorageError: the database cannot be reached, or cannot be used.
    """
    try:
        database.initialize_database_components(url)
    except ValueError as error:
        raise SettingsError([f"[database] url (DATABASE_URL): {error}"]) from None
    await upgrade()
    try:
        yield
    finally:
        await database.close()


async def upgrade() -> None:
    """Bring schema and rollups to this version; several processes may do so at once.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        StorageError: the database cannot be reached, or cannot be used.
    """
    await database.init_db()
    with database.without_time_limits():
        await ensure_counted()
