"""Time the steps of each request as they are seen from outside: at Telegram and at the sites.

A step begins where the one before has ended. "found" ends when the bot has got the message;
"stored" at its first reaction, which comes after the database; "fetched" with the last response of
a site; "shaped" when the upload begins; "sent" with Telegram's answer.
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
#: Shortest time between two events about one upload, in seconds.
_UPLOAD_EVENT_S: Final = 0.1
#: Fields that hold media in the parameters of a call.
_MEDIA: Final = {"video", "animation", "live_photo", "photo", "audio", "document", "media"}


@dataclass(slots=True)
class Timeline:
    """One request: a message with a link, and when its steps ended, on the monotonic clock."""

    number: int
    chat: int
    message: int
    link: str
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
        names = ("number", "chat", "message", "link", "at", "outcome")
        return {**{name: getattr(self, name) for name in names}, "steps": steps, "ended": ended_ms}


class Timelines:
    """The timelines of the last requests; `tell` gets each one after every change."""

    def __init__(self, tell: Callable[[Json], None]) -> None:
        self._tell = tell
        self._number = 0
        self._lines: deque[Timeline] = deque(maxlen=_KEPT)

    def as_json(self) -> list[Json]:
        """Return all timelines, oldest first."""
        return [line.as_json() for line in self._lines]

    # --- what happens at Telegram -----------------------------------------------------------------

    def on_event(self, event: Json) -> None:
        """Take note of a message of a user, or of a reaction of the bot."""
        match event["event"]:
            case "message" if "message" not in event:
                if link := _link(event):
                    self._begin(event["chat"]["id"], event["message_id"], link)
            case "reaction":
                self._on_reaction(event["chat_id"], event["id"], event["emoji"])

    def on_updates(self, updates: list[Json]) -> None:
        """Take note of messages that the bot has got."""
        messages = [update["message"] for update in updates if "message" in update]
        for line in self._open():
            if any(line.message == m["message_id"] and line.chat == _chat(m) for m in messages):
                line.reach("found", time.monotonic())
                self._changed(line)

    def on_upload(self, _method: str, params: Json, size: int) -> None:
        """Take note of bytes of an answer; `params` are the fields of the form so far."""
        line, now = self._answered(params), time.monotonic()
        if line is None:
            return
        line.upload(now, size)
        if now - line.uploaded > _UPLOAD_EVENT_S:
            line.uploaded = now
            self._changed(line)

    def on_call(self, call: Call) -> None:
        """Take note of a call that has sent an answer."""
        line = self._answered(call.params)
        if line is None or call.status != 200:
            return
        if call.params.keys() & _MEDIA:
            line.upload(call.at, sum(call.uploads.values()))
            line.ends["sent"] = call.at + call.seconds
            if not line.is_marked:  # an answer from the cache is faster than a reaction
                line.close("sent")
        elif call.method == "sendMessage":
            line.notes["said"] = str(call.params["text"])
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
        lines = self._open()
        named = [line for line in lines if line.post and line.post in call.path]
        chosen = named or (lines if len(lines) == 1 else [])
        for line in chosen[:1]:
            line.reach("stored", call.began)
            line.fetched, line.fetches = call.ended, line.fetches + 1
            plural = "" if line.fetches == 1 else "s"
            line.notes["fetched"] = f"{line.fetches} request{plural} to {call.site}"
            self._changed(line)

    # --- helpers ----------------------------------------------------------------------------------

    def _begin(self, chat: int, message: int, link: str) -> None:
        self._number += 1
        line = Timeline(self._number, chat, message, link)
        self._lines.append(line)
        self._changed(line)

    def _open(self) -> list[Timeline]:
        return [line for line in self._lines if line.is_open]

    def _answered(self, params: Json) -> Timeline | None:
        """Return the request that a call answers: the quoted one, or the only one of the chat."""
        quoted = _quoted(params.get("reply_parameters"))
        for line in self._open():
            is_there = str(params.get("chat_id")) == str(line.chat)
            if is_there and quoted in {None, line.message}:
                return line
        return None

    def _changed(self, line: Timeline) -> None:
        self._tell(line.as_json())


def _quoted(reply: Any) -> Any:
    """Return the message that is quoted; in a form that is not complete, the object is JSON."""
    if isinstance(reply, str):
        reply = json.loads(reply)
    return reply.get("message_id") if reply else None


def _chat(message: Json) -> Any:
    return message["chat"]["id"]


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
