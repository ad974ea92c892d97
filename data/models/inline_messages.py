"""The `inline_messages` table: one row per inline message that may be edited again."""

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class InlineMessages(Base):
    """An inline message. The bot cannot see the chat that contains it."""

    __tablename__ = "inline_messages"

    #: Telegram's inline message id.
    inline_id: Mapped[str] = mapped_column(String, primary_key=True)
    #: User id of the sender.
    owner_id: Mapped[int] = mapped_column(BigInteger)
    #: JSON, see core.request.Request.
    what: Mapped[str] = mapped_column(Text)
    #: The platform's id of the shown post; NULL while the message shows none.
    post_id: Mapped[str | None] = mapped_column(String)
    #: Unix time at which the row was stored.
    made_at: Mapped[int] = mapped_column(BigInteger)
