"""What a chat has asked for: pure values, and their form for the database."""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from core.formats import Quality

#: What a group may set as the most items of one post.
ALBUM_CAPS: Final = (1, 5, 10, 20, 35)


@dataclass(frozen=True, slots=True)
class Preferences:
    """A chat's settings, apart from its language and file mode."""

    quality: Quality = Quality.BEST
    #: The post's author and text stand in the caption.
    describe: bool = False
    #: The rest is for groups. Names of platforms whose links are left alone.
    muted: tuple[str, ...] = ()
    #: Most items of one post; None leaves it to the operator.
    album_cap: int | None = None
    #: The request is deleted once it is served, and its sender named in the caption.
    delete_request: bool = False
    #: Nobody's phone rings.
    silent: bool = False
    #: What the site warns of is covered until somebody taps on it.
    spoiler: bool = False
    #: Links count only in messages that mention the bot.
    only_mentioned: bool = False

    @classmethod
    def from_json(cls, text: str | None) -> "Preferences":
        """Read the database's form; what cannot be understood is as if it were not there."""
        if not text:
            return DEFAULT_PREFERENCES
        try:
            values = json.loads(text)
        except ValueError:
            return DEFAULT_PREFERENCES
        known = {field.name for field in fields(cls)}
        preferences = cls()
        for name, value in values.items() if isinstance(values, dict) else ():
            if name in known:
                preferences = preferences.changed(name, value)
        return preferences

    def as_json(self) -> str | None:
        """Give the form for the database: what differs from the defaults, or None."""
        usual = asdict(Preferences())
        values = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return json.dumps(values) if values else None

    def changed(self, name: str, value: Any) -> "Preferences":
        """Give the same with one value changed; a value that makes no sense changes nothing."""
        checked = _CHECKS[name](value)
        return self if checked is _WRONG else replace(self, **{name: checked})

    def toggled(self, name: str) -> "Preferences":
        """Give the same with one switch turned over."""
        return self.changed(name, not getattr(self, name))

    def with_platform_toggled(self, platform: str) -> "Preferences":
        """Give the same with a platform muted, or not any more."""
        muted = set(self.muted) ^ {platform}
        return replace(self, muted=tuple(sorted(muted)))


#: What a chat has that has wished for nothing.
DEFAULT_PREFERENCES: Final = Preferences()
_WRONG: Final = object()


def _quality(value: Any) -> Any:
    return Quality(value) if value in list(Quality) else _WRONG


def _switch(value: Any) -> Any:
    return value if isinstance(value, bool) else _WRONG


def _names(value: Any) -> Any:
    are_names = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    return tuple(value) if are_names else _WRONG


def _cap(value: Any) -> Any:
    return value if value is None or value in ALBUM_CAPS else _WRONG


_CHECKS: Final = {
    "quality": _quality,
    "describe": _switch,
    "muted": _names,
    "album_cap": _cap,
    "delete_request": _switch,
    "silent": _switch,
    "spoiler": _switch,
    "only_mentioned": _switch,
}
