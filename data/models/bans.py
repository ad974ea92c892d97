"""The `bans` table: users and groups whose messages are ignored."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class Bans(Base):
    """A chat that an administrator banned. It need not be registered."""

    __tablename__ = "bans"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    #: User id of the administrator.
    banned_by: Mapped[int] = mapped_column(BigInteger)
    #: Unix time.
    banned_at: Mapped[int] = mapped_column(BigInteger)
