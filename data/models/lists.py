"""The `lists` table: one row per card that offers the posts of a list."""

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Lists(Base):
    """A card, and what is chosen on it. Deleted some days after it was made."""

    __tablename__ = "lists"

    id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    #: The message with the link to the list.
    message_id: Mapped[int] = mapped_column(BigInteger)
    #: The person who has asked, or the chat that they write as.
    person_id: Mapped[int] = mapped_column(BigInteger)
    #: JSON, see core.lists.Listing.
    what: Mapped[str] = mapped_column(Text)
    #: JSON list of the indexes of the chosen entries.
    ticked: Mapped[str] = mapped_column(Text)
    #: Unix time.
    made_at: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_lists_person_id", "person_id"),
        Index("ix_lists_made_at", "made_at"),
        # A deleted card may still be shown, and its buttons name the id.
        {"sqlite_autoincrement": True},
    )
