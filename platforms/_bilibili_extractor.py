"""What is used of yt-dlp's extractor for Bilibili, which asks for the files of a video.

Imported at the first read.
"""

from typing import Any

from yt_dlp.extractor.bilibili import BiliBiliIE

from platforms._json import Json


class _PartMissingError(Exception):
    """The video has fewer parts than the link says."""


class VideoIE(BiliBiliIE):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's extractor, which also keeps what the site said instead of the files."""

    #: The page's initial state, or None before the request.
    state: Any = None
    #: The last answer to a request for the files of a video, or None before the request.
    files: Any = None
    #: The number of the part that is asked for.
    part = 1

    def _real_extract(self, url: Any) -> Any:
        address, _, part = url.partition("?p=")
        self.part = int(part or 1)
        try:
            return super()._real_extract(url)
        except _PartMissingError:  # the site is taken to open the first one then
            self.part = 1
            return super()._real_extract(f"{address}?p=1")

    def _search_json(self, start: Any, page: Any, name: Any, *args: Any, **options: Any) -> Any:
        found = super()._search_json(start, page, name, *args, **options)
        if name == "initial state":
            self.state = found
            parts = list(Json(found, "bilibili")["videoData"]["pages"])
            if parts and self.part > len(parts):
                raise _PartMissingError
        return found

    def _download_json(self, url: Any, *args: Any, **options: Any) -> Any:
        answer = super()._download_json(url, *args, **options)
        if url.endswith("/playurl"):
            self.files = answer
        return answer
