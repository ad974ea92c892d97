"""The `cached_posts` table (file-id cache): one row per bot, post and variant."""

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class CachedPosts(Base):
    """A complete set of file ids, with the metadata of its post."""

    __tablename__ = "cached_posts"

    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    platform: Mapped[str] = mapped_column(String, primary_key=True)
    post_id: Mapped[str] = mapped_column(String, primary_key=True)
    #: See core.cached_post.CacheKey.
    variant: Mapped[str] = mapped_column(String, primary_key=True)
    #: Increases each time the entry is replaced.
    version: Mapped[int] = mapped_column(Integer)
    #: JSON of the file ids, see core.cached_post; NULL after the entry was evicted.
    files: Mapped[str | None] = mapped_column(Text)
    #: JSON of the metadata, see core.cached_post.
    about: Mapped[str] = mapped_column(Text)
    #: Unix time at which likes and views were fetched.
    refreshed_at: Mapped[int] = mapped_column(BigInteger)
    #: Unix time of the last use, with a precision of one day.
    used_at: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_cached_posts_used", "used_at"),)
