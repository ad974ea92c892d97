"""The `broadcasts` and `recipients` tables."""

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Broadcasts(Base):
    """A broadcast. The message to copy is stored as a message id in the administrator's chat."""

    __tablename__ = "broadcasts"

    id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    #: The administrator's user id, which is also the id of the chat with the message and its card.
    admin_id: Mapped[int] = mapped_column(BigInteger)
    #: The message to copy; NULL until it is written.
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    #: The bot's message that controls the broadcast (the card).
    card_id: Mapped[int | None] = mapped_column(BigInteger)
    #: Telegram's JSON of the inline keyboard below the message.
    buttons: Mapped[str | None] = mapped_column(Text)
    #: See core.broadcasts.Audience.
    audience: Mapped[str] = mapped_column(Text)
    is_silent: Mapped[bool] = mapped_column(Boolean)
    is_paid: Mapped[bool] = mapped_column(Boolean)
    #: See core.broadcasts.State.
    state: Mapped[str] = mapped_column(String)
    #: Earliest start as a Unix time.
    starts_at: Mapped[int] = mapped_column(BigInteger)
    #: Unix time of the confirmation. Chats registered later are no recipients.
    confirmed_at: Mapped[int | None] = mapped_column(BigInteger)
    #: Chat id up to which recipients are listed; NULL if the list is complete or not started.
    listed_up_to: Mapped[int | None] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(Integer)
    sent: Mapped[int] = mapped_column(Integer)
    blocked: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    unknown: Mapped[int] = mapped_column(Integer)
    #: Key of the text that explains an automatic pause.
    trouble: Mapped[str | None] = mapped_column(String)
    #: Name of the worker that sends it; NULL while none does.
    owner: Mapped[str | None] = mapped_column(String)
    #: Unix time of the last confirmation, resumption or outcome.
    progress_at: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_broadcasts_admin", "admin_id", "card_id"),)


class Recipients(Base):
    """A recipient of a broadcast, with the outcome of its message."""

    __tablename__ = "recipients"

    broadcast_id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=False)
    #: See core.broadcasts.Outcome.
    outcome: Mapped[str] = mapped_column(String)

    __table_args__ = ({"sqlite_with_rowid": False},)
