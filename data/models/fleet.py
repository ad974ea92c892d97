"""The tables that several processes share: elections, and the pace of messages."""

from sqlalchemy import BigInteger, Double, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Elections(Base):
    """A task that one process does for all, and which process that is."""

    __tablename__ = "elections"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    #: Name of the worker; empty once it has resigned.
    owner: Mapped[str] = mapped_column(String)
    #: Grows with each change of the owner.
    epoch: Mapped[int] = mapped_column(BigInteger)


class Pace(Base):
    """The pauses that Telegram asked for; chat 0 stands for all chats. All times are Unix times."""

    __tablename__ = "pace"

    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    paused_until: Mapped[float] = mapped_column(Double)
    #: When Telegram refused a message last.
    refused_at: Mapped[float] = mapped_column(Double)
    #: Until then, answers wait for a turn and broadcasts must leave it to them (chat 0).
    answers_until: Mapped[float] = mapped_column(Double)


class Sends(Base):
    """A call that creates messages, for one minute after its end."""

    __tablename__ = "sends"
    __table_args__ = (
        Index("ix_sends_bot_id_ends_at", "bot_id", "ends_at"),
        Index("ix_sends_bot_id_chat_id", "bot_id", "chat_id"),
    )

    id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    #: Number of messages.
    weight: Mapped[int] = mapped_column(Integer)
    #: Unix time of Telegram's answer. In the future while the call runs: the claim ends then, if
    #: its process does not renew it.
    ends_at: Mapped[float] = mapped_column(Double)
