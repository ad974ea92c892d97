"""The tables."""

from data.models.cached_posts import CachedPosts
from data.models.music import Music
from data.models.users import Users
from data.models.video import Video

__all__ = ["CachedPosts", "Music", "Users", "Video"]
