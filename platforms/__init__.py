"""The sources: one public file per site. The only room that knows yt-dlp."""

from platforms._download import Spool, Workspace
from platforms._exits import Exits, load_cookies, load_exits
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
    "load",
    "load_cookies",
    "load_exits",
]
