"""What is wrong with a database's URL, whose mistakes the drivers would report one by one."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy.engine import URL

_CACHE_SIZE: Final = "prepared_statement_cache_size"
#: What PostgreSQL's driver takes from a URL.
_POSTGRESQL: Final = {
    *("host", "port", "ssl", "sslmode", "target_session_attrs", "passfile"),
    *("service", "servicefile", "krbsrvname", "gsslib", _CACHE_SIZE),
}
#: Values of those that have only a few.
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_CHOICES: Final = {
    "ssl": _SSL_MODES,
    "sslmode": _SSL_MODES,
    "target_session_attrs": (
        *("any", "primary", "standby", "read-write", "read-only", "prefer-standby"),
    ),
}
#: What it reads from the environment only, as does libpq, for example PGSSLROOTCERT.
_FROM_ENVIRONMENT: Final = {"sslrootcert", "sslcert", "sslkey", "sslcrl"}
_SQLITE: Final = {"timeout", "cached_statements"}


def check_postgresql(url: URL) -> None:
    """Check a URL of PostgreSQL.

    Raises:
        ValueError: the driver could not use it.
    """
    _check_options(url.query, _POSTGRESQL)
    if url.port is not None and not 0 < url.port < 65_536:
        raise ValueError(f"there is no port {url.port}")
    for name, choices in _CHOICES.items():
        if url.query.get(name, choices[0]) not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}")
    if not str(url.query.get(_CACHE_SIZE, 0)).isdecimal():
        raise ValueError(f"{_CACHE_SIZE} must be a whole number")
    try:
        (url.host or "").encode("idna")
    except UnicodeError:
        raise ValueError("no host can have that name") from None


def check_sqlite(url: URL) -> None:
    """Check a URL of SQLite.

    Raises:
        ValueError: it does not name a file.
    """
    _check_options(url.query, _SQLITE)
    if url.host or url.database in {None, "", ":memory:"} or str(url.database).startswith("file:"):
        raise ValueError(
            "names no file: write sqlite:///file or sqlite:////folder/file, or leave it empty; "
            "a database in memory is not supported"
        )


def _check_options(given: Iterable[str], known: set[str]) -> None:
    for name in given:
        if name in _FROM_ENVIRONMENT and "sslmode" in known:
            raise ValueError(f"{name} is not supported in it: set PG{name.upper()} instead")
        if name not in known:
            raise ValueError(f"{name} is not supported in it: leave it out")
