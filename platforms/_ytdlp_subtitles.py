"""Convert the subtitles of yt-dlp's info dicts."""

import re
from typing import Final

from core.media import Subtitles
from platforms._json import Json

#: Formats that `core.subtitles` reads, best first. YouTube's json3 has each line once, unlike its
#: WebVTT of recognised speech. Some extractors state no format.
_FORMATS: Final = ("json3", "vtt", "srt", "")
#: Suffix of the key for recognised speech in the video's own language, beside its translations.
_ORIGINAL: Final = "-orig"
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9-]{2,20}")
#: Languages of one video that are read.
_MOST: Final = 200


def read_subtitles(entry: Json) -> tuple[Subtitles, ...]:
    """Return the subtitles of an info dict: first those that somebody wrote, then automatic ones.

    Live chats and playlists of segments are left out.
    """
    spoken = entry["language"].text()
    found = []
    for key, is_automatic in (("subtitles", False), ("automatic_captions", True)):
        listed = entry[key].value
        for name in list(listed)[:_MOST] if isinstance(listed, dict) else ():
            language = str(name).removesuffix(_ORIGINAL)
            urls = _urls(entry[key][name])
            if urls and _LANGUAGE.fullmatch(language):
                is_original = language == spoken or str(name).endswith(_ORIGINAL)
                found.append(Subtitles(language, urls, is_automatic, is_original))
    return tuple(found)


def _urls(files: Json) -> tuple[str, ...]:
    by_format = {
        file["ext"].text(): file["url"].text()
        for file in files
        if file["protocol"].text() in {"", "http", "https"}
        and file["url"].text().startswith("https://")
        and ".m3u8" not in file["url"].text()
    }
    return tuple(by_format[name] for name in _FORMATS if name in by_format)
