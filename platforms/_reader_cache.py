"""What yt-dlp's extractors remember between reads: keys of a site's own web client, for example.

yt-dlp keeps it in files. Here it stays in memory, and only short values that are not old.
"""

import json
import time
from collections.abc import Callable
from typing import Any, Final

#: Longest value, in characters of its JSON, and how many there may be. Scripts are too long.
_MAX_CHARACTERS: Final = 2_000
_MAX_VALUES: Final = 200
#: Sites change their keys every few days.
_MAX_AGE_S: Final = 3_600


class ReaderCache:
    """Has the interface of yt-dlp's `Cache`. Used by several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: JSON and time of storing by section and key, oldest first.
        self._values: dict[tuple[str, str], tuple[str, float]] = {}

    def store(self, section: str, key: str, data: Any, dtype: str = "json") -> None:  # noqa: ARG002 - yt-dlp's signature
        """Keep a value, unless it is long."""
        text = json.dumps(data)
        self._values.pop((section, key), None)
        if len(text) <= _MAX_CHARACTERS:
            self._values[section, key] = text, self._clock()
        for oldest in list(self._values)[:-_MAX_VALUES]:
            self._values.pop(oldest, None)

    def load(
        self,
        section: str,
        key: str,
        dtype: str = "json",  # noqa: ARG002 - yt-dlp's signature
        default: Any = None,
        *,
        min_ver: str | None = None,  # noqa: ARG002 - all values are of this version
    ) -> Any:
        """Return a copy of a value, or the default if there is none, or it is old."""
        text, stored_at = self._values.get((section, key), ("", 0.0))
        if not text or self._clock() - stored_at > _MAX_AGE_S:
            return default
        return json.loads(text)
