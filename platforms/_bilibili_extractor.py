"""What is used of yt-dlp's extractor for Bilibili, which asks for the files of a video.

Imported at the first read.
"""

from typing import Any

from yt_dlp.extractor.bilibili import BiliBiliIE


class VideoIE(BiliBiliIE):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's extractor, which also keeps what the site said instead of the files."""

    #: The page's initial state, or None before the request.
    state: Any = None
    #: The last answer to a request for the files of a video, or None before the request.
    files: Any = None

    def _search_json(self, start: Any, page: Any, name: Any, *args: Any, **options: Any) -> Any:
        found = super()._search_json(start, page, name, *args, **options)
        if name == "initial state":
            self.state = found
        return found

    def _download_json(self, url: Any, *args: Any, **options: Any) -> Any:
        answer = super()._download_json(url, *args, **options)
        if url.endswith("/playurl"):
            self.files = answer
        return answer
