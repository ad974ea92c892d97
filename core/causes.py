"""What the errors of a network and its machines mean, in words for operators."""


def words_for(error: BaseException | None) -> str:
    """Return what happened, without addresses and keys; "" if only the error's class says it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "no answer in time" if isinstance(error, TimeoutError) else ""
