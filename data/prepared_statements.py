"""Statements that are run for every message, ready for the driver.

SQLAlchemy needs several times as long for the way from a statement to its row as SQLite for the answer.
So these are compiled once, and on SQLite handed to the driver itself (docs/decisions/0003).
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
    """A statement with named places for numbers and texts."""

    def __init__(self, statement: _Statement, postgresql: _Statement | None = None) -> None:
        """Compile a statement; `postgresql` is the same in that database's own words, if they differ.

        Raises:
            sqlalchemy.exc.CompileError: a place has the name of a column that is not meant.
        """
        self._statement = statement if postgresql is None else postgresql
        compiled = statement.compile(dialect=_SQLITE)
        self._sql = compiled.string
        #: What the statement says itself, and None for each place that is open.
        self._constants = dict(compiled.params)
        # Where SQLAlchemy runs it itself, it takes a place for the column of the same name; better now.
        self._statement.compile(dialect=_POSTGRESQL, column_keys=list(self._constants))
        names = [str(column.key) for column in statement.exported_columns]
        self._row: Any = namedtuple("Row", names) if names else None

    def first(self, db: Connection, values: Mapping[str, Any]) -> Any:
        """Run it, and give its first row, or None. On SQLite its values are as the driver gives them.

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
    """Give a place for each of some columns, under its own name."""
    return {name: bindparam(name) for name in names}
