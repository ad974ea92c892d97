"""Messages to everybody, and who gets them."""

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Broadcasts(Base):
    """A broadcast: what is sent is a message in an administrator's chat, by its number."""

    __tablename__ = "broadcasts"

    id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    #: Whose it is; the message and its card stand in the chat with the same id.
    admin_id: Mapped[int] = mapped_column(BigInteger)
    #: The message; NULL while it is still to be written.
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    #: Our message in which it is governed.
    card_id: Mapped[int | None] = mapped_column(BigInteger)
    #: The buttons below it as Telegram's JSON.
    buttons: Mapped[str | None] = mapped_column(Text)
    #: See core.broadcasts.Audience.
    audience: Mapped[str] = mapped_column(Text)
    is_silent: Mapped[bool] = mapped_column(Boolean)
    is_paid: Mapped[bool] = mapped_column(Boolean)
    #: See core.broadcasts.State.
    state: Mapped[str] = mapped_column(String)
    #: Unix time before which it does not begin.
    starts_at: Mapped[int] = mapped_column(BigInteger)
    #: Unix time at which it was confirmed: chats that came later do not get it.
    confirmed_at: Mapped[int | None] = mapped_column(BigInteger)
    #: The list of recipients is made up to this chat; NULL when it is complete, or not begun.
    listed_up_to: Mapped[int | None] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(Integer)
    sent: Mapped[int] = mapped_column(Integer)
    blocked: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    unknown: Mapped[int] = mapped_column(Integer)
    #: Key of the text that says why it was paused by itself.
    trouble: Mapped[str | None] = mapped_column(String)
    #: The worker that sends it; NULL when nobody does.
    owner: Mapped[str | None] = mapped_column(String)

    __table_args__ = (Index("ix_broadcasts_admin", "admin_id", "card_id"),)


class Recipients(Base):
    """A chat that is to get a broadcast, and what has become of that."""

    __tablename__ = "recipients"

    broadcast_id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=False)
    #: See core.broadcasts.Outcome.
    outcome: Mapped[str] = mapped_column(String)

    __table_args__ = ({"sqlite_with_rowid": False},)
