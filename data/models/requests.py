"""The `requests` table (request store): one row per request.

A row is written before Telegram's update is acknowledged, and deleted a day after the request ends.
"""

from sqlalchemy import BigInteger, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Requests(Base):
    """A request: one link of a message, or one press of a button."""

    __tablename__ = "requests"

    id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    #: Telegram's update that contained the request, for deduplication of redelivered updates.
    update_id: Mapped[int] = mapped_column(BigInteger)
    #: Index of the request within its update, from 0.
    number: Mapped[int] = mapped_column(Integer)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    #: Unix time.
    asked_at: Mapped[int] = mapped_column(BigInteger)
    #: JSON, see core.request.Request.
    what: Mapped[str] = mapped_column(Text)
    #: JSON, see core.request.Progress; NULL if nothing was sent yet.
    progress: Mapped[str | None] = mapped_column(Text)
    #: Name of the worker that serves it; NULL while none does, so that any worker may claim it. An
    #: ended request keeps the name until the worker stops: one that dies may not have ended the
    #: status on the message.
    owner: Mapped[str | None] = mapped_column(String)
    #: Increases each time the owner changes: a former owner cannot write to the row any more.
    epoch: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    #: Counts attempts, over all processes, see core.request.Ticket.
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    #: Unix time; NULL while the request is open.
    finished_at: Mapped[int | None] = mapped_column(BigInteger)
    #: "delivered", or the code of the error that the user was told.
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
