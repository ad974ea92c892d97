"""Tables that people open in a spreadsheet: pure, a line at a time."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

#: What a spreadsheet would run as a formula begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(values: Sequence[str | int | None]) -> str:
    """Write a line of CSV. Texts that a spreadsheet would run are made harmless by an apostrophe.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    line = io.StringIO()
    csv.writer(line).writerow([_harmless(value) for value in values])
    return line.getvalue()


def moment(unix: int | None) -> str:
    """Give a Unix time as ISO 8601 in UTC, and nothing where nobody knows it."""
    if unix is None:
        return ""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def minute(unix: int) -> str:
    """Give a Unix time as people read it, in UTC."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M")


def _harmless(value: str | int | None) -> str | int | None:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
