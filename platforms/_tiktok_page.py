"""Find the post in the HTML of TikTok's pages, in all forms that they have had since 2022."""

import json
import re
from typing import Any, Final

from core.errors import PlatformChangedError

_NOT_SPACE: Final = re.compile(r"\S")
#: Script id and JSON key of the post's details: desktop pages, their short form, mobile pages.
_DETAILS: Final = (
    ("__UNIVERSAL_DATA_FOR_REHYDRATION__", "webapp.video-detail"),
    ("__UNIVERSAL_DATA_FOR_REHYDRATION__", "webapp.reflow.video.detail"),
    ("api-data", "videoDetail"),
)
#: Script ids of the pages of 2022, in which the posts are listed by id.
_OLD_STATES: Final = ("SIGI_STATE", "sigi-persisted-data")


def find_detail(webpage: str, post_id: str) -> Any:
    """Return the page's detail object: `itemInfo`, `statusCode`, `statusMsg`; None if it has none.

    Only this object is parsed: two thirds of the page's JSON are translations.

    Raises:
        PlatformChangedError: the object is not JSON.
    """
    for script_id, key in _DETAILS:
        if (detail := _value_of(webpage, script_id, key)) is not None:
            return detail
    for script_id in _OLD_STATES:
        items = _value_of(webpage, script_id, "ItemModule")
        if isinstance(items, dict) and post_id in items:
            return {"itemInfo": {"itemStruct": items[post_id]}, "statusCode": 0}
        if page := _value_of(webpage, script_id, "VideoPage"):
            return page
    return None


def _value_of(webpage: str, script_id: str, key: str) -> Any:
    """Return the first value of a key in a script; None if there is none."""
    script = webpage.find(f'id="{script_id}"')
    position = webpage.find(f'"{key}":', script) if script >= 0 else -1
    if position < 0:
        return None
    start = _NOT_SPACE.search(webpage, webpage.index(":", position) + 1)
    try:
        value, _ = json.JSONDecoder().raw_decode(webpage, start.start() if start else 0)
    except ValueError as error:
        raise PlatformChangedError(f"tiktok: {key} is not JSON") from error
    return value
