"""What nobody has foreseen: kept for administrators, under the code that the user has seen."""

import traceback
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from data.database import read, unix_now, write
from data.models import ErrorReports

#: So many are kept.
_KEPT: Final = 200
_LONGEST: Final = 8_000


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """One of them."""

    code: str
    #: Unix time.
    at: int
    doing: str
    traceback: str

    @property
    def summary(self) -> str:
        """Give the last line of the traceback: the error itself."""
        return self.traceback.rstrip().rpartition("\n")[2]


async def store_report(code: str, doing: str, error: BaseException) -> None:
    """Keep an error with its traceback; the oldest ones go."""
    text = "".join(traceback.format_exception(error))[-_LONGEST:]

    def work(db: Connection) -> None:
        db.execute(
            insert(ErrorReports).values(code=code, at=unix_now(), doing=doing, traceback=text)
        )
        newest = (
            select(ErrorReports.code)
            .order_by(ErrorReports.at.desc(), ErrorReports.code)
            .limit(_KEPT)
        )
        db.execute(delete(ErrorReports).where(ErrorReports.code.not_in(newest)))

    await write(work)


async def recent_reports(number: int) -> list[ErrorReport]:
    """List the newest ones, newest first."""
    question = (
        select(ErrorReports).order_by(ErrorReports.at.desc(), ErrorReports.code).limit(number)
    )
    rows = await read(lambda db: db.execute(question).mappings().all())
    return [ErrorReport(**row) for row in rows]


async def find_report(code: str) -> ErrorReport | None:
    """Give the one with a code."""
    question = select(ErrorReports).where(ErrorReports.code == code)
    row = await read(lambda db: db.execute(question).mappings().first())
    return ErrorReport(**row) if row else None
