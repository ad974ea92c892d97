"""Prepared statements for queries that run for every message.

SQLAlchemy's overhead per statement is several times SQLite's own query time. These statements are
therefore compiled once and, on SQLite, passed directly to the driver (docs/decisions/0003).
"""

import sqlite3
from collections import namedtuple
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Select, bindparam
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

_Statement = Select[Any] | UpdateBase
_POSTGRESQL: Final = postgresql_dialect.dialect()  # type: ignore[no-untyped-call]
_SQLITE: Final = sqlite.dialect(paramstyle="named")


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
        names = [str(column.key) for column in statement.exported_columns]
        self._row: Any = namedtuple("Row", names) if names else None

    def first(self, db: Connection, values: Mapping[str, Any]) -> Any:
        """Execute the statement and return its first row, or None.

        On SQLite the values have the driver's types: a boolean is 0 or 1.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refused.
        """
        if db.dialect.name != "sqlite":
            result = db.execute(self._statement, values)
            return result.first() if result.returns_rows else None
        driver: Any = db.connection.dbapi_connection
        try:
            row = driver.execute(self._sql, {**self._constants, **values}).fetchone()
        except sqlite3.Error as error:
            raise DBAPIError.instance(
                self._sql, None, error, sqlite3.Error, hide_parameters=True
            ) from error
        return self._row._make(row) if row and self._row else None


def parameters(*names: str) -> dict[str, BindParameter[Any]]:
    """Return a bind parameter for each column name, under the same name."""
    return {name: bindparam(name) for name in names}
