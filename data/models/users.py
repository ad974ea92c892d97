"""One row per chat: its settings, where it came from, and its ad counter."""

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Users(Base):
    """A chat. Private chats have the person's id, groups a negative one."""

    __tablename__ = "users"

    #: Telegram's chat id.
    user_id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=False)
    #: Unix time of the first contact; NULL in rows older than the column.
    registered_at: Mapped[int | None] = mapped_column(BigInteger)
    #: Language code, one of locale/; an unknown one is read as English.
    lang: Mapped[str] = mapped_column(String, default="en")
    #: Payload of the deep link that brought the chat here.
    link: Mapped[str | None] = mapped_column(String)
    #: Send files as documents, untouched.
    file_mode: Mapped[bool] = mapped_column(Boolean, default=False)
    #: Downloads since the last ad; see core.ads.
    ad_count: Mapped[int] = mapped_column(Integer, default=0)
    #: Unix time after which an ad is due whatever the counter says.
    ad_cooldown: Mapped[int] = mapped_column(BigInteger, default=0)
    #: Unix time at which Telegram first refused us this chat; NULL while it is reachable.
    blocked_at: Mapped[int | None] = mapped_column(BigInteger)

    #: The chat's further settings as JSON, see core.preferences; NULL while all are as usual.
    wishes: Mapped[str | None] = mapped_column(Text)

    # What the history says, already counted (data.rollups): deliveries, of them those with pictures,
    # and sounds, and the Unix time of the last of each; NULL where there was none, 0 where unknown.
    posts: Mapped[int] = mapped_column(Integer, default=0)
    slideshows: Mapped[int] = mapped_column(Integer, default=0)
    sounds: Mapped[int] = mapped_column(Integer, default=0)
    post_at: Mapped[int | None] = mapped_column(BigInteger)
    slideshow_at: Mapped[int | None] = mapped_column(BigInteger)
    sound_at: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index(
            "ix_users_link",
            "link",
            postgresql_where=text("link IS NOT NULL"),
            sqlite_where=text("link IS NOT NULL"),
        ),
        Index("ix_users_lang", "lang"),
        Index(
            "ix_users_posts",
            "posts",
            postgresql_where=text("posts > 0"),
            sqlite_where=text("posts > 0"),
        ),
        Index(
            "ix_users_file_mode",
            "user_id",
            postgresql_where=text("file_mode"),
            sqlite_where=text("file_mode = 1"),
        ),
    )
