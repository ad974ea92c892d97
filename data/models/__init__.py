"""ORM models of all tables."""

from data.models.access import AccessEntries
from data.models.bans import Bans
from data.models.broadcasts import Broadcasts, Recipients
from data.models.cached_posts import CachedPosts
from data.models.fleet import Elections, Pace, Sends
from data.models.inline_messages import InlineMessages
from data.models.lists import Lists
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
    "Elections",
    "ErrorReports",
    "Flights",
    "InlineMessages",
    "KeyValues",
    "Lists",
    "Music",
    "OldUpdates",
    "OptOuts",
    "Outcomes",
    "Pace",
    "Recipients",
    "Requests",
    "Sends",
    "Stats",
    "Users",
    "Video",
    "Workers",
]
