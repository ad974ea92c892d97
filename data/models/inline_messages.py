"""One row per inline message that can be turned or tried again, for as long as it exists."""

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class InlineMessages(Base):
    """A message in a chat that the bot cannot see."""

    __tablename__ = "inline_messages"

    #: Telegram's id of it.
    inline_id: Mapped[str] = mapped_column(String, primary_key=True)
    #: Who has sent it.
    owner_id: Mapped[int] = mapped_column(BigInteger)
    #: JSON, see core.request.Request.
    what: Mapped[str] = mapped_column(Text)
    #: The post that it shows; NULL while it shows none.
    post_id: Mapped[str | None] = mapped_column(String)
    made_at: Mapped[int] = mapped_column(BigInteger)
