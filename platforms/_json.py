"""Reading a site's JSON: missing is missing, and a wrong shape names its place."""

from collections.abc import Iterator
from typing import Any

from core.errors import PlatformChangedError


class Json:
    """A value in a site's answer, and the way that led to it."""

    def __init__(self, value: Any, where: str) -> None:
        self.value = value
        self._where = where

    def __getitem__(self, key: str) -> "Json":
        """Step into an object; a missing key gives an empty value."""
        inner = self.value.get(key) if isinstance(self.value, dict) else None
        return Json(inner, f"{self._where}.{key}")

    def __iter__(self) -> Iterator["Json"]:
        """Step through a list; anything else is empty."""
        items = self.value if isinstance(self.value, list) else []
        return (Json(item, f"{self._where}[{index}]") for index, item in enumerate(items))

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.value)

    def text(self, default: str = "") -> str:
        """Give a string; anything else gives the default."""
        return self.value if isinstance(self.value, str) else default

    def number(self, default: int = 0) -> int:
        """Give a whole number, also from a string of digits; anything else gives the default."""
        number = self.count()
        return default if number is None else number

    def count(self) -> int | None:
        """Give a whole number that may be unknown."""
        if isinstance(self.value, bool):
            return None
        if isinstance(self.value, int | float):
            return int(self.value)
        if isinstance(self.value, str) and self.value.isascii() and self.value.isdigit():
            return int(self.value)
        return None

    def needed(self) -> "Json":
        """Give itself.

        Raises:
            PlatformChangedError: there is nothing here.
        """
        if not self:
            raise PlatformChangedError(f"no {self._where}")
        return self
