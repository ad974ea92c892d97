"""Serve the chat page: the simulated Telegram in a browser.

`/` is the page. It reads `/page/events`, a stream that starts with the full state, and posts user
actions to `/page/do`. Objects have the Bot API's format. The page loads nothing from other servers.
"""

import asyncio
import itertools
import json
import mimetypes
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from simulator.samples import SampleStore
from simulator.telegram.api import BotApi, Call, FaultRule
from simulator.telegram.files import Upload
from simulator.telegram.markup import entities_of_plain_text
from simulator.telegram.world import Chat, Json, Person, World

_FOLDER = Path(__file__).parent
_CHUNK = 1 << 18
_MOST_UPLOAD_BYTES = 200_000_000
#: Number of recent calls kept, here and in the page.
_CALLS = 200
#: Number of unread events after which a browser is disconnected; it reconnects by itself.
_BACKLOG = 5_000
#: Seconds without an event after which a keep-alive comment is sent.
_SILENCE_S = 15
_HEADERS = {
    # Allow only our own scripts and resources.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_TYPES = {
    "video": "video/mp4",
    "animation": "video/mp4",
    "live_photo": "video/mp4",
    "audio": "audio/mpeg",
}


@dataclass(slots=True)
class BotSwitch:
    """The page's control over the bot process."""

    crash: Callable[[], Awaitable[None]]
    is_running: Callable[[], bool]


@dataclass(slots=True)
class Page:
    """Serves the page to any number of browsers."""

    world: World
    api: BotApi
    switch: BotSwitch
    #: What the page offers to send; see `simulator.catalogue.SampleLink`.
    samples: list[Json]
    #: Makes the pictures of albums.
    pictures: SampleStore
    _browsers: set["asyncio.Queue[str]"] = field(default_factory=set)
    _calls: deque[Json] = field(default_factory=lambda: deque(maxlen=_CALLS))
    #: User id behind each open callback query and inline query, by the query's id.
    _query_owners: dict[str, int] = field(default_factory=dict)
    _group_ids: "itertools.count[int]" = field(
        default_factory=lambda: itertools.count(-1_000_000_001, -1)
    )
    _people_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(5_001))

    def __post_init__(self) -> None:
        """Subscribe to the world's events and the bot's calls."""
        self.world.watch(self._on_event)
        self.api.on_call = self._on_call

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the page."""
        return [
            web.get("/", self._file),
            web.get("/page/{name:[a-z]+\\.(?:js|css|svg)}", self._file),
            web.get("/page/events", self._events),
            web.get("/page/media/{file_id}", self._media),
            web.post("/page/do/{action}", self._do),
            web.post("/page/upload", self._upload),
        ]

    # --- static files -----------------------------------------------------------------------------

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("name", "index.html")
        path = _FOLDER / name
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers=_HEADERS)

    async def _media(self, request: web.Request) -> web.StreamResponse:
        file = self.api.files.by_id.get(request.match_info["file_id"])
        if file is None:
            raise web.HTTPNotFound
        kind = _TYPES.get(file.kind) or mimetypes.guess_type(file.name)[0]
        if file.kind in {"photo", "thumbnail"} and file.codec:
            kind = f"image/{file.codec}"
        headers = {**_HEADERS, "Cache-Control": "private, max-age=3600"}
        headers["Content-Type"] = kind or "application/octet-stream"
        if file.kind == "document":
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name)}"
        return web.FileResponse(file.path, headers=headers)

    # --- state and events -------------------------------------------------------------------------

    def _everything(self) -> Json:
        return {
            "bot": self.world.bot_user,
            "running": self.switch.is_running(),
            "people": [person.as_json() for person in self.world.people.values()],
            "chats": [self._chat(chat) for chat in self.world.chats.values()],
            "messages": [
                self._message(message)
                for chat in self.world.chats.values()
                for message in chat.messages.values()
            ],
            "commands": self.api.methods.commands,
            "samples": self.samples,
            "calls": list(self._calls),
            "latency": self.api.latency_s,
        }

    def _chat(self, chat: Chat) -> Json:
        return {**chat.as_json(), "title": chat.title, "closed": chat.closed}

    def _message(self, message: Json) -> Json:
        chat = self.world.chats[message["chat"]["id"]]
        return {**message, "reaction": chat.reactions.get(message["message_id"])}

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Stream the full state and then every change until the browser disconnects."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        changes: asyncio.Queue[str] = asyncio.Queue(_BACKLOG)
        # Subscribe before taking the state: a change in between may arrive twice but is never lost.
        self._browsers.add(changes)
        changes.put_nowait(json.dumps({"type": "state", **self._everything()}))
        try:
            while changes in self._browsers:
                try:
                    change = await asyncio.wait_for(changes.get(), _SILENCE_S)
                    await response.write(f"data: {change}\n\n".encode())
                except TimeoutError:
                    await response.write(b": still here\n\n")
            return response
        except ConnectionError:
            return response  # the browser has disconnected
        finally:
            self._browsers.discard(changes)

    def _send_event(self, kind: str, **facts: Any) -> None:
        change = json.dumps({"type": kind, **facts})
        for browser in [*self._browsers]:
            try:
                browser.put_nowait(change)
            except asyncio.QueueFull:
                self._browsers.discard(browser)

    def _on_event(self, event: Json) -> None:
        match event["event"]:
            case "message" | "business_message" | "guest_message":
                self._send_event("message", message=self._message(event.get("message", event)))
            case "edited":
                self._send_event("message", message=self._message(event["message"]))
            case "deleted":
                self._send_event("deleted", chat=event["chat_id"], id=event["message_id"])
            case "reaction":
                chat, number = event["chat_id"], event["id"]
                self._send_event("reaction", chat=chat, id=number, emoji=event["emoji"])
            case "action":
                self._send_event("action", chat=event["chat_id"], action=event["action"])
            case "callback_query" | "inline_query":
                self._query_owners[event["id"]] = event["from"]["id"]
            case "query_answered":
                person = self._query_owners.pop(event["id"], None)
                text, is_alert = event.get("text") or "", bool(event.get("show_alert"))
                self._send_event("answered", person=person, text=text, alert=is_alert)
            case "inline_answered":
                person = self._query_owners.pop(event["id"], None)
                cards = [self._card(result) for result in event["results"]]
                self._send_event("cards", person=person, query=event["id"], cards=cards)

    def _on_call(self, call: Call) -> None:
        shown = {
            "method": call.method,
            "ms": round(call.seconds * 1000),
            "bytes": sum(call.uploads.values()),
            "status": call.status,
            "error": call.error,
        }
        self._calls.append(shown)
        self._send_event("call", call=shown)

    def _card(self, result: Json) -> Json:
        """Return what the page shows of one inline result."""
        file_id = next((value for key, value in result.items() if key.endswith("_file_id")), None)
        shown = self.api.files.by_id[file_id].shown if file_id else {}
        still = (shown.get("thumbnail") or {}).get("file_id")
        if result["type"] == "photo":
            still = file_id
        return {
            "id": result["id"],
            "kind": result["type"],
            "title": result.get("title") or result["type"].capitalize(),
            "description": result.get("description") or "",
            "still": still,
        }

    # --- user actions -----------------------------------------------------------------------------

    async def _do(self, request: web.Request) -> web.Response:
        """Run the action named in the path; the body holds the ids of user and chat."""
        action = getattr(self, f"_do_{request.match_info['action']}", None)
        if action is None:
            raise web.HTTPNotFound
        try:
            return web.json_response(await action(await request.json()))
        except (KeyError, ValueError, StopIteration) as error:
            raise web.HTTPBadRequest(text=f"{type(error).__name__}: {error}") from error

    async def _do_say(self, what: Json) -> Json:
        person, chat = self._who(what), self._where(what)
        extra: Any = {}
        if above := chat.messages.get(what.get("reply_to", 0)):
            extra["reply_to_message"] = {k: v for k, v in above.items() if k != "reply_to_message"}
        return self.world.say(person, what["text"], chat, **extra)

    async def _do_album(self, what: Json) -> bool:
        """Send pictures as one album; each is a message of its own, with the same album id."""
        album = secrets.token_hex(8)
        for number in range(int(what["pictures"])):
            path = self.api.files.new_path()
            path.write_bytes(self.pictures.picture(640, 480, f"picture {number + 1}").read_bytes())
            upload = Upload(path, f"{number}.jpg", "image/jpeg", path.stat().st_size)
            file = self.api.files.keep(upload, "photo")
            photo = [{**file.as_json(), "width": file.width, "height": file.height}]
            content = {"photo": photo, "media_group_id": album}
            self.world.post(self._who(what), self._where(what), content)
        return True

    async def _do_press(self, what: Json) -> bool:
        message = self._where(what).messages[what["message"]]
        inline = self.api.methods.inline
        if any(known is message for known in inline.messages.values()):
            inline.press(self._who(what), inline.id_of(message), what["data"])
        else:
            self.world.press(self._who(what), message, what["data"])
        return True

    async def _do_ask(self, what: Json) -> str:
        return self.api.methods.inline.ask(self._who(what), what["text"])

    async def _do_choose(self, what: Json) -> Json:
        person, chat = self._who(what), self._where(what)
        inline = self.api.methods.inline
        return inline.choose(person, what["query"], what["card"], what["text"], chat)

    async def _do_person(self, what: Json) -> Json:
        number = next(self._people_ids)
        name = str(what["name"]).strip()[:64]
        if not name:
            raise ValueError("the user has no name")
        person = self.world.person(number, name, language_code=what.get("language") or "en")
        new = {"person": person.as_json(), "chat": self._chat(self.world.chats[number])}
        self._send_event("person", **new)
        return new

    async def _do_group(self, what: Json) -> Json:
        title = str(what["title"]).strip()[:128]
        if not title:
            raise ValueError("the group has no name")
        chat = self.world.group(next(self._group_ids), title)
        chat.members[self._who(what).id] = "creator"
        new = {"chat": self._chat(chat)}
        self._send_event("chat", **new)
        return new

    async def _do_block(self, what: Json) -> bool:
        person = self._who(what)
        chat = self.world.chats[person.id]
        if chat.closed:
            self.world.unblock(person)
        else:
            self.world.block(person)
        self._send_event("chat", chat=self._chat(chat))
        return True

    async def _do_delete(self, what: Json) -> bool:
        self.world.delete(self._where(what), what["message"])
        return True

    async def _do_fault(self, what: Json) -> bool:
        fault = FaultRule(
            str(what["method"]), str(what["kind"]), seconds=float(what.get("seconds", 3))
        )
        self.api.faults.append(fault)
        return True

    async def _do_latency(self, what: Json) -> bool:
        self.api.latency_s = min(max(float(what["seconds"]), 0.0), 10.0)
        self._send_event("latency", seconds=self.api.latency_s)
        return True

    async def _do_crash(self, _what: Json) -> bool:
        self._send_event("running", running=False)
        await self.switch.crash()
        self._send_event("running", running=True)
        return True

    async def _upload(self, request: web.Request) -> web.Response:
        """Send a file as a user; the form holds `person`, `chat`, `caption` and, last, `file`."""
        fields: dict[str, str] = {}
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            assert isinstance(part, BodyPartReader)
            if part.filename is None:
                fields[part.name or ""] = await part.text()
                continue
            upload = await self._received(part)
            who = {key: int(fields[key]) for key in ("person", "chat")}
            message = self._post(self._who(who), self._where(who), upload, fields["caption"])
            return web.json_response(message)
        raise web.HTTPBadRequest(text="no file")

    async def _received(self, part: BodyPartReader) -> Upload:
        path = self.api.files.new_path()
        name = Path(part.filename or "file").name
        upload = Upload(path, name, part.headers.get("Content-Type", ""), 0)
        with path.open("wb") as file:
            while chunk := await part.read_chunk(_CHUNK):
                upload.size += len(chunk)
                if upload.size > _MOST_UPLOAD_BYTES:
                    raise web.HTTPRequestEntityTooLarge(_MOST_UPLOAD_BYTES, upload.size)
                file.write(chunk)
        return upload

    def _post(self, person: Person, chat: Chat, upload: Upload, caption: str) -> Json:
        """Send a file as Telegram's apps do: pictures as photos, videos as videos."""
        kind = upload.content_type.partition("/")[0]
        content: Json = {}
        if kind == "image" and (file := self.api.files.keep(upload, "photo")).width:
            content["photo"] = [{**file.as_json(), "width": file.width, "height": file.height}]
        elif kind == "video" and (file := self.api.files.keep(upload, "video")).width:
            size = {"width": file.width, "height": file.height, "duration": file.duration}
            content["video"] = {**file.as_json(), **size, "mime_type": upload.content_type}
        else:
            file = self.api.files.keep(upload, "document")
            content["document"] = {**file.as_json(), "file_name": file.name}
        if caption:
            content |= {"caption": caption, "caption_entities": entities_of_plain_text(caption)}
        return self.world.post(person, chat, content)

    def _who(self, what: Json) -> Person:
        return self.world.people[what["person"]]

    def _where(self, what: Json) -> Chat:
        return self.world.chats[what["chat"]]
