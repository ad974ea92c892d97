"""One row per request, from before its update is acknowledged to Telegram until a day after its end."""

from sqlalchemy import BigInteger, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Requests(Base):
    """A link, or a press of a button."""

    __tablename__ = "requests"

    id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    #: The update that brought it, and which of its links it is: Telegram may bring one twice.
    update_id: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int] = mapped_column(Integer)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    asked_at: Mapped[int] = mapped_column(BigInteger)
    #: JSON, see core.request.Request and Progress.
    what: Mapped[str] = mapped_column(Text)
    progress: Mapped[str | None] = mapped_column(Text)
    #: Name of the worker that serves it; NULL while none does.
    owner: Mapped[str | None] = mapped_column(String)
    #: How often somebody has begun to fetch for it.
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    #: NULL while it is open.
    finished_at: Mapped[int | None] = mapped_column(BigInteger)
    #: "delivered", or the name of the error that was told.
    outcome: Mapped[str | None] = mapped_column(String)

    __table_args__ = (
        UniqueConstraint("bot_id", "update_id", "number"),
        Index(
            "ix_requests_open",
            "bot_id",
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
        Index("ix_requests_finished", "finished_at"),
    )
