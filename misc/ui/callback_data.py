"""What our inline buttons carry. Some forms are older than this code, so they stay as they are."""

import re
from dataclasses import dataclass
from typing import Final

#: Then the language's code.
LANGUAGE: Final = "lang/"
#: Then the digits of a TikTok post whose sound is wanted.
AUDIO_OF_TIKTOK: Final = "id/"
#: Then platform and id of a post whose sound, or whose slides as a video, are wanted.
SOUND: Final = "sound/"
SLIDES: Final = "slides/"
#: Try the message again to which ours is a reply.
RETRY: Final = "retry_video"
#: Try an inline message again.
AGAIN: Final = "again"
#: Then the number of the item that an inline message is to show, from 0.
PAGE: Final = "page/"
#: Then the number of a request that is to be called off.
CANCEL: Final = "cancel/"
#: Then the name of a setting and what becomes of it.
SETTING: Final = "set/"
#: Then the number of a broadcast and what is to be done with it, or "new".
BROADCAST: Final = "cast/"
#: Then what is to become of a person's data.
PRIVACY: Final = "privacy/"
#: Then a screen of /stats and what is chosen on it.
STATISTICS: Final = "count/"
#: Then the id of a chat whose history is wanted.
HISTORY: Final = "history/"
#: Buttons that only show something; the other three are of older bots with the same token.
NOOP: Final = frozenset({"stats_noop", "loading", "slide:noop", "wait"})
STATS: Final = "stats_noop"
WAIT: Final = "wait"
#: How the data of older inline buttons begins: `ir:` has tried again, `sr:` has loaded an album again.
OLD_INLINE: Final = ("ir:", "sr:")
_OLD_INLINE: Final = re.compile(
    r"(?:ir:(?:tt|ig):(?:(?P<owner>[0-9a-z]{1,13}):)?|sr:(?:(?P<owner2>[0-9a-z]{1,13}):)?\d{1,2}:)"
    r"(?P<link>[\w.-]+/[^\s:]+)",
    re.ASCII,
)
#: Telegram lets a button carry so many bytes.
#: Source: https://core.telegram.org/bots/api#inlinekeyboardbutton
MAX_BYTES: Final = 64


def audio_of(platform: str, post_id: str) -> str | None:
    """Write what the sound button of a post carries; None when it would be too long."""
    return _fitting(
        AUDIO_OF_TIKTOK + post_id if platform == "tiktok" else f"{SOUND}{platform}/{post_id}"
    )


def slides_of(platform: str, post_id: str) -> str | None:
    """Write what the button for slides as a video carries; None when it would be too long."""
    return _fitting(f"{SLIDES}{platform}/{post_id}")


def read_post(data: str) -> tuple[str, str] | None:
    """Give platform and id of the post that a button is about, or None when that makes no sense."""
    if data.startswith(AUDIO_OF_TIKTOK):
        digits = data.removeprefix(AUDIO_OF_TIKTOK)
        return ("tiktok", digits) if digits.isascii() and digits.isdigit() else None
    found = re.fullmatch(r"\w+/(\w+)/([\w.:/%-]+)", data, re.ASCII)
    return (found[1], found[2]) if found else None


@dataclass(frozen=True, slots=True)
class OldInline:
    """What a button of an older bot carries below an inline message: try again, or load again."""

    url: str
    #: Who may press it, as the older bot has written it; None in the oldest ones, which did not say.
    owner: str | None

    def is_of(self, person_id: int) -> bool:
        """Tell whether somebody may press it. The number is written in base 36 or 10."""
        return self.owner is not None and person_id in {int(self.owner, 36), _decimal(self.owner)}


def read_old_inline(data: str) -> OldInline | None:
    """Read such a button's data; None when it makes no sense."""
    found = _OLD_INLINE.fullmatch(data)
    if found is None:
        return None
    return OldInline(f"https://{found['link']}", found["owner"] or found["owner2"])


def _decimal(digits: str) -> int | None:
    return int(digits) if digits.isdigit() else None


def _fitting(data: str) -> str | None:
    return data if len(data.encode()) <= MAX_BYTES else None
