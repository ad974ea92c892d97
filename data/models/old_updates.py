"""The `old_updates` table: updates from a downtime that wait to be handled."""

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class OldUpdates(Base):
    """An update that was old when it arrived. Deleted once it is handled."""

    __tablename__ = "old_updates"

    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    #: The update as JSON, as Telegram has sent it.
    content: Mapped[str] = mapped_column(Text)
