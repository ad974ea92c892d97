"""What is wrong with a database's URL, whose mistakes the drivers would report one by one."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

_DIALECT: Final[Any] = asyncpg.dialect()  # type: ignore[no-untyped-call]
_CACHE_SIZE: Final = "prepared_statement_cache_size"
#: Options that libpq and its tools know under the same names.
OF_LIBPQ: Final = frozenset(
    {
        *("host", "port", "user", "sslmode", "target_session_attrs", "passfile"),
        *("service", "servicefile", "krbsrvname", "gsslib"),
    }
)
#: What PostgreSQL's driver, and SQLAlchemy's dialect for it, take from a URL.
_POSTGRESQL: Final = OF_LIBPQ | {
    *("database", "ssl", "timeout", "command_timeout", "statement_cache_size", "direct_tls"),
    *("max_cached_statement_lifetime", "max_cacheable_statement_size"),
    *(_CACHE_SIZE, "async_fallback"),
}
#: Values of those that have only a few. The driver takes "_" for "-" in the first.
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_CHOICES: Final = {
    "ssl": (*_SSL_MODES, "verify_ca", "verify_full"),
    "sslmode": (*_SSL_MODES, "verify_ca", "verify_full"),
    "gsslib": ("gssapi", "sspi"),
    "target_session_attrs": (
        *("any", "primary", "standby", "read-write", "read-only", "prefer-standby"),
    ),
}
#: What it reads from the environment only, as does libpq, for example PGSSLROOTCERT.
_FROM_ENVIRONMENT: Final = {"sslrootcert", "sslcert", "sslkey", "sslcrl"}
#: What SQLite's driver takes.
_SQLITE: Final = frozenset(
    {"timeout", "cached_statements", "check_same_thread", "isolation_level", "detect_types"}
)


def check_postgresql(url: URL) -> None:
    """Check a URL of PostgreSQL.

    Raises:
        ValueError: the driver could not use it.
    """
    _check_options(url.query, _POSTGRESQL)
    for name, choices in _CHOICES.items():
        if url.query.get(name, choices[0]) not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}")
    if not str(url.query.get(_CACHE_SIZE, 0)).isdecimal():
        raise ValueError(f"{_CACHE_SIZE} must be a whole number")
    try:
        (url.host or "").encode("idna")
    except UnicodeError:
        raise ValueError("no host can have that name") from None
    for port in _ports(url):
        if not 0 < port < 65_536:
            raise ValueError(f"there is no port {port}")


def _ports(url: URL) -> list[int]:
    """Return the ports of all hosts.

    Raises:
        ValueError: hosts or ports cannot be told apart.
    """
    try:
        found = _DIALECT.create_connect_args(url)[1].get("port")
        ports = found if isinstance(found, list) else [found]
        return [int(port) for port in ports if port is not None]
    except (ArgumentError, TypeError, ValueError):
        raise ValueError("its hosts and ports cannot be read") from None


def check_sqlite(url: URL) -> None:
    """Check a URL of SQLite.

    Raises:
        ValueError: it does not name a file.
    """
    _check_options(url.query, _SQLITE)
    if url.host or not _names_file(url.database or ""):
        raise ValueError(
            "names no file: write sqlite:///file or sqlite:////folder/file, or leave it empty; "
            "a database in memory is not supported"
        )


def _names_file(database: str) -> bool:
    return database not in {"", ":memory:"} and not database.startswith("file:")


def _check_options(given: Iterable[str], known: frozenset[str]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(_remedy(name, known))


def _remedy(name: str, known: frozenset[str]) -> str:
    if name == "password":  # it would be printed with the URL
        return "password belongs before the host: user:password@host"
    if name in _FROM_ENVIRONMENT and "sslmode" in known:
        return f"{name} is not supported in it: set PG{name.upper()} instead"
    return f"{name} is not supported in it: leave it out"
