"""One row per post, variant and bot: the file ids with which Telegram sends it again."""

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class CachedPosts(Base):
    """A complete set of file ids, and what is said around it."""

    __tablename__ = "cached_posts"

    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    platform: Mapped[str] = mapped_column(String, primary_key=True)
    post_id: Mapped[str] = mapped_column(String, primary_key=True)
    #: See core.cached_post.CacheKey.
    variant: Mapped[str] = mapped_column(String, primary_key=True)
    #: Grows with every set that is stored.
    version: Mapped[int] = mapped_column(Integer)
    #: JSON, see core.cached_post; NULL while the set is known to be dead.
    files: Mapped[str | None] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)
    #: Unix times: of likes and views, and of the last use.
    refreshed_at: Mapped[int] = mapped_column(BigInteger)
    used_at: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_cached_posts_used", "used_at"),)
