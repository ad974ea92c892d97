"""Errors of the database driver, translated once, where `data.database` talks to it."""

from typing import Final

from asyncpg import InterfaceError, PostgresError
from sqlalchemy.exc import SQLAlchemyError

from core.causes import words_for
from core.errors import StorageError

#: What SQLAlchemy, asyncpg and the network raise when the database does not answer, or refuses.
DRIVER_ERRORS: Final = (SQLAlchemyError, PostgresError, InterfaceError, OSError, TimeoutError)


def storage_error(error: BaseException) -> StorageError:
    """Return the error for the callers of `data`.

    It quotes the driver's first line, never SQLAlchemy's own text: that repeats the statement with
    its values.
    """
    if words := words_for(error):
        return StorageError(words)
    original = getattr(error, "orig", None) or error
    reason = str(original).partition("\n")[0]
    return StorageError(f"{type(error).__name__}: {reason}")
