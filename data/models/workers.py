"""The processes at work on this database, and what each has to itself."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class Workers(Base):
    """A process, for as long as it says that it is alive."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    #: Unix time after which it counts as dead.
    alive_until: Mapped[int] = mapped_column(BigInteger)


class Flights(Base):
    """A post that a process is fetching, so that the others wait for it."""

    __tablename__ = "flights"

    #: See core.cached_post.CacheKey.
    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    platform: Mapped[str] = mapped_column(String, primary_key=True)
    post_id: Mapped[str] = mapped_column(String, primary_key=True)
    variant: Mapped[str] = mapped_column(String, primary_key=True)
    #: Name of the worker.
    owner: Mapped[str] = mapped_column(String)
