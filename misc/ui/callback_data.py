"""Callback data of buttons. Buttons of sent messages live for years, so the forms never change."""

import re
from dataclasses import dataclass
from typing import Final

#: Followed by the language code.
LANGUAGE: Final = "lang/"
#: Audio of a TikTok post; followed by its digits.
AUDIO_OF_TIKTOK: Final = "id/"
#: Audio, or slides as a video; followed by platform and post id.
SOUND: Final = "sound/"
SLIDES: Final = "slides/"
#: Retry the message that the explanation answers.
RETRY: Final = "retry_video"
#: Retry an inline message.
AGAIN: Final = "again"
#: Page of an inline album; followed by the index of the item, from 0.
PAGE: Final = "page/"
#: Cancel a request; followed by its number.
CANCEL: Final = "cancel/"
#: Change a setting; followed by its name and value.
SETTING: Final = "set/"
#: Followed by the id of a broadcast and the action, or "new".
BROADCAST: Final = "cast/"
#: Followed by the action: export, delete, yes or no.
PRIVACY: Final = "privacy/"
#: Followed by a screen of /stats and its filters.
STATISTICS: Final = "count/"
#: History of a chat; followed by its id.
HISTORY: Final = "history/"
#: Buttons that only show something; three of them are of older bots with the same token.
NOOP: Final = frozenset({"stats_noop", "loading", "slide:noop", "wait"})
STATS: Final = "stats_noop"
WAIT: Final = "wait"
#: Prefixes of inline buttons of older bots: `ir:` for retry, `sr:` for loading an album again.
OLD_INLINE: Final = ("ir:", "sr:")
_OLD_INLINE: Final = re.compile(
    r"(?:ir:(?:tt|ig):(?:(?P<owner>[0-9a-z]{1,13}):)?|sr:(?:(?P<owner2>[0-9a-z]{1,13}):)?\d{1,2}:)"
    r"(?P<link>[\w.-]+/[^\s:]+)",
    re.ASCII,
)
#: Longest callback data in bytes.
#: Source: https://core.telegram.org/bots/api#inlinekeyboardbutton
MAX_BYTES: Final = 64


def audio_of(platform: str, post_id: str) -> str | None:
    """Return the data of the audio button of a post; None if it is too long."""
    return _fitting(
        AUDIO_OF_TIKTOK + post_id if platform == "tiktok" else f"{SOUND}{platform}/{post_id}"
    )


def slides_of(platform: str, post_id: str) -> str | None:
    """Return the data of the button for slides as a video; None if it is too long."""
    return _fitting(f"{SLIDES}{platform}/{post_id}")


def read_post(data: str) -> tuple[str, str] | None:
    """Return platform and post id of a button; None if the data is invalid."""
    if data.startswith(AUDIO_OF_TIKTOK):
        digits = data.removeprefix(AUDIO_OF_TIKTOK)
        return ("tiktok", digits) if digits.isascii() and digits.isdigit() else None
    found = re.fullmatch(r"\w+/(\w+)/([\w.:/%-]+)", data, re.ASCII)
    return (found[1], found[2]) if found else None


@dataclass(frozen=True, slots=True)
class OldInline:
    """The data of an older bot's button below an inline message: retry, or load again."""

    url: str
    #: Id of the person who may press it, as the older bot wrote it; None in the oldest ones.
    owner: str | None

    def is_of(self, person_id: int) -> bool:
        """Return True if a person may press it; the stored id is in base 36 or 10."""
        return self.owner is not None and person_id in {int(self.owner, 36), _decimal(self.owner)}


def read_old_inline(data: str) -> OldInline | None:
    """Parse the data of an older bot's button; return None if it is invalid."""
    found = _OLD_INLINE.fullmatch(data)
    if found is None:
        return None
    return OldInline(f"https://{found['link']}", found["owner"] or found["owner2"])


def _decimal(digits: str) -> int | None:
    return int(digits) if digits.isdigit() else None


def _fitting(data: str) -> str | None:
    return data if len(data.encode()) <= MAX_BYTES else None
