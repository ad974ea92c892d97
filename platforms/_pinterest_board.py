"""Read which pins a board on Pinterest has, in the board's order.

The site's BoardResource and BoardFeedResource are asked as yt-dlp asks them; its own extractor of
boards reads all pages at once. Imported when a board is first read. Never tried against the real
site.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from yt_dlp.extractor.pinterest import PinterestBaseIE
from yt_dlp.utils import unified_timestamp

from core.errors import PlatformChangedError
from platforms._json import Json
from platforms._ytdlp_lists import ListPage, first_pages

#: Pins of a page.
_PAGE: Final = 50
#: The bookmark behind the last page.
_END: Final = "-end-"
#: Names of a pin, the best first; the last one is made for people who see no pictures.
_TITLES: Final = ("title", "grid_title", "description", "auto_alt_text")


class BoardIE(PinterestBaseIE):  # type: ignore[misc] # yt-dlp ships no types
    """The pins of a board, also of its sections."""

    def _real_extract(self, url: str) -> dict[str, Any]:
        user, slug = map(unquote, urlsplit(url).path.strip("/").split("/"))
        options = {"username": user, "slug": slug, "field_set_key": "detailed"}
        board = Json(self._call_api("Board", slug, options), "pinterest")["data"]
        board_id = board["id"].needed().text()
        result: dict[str, Any] = self.playlist_result(
            first_pages(self._pages(board_id)),
            board_id,
            board["name"].text(),
            playlist_count=board["pin_count"].number(),
        )
        return result

    def _pages(self, board_id: str) -> Iterator[ListPage]:
        """Yield the pages of a board.

        Raises:
            ExtractorError, PlatformError: the site could not be read.
        """
        options = {"board_id": board_id, "page_size": _PAGE, "filter_section_pins": False}
        while True:
            page = Json(self._call_api("BoardFeed", board_id, options), "pinterest")
            if not isinstance(page["data"].value, list):
                raise PlatformChangedError("pinterest: no pins in the answer")
            after = page["bookmark"].text()
            has_more = after not in {"", _END}
            yield ListPage([_entry(pin) for pin in page["data"] if _is_pin(pin)], has_more)
            if not has_more:
                return
            options = options | {"bookmarks": [after]}


def _is_pin(value: Json) -> bool:
    """Return False for the suggestions between the pins."""
    return value["type"].text() == "pin"


def _entry(pin: Json) -> dict[str, Any]:
    titles = (pin[key].text().strip() for key in _TITLES)
    return {
        "url": f"https://www.pinterest.com/pin/{pin['id'].text()}/",
        "title": next(filter(None, titles), ""),
        "timestamp": unified_timestamp(pin["created_at"].text()),
    }
