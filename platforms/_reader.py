"""How old yt-dlp is: sites change every few weeks, and it with them."""

from datetime import date

from yt_dlp.version import __version__


def reader_version() -> tuple[str, date]:
    """Give yt-dlp's version, and the day of its release, which is what the version says."""
    year, month, day = (int(part) for part in __version__.split(".")[:3])
    return __version__, date(year, month, day)
