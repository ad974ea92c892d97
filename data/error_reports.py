"""Reports of unexpected errors, stored for administrators under the code that the user saw."""

import traceback
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from core.text import clean
from data.database import read, unix_now, write
from data.models import ErrorReports

#: Number of reports that are kept.
_MAX_REPORTS: Final = 200
#: Longest stored traceback, in characters; the beginning of a longer one is cut off.
_MAX_TRACEBACK: Final = 8_000


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """A stored report of an unexpected error."""

    #: The code that the user saw.
    code: str
    #: Unix time of the error.
    at: int
    #: The operation that failed.
    doing: str
    traceback: str

    @property
    def summary(self) -> str:
        """Return the last line of the traceback: the error itself."""
        return self.traceback.rstrip().rpartition("\n")[2]


async def store_report(code: str, doing: str, error: BaseException) -> None:
    """Store an error with its traceback, and delete the oldest reports above the limit."""
    # What a site has sent may be in it, such as half of an emoji, which no database takes.
    text = clean("".join(traceback.format_exception(error)))[-_MAX_TRACEBACK:]

    def work(db: Connection) -> None:
        db.execute(
            insert(ErrorReports).values(code=code, at=unix_now(), doing=doing, traceback=text)
        )
        newest = (
            select(ErrorReports.code)
            .order_by(ErrorReports.at.desc(), ErrorReports.code)
            .limit(_MAX_REPORTS)
        )
        db.execute(delete(ErrorReports).where(ErrorReports.code.not_in(newest)))

    await write(work)


async def recent_reports(number: int) -> list[ErrorReport]:
    """Return up to `number` reports, newest first."""
    query = select(ErrorReports).order_by(ErrorReports.at.desc(), ErrorReports.code).limit(number)
    rows = await read(lambda db: db.execute(query).mappings().all())
    return [ErrorReport(**row) for row in rows]


async def find_report(code: str) -> ErrorReport | None:
    """Return the report with a code, or None."""
    query = select(ErrorReports).where(ErrorReports.code == code)
    row = await read(lambda db: db.execute(query).mappings().first())
    return ErrorReport(**row) if row else None
