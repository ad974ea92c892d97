"""The database's failures in the words of the house."""

from collections.abc import Iterator
from contextlib import contextmanager

from asyncpg import PostgresError
from sqlalchemy.exc import SQLAlchemyError

from core.errors import StorageError
from data.database import NewerDatabaseError


@contextmanager
def storage_errors() -> Iterator[None]:
    """Let what the database refuses out as `StorageError`.

    For callers that go on without the memory: whoever asks for a video gets it all the same.

    Raises:
        StorageError: the database did not answer, or refused.
    """
    try:
        yield
    except (SQLAlchemyError, PostgresError, NewerDatabaseError, OSError, TimeoutError) as error:
        raise StorageError(f"{type(error).__name__}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Give the database's own words. SQLAlchemy's would repeat the statement and its values."""
    original = getattr(error, "orig", None) or error
    return str(original).partition("\n")[0]
