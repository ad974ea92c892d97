"""Leases in tests: the database's clock decides them, so they end by being shortened."""

from typing import Final

from sqlalchemy import update

from data import database
from data.models import Workers

#: Longer than any test takes, in seconds: a lease ends when a test lets it end.
LEASE_S: Final = 300


async def expire(*owners: str) -> None:
    """Let the leases of workers end now, as if they had not been renewed in time."""
    ended = update(Workers).where(Workers.name.in_(owners)).values(alive_until=0)
    await database.write(lambda db: db.execute(ended))


async def expire_all() -> None:
    """Let the leases of all workers end now."""
    await database.write(lambda db: db.execute(update(Workers).values(alive_until=0)))
