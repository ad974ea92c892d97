"""The `workers` and `flights` tables: leases of processes, and the fetches that they claimed."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from data.database import Base


class Workers(Base):
    """A process with a lease."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    #: Unix time at which the lease expires; the process then counts as dead.
    alive_until: Mapped[int] = mapped_column(BigInteger)


class Flights(Base):
    """A flight: a fetch in progress that other processes wait for."""

    __tablename__ = "flights"

    #: See core.cached_post.CacheKey.
    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    platform: Mapped[str] = mapped_column(String, primary_key=True)
    post_id: Mapped[str] = mapped_column(String, primary_key=True)
    variant: Mapped[str] = mapped_column(String, primary_key=True)
    #: Name of the worker.
    owner: Mapped[str] = mapped_column(String)
