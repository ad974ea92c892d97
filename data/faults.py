"""What nobody has foreseen: kept for administrators, under the code that the user has seen."""

import traceback
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from data.database import read, unix_now, write
from data.models import Faults

#: So many are kept.
_KEPT: Final = 200
_LONGEST: Final = 8_000


@dataclass(frozen=True, slots=True)
class Fault:
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


async def keep_fault(code: str, doing: str, error: BaseException) -> None:
    """Keep an error with its traceback; the oldest ones go."""
    text = "".join(traceback.format_exception(error))[-_LONGEST:]

    def work(db: Connection) -> None:
        db.execute(insert(Faults).values(code=code, at=unix_now(), doing=doing, traceback=text))
        newest = select(Faults.code).order_by(Faults.at.desc(), Faults.code).limit(_KEPT)
        db.execute(delete(Faults).where(Faults.code.not_in(newest)))

    await write(work)


async def recent_faults(number: int) -> list[Fault]:
    """List the newest ones, newest first."""
    question = select(Faults).order_by(Faults.at.desc(), Faults.code).limit(number)
    rows = await read(lambda db: db.execute(question).mappings().all())
    return [Fault(**row) for row in rows]


async def find_fault(code: str) -> Fault | None:
    """Give the one with a code."""
    question = select(Faults).where(Faults.code == code)
    row = await read(lambda db: db.execute(question).mappings().first())
    return Fault(**row) if row else None
