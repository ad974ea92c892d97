"""The sources: one public file per site. The only room that knows yt-dlp."""

from platforms._download import Spool, Workspace
from platforms._exits import Exits, count_cookies, is_open, load_cookies, load_exits
from platforms._reader import reader_version
from platforms._registry import Registry, load
from platforms._sources import Attempt, Sources, Terms, Wanted

__all__ = [
    "Attempt",
    "Exits",
    "Registry",
    "Sources",
    "Spool",
    "Terms",
    "Wanted",
    "Workspace",
    "count_cookies",
    "is_open",
    "load",
    "load_cookies",
    "load_exits",
    "reader_version",
]
