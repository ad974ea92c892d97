"""The `access_list` table: who may use the bot where not everyone may."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class AccessEntries(Base):
    """A person or group that an administrator has allowed. It need not be registered."""

    __tablename__ = "access_list"

    #: A chat id in decimal digits, or a username in lower case with its @.
    entry: Mapped[str] = mapped_column(String, primary_key=True)
    #: User id of the administrator.
    added_by: Mapped[int] = mapped_column(BigInteger)
    #: Unix time.
    added_at: Mapped[int] = mapped_column(BigInteger)
