"""Formats of the buttons' callback data.

The formats must stay stable, because buttons below old messages can be pressed for years.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from core.choices import NO_CHOICE, Choice
from core.request import Continuation, Ticket

#: Change the language; followed by its code.
LANGUAGE: Final = "lang/"
#: Change the language of a group, below its welcome message; followed by its code.
WELCOME: Final = "welcome/"
#: Answer the links of the person who presses again, in all groups.
MY_LINKS: Final = "mylinks"
#: Send the audio of a TikTok post; followed by its numeric id.
AUDIO_OF_TIKTOK: Final = "id/"
#: Send the audio, or the slides as a video; followed by "<platform>/<post id>".
SOUND: Final = "sound/"
SLIDES: Final = "slides/"
#: Show the versions of a post; followed by "<platform>/<post id>".
VERSIONS: Final = "pick/"
#: Send a version; followed by a choice, see `core.choices`, and "/<platform>/<post id>".
VERSION: Final = "take/"
#: Delete the message with the versions.
CLOSE: Final = "close"
#: Retry a request that is not stored: the error message replies to its message; followed by
#: "/<index>" of the link if the message has several.
RETRY: Final = "retry_video"
#: Fetch the remaining links of the message that is replied to; followed by the index of the first,
#: and before that by "of/", the person who has asked for them, and a choice, if that is not its
#: sender.
#: Or the remaining items of a post; followed by a `Continuation` and "/<platform>/<post id>".
REMAINING: Final = "rest/"
#: Choose from the list of a card; followed by the id of its row and the action, and for some
#: actions by "/" and a number.
LIST: Final = "list/"
#: Send the files of a post as a ZIP archive; followed by "<platform>/<post id>".
ARCHIVE: Final = "zip/"
#: Make a stored request again, or send what is left of its answer; followed by "<row>/<attempts>".
RESEND: Final = "resend/"
#: Retry an inline message.
AGAIN: Final = "again"
#: Show a page of an inline album; followed by its zero-based index.
PAGE: Final = "page/"
#: Cancel a request; followed by its number.
CANCEL: Final = "cancel/"
#: Change a setting; followed by its name, and "/<value>" unless it is a switch. The name "page"
#: changes nothing and shows a page of the settings.
SETTING: Final = "set/"
#: Manage broadcasts; followed by the id of a broadcast and the action, or by "new".
BROADCAST: Final = "cast/"
#: Show a screen of /admin; followed by the section, and "/" with what it shows or does.
ADMIN: Final = "admin/"
#: Manage personal data; followed by the action: export, delete, yes or no.
PRIVACY: Final = "privacy/"
#: Show a screen of /stats; followed by its name and filters.
STATISTICS: Final = "count/"
#: Send the history of a chat; followed by its id.
HISTORY: Final = "history/"
#: Buttons that only display something. Some come from older bots with the same token.
NOOP: Final = frozenset({"stats_noop", "loading", "slide:noop", "wait"})
STATS: Final = "stats_noop"
WAIT: Final = "wait"
#: Prefixes of older bots' inline buttons: `ir:` retries, `sr:` reloads an album.
OLD_INLINE: Final = ("ir:", "sr:")
_OLD_INLINE: Final = re.compile(
    r"(?:ir:(?:tt|ig):(?:(?P<owner>[0-9a-z]{1,13}):)?|sr:(?:(?P<owner2>[0-9a-z]{1,13}):)?\d{1,2}:)"
    r"(?P<link>[\w.-]+/[^\s:]+)",
    re.ASCII,
)
#: Maximum length of callback data in bytes.
#: Source: https://core.telegram.org/bots/api#inlinekeyboardbutton
MAX_BYTES: Final = 64


def audio_of(platform: str, post_id: str) -> str | None:
    """Return the callback data of a post's audio button, or None if it is too long."""
    return _none_if_too_long(
        AUDIO_OF_TIKTOK + post_id if platform == "tiktok" else f"{SOUND}{platform}/{post_id}"
    )


def slides_of(platform: str, post_id: str) -> str | None:
    """Return the callback data of a post's slideshow button, or None if it is too long."""
    return _none_if_too_long(f"{SLIDES}{platform}/{post_id}")


def archive_of(platform: str, post_id: str) -> str | None:
    """Return the callback data of a post's archive button, or None if it is too long."""
    return _none_if_too_long(f"{ARCHIVE}{platform}/{post_id}")


def versions_of(platform: str, post_id: str) -> str | None:
    """Return the callback data that show a post's versions, or None if they are too long."""
    return _none_if_too_long(f"{VERSIONS}{platform}/{post_id}")


def version_of(choice: Choice, platform: str, post_id: str) -> str | None:
    """Return the callback data that send a version of a post, or None if they are too long."""
    return _none_if_too_long(f"{VERSION}{choice}/{platform}/{post_id}")


def read_version(data: str) -> tuple[Choice, str, str] | None:
    """Parse the data of a version's button.

    Return (choice, platform, post id), or None if the data is invalid.
    """
    text, _, post = data.removeprefix(VERSION).partition("/")
    choice, found = Choice.parse(text), read_post(f"{VERSION}{post}")
    return (choice, *found) if choice and found else None


@dataclass(frozen=True, slots=True)
class RemainingLinks:
    """The parsed data of the button that fetches the remaining links of a message."""

    #: Index of the first of them.
    start: int
    #: The person who has asked for the links of a message by replying to it, and the version; None
    #: if its sender has asked, and the message itself names the version.
    person: int | None = None
    choice: Choice = NO_CHOICE

    def __str__(self) -> str:
        """Return the callback data."""
        asked = "" if self.person is None else f"of/{self.person}/{self.choice}/"
        return f"{REMAINING}{asked}{self.start}"

    @classmethod
    def parse(cls, data: str) -> "RemainingLinks | None":
        """Parse callback data, or return None if they are invalid."""
        found = _REMAINING_LINKS.fullmatch(data)
        choice = Choice.parse(found["choice"]) if found and found["choice"] else NO_CHOICE
        if found is None or choice is None:
            return None
        person = found["person"]
        return cls(int(found["start"]), int(person) if person else None, choice)


_REMAINING_LINKS: Final = re.compile(
    rf"{REMAINING}(?:of/(?P<person>-?\d{{1,18}})/(?P<choice>[^/]*)/)?(?P<start>\d{{1,4}})", re.ASCII
)


def remaining_items_of(continuation: Continuation, platform: str, post_id: str) -> str | None:
    """Return the callback data that fetch the other items of a post, or None if too long."""
    return _none_if_too_long(f"{REMAINING}{continuation}/{platform}/{post_id}")


def read_remaining_items(data: str) -> tuple[Continuation, str, str] | None:
    """Parse the data of the button that fetches the other items of a post.

    Return (continuation, platform, post id), or None if the data is invalid, or about links.
    """
    text, _, post = data.removeprefix(REMAINING).partition("/")
    continuation, found = Continuation.parse(text), read_post(f"{REMAINING}{post}")
    return (continuation, *found) if continuation and found else None


def retry_of(index: int | None) -> str:
    """Return the callback data of the retry button for the link with an index, or for all links."""
    return RETRY if index is None else f"{RETRY}/{index}"


@dataclass(frozen=True, slots=True)
class ListPress:
    """The parsed data of a button of a list's card."""

    #: Id of the card's row.
    card: int
    action: "ListAction"
    #: The page or the index of the entry; 0 where the action has none.
    number: int = 0

    def __str__(self) -> str:
        """Return the callback data."""
        number = f"/{self.number}" if self.action in _NUMBERED else ""
        return f"{LIST}{self.card}/{self.action}{number}"

    @classmethod
    def parse(cls, data: str) -> "ListPress | None":
        """Parse callback data, or return None if they are invalid."""
        found = re.fullmatch(rf"{LIST}(\d{{1,18}})/([a-z]+)(?:/(\d{{1,4}}))?", data, re.ASCII)
        if found is None or found[2] not in get_args(ListAction):
            return None
        return cls(int(found[1]), cast("ListAction", found[2]), int(found[3] or 0))


#: Fetch the first posts, or all; show the front of the card, or a page to choose from; choose a
#: post, or not; fetch what is chosen; fetch the first posts, or what is chosen, as an archive;
#: delete the card.
ListAction = Literal["first", "all", "front", "page", "tick", "get", "zipfirst", "zip", "close"]
_NUMBERED: Final = frozenset({"page", "tick"})


def read_index(data: str) -> int | None:
    """Parse the index at the end of a button's data; return None if there is none."""
    digits = data.rpartition("/")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else None


def read_post(data: str) -> tuple[str, str] | None:
    """Parse the data of a button that names a post.

    Return (platform, post id), or None if the data is invalid.
    """
    if data.startswith(AUDIO_OF_TIKTOK):
        digits = data.removeprefix(AUDIO_OF_TIKTOK)
        return ("tiktok", digits) if digits.isascii() and digits.isdigit() else None
    found = re.fullmatch(r"\w+/(\w+)/([\w.:/%?=&~-]+)", data, re.ASCII)
    return (found[1], found[2]) if found else None


def post_of(data: str) -> tuple[str, str] | None:
    """Return (platform, post id) of a button below an answer; None for any other button."""
    is_below_answer = data.startswith((AUDIO_OF_TIKTOK, SOUND, SLIDES, VERSIONS, ARCHIVE))
    return read_post(data) if is_below_answer else None


def resend_of(ticket: Ticket) -> str:
    """Return the callback data of a button that sends an answer again."""
    return f"{RESEND}{ticket.row}/{ticket.attempts}"


def read_resend(data: str) -> Ticket | None:
    """Parse the data of a button that sends an answer again, or return None if it is invalid."""
    found = re.fullmatch(rf"{RESEND}(\d{{1,18}})/(\d{{1,9}})", data, re.ASCII)
    return Ticket(int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class OldInline:
    """The parsed data of an older bot's button that retries or reloads an inline message."""

    url: str
    #: Id of the user who may press it, in base 36 or 10; None if the data contains no id.
    owner: str | None

    def is_of(self, person_id: int) -> bool:
        """Return True if this user may press the button; False if the owner is unknown."""
        # The data does not tell which base the older bot used, so both are accepted.
        return self.owner is not None and person_id in {int(self.owner, 36), _decimal(self.owner)}


def read_old_inline(data: str) -> OldInline | None:
    """Parse the data of an older bot's inline button, or return None if it is invalid."""
    found = _OLD_INLINE.fullmatch(data)
    if found is None:
        return None
    return OldInline(f"https://{found['link']}", found["owner"] or found["owner2"])


def _decimal(digits: str) -> int | None:
    return int(digits) if digits.isdigit() else None


def _none_if_too_long(data: str) -> str | None:
    return data if len(data.encode()) <= MAX_BYTES else None
