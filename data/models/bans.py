"""People and groups that are not answered."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class Bans(Base):
    """A chat that an administrator has banned; it need not be registered."""

    __tablename__ = "bans"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    #: The administrator.
    banned_by: Mapped[int] = mapped_column(BigInteger)
    banned_at: Mapped[int] = mapped_column(BigInteger)
