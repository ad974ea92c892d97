"""What users and the page's switches do: each action is a method, called with the posted JSON."""

import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from simulator.page.inspection import BotSwitch
from simulator.samples import SampleStore
from simulator.sites.web import SiteControl
from simulator.telegram.api import BotApi, FaultRule
from simulator.telegram.files import Upload
from simulator.telegram.markup import entities_of_plain_text
from simulator.telegram.world import Chat, Json, Person, World

_CHUNK = 1 << 18
_MOST_UPLOAD_BYTES = 200_000_000


def chat_json(chat: Chat) -> Json:
    """Return a chat for the page."""
    state = {"members": chat.members, "closed": chat.closed, "has_begun": chat.has_begun}
    return {**chat.as_json(), "title": chat.title, **state}


@dataclass(slots=True)
class Actions:
    """The actions; the posted JSON holds the ids of user and chat."""

    world: World
    api: BotApi
    switch: BotSwitch
    sites: SiteControl
    #: Makes the pictures of albums.
    pictures: SampleStore
    #: Sends an event of a kind, with its facts, to all browsers.
    tell: Callable[..., None]
    _group_ids: "itertools.count[int]" = field(
        default_factory=lambda: itertools.count(-1_000_000_001, -1)
    )
    _people_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(5_001))

    async def run(self, action: str, what: Json) -> Any:
        """Run an action by its name, and return what it returns.

        Raises:
            HTTPNotFound, HTTPBadRequest: there is no such action, or it cannot be done.
        """
        method = getattr(self, f"do_{action}", None)
        if method is None:
            raise web.HTTPNotFound
        try:
            return await method(what)
        except (KeyError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"{type(error).__name__}: {error}") from error

    async def do_say(self, what: Json) -> Json:
        person, chat = self._who(what), self._where(what)
        extra: Any = {}
        if above := chat.messages.get(what.get("reply_to", 0)):
            extra["reply_to_message"] = {k: v for k, v in above.items() if k != "reply_to_message"}
        return self.world.say(person, what["text"], chat, **extra)

    async def do_album(self, what: Json) -> bool:
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

    async def do_press(self, what: Json) -> bool:
        message = self._where(what).messages[what["message"]]
        inline = self.api.methods.inline
        if any(known is message for known in inline.messages.values()):
            inline.press(self._who(what), inline.id_of(message), what["data"])
        else:
            self.world.press(self._who(what), message, what["data"])
        return True

    async def do_ask(self, what: Json) -> str:
        return self.api.methods.inline.ask(self._who(what), what["text"])

    async def do_choose(self, what: Json) -> Json:
        person, chat = self._who(what), self._where(what)
        inline = self.api.methods.inline
        return inline.choose(person, what["query"], what["card"], what["text"], chat)

    async def do_person(self, what: Json) -> Json:
        number = next(self._people_ids)
        name = str(what["name"]).strip()[:64]
        if not name:
            raise ValueError("the user has no name")
        person = self.world.person(number, name, language_code=what.get("language") or "en")
        new = {"person": person.as_json(), "chat": chat_json(self.world.chats[number])}
        self.tell("person", **new)
        return new

    async def do_group(self, what: Json) -> Json:
        title = str(what["title"]).strip()[:128]
        if not title:
            raise ValueError("the group has no name")
        chat = self.world.group(next(self._group_ids), title)
        chat.members[self._who(what).id] = "creator"
        new = {"chat": chat_json(chat)}
        self.tell("chat", **new)
        return new

    async def do_block(self, what: Json) -> bool:
        person = self._who(what)
        chat = self.world.chats[person.id]
        if chat.closed:
            self.world.unblock(person)
        else:
            self.world.block(person)
        self.tell("chat", chat=chat_json(chat))
        return True

    async def do_see(self, what: Json) -> bool:
        self.world.see(self._who(what), self._where(what), int(what["message"]))
        return True

    async def do_edit(self, what: Json) -> bool:
        message = self._where(what).messages[what["message"]]
        if message["from"]["id"] != self._who(what).id or "text" not in message:
            raise ValueError("only an own text can be edited")
        now = int(time.time())
        self.world.edit(message, what["text"], after_s=now - message["date"])
        return True

    async def do_delete(self, what: Json) -> bool:
        self.world.delete(self._where(what), what["message"])
        return True

    async def do_fault(self, what: Json) -> bool:
        fault = FaultRule(
            str(what["method"]), str(what["kind"]), seconds=float(what.get("seconds", 3))
        )
        self.api.faults.append(fault)
        return True

    async def do_latency(self, what: Json) -> bool:
        self.api.latency_s = min(max(float(what["seconds"]), 0.0), 10.0)
        self.tell("faults", faults=self.faults())
        return True

    async def do_line(self, what: Json) -> bool:
        """Set the speed of the line to the sites and to Telegram, in bytes per second; 0: none."""
        speed = max(int(what["bytes_per_s"]), 0)
        self.sites.faults.line.bytes_per_s = self.api.uploads.bytes_per_s = speed
        self.tell("faults", faults=self.faults())
        return True

    async def do_site(self, what: Json) -> bool:
        """Switch on a fault of one site or of all; no kind switches it off."""
        self.sites.faults.set(str(what["site"]), str(what["kind"]))
        self.tell("faults", faults=self.faults())
        return True

    async def do_kill(self, what: Json) -> bool:
        """Kill a process of a fleet; it starts again a little later."""
        await self.switch.kill(str(what["name"]))
        return True

    async def do_crash(self, _what: Json) -> bool:
        self.tell("running", running=False)
        await self.switch.crash()
        self.tell("running", running=True)
        return True

    def faults(self) -> Json:
        """Return what lasts: the delay of Telegram, the speed of the line, the sites' fault."""
        faults = self.sites.faults
        speed = faults.line.bytes_per_s or self.api.uploads.bytes_per_s
        return {
            "latency": self.api.latency_s,
            "bytes_per_s": speed,
            "site": faults.site,
            "kind": faults.kind,
        }

    async def upload(self, request: web.Request) -> Json:
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
            return self._post(self._who(who), self._where(who), upload, fields["caption"])
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
