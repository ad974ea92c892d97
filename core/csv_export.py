"""CSV exports for spreadsheets, one line at a time."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

#: A cell that begins with one of these is run as a formula by spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(values: Sequence[str | int | None]) -> str:
    """Return one line of CSV, with the line break. None becomes an empty cell.

    Texts that a spreadsheet would run as a formula get an apostrophe in front.
    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    line = io.StringIO()
    csv.writer(line).writerow([_escape_formula(value) for value in values])
    return line.getvalue()


def moment(unix: int | None) -> str:
    """Format a Unix time as ISO 8601 in UTC. None, an unknown time, becomes an empty string."""
    if unix is None:
        return ""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _escape_formula(value: str | int | None) -> str | int | None:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
