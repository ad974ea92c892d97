"""Requests and the progress of their answers, as pure values with a JSON form for the database."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeVar, get_args

from core.choices import Choice, Piece
from core.formats import Quality
from core.media import Link
from core.preferences import DEFAULT_PREFERENCES, Preferences

T = TypeVar("T")

#: Number of unfinished attempts after which a request is given up, because it may be what crashes
#: the process. The number is large: every crash also counts for unrelated requests in progress.
MAX_ATTEMPTS: Final = 30

#: A press of "Try again" moves the count of attempts to the next multiple of this: the count never
#: has a value again that an earlier button names, and says how many attempts came since the press.
_PER_PRESS: Final = 1_000

#: Messages that are older when they arrive come from a downtime, in seconds.
OLD_S: Final = 120
#: Most items of a post in one answer; a button fetches the others. No post of a site has more,
#: except all stories of a person, and highlights.
MOST_ITEMS: Final = 35
#: What to deliver: the post, its audio ("sound"), its slides as one video, its subtitles, its files
#: as a ZIP archive; or the card of a list of posts, whose id at the platform is the link's post id;
#: or several posts of a list as one ZIP archive.
Kind = Literal["post", "sound", "slides", "subtitles", "archive", "list", "list_archive"]
_KINDS: Final = get_args(Kind)
#: Version of the JSON form of requests. A release increases it if it stores something that older
#: versions must not ignore; the form then has it as `v`. Without `v` the version is 1.
SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class ButtonPress:
    """A press of one of the bot's buttons."""

    #: The button's callback data.
    data: str
    #: The inline keyboard that contains the button, as Telegram's JSON; empty if there is none.
    keyboard: str


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where an answer goes on, if the post has more items than one answer may have."""

    #: Index of the first item that is left.
    start: int
    #: The edition of the post whose items were counted, see `Post`.
    edition: str = ""

    def __str__(self) -> str:
        """Return the form that callback data contain: "10", or "10.1f2e3d"."""
        return f"{self.start}.{self.edition}" if self.edition else str(self.start)

    @classmethod
    def parse(cls, text: str) -> "Continuation | None":
        """Parse the form of callback data; return None if it is none."""
        found = _CONTINUATION.fullmatch(text)
        return cls(int(found["start"]), found["edition"] or "") if found else None


_CONTINUATION: Final = re.compile(r"(?P<start>[1-9]\d{0,3})(?:\.(?P<edition>\w{1,16}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Allows one press of a button to send the answer to a request again."""

    #: Id of the request's row.
    row: int
    #: The row's count of attempts, which the press changes: a second press has a used ticket.
    attempts: int

    @property
    def attempts_after_press(self) -> int:
        """Return the row's count of attempts after the press.

        The attempts before it have ended and do not count any more, unless the request was given
        up.
        """
        if is_given_up(self.attempts):
            return self.attempts + 1
        return (self.attempts // _PER_PRESS + 1) * _PER_PRESS


def is_given_up(attempts: int) -> bool:
    """Return True if a row's count of attempts has too many since the last press."""
    return attempts % _PER_PRESS >= MAX_ATTEMPTS


@dataclass(frozen=True, slots=True)
class Target:
    """Where an answer goes, and the message that it answers."""

    #: For an inline message: its sender.
    chat_id: int
    message_id: int
    #: A private chat with the bot itself, not with a business account.
    is_private: bool
    #: Forum topic, or None.
    thread_id: int | None = None
    #: Connection of the business account that sends the answer, or None for the bot itself.
    business_id: str | None = None
    #: The inline message that is edited into the answer, or None for a new message in the chat.
    inline_id: str | None = None
    #: In the direct messages of a channel: the topic of the person who writes to it, or None.
    direct_topic_id: int | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, and how the answer names them."""

    #: In a group: a person, or a chat that writes there. None in private chats.
    id: int | None = None
    #: Name if the answer shows it; otherwise empty.
    name: str = ""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What the chat has set, at the time of the request."""

    #: One of the languages in locale/.
    lang: str
    #: Files are sent as documents, unchanged.
    file_mode: bool = False
    preferences: Preferences = DEFAULT_PREFERENCES


@dataclass(frozen=True, slots=True)
class Origin:
    """What the link was taken from, if not from a message with no other link."""

    #: Index of the link in a message with several; None if it is the only one.
    index: int | None = None
    #: Index of the post in the list that it was chosen from, or None.
    entry: int | None = None
    press: ButtonPress | None = None
    #: The message is in a group and addressed to the bot. Only known of short links, because what
    #: they may lead to is not answered otherwise.
    is_addressed: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted of the post, if not all of it in the site's own format."""

    #: The audio as an MP3 file, whatever the site's own format is.
    is_mp3: bool = False
    #: The part of the video or audio that is asked for; None means all of it.
    piece: Piece | None = None
    #: Language of the subtitles, if those are asked for.
    subtitles: str = ""
    #: The items that are asked for, if not those from the first one on.
    continuation: Continuation | None = None
    #: Ids of the posts of a list that one archive has, in its order.
    posts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One link of one message, or one press of a button."""

    kind: Kind
    link: Link
    target: Target
    #: Unix time of the message or press.
    asked_at: int
    chat: ChatSettings
    asker: Asker = Asker()
    origin: Origin = Origin()
    selection: Selection = Selection()
    #: Record the delivery in the history. False for unregistered senders and for repeated requests.
    is_recorded: bool = True

    def is_of(self, user_id: int) -> bool:
        """Return True if this user asked. It is not known of some requests of older versions."""
        if self.asker.id is not None:
            return user_id == self.asker.id
        is_known = bool(self.target.is_private or self.target.inline_id)
        return user_id == self.chat_id and is_known

    @property
    def chat_id(self) -> int:
        """The chat that gets the answer. For an inline message: its sender."""
        return self.target.chat_id

    @property
    def person_id(self) -> int:
        """Who asked: a person, or a chat in whose name somebody writes."""
        return self.chat_id if self.asker.id is None else self.asker.id

    def as_json(self) -> str:
        """Return the JSON form for the database."""
        return json.dumps({name: v for name, v in _values_of(self).items() if v is not None})

    @classmethod
    def from_json(cls, text: str) -> "Request | None":
        """Parse the JSON form from the database.

        Return None if it is invalid, for example because a newer version wrote it.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            link = Link(*values["link"])
            is_newer = values.get("v", SCHEMA) > SCHEMA or values["kind"] not in _KINDS
            return None if is_newer or values.keys() - _STORED else _request_of(values, link)
        except (ValueError, KeyError, TypeError):
            return None


def with_choice(request: Request, choice: Choice) -> Request:
    """Return a request for a post in the version of a choice, or of the chat's settings."""
    chat, kind = request.chat, request.kind
    if choice.quality or choice.is_file:
        preferences = replace(chat.preferences, quality=choice.quality or Quality.BEST)
        chat = replace(chat, preferences=preferences, file_mode=choice.is_file)
    if choice.subtitles is not None:
        selection = Selection(piece=choice.piece, subtitles=choice.subtitles or chat.lang)
        return replace(request, kind="subtitles", chat=chat, selection=selection)
    if chat.preferences.quality is Quality.SOUND:
        kind = "sound"
    selection = Selection(choice.is_mp3, choice.piece)
    return replace(request, kind=kind, chat=chat, selection=selection)


def _values_of(request: Request) -> dict[str, object]:
    """Return every value of the JSON form by its name; None is left out of it.

    The form is flat: it is older than the records that a request consists of.
    """
    target, chat, origin = request.target, request.chat, request.origin
    selection, preferences, press = request.selection, chat.preferences, origin.press
    return {
        "kind": request.kind,
        "chat_id": target.chat_id,
        "message_id": target.message_id,
        "is_private": target.is_private,
        "asked_at": request.asked_at,
        "lang": chat.lang,
        "file_mode": chat.file_mode,
        "asker": request.asker.name,
        "sender_id": request.asker.id,
        "index": origin.index,
        "thread_id": target.thread_id,
        "business_id": target.business_id,
        "inline_id": target.inline_id,
        "direct_topic_id": target.direct_topic_id,
        "entry": origin.entry,
        "is_recorded": request.is_recorded,
        "link": [request.link.platform, request.link.url, request.link.post_id],
        "wishes": None if preferences is DEFAULT_PREFERENCES else preferences.as_json(),
        "press": press and [press.data, press.keyboard],
        "piece": selection.piece and str(selection.piece),
        # None where they are not needed, so that older versions can read the rest.
        "is_mp3": selection.is_mp3 or None,
        "subtitles": selection.subtitles or None,
        "continuation": selection.continuation and str(selection.continuation),
        "posts": selection.posts or None,
        "is_addressed": origin.is_addressed or None,
    }


#: Every name in the JSON form.
_STORED: Final = frozenset(
    _values_of(
        Request("post", Link("", "", None), Target(0, 0, is_private=True), 0, ChatSettings("en"))
    )
) | {"v"}


def _request_of(values: Mapping[str, Any], link: Link) -> Request:
    """Return the request whose JSON form has these values.

    Raises:
        KeyError, TypeError, ValueError: a value is missing, or invalid.
    """
    get = values.get
    return Request(
        kind=values["kind"],
        link=link,
        target=Target(
            values["chat_id"],
            values["message_id"],
            values["is_private"],
            thread_id=get("thread_id"),
            business_id=get("business_id"),
            inline_id=get("inline_id"),
            direct_topic_id=get("direct_topic_id"),
        ),
        asked_at=values["asked_at"],
        chat=ChatSettings(
            values["lang"], get("file_mode", False), Preferences.from_json(get("wishes"))
        ),
        asker=Asker(get("sender_id"), get("asker", "")),
        origin=_origin_of(values),
        selection=_selection_of(values),
        is_recorded=get("is_recorded", True),
    )


def _origin_of(values: Mapping[str, Any]) -> Origin:
    get, press = values.get, values.get("press")
    button = ButtonPress(*press) if press else None
    return Origin(get("index"), get("entry"), button, get("is_addressed", False))


def _selection_of(values: Mapping[str, Any]) -> Selection:
    piece, continuation = values.get("piece"), values.get("continuation")
    return Selection(
        is_mp3=values.get("is_mp3", False),
        piece=Piece.parse(piece) if piece else None,
        subtitles=values.get("subtitles", ""),
        continuation=Continuation.parse(continuation) if continuation else None,
        posts=tuple(map(str, values.get("posts", ()))),
    )


def is_from_newer_version(text: str) -> bool:
    """Return True if the JSON form of a request is one that a newer version may understand.

    It says so itself, or it has a kind or fields that this version does not know.
    """
    try:
        values = json.loads(text)
    except ValueError:
        return False
    if not isinstance(values, dict):
        return False
    version = values.get("v", SCHEMA)
    is_newer = isinstance(version, int) and version > SCHEMA
    return is_newer or values.get("kind", "post") not in _KINDS or bool(values.keys() - _STORED)


def press_id(chat_id: int, message_id: int, data: str, business_id: str | None = None) -> int:
    """Return a number that stands for every press of one button, instead of an update's id.

    Requests that are stored under it are stored once, however often the button is pressed. It is
    negative, which Telegram's update ids never are.
    """
    # A business account counts the messages of its chats by itself.
    account = f"/{business_id}" if business_id else ""
    digest = hashlib.sha256(f"{chat_id}/{message_id}/{data}{account}".encode()).digest()
    return -(int.from_bytes(digest[:8], "big") >> 1) - 1


#: Stands for the message id of a file that may have arrived.
UNKNOWN: Final = 0
#: Stands for the message id of a file that Telegram refused in every form.
REFUSED: Final = -1
#: Stands for the message id of a file that may have arrived, and that is to be sent again.
WANTED: Final = -2


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of an answer has been sent."""

    #: Ids of the delivered file messages, in order, or what stands for them: `UNKNOWN`, `REFUSED`,
    #: `WANTED`.
    sent: tuple[int, ...] = ()
    #: Number of files in the answer; 0 while unknown.
    total: int = 0
    #: Number of files being sent now. 0: the text below the files is being sent; None: nothing is.
    in_flight: int | None = None
    #: The text below the files was sent.
    has_text: bool = False
    #: Id of the status note's message, or None if there is none: it is deleted at the end.
    note: int | None = None
    #: The text below the files may have been sent; `has_text` is true then.
    is_text_unknown: bool = False

    @property
    def arrived(self) -> int:
        """Return the number of files that have certainly arrived."""
        return sum(message_id > 0 for message_id in self.sent)

    @property
    def missing(self) -> int:
        """Return the number of files that Telegram refused in every form."""
        return self.sent.count(REFUSED)

    @property
    def is_uncertain(self) -> bool:
        """Return True if it is unknown whether some file, or the text below them, arrived."""
        return UNKNOWN in self.sent or self.is_text_unknown

    @property
    def settled(self) -> int:
        """Return the number of files that are not to be sent any more."""
        return len(self.sent) - self.sent.count(WANTED)

    @property
    def is_complete(self) -> bool:
        """Return True if nothing is left to send. A single file carries the text as its caption."""
        has_all = 0 < self.total <= self.settled
        return has_all and (self.has_text or self.total == 1)

    def record_sending(self, files: int) -> "Progress":
        """Return the progress with `files` files about to be sent; 0 means the text below them."""
        return replace(self, in_flight=files)

    def record_not_sent(self) -> "Progress":
        """Return the progress after a send that certainly failed."""
        return replace(self, in_flight=None)

    def record_sent(self, message_ids: tuple[int, ...]) -> "Progress":
        """Return the progress after a successful send, with the ids of the new file messages."""
        has_text = self.has_text or self.in_flight == 0
        left = iter(message_ids)
        sent = tuple(next(left, WANTED) if one == WANTED else one for one in self.sent)
        return replace(self, sent=(*sent, *left), in_flight=None, has_text=has_text)

    def interrupted(self) -> "Progress":
        """Return the progress after a send without a response: it may or may not have arrived."""
        if self.in_flight is None:
            return self
        is_text = self.in_flight == 0
        return replace(self.record_sent((UNKNOWN,) * self.in_flight), is_text_unknown=is_text)

    def wanted_again(self) -> "Progress":
        """Return the progress in which what may have arrived is to be sent again."""
        known = self.interrupted()
        return replace(
            known,
            sent=tuple(WANTED if one == UNKNOWN else one for one in known.sent),
            has_text=known.has_text and not known.is_text_unknown,
            is_text_unknown=False,
        )

    def left_of(self, files: Sequence[T]) -> list[T]:
        """Return the files of the answer that are still to be sent, in order."""
        return [
            file
            for index, file in enumerate(files)
            if index >= len(self.sent) or self.sent[index] == WANTED
        ]

    def as_json(self) -> str:
        """Return the JSON form for the database."""
        values = [self.sent, self.total, self.in_flight, self.has_text]
        # Left out where they are not needed, so that older versions can read the rest.
        if self.is_text_unknown:
            values += [self.note, True]
        elif self.note is not None:
            values.append(self.note)
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str | None) -> "Progress":
        """Parse the JSON form from the database. None means that nothing was sent yet."""
        if text is None:
            return cls()
        sent, *others = json.loads(text)
        return cls(tuple(sent), *others[:5])
