"""What the errors of a network and its machines mean, in words for operators."""

import errno
from typing import Final

#: Errors that may pass without a change of the settings or of a command.
_PASSING: Final = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE}


def words_for(error: BaseException | None) -> str:
    """Return what happened, without addresses and keys; "" if only the error's class says it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "no answer in time" if isinstance(error, TimeoutError) else ""


def may_pass(error: OSError) -> bool:
    """Return whether the same may work later: a disk was full, or did not answer."""
    return error.errno in _PASSING
