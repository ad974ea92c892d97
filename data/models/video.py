"""The `videos` table: one row per delivered video or slideshow."""

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Video(Base):
    """A delivered post, for statistics and for the chat's history."""

    __tablename__ = "videos"

    pk_id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=True)
    #: The chat that received it.
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id"))
    #: Unix time; NULL in rows older than the column.
    downloaded_at: Mapped[int | None] = mapped_column(BigInteger)
    #: The link as it was sent.
    video_link: Mapped[str] = mapped_column(String)
    #: True for posts with pictures, such as slideshows.
    is_images: Mapped[bool] = mapped_column(Boolean, default=False)
    #: Pictures were converted before sending.
    is_processed: Mapped[bool] = mapped_column(Boolean, default=False)
    #: Delivered into an inline message.
    is_inline: Mapped[bool] = mapped_column(Boolean, default=False)

    __table_args__ = (
        # A covering index: counting a chat's history needs no access to the table.
        Index("ix_videos_user", "user_id", "downloaded_at", "is_images"),
        Index("ix_videos_time", "downloaded_at"),
    )
