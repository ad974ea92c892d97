"""The `opt_outs` table: people whose links are not answered in groups."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class OptOuts(Base):
    """A person, or a chat that people write as, whose links are answered only when they ask."""

    __tablename__ = "opt_outs"

    #: Telegram's id of the person, or of the chat that the messages are sent as.
    sender_id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=False)
    #: Unix time.
    made_at: Mapped[int] = mapped_column(BigInteger)
