"""Serve the chat page: the simulated Telegram in a browser.

`/` is the page. It reads `/page/events`, a stream that starts with the full state, and posts user
actions to `/page/do`. Objects have the Bot API's format. The page loads nothing from other servers.
"""

import asyncio
import itertools
import json
import mimetypes
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from simulator.page.actions import Actions, chat_json
from simulator.page.inspection import BotSwitch, vitals
from simulator.page.timelines import Timelines
from simulator.samples import SampleStore
from simulator.sites.web import Sites
from simulator.telegram.api import BotApi, Call
from simulator.telegram.world import Json, World

__all__ = ["BotSwitch", "Page"]

_FOLDER = Path(__file__).parent
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
#: Width and height of the samples' thumbnails, in pixels.
_THUMBNAIL_PX = 96
_TYPES = {
    "video": "video/mp4",
    "animation": "video/mp4",
    "live_photo": "video/mp4",
    "audio": "audio/mpeg",
}


@dataclass(slots=True)
class Page:
    """Serves the page to any number of browsers."""

    world: World
    api: BotApi
    switch: BotSwitch
    #: What the page offers to send; see `simulator.catalogue.SampleLink`.
    samples: list[Json]
    #: Makes the pictures of the samples and of albums.
    pictures: SampleStore
    sites: Sites
    actions: Actions = field(init=False)
    timelines: Timelines = field(init=False)
    _browsers: set["asyncio.Queue[str]"] = field(default_factory=set)
    _calls: deque[Json] = field(default_factory=lambda: deque(maxlen=_CALLS))
    #: Open callback queries and inline queries, by their ids.
    _queries: dict[str, Json] = field(default_factory=dict)
    #: Request and answer of each call that is kept, by the call's number.
    _details: dict[int, Json] = field(default_factory=dict)
    _call_numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Subscribe to the world's events and the bot's calls."""
        self.timelines = Timelines(lambda line: self._send_event("timeline", line=line))
        self.actions = Actions(
            self.world,
            self.api,
            self.switch,
            self.sites.control,
            self.pictures,
            self._send_event,
        )
        self.world.watch(self._on_event)
        self.world.watch(self.timelines.on_event)
        self.api.on_call = self._on_call
        self.api.on_updates = self._on_updates
        self.api.on_upload = self.timelines.on_upload
        self.sites.control.on_call = self.timelines.on_site_call

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the page."""
        return [
            web.get("/", self._file),
            web.get("/page/{name:[a-z]+\\.(?:js|css|svg)}", self._file),
            web.get("/page/events", self._events),
            web.get("/page/media/{file_id}", self._media),
            web.get("/page/sample/{label}", self._sample),
            web.get("/page/call/{number:\\d+}", self._call),
            web.get("/page/vitals/{chat:-?\\d+}/{message:\\d+}", self._vitals),
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

    async def _sample(self, request: web.Request) -> web.StreamResponse:
        """Send the thumbnail of a sample: the picture that the post has, only smaller."""
        label = request.match_info["label"]
        if label not in {sample.get("picture") for sample in self.samples}:
            raise web.HTTPNotFound
        headers = {**_HEADERS, "Cache-Control": "private, max-age=3600"}
        return web.FileResponse(self.pictures.thumbnail(_THUMBNAIL_PX, label), headers=headers)

    # --- behind the scenes ------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.Response:
        """Respond with a call's parameters and answer."""
        details = self._details.get(int(request.match_info["number"]))
        if details is None:
            raise web.HTTPNotFound
        return web.json_response(details)

    async def _vitals(self, request: web.Request) -> web.Response:
        chat, message = (int(request.match_info[name]) for name in ("chat", "message"))
        return web.json_response(await vitals(self.switch, chat, message))

    # --- state and events -------------------------------------------------------------------------

    def _everything(self) -> Json:
        return {
            "bot": self.world.bot_user,
            "running": self.switch.is_running(),
            "people": [person.as_json() for person in self.world.people.values()],
            "chats": [chat_json(chat) for chat in self.world.chats.values()],
            "messages": [
                self._message(message)
                for chat in self.world.chats.values()
                for message in chat.messages.values()
            ],
            "seen": [[*who, number] for who, number in self.world.seen.items()],
            "commands": self.api.methods.commands,
            "samples": self.samples,
            "calls": list(self._calls),
            "faults": self.actions.faults(),
            "sites": self.sites.names,
            "timelines": self.timelines.as_json(),
            "admins": sorted(self.switch.admins),
        }

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
                    async with asyncio.timeout(_SILENCE_S):
                        change = await changes.get()
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
            case "message" | "business_message" | "guest_message" | "edited" | "edited_message":
                self._send_event("message", message=self._message(event.get("message", event)))
            case "deleted":
                self._send_event("deleted", chat=event["chat_id"], id=event["message_id"])
            case "reaction":
                chat, number = event["chat_id"], event["id"]
                self._send_event("reaction", chat=chat, id=number, emoji=event["emoji"])
            case "action":
                self._send_event("action", chat=event["chat_id"], action=event["action"])
            case "callback_query" | "inline_query":
                self._queries[event["id"]] = event
            case "query_answered":
                person = self._queries.pop(event["id"])["from"]["id"]
                text, is_alert = event.get("text") or "", bool(event.get("show_alert"))
                self._send_event("answered", person=person, text=text, alert=is_alert)
            case "inline_answered":
                self._on_inline_answer(event["id"], event["results"])
            case "seen":
                person, chat, number = event["person"], event["chat_id"], event["id"]
                self._send_event("seen", person=person, chat=chat, id=number)

    def _on_inline_answer(self, query_id: str, results: list[Json]) -> None:
        query = self._queries.pop(query_id)
        person, text = query["from"]["id"], query["query"]
        cards = [self._card(result) for result in results]
        self._send_event("cards", person=person, query=query_id, text=text, cards=cards)

    def _on_updates(self, updates: list[Json]) -> None:
        self.timelines.on_updates(updates)
        for message in (update["message"] for update in updates if "message" in update):
            self._send_event("read", chat=message["chat"]["id"], id=message["message_id"])

    def _on_call(self, call: Call, answer: Json | None) -> None:
        self.timelines.on_call(call)
        number = next(self._call_numbers)
        self._details[number] = {"params": call.params, "files": call.uploads, "answer": answer}
        self._details.pop(number - _CALLS, None)
        shown = {
            "number": number,
            "method": call.method,
            "at": round(time.time() - call.seconds, 3),
            "ms": round(call.seconds * 1000),
            "bytes": sum(call.uploads.values()),
            "status": call.status,
            "error": call.error,
        }
        self._calls.append(shown)
        self._send_event("call", call=shown)
        if call.method in {"setMyCommands", "deleteMyCommands"}:
            self._send_event("commands", commands=self.api.methods.commands)

    def _card(self, result: Json) -> Json:
        """Return what the page shows of one inline result."""
        file_id = next((value for key, value in result.items() if key.endswith("_file_id")), None)
        shown = self.api.files.by_id[file_id].shown if file_id else {}
        still = (shown.get("thumbnail") or {}).get("file_id")
        if result["type"] == "photo":
            still = file_id
        return {
            "id": result["id"],
            "kind": _kind_of(result),
            "title": result.get("title") or result["type"].capitalize(),
            "description": result.get("description") or "",
            "still": still,
        }

    # --- user actions -----------------------------------------------------------------------------

    async def _do(self, request: web.Request) -> web.Response:
        """Run the action named in the path with the JSON of the body."""
        answer = await self.actions.run(request.match_info["action"], await request.json())
        return web.json_response(answer)

    async def _upload(self, request: web.Request) -> web.Response:
        return web.json_response(await self.actions.upload(request))


def _kind_of(result: Json) -> str:
    """Return the kind of an inline result. Only the id of an article says that it becomes audio."""
    names_audio = any(word in result["id"] for word in ("audio", "sound"))
    return "audio" if result["type"] == "article" and names_audio else result["type"]
