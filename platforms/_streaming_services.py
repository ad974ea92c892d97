"""Music streaming services, whose tracks nobody can download.

All of them encrypt their tracks (DRM) or serve them to their own players only. They are recognised
so that people are told why, and never requested.
"""

import re
from typing import Final

from platforms._platform import clean_split

#: Hosts and the starts of paths, matched from the start of both together.
_PAGES: Final = re.compile(
    r"(?:[\w-]+\.)*(?:"
    r"spotify\.(?:com|link)"
    r"|(?:music|itunes|geo\.music|geo\.itunes)\.apple\.com"
    r"|deezer\.(?:com|page\.link)|dzr\.page\.link"
    r"|tidal\.com"
    r"|music\.youtube\.com"
    r"|music\.amazon\.(?:com?\.)?[a-z]{2,3}"
    r"|qobuz\.com"
    r"|pandora\.com|pandora\.app\.link"
    r"|napster\.com"
    r"|music\.yandex\.(?:ru|com|by|kz|uz)"
    r"|anghami\.com"
    r"|boomplay\.com"
    r"|jiosaavn\.com"
    r"|gaana\.com"
    r"|zvuk\.com"
    r")/"
)


def is_streaming_service(url: str) -> bool:
    """Return True if a URL belongs to a music streaming service."""
    parts = clean_split(url)
    return parts is not None and bool(_PAGES.match(f"{parts.hostname}{parts.path or '/'}"))
