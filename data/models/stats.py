"""Tables of statistics (rollups, outcomes, ads), error reports and the key-value store."""

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base, BigIntegerKey


class Stats(Base):
    """Counters of a half-hour (or of a day, if it is old) in private chats or in groups.

    The columns are those of `core.statistics.Counts`. `…_chats` count the chats whose *last* event
    of that kind falls into the slot, so their sum from any slot on is the number of distinct chats.
    """

    __tablename__ = "stats"

    #: Unix time of the slot's beginning; 0 for events of unknown time.
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
    """Outcomes of requests in a half-hour (or in a day, if it is old), by site."""

    __tablename__ = "outcomes"

    slot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    platform: Mapped[str] = mapped_column(String, primary_key=True)
    #: "known" (served from the file-id cache), "fetched", or the code of an error.
    outcome: Mapped[str] = mapped_column(String, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)

    __table_args__ = ({"sqlite_with_rowid": False},)


class AdShows(Base):
    """Impressions of an ad in a half-hour (or in a day, if it is old)."""

    __tablename__ = "ad_shows"

    slot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ad: Mapped[str] = mapped_column(String, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)

    __table_args__ = ({"sqlite_with_rowid": False},)


class ErrorReports(Base):
    """A report of an unexpected error, under the code that the user saw."""

    __tablename__ = "faults"

    code: Mapped[str] = mapped_column(String, primary_key=True)
    #: Unix time.
    at: Mapped[int] = mapped_column(BigInteger)
    #: The operation that failed.
    doing: Mapped[str] = mapped_column(String)
    traceback: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_faults_at", "at"),)


class KeyValues(Base):
    """A key-value store for small pieces of the bot's own state."""

    __tablename__ = "notes"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(Text)
