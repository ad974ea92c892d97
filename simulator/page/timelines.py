"""Time the steps of each request as they are seen from outside: at Telegram and at the sites.

A step begins where the one before has ended. "found" ends when the bot has got the message;
"stored" at its first reaction, which comes after the database; "fetched" with the last response of
a site; "shaped" when the upload begins; "sent" with Telegram's answer.

The press of a button below an answer, such as that for its sound, is a request as well if media
answer it; until then nothing tells it from the press of any other button.
"""

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from simulator.sites.web import SiteCall
from simulator.telegram.api import Call
from simulator.telegram.world import Json

STEPS: Final = ("found", "stored", "fetched", "shaped", "sent")
#: Number of requests that are kept.
_KEPT: Final = 20
#: The bot's reaction to a request that has failed.
_FAILED: Final = "😢"
#: Start of the callback data of a list's card, which is the whole answer to its link.
_LIST: Final = "list/"
#: Status of a chat that takes nothing: the bot falls silent there, and its reaction stays.
_FORBIDDEN: Final = 403
#: Shortest time between two events about one upload, in seconds.
_UPLOAD_EVENT_S: Final = 0.1
#: Fields that hold media in the parameters of a call.
_MEDIA: Final = {"video", "animation", "live_photo", "photo", "audio", "document", "media"}


@dataclass(slots=True)
class Timeline:
    """One request, and when its steps ended, on the monotonic clock."""

    #: 0 for the press of a button that nothing has answered yet.
    number: int
    chat: int
    #: The message with the link, or with the button.
    message: int
    link: str
    #: Text of the button, or empty.
    button: str = ""
    began: float = field(default_factory=time.monotonic)
    at: float = field(default_factory=time.time)
    ends: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    #: How it ended; empty while it runs.
    outcome: str = ""
    ended: float = 0.0
    #: When the last response of a site ended, and how many there were.
    fetched: float = 0.0
    fetches: int = 0
    uploaded: float = 0.0
    #: The message has a reaction of the bot, which is removed when the answer is complete.
    is_marked: bool = False

    @property
    def is_open(self) -> bool:
        """Return True until the request has ended."""
        return not self.outcome

    @property
    def post(self) -> str:
        """Return what names the post in the link: the last part of its path."""
        return urlsplit(self.link).path.rstrip("/").rpartition("/")[2]

    def reach(self, step: str, at: float) -> None:
        """End a step and those before it, unless they have ended."""
        for one in STEPS[: STEPS.index(step) + 1]:
            self.ends.setdefault(one, at)

    def upload(self, began: float, size: int) -> None:
        """Note that an answer is being sent since a time, and how many bytes that are so far."""
        if "fetched" not in self.ends:
            self.reach("stored", began)
            self.ends["fetched"] = max(self.fetched, self.ends["stored"])
            if not self.fetches:
                self.notes["fetched"] = "from the cache"
        self.reach("shaped", began)
        if size:
            self.notes["sent"] = _size(size)

    def close(self, outcome: str) -> None:
        """End the request, and the step in which it was refused."""
        self.outcome, self.ended = outcome, time.monotonic()
        if outcome == "refused" and self.fetches:
            self.ends.setdefault("fetched", self.ended)

    def as_json(self) -> Json:
        """Return the timeline for the page; times in milliseconds since its begin."""
        steps = []
        began = self.began
        for name in STEPS:
            ended = self.ends.get(name)
            steps.append(
                {
                    "name": name,
                    "began": round((began - self.began) * 1000),
                    "ended": None if ended is None else round((ended - self.began) * 1000),
                    "note": self.notes.get(name, ""),
                }
            )
            if ended is None:
                break
            began = max(began, ended)
        ended_ms = round((self.ended - self.began) * 1000) if self.outcome else None
        names = ("number", "chat", "message", "link", "button", "at", "outcome")
        return {**{name: getattr(self, name) for name in names}, "steps": steps, "ended": ended_ms}


class Timelines:
    """The timelines of the last requests; `tell` gets each one after every change."""

    def __init__(self, tell: Callable[[Json], None]) -> None:
        self._tell = tell
        self._number = 0
        self._lines: deque[Timeline] = deque(maxlen=_KEPT)
        #: The last press of a button below an answer, by chat, until media answer it.
        self._presses: dict[int, Timeline] = {}

    def as_json(self) -> list[Json]:
        """Return all timelines, oldest first."""
        return [line.as_json() for line in self._lines]

    # --- what happens at Telegram -----------------------------------------------------------------

    def on_event(self, event: Json) -> None:
        """Take note of a message or press of a user, or of a reaction of the bot."""
        match event["event"]:
            case "message" if "message" not in event:
                if link := _link(event):
                    self._begin(event["chat"]["id"], event["message_id"], link)
            case "callback_query" if "message" in event:
                self._press(event["message"], event["data"])
            case "reaction":
                self._on_reaction(event["chat_id"], event["id"], event["emoji"])

    def on_updates(self, updates: list[Json]) -> None:
        """Take note of messages and presses that the bot has got."""
        presses = [update["callback_query"] for update in updates if "callback_query" in update]
        for lines, carriers in ((self._open(), updates), (self._presses.values(), presses)):
            messages = [carrier["message"] for carrier in carriers if "message" in carrier]
            got = {(_chat(message), message["message_id"]) for message in messages}
            for line in lines:
                if (line.chat, line.message) in got:
                    line.reach("found", time.monotonic())
                    self._changed(line)

    def on_upload(self, _method: str, params: Json, size: int) -> None:
        """Take note of bytes of an answer; `params` are the fields of the form so far."""
        line, now = self._answered(params), time.monotonic()
        if line is None:
            return
        self._confirm(line)
        line.upload(now, size)
        if now - line.uploaded > _UPLOAD_EVENT_S:
            line.uploaded = now
            self._changed(line)

    def on_call(self, call: Call) -> None:
        """Take note of a call that has sent an answer, or was forbidden to."""
        line = self._answered(call.params)
        if line is None or call.status not in {200, _FORBIDDEN}:
            return
        has_media = bool(call.params.keys() & _MEDIA)
        if has_media:
            self._confirm(line)
        if call.status == _FORBIDDEN:
            if has_media or call.method == "sendMessage":
                line.close("refused")
        elif has_media:
            line.upload(call.at, sum(call.uploads.values()))
            line.ends["sent"] = call.at + call.seconds
            if not line.is_marked:  # an answer from the cache is faster than a reaction
                line.close("sent")
        elif call.method == "sendMessage":
            line.notes["said"] = str(call.params["text"])
            if _LIST in str(call.params.get("reply_markup")):
                line.ends["sent"] = call.at + call.seconds
        self._changed(line)

    def _on_reaction(self, chat: int, message: int, emoji: str | None) -> None:
        for line in self._open():
            if (line.chat, line.message) != (chat, message):
                continue
            if emoji and emoji != _FAILED:
                line.is_marked = True
                line.reach("stored", time.monotonic())
            else:
                line.close("sent" if "sent" in line.ends and not emoji else "refused")
            self._changed(line)

    # --- what happens at the sites ----------------------------------------------------------------

    def on_site_call(self, call: SiteCall) -> None:
        """Take note of a request to a site."""
        lines, presses = self._open(), list(self._presses.values())
        named = [line for line in (*lines, *presses) if line.post and line.post in call.path]
        others = lines or presses
        chosen = named or (others if len(others) == 1 else [])
        for line in chosen[:1]:
            line.reach("stored", call.began)
            line.fetched, line.fetches = call.ended, line.fetches + 1
            plural = "" if line.fetches == 1 else "s"
            line.notes["fetched"] = f"{line.fetches} request{plural} to {call.site}"
            self._changed(line)

    # --- helpers ----------------------------------------------------------------------------------

    def _begin(self, chat: int, message: int, link: str) -> None:
        line = Timeline(0, chat, message, link)
        self._add(line)
        self._changed(line)

    def _press(self, message: Json, data: str) -> None:
        """Take note of a button below the answer to a request whose timeline is kept."""
        chat, quoted = _chat(message), message.get("reply_to_message", {}).get("message_id")
        links = [line.link for line in self._lines if (line.chat, line.message) == (chat, quoted)]
        self._presses.pop(chat, None)
        if links:
            button = _button(message, data)
            self._presses[chat] = Timeline(0, chat, message["message_id"], links[-1], button)

    def _confirm(self, line: Timeline) -> None:
        """Keep the timeline of a press from now on: media answer it."""
        if self._presses.get(line.chat) is line:
            self._add(self._presses.pop(line.chat))

    def _add(self, line: Timeline) -> None:
        self._number += 1
        line.number = self._number
        self._lines.append(line)

    def _open(self) -> list[Timeline]:
        return [line for line in self._lines if line.is_open]

    def _answered(self, params: Json) -> Timeline | None:
        """Return the request that a call answers: the quoted one, or the only one of the chat."""
        quoted = _quoted(params.get("reply_parameters"))
        for line in (*self._open(), *self._presses.values()):
            is_there = str(params.get("chat_id")) == str(line.chat)
            # A press is answered with a quotation.
            if is_there and quoted in {None if line.number else 0, line.message}:
                return line
        return None

    def _changed(self, line: Timeline) -> None:
        if line.number:
            self._tell(line.as_json())


def _quoted(reply: Any) -> Any:
    """Return the message that is quoted; in a form that is not complete, the object is JSON."""
    if isinstance(reply, str):
        reply = json.loads(reply)
    return reply.get("message_id") if reply else None


def _chat(message: Json) -> Any:
    return message["chat"]["id"]


def _button(message: Json, data: str) -> str:
    """Return the text of a message's button with these data."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return next(
        (key["text"] for row in rows for key in row if key.get("callback_data") == data), ""
    )


def _link(message: Json) -> str:
    text = message.get("text", "")
    found = [e for e in message.get("entities", []) if e["type"] == "url"]
    if not found:
        return ""
    units = text.encode("utf-16-le")
    start, length = found[0]["offset"] * 2, found[0]["length"] * 2
    return str(units[start : start + length].decode("utf-16-le"))


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size / 1_000:.0f} KB"
