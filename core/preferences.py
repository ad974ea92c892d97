"""A chat's preferences as pure values, and their JSON form for the database."""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from core.captions import CaptionPart
from core.formats import Quality

#: Values that a group may choose for the maximum number of items per post.
ALBUM_CAPS: Final = (1, 5, 10, 20, 35)
#: Captions of versions that stored one switch, "describe", by its value.
_CAPTIONS_OF_SWITCH: Final = {
    False: (CaptionPart.SOURCE, CaptionPart.BOT),
    True: (CaptionPart.AUTHOR, CaptionPart.TEXT, CaptionPart.SOURCE, CaptionPart.BOT),
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """A chat's preferences, apart from its language and file mode."""

    quality: Quality = Quality.BEST
    #: Parts of the caption, in order.
    caption: tuple[CaptionPart, ...] = (
        CaptionPart.TEXT,
        CaptionPart.AUTHOR,
        CaptionPart.SOURCE,
    )
    # The following preferences are for groups.
    #: Names of platforms whose links are ignored.
    muted: tuple[str, ...] = ()
    #: Maximum number of items per post; None means the operator's limit.
    album_cap: int | None = None
    #: Delete the request once it is served, and name its sender in the caption.
    delete_request: bool = False
    #: Send without a notification sound.
    silent: bool = False
    #: Hide media behind a spoiler if the site marks the post as sensitive.
    spoiler: bool = False
    #: Answer links only in messages that mention the bot.
    only_mentioned: bool = False

    @classmethod
    def from_json(cls, text: str | None) -> "Preferences":
        """Parse the JSON from the database. Invalid or unknown parts are ignored."""
        if not text:
            return DEFAULT_PREFERENCES
        try:
            values = json.loads(text)
        except ValueError:
            return DEFAULT_PREFERENCES
        if not isinstance(values, dict):
            return DEFAULT_PREFERENCES
        known = {field.name for field in fields(cls)}
        preferences = cls()
        if isinstance(switch := values.get("describe"), bool):
            preferences = cls(caption=_CAPTIONS_OF_SWITCH[switch])
        for name, value in values.items():
            if name in known:
                preferences = preferences.changed(name, value)
        return preferences

    def as_json(self) -> str | None:
        """Return the values that differ from the defaults as JSON, or None if none differ."""
        defaults = asdict(Preferences())
        values = {name: value for name, value in asdict(self).items() if value != defaults[name]}
        return json.dumps(values) if values else None

    def changed(self, name: str, value: Any) -> "Preferences":
        """Return a copy with one value changed. An invalid value changes nothing.

        Raises:
            KeyError: there is no such preference.
        """
        checked = _CHECKS[name](value)
        return self if checked is _INVALID else replace(self, **{name: checked})

    def toggled(self, name: str) -> "Preferences":
        """Return a copy with one boolean preference inverted."""
        return self.changed(name, not getattr(self, name))

    @property
    def describes(self) -> bool:
        """Whether the caption has both the post's text and its author."""
        return {CaptionPart.TEXT, CaptionPart.AUTHOR} <= set(self.caption)

    def with_description_toggled(self) -> "Preferences":
        """Return a copy with text and author before the other parts, or without both."""
        described = (CaptionPart.TEXT, CaptionPart.AUTHOR)
        rest = tuple(part for part in self.caption if part not in described)
        return replace(self, caption=rest if self.describes else described + rest)

    def with_part_toggled(self, part: CaptionPart) -> "Preferences":
        """Return a copy with a part at the end of the caption, or without it if it is there now."""
        rest = tuple(other for other in self.caption if other is not part)
        return replace(self, caption=rest if part in self.caption else (*rest, part))

    def with_platform_toggled(self, platform: str) -> "Preferences":
        """Return a copy with a platform muted, or unmuted if it is muted now."""
        muted = set(self.muted) ^ {platform}
        return replace(self, muted=tuple(sorted(muted)))


#: Preferences of a chat that has changed none.
DEFAULT_PREFERENCES: Final = Preferences()
_INVALID: Final = object()


def _quality(value: Any) -> Any:
    return Quality(value) if value in list(Quality) else _INVALID


def _parts(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not all(part in list(CaptionPart) for part in value):
        return _INVALID
    return tuple(dict.fromkeys(map(CaptionPart, value)))


def _switch(value: Any) -> Any:
    return value if isinstance(value, bool) else _INVALID


def _names(value: Any) -> Any:
    are_names = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    return tuple(value) if are_names else _INVALID


def _cap(value: Any) -> Any:
    return value if value is None or value in ALBUM_CAPS else _INVALID


_CHECKS: Final = {
    "quality": _quality,
    "caption": _parts,
    "muted": _names,
    "album_cap": _cap,
    "delete_request": _switch,
    "silent": _switch,
    "spoiler": _switch,
    "only_mentioned": _switch,
}
