"""Which request the running code works for, so that every log line can say so."""

from contextvars import ContextVar
from typing import Final

#: Id of the request's row; None outside of requests, and for one that could not be stored. A task
#: starts with the value of the code that creates it.
current_request: Final[ContextVar[int | None]] = ContextVar("current_request", default=None)
