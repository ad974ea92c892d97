"""The database's failures in the words of the house."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from core.errors import StorageError


@contextmanager
def storage_errors() -> Iterator[None]:
    """Let what the database refuses out as `StorageError`.

    For callers that go on without the memory: whoever asks for a video gets it all the same.

    Raises:
        StorageError: the database did not answer, or refused.
    """
    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise StorageError(type(error).__name__) from error
