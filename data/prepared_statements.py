"""Prepared statements for queries that run for every message.

SQLAlchemy's overhead per statement is several times SQLite's own query time. These statements are
therefore compiled once and passed directly to the driver: on SQLite always (docs/decisions/0003),
on PostgreSQL in grouped calls (data.groups).
"""

import sqlite3
from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Select, bindparam
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.util import await_only

_Statement = Select[Any] | UpdateBase
_POSTGRESQL: Final = postgresql_dialect.dialect()  # type: ignore[no-untyped-call]
_ASYNCPG: Final = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
_SQLITE: Final = sqlite.dialect(paramstyle="named")
#: Execution option of PostgreSQL connections on which statements go to the driver, pipelined. Their
#: transactions are not SQLAlchemy's.
PIPELINED: Final = "clipferry_pipelined"


class PreparedStatement:
    """A compiled statement with named parameters."""

    def __init__(self, statement: _Statement, postgresql: _Statement | None = None) -> None:
        """Compile a statement. `postgresql` is its variant in that dialect, if it differs.

        Raises:
            sqlalchemy.exc.CompileError: a parameter has the name of an unrelated column.
        """
        self._statement = statement if postgresql is None else postgresql
        compiled = statement.compile(dialect=_SQLITE)
        self._sql = compiled.string
        #: Values of the statement's own constants; None for each open parameter.
        self._constants = dict(compiled.params)
        # SQLAlchemy binds a parameter to the column of the same name. Compiling for PostgreSQL with
        # the parameter names reveals such a clash now instead of at the first execution.
        self._statement.compile(dialect=_POSTGRESQL, column_keys=list(self._constants))
        self._for_asyncpg = self._statement.compile(dialect=_ASYNCPG)
        self._places: tuple[str, ...] = tuple(self._for_asyncpg.positiontup or ())
        names = [str(column.key) for column in statement.exported_columns]
        self._row: Any = namedtuple("Row", names) if names else None

    def first(self, db: Connection, values: Mapping[str, Any]) -> Any:
        """Execute the statement and return its first row, or None.

        On SQLite the values have the driver's types: a boolean is 0 or 1.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refused.
        """
        if db.dialect.name != "sqlite":
            if db.get_execution_options().get(PIPELINED):
                rows = self.many(db, [values])
                return rows[0] if rows else None
            result = db.execute(self._statement, values)
            return result.first() if result.returns_rows else None
        driver: Any = db.connection.dbapi_connection
        try:
            row = driver.execute(self._sql, {**self._constants, **values}).fetchone()
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        return self._row._make(row) if row and self._row else None

    def many(self, db: Connection, several: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Execute the statement with several sets of values, in order; return all their rows.

        Each set returns at most one row, and its columns must tell which one it belongs to. On a
        pipelined connection it is one round trip, and everything or nothing happens.
        """
        if not db.get_execution_options().get(PIPELINED):
            rows = [self.first(db, values) for values in several]
            return [row for row in rows if row is not None]
        constants = self._for_asyncpg.params
        arguments = [
            [values[name] if name in values else constants[name] for name in self._places]
            for values in several
        ]
        driver: Any = db.connection.driver_connection
        # asyncpg keeps the statement prepared on its connection.
        records = await_only(driver.fetchmany(self._for_asyncpg.string, arguments))
        return [self._row._make(record) for record in records] if self._row else []

    def run(self, db: Connection, several: Sequence[Mapping[str, Any]]) -> None:
        """Execute the statement with several sets of values, in order, for what it changes.

        It is not for pipelined connections.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refused.
        """
        if db.dialect.name != "sqlite":
            db.execute(self._statement, several)
            return
        driver: Any = db.connection.dbapi_connection
        try:
            driver.executemany(self._sql, [{**self._constants, **values} for values in several])
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def _refusal(self, error: sqlite3.Error) -> StatementError:
        """Return SQLAlchemy's form of an error of the driver."""
        return DBAPIError.instance(self._sql, None, error, sqlite3.Error, hide_parameters=True)


def parameters(*names: str) -> dict[str, BindParameter[Any]]:
    """Return a bind parameter for each column name, under the same name."""
    return {name: bindparam(name) for name in names}
