"""The `music` table: one row per delivered audio file."""

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Music(Base):
    """A delivered audio file."""

    __tablename__ = "music"

    pk_id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=True)
    #: The chat that received it.
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id"))
    #: Unix time; NULL in rows older than the column.
    downloaded_at: Mapped[int | None] = mapped_column(BigInteger)
    #: Numeric id of the TikTok post.
    video_id: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_music_user", "user_id"),)
