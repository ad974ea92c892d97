"""The bot's own notes: small things that must outlive a restart, and be said by one process only."""

from sqlalchemy import Connection, delete, insert, select, update

from data.database import read, write
from data.models import KeyValues


async def read_value(name: str) -> str | None:
    """Give a note; None when there is none."""
    question = select(KeyValues.value).where(KeyValues.name == name)
    return await read(lambda db: db.execute(question).scalar())


async def compare_and_set(name: str, old: str | None, new: str | None) -> bool:
    """Change a note from what it was; False when somebody else was quicker.

    Whoever changes it does what belongs to the change: so it is done once, by whichever process.
    """

    def work(db: Connection) -> bool:
        this = KeyValues.name == name
        if old is None:
            if new is None or db.execute(select(KeyValues.name).where(this)).first():
                return new is None
            db.execute(insert(KeyValues).values(name=name, value=new))
            return True
        same = KeyValues.value == old
        statement = (
            delete(KeyValues).where(this, same)
            if new is None
            else update(KeyValues).where(this, same).values(value=new)
        )
        return bool(db.execute(statement).rowcount)

    return await write(work)
