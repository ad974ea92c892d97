"""The `users` table: one row per chat, with settings, referral, ad counter and rollups."""

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Users(Base):
    """A chat. The id of a private chat is the user's id; ids of groups are negative."""

    __tablename__ = "users"

    #: Telegram's chat id.
    user_id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=False)
    #: Unix time of the first contact; NULL in rows older than the column.
    registered_at: Mapped[int | None] = mapped_column(BigInteger)
    #: Language code of a file in locale/; an unknown one falls back to English.
    lang: Mapped[str] = mapped_column(String, default="en")
    #: Referral: payload of the deep link that the chat was registered with.
    link: Mapped[str | None] = mapped_column(String)
    #: Send files unchanged, as documents.
    file_mode: Mapped[bool] = mapped_column(Boolean, default=False)
    #: Downloads since the last ad; see core.ads.
    ad_count: Mapped[int] = mapped_column(Integer, default=0)
    #: Unix time after which an ad is due whatever the counter says.
    ad_cooldown: Mapped[int] = mapped_column(BigInteger, default=0)
    #: Unix time at which Telegram first refused this chat; NULL while it is reachable.
    blocked_at: Mapped[int | None] = mapped_column(BigInteger)

    #: A channel whose posts are answered. Broadcasts are not sent to channels.
    is_channel: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())

    #: Preferences as JSON, see core.preferences; NULL while all are defaults.
    wishes: Mapped[str | None] = mapped_column(Text)

    # Rollups of the history (data.rollups): delivered posts, those with pictures among them, audio
    # files, and the Unix time of the last of each; NULL if there is none, 0 if it is unknown.
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
