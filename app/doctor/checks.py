"""Runs the doctor's checks: an unexpected error in one of them does not end the others."""

from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator
from traceback import extract_tb

from app.doctor.finding import Finding
from core.causes import words_for

Check = AsyncIterator[Finding] | Iterator[Finding] | Awaitable[Finding]


async def run_checks(checks: Iterable[tuple[str, Check]]) -> AsyncIterator[Finding]:
    """Yield what the checks find, one after the other, each with the name of what it checks."""
    for what, check in checks:
        try:
            async for finding in _findings(check):
                yield finding
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks go on
            yield Finding("failure", f"the check of {what} failed: {_describe(error)}")


async def _findings(check: Check) -> AsyncIterator[Finding]:
    if isinstance(check, AsyncIterator):
        async for finding in check:
            yield finding
    elif isinstance(check, Iterator):
        for finding in check:
            yield finding
    else:
        yield await check


def _describe(error: Exception) -> str:
    """Return what happened and where; not the error's own text, which may contain a secret."""
    place = extract_tb(error.__traceback__)[-1]
    words = words_for(error)
    where = f"{type(error).__name__} in {place.filename}, line {place.lineno}"
    return f"{words} ({where})" if words else where
