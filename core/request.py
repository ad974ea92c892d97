"""What somebody has asked for, in the form in which it outlives the process: pure values."""

import json
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

from core.media import Link
from core.preferences import DEFAULT_PREFERENCES, Preferences

#: What was begun so often without an end may be what ends the process, and is given up. It is a large
#: number, because many who have nothing to do with it are at work in the moment of a crash.
MAX_ATTEMPTS: Final = 30

#: What is wanted of a post: itself, its sound, or its slides as one video.
Kind = Literal["post", "sound", "slides"]


@dataclass(frozen=True, slots=True)
class ButtonPress:
    """The button of ours that was pressed."""

    #: Its data.
    data: str
    #: The keyboard in which it stands, as Telegram's JSON; empty when there is none.
    keyboard: str


@dataclass(frozen=True, slots=True)
class Request:
    """One link of one message, or one press of a button."""

    kind: Kind
    link: Link
    chat_id: int
    #: The message that is answered.
    message_id: int
    is_private: bool
    #: Unix time at which it was asked for.
    asked_at: int
    lang: str
    file_mode: bool = False
    preferences: Preferences = DEFAULT_PREFERENCES
    #: Name of who has asked, where the answer shows it; else empty.
    asker: str = ""
    #: The topic of a forum, or None.
    thread_id: int | None = None
    #: The business account in whose name the answer is written, or None for our own.
    business_id: str | None = None
    press: ButtonPress | None = None
    #: The inline message that becomes the answer; then the chat is who has sent it.
    inline_id: str | None = None
    #: It goes into the history: who asks is known to the bot, and asks for the first time.
    is_recorded: bool = True

    def as_json(self) -> str:
        """Give the form for the database."""
        values = {name: getattr(self, name) for name in _PLAIN}
        values["link"] = [self.link.platform, self.link.url, self.link.post_id]
        values["wishes"] = (
            None if self.preferences is DEFAULT_PREFERENCES else self.preferences.as_json()
        )
        values["press"] = self.press and [self.press.data, self.press.keyboard]
        return json.dumps({name: value for name, value in values.items() if value is not None})

    @classmethod
    def from_json(cls, text: str) -> "Request | None":
        """Read the database's form; None if another version of us has written what we do not know."""
        try:
            values: dict[str, Any] = json.loads(text)
            values["link"] = Link(*values["link"])
            values["preferences"] = Preferences.from_json(values.pop("wishes", None))
            if press := values.get("press"):
                values["press"] = ButtonPress(*press)
            return cls(**values)
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of an answer has gone out."""

    #: Ids of the messages with its files that have arrived, in order; 0 stands for one that may have.
    sent: tuple[int, ...] = ()
    #: How many files it has; 0 while nobody knows.
    total: int = 0
    #: So many files are on their way. 0: the text below them is; None: nothing is.
    in_flight: int | None = None
    #: The text below the files has gone out.
    has_text: bool = False

    @property
    def is_uncertain(self) -> bool:
        """Tell whether nobody can know if all of it has arrived."""
        return 0 in self.sent

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing is left to be sent: one file has its text in its caption."""
        has_all = 0 < self.total <= len(self.sent)
        return has_all and (self.has_text or self.total == 1)

    def record_sending(self, files: int) -> "Progress":
        """Note that files, or with 0 the text below them, are about to be sent."""
        return replace(self, in_flight=files)

    def record_not_sent(self) -> "Progress":
        """Note that what was on its way has surely not arrived."""
        return replace(self, in_flight=None)

    def record_sent(self, message_ids: tuple[int, ...]) -> "Progress":
        """Note that what was on its way has arrived."""
        has_text = self.has_text or self.in_flight == 0
        return replace(self, sent=self.sent + message_ids, in_flight=None, has_text=has_text)

    def interrupted(self) -> "Progress":
        """Note that the process has ended: what was on its way may have arrived, or not."""
        if self.in_flight is None:
            return self
        return self.record_sent((0,) * self.in_flight)

    def as_json(self) -> str:
        """Give the form for the database."""
        return json.dumps([self.sent, self.total, self.in_flight, self.has_text])

    @classmethod
    def from_json(cls, text: str | None) -> "Progress":
        """Read the database's form."""
        if text is None:
            return cls()
        sent, total, in_flight, has_text = json.loads(text)
        return cls(tuple(sent), total, in_flight, has_text)


_NESTED: Final = frozenset({"link", "preferences", "press"})
_PLAIN: Final = tuple(field.name for field in fields(Request) if field.name not in _NESTED)
