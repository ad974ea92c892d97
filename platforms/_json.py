"""Read untrusted JSON: missing keys and wrong types become empty values instead of exceptions."""

from collections.abc import Iterator
from typing import Any, Final

from core.errors import PlatformChangedError
from core.text import clean

_MAX_COUNT: Final = 2**53
_MAX_DIGITS: Final = 16
#: In characters. Posts on Facebook have up to 63 206, DASH manifests some 100 000.
_MAX_TEXT: Final = 200_000


class Json:
    """A JSON value and its path in the document, which error messages name."""

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self._path = path

    def __getitem__(self, key: str) -> "Json":
        """Return the value of a key; an empty value if the key is missing or this is no object."""
        inner = self.value.get(key) if isinstance(self.value, dict) else None
        return Json(inner, f"{self._path}.{key}")

    def __iter__(self) -> Iterator["Json"]:
        """Iterate over the items of a list; anything else counts as an empty list."""
        items = self.value if isinstance(self.value, list) else []
        return (Json(item, f"{self._path}[{index}]") for index, item in enumerate(items))

    def __bool__(self) -> bool:
        """Return the truth of the value: missing, zero and empty values are False."""
        return bool(self.value)

    def text(self, default: str = "") -> str:
        """Return the string, cleaned, or the default if the value is not a string.

        What is longer than any site's texts and manifests is cut off: it would be stored.
        """
        return clean(self.value[:_MAX_TEXT]) if isinstance(self.value, str) else default

    def number(self, default: int = 0) -> int:
        """Return the whole number, like `count`, but with a default instead of None."""
        number = self.count()
        return default if number is None else number

    def count(self) -> int | None:
        """Return a number from 0 to 2^53, or a string of its digits, as an int, or else None.

        Larger numbers are not exact in JavaScript, so no site means them.
        """
        value = self.value
        if isinstance(value, str) and len(value) <= _MAX_DIGITS:
            value = int(value) if value.isascii() and value.isdigit() else None
        # NaN fails both comparisons.
        is_count = type(value) in {int, float} and 0 <= value <= _MAX_COUNT
        return int(value) if is_count else None

    def needed(self) -> "Json":
        """Return self if there is a value.

        Raises:
            PlatformChangedError: the value is missing or empty.
        """
        if not self:
            raise PlatformChangedError(f"{self._path} is missing")
        return self
