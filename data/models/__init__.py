"""The tables."""

from data.models.music import Music
from data.models.users import Users
from data.models.video import Video

__all__ = ["Music", "Users", "Video"]
