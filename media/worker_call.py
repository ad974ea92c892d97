"""A call in a worker process: names the errors that are not the file's fault."""

import errno
import gc
import sys
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from core.errors import BrokenFileError, SpoolError

T = TypeVar("T")

#: Errors of writing that are not the file's fault.
DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def run_call(work: Callable[..., T], args: tuple[object, ...]) -> T:
    """Run a call inside the worker and return its result.

    Raises:
        SpoolError: the disk is full, whatever the call made of that.
        BrokenFileError: it needed more memory than a worker may use.
        Exception: whatever else the call raises.
    """
    try:
        return work(*args)
    except Exception as error:
        codes = {getattr(cause, "errno", None) for cause in _chain(error)}
        if codes & DISK_FULL:
            raise SpoolError("ENOSPC") from None
        if isinstance(error, MemoryError) or errno.ENOMEM in codes:
            raise BrokenFileError("processing it needs too much memory") from None
        raise


def run_in_worker(work: Callable[..., T], args: tuple[object, ...]) -> T:
    """Run a call, see `run_call`, then free what it has left in reference cycles.

    The collector counts objects, not bytes: a few hundred files leave a hundred megabytes of frames
    before it looks. What was imported stays, and is not looked at again, so that it takes half a
    millisecond.
    """
    modules = len(sys.modules)
    try:
        return run_call(work, args)
    finally:
        gc.collect()
        if len(sys.modules) > modules:
            gc.freeze()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    while error:
        yield error
        error = error.__cause__ or error.__context__
