"""ORM models of all tables."""

from data.models.access import AccessEntries
from data.models.bans import Bans
from data.models.broadcasts import Broadcasts, Recipients
from data.models.cached_posts import CachedPosts
from data.models.inline_messages import InlineMessages
from data.models.music import Music
from data.models.old_updates import OldUpdates
from data.models.opt_outs import OptOuts
from data.models.requests import Requests
from data.models.stats import AdShows, ErrorReports, KeyValues, Outcomes, Stats
from data.models.users import Users
from data.models.video import Video
from data.models.workers import Flights, Workers

__all__ = [
    "AccessEntries",
    "AdShows",
    "Bans",
    "Broadcasts",
    "CachedPosts",
    "ErrorReports",
    "Flights",
    "InlineMessages",
    "KeyValues",
    "Music",
    "OldUpdates",
    "OptOuts",
    "Outcomes",
    "Recipients",
    "Requests",
    "Stats",
    "Users",
    "Video",
    "Workers",
]
