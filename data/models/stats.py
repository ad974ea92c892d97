"""What happened when, already counted: screens over millions of downloads read a few rows."""

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Stats(Base):
    """What happened in a half-hour (or, long ago, a day) in private chats or in groups.

    The columns are those of `core.statistics.Counts`. `…_chats` are the chats whose *last* such thing
    falls into this time, so that their sum from any time on is the number of different chats.
    """

    __tablename__ = "stats"

    #: Unix time; 0 for what has none.
    slot: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True, autoincrement=False)
    is_group: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    chats: Mapped[int] = mapped_column(Integer)
    posts: Mapped[int] = mapped_column(Integer)
    post_chats: Mapped[int] = mapped_column(Integer)
    slideshows: Mapped[int] = mapped_column(Integer)
    slideshow_chats: Mapped[int] = mapped_column(Integer)
    inline_posts: Mapped[int] = mapped_column(Integer)
    sounds: Mapped[int] = mapped_column(Integer)
    sound_chats: Mapped[int] = mapped_column(Integer)

    __table_args__ = ({"sqlite_with_rowid": False},)


class Outcomes(Base):
    """How requests have ended in a half-hour (or, long ago, a day), by site."""

    __tablename__ = "outcomes"

    slot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    platform: Mapped[str] = mapped_column(String, primary_key=True)
    #: "known", "fetched", or the name of an error.
    outcome: Mapped[str] = mapped_column(String, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)

    __table_args__ = ({"sqlite_with_rowid": False},)


class AdShows(Base):
    """How often an ad was shown in a half-hour."""

    __tablename__ = "ad_shows"

    slot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ad: Mapped[str] = mapped_column(String, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)

    __table_args__ = ({"sqlite_with_rowid": False},)


class ErrorReports(Base):
    """What nobody has foreseen, under the code that the user has seen."""

    __tablename__ = "faults"

    code: Mapped[str] = mapped_column(String, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    #: What was being done.
    doing: Mapped[str] = mapped_column(String)
    traceback: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_faults_at", "at"),)


class KeyValues(Base):
    """Small things that the bot itself must not forget, by name."""

    __tablename__ = "notes"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(Text)
