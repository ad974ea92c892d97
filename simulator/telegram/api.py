"""Serve the Bot API over HTTP, with faults on demand.

Every request is checked against `schema.json`, which lists each method's parameters and their
types. Unknown methods are refused; unknown parameters are recorded as violations.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar, Protocol

from aiohttp import BodyPartReader, MultipartReader, web

from simulator.telegram.errors import ApiError, bad_request
from simulator.telegram.files import FileStore, Upload
from simulator.telegram.limits import Limits
from simulator.telegram.methods import Methods, Params, Uploads
from simulator.telegram.webhook import Webhook
from simulator.telegram.world import Json, World
from simulator.throttle import Throttle

SCHEMA: dict[str, dict[str, list[Any]]] = json.loads(
    (Path(__file__).parent / "schema.json").read_text(encoding="utf-8")
)
_CHUNK = 1 << 18
#: Faults that happen before a request is complete.
_EARLY = {"unsent", "torn"}
PUBLIC_UPLOAD_BYTES = 50 * 1024 * 1024


@dataclass(slots=True)
class FaultRule:
    """A rule that makes matching requests fail."""

    #: Method that the rule applies to, or "*" for all.
    method: str
    #: "429", "400", "403", "500" …: refuse with that code. "unsent": drop the connection before the
    #: body of the request is read; such a rule is for all chats. "torn": drop it while the first
    #: file is read, or after the body of a request without files. "cut": drop it after the body,
    #: without carrying out the request. "lost": carry out the request, then drop the connection.
    #: "slow": answer late. "webhook": refuse because a webhook is set.
    kind: str
    times: int = 1
    #: Number of matching requests to let through first.
    skip: int = 0
    #: Chat that the rule is limited to; None for all chats.
    chat_id: int | None = None
    #: Value of `retry_after` for 429, or the delay for "slow".
    seconds: float = 1
    #: Error text of a refusal; empty uses Telegram's default.
    description: str = ""


@dataclass(slots=True)
class Call:
    """An answered request; times in seconds."""

    method: str
    params: Params
    #: Uploaded bytes by field name.
    uploads: dict[str, int]
    #: HTTP status; 0 if the connection was dropped.
    status: int
    error: str
    at: float
    seconds: float


class Watcher(Protocol):
    """Is told of everything that the servers receive and send."""

    def called(self, call: Call, answer: Json | None) -> None:
        """Take note of a call and the JSON of its answer; None if there was no answer."""

    def delivered(self, update: Json) -> None:
        """Take note of an update that was sent to a webhook."""


@dataclass(slots=True)
class BotApi:
    """The Bot API server of one bot."""

    #: Those that watch all servers of this process.
    watchers: ClassVar[list[Watcher]] = []

    token: str
    world: World
    files: FileStore
    #: Largest accepted upload, in bytes.
    upload_limit: int = PUBLIC_UPLOAD_BYTES
    calls: list[Call] = field(default_factory=list)
    faults: list[FaultRule] = field(default_factory=list)
    #: Minimum duration of every request, in seconds.
    latency_s: float = 0.0
    #: Rate limits, or None for no limits.
    limits: Limits | None = None
    #: Holds the bytes of uploads back.
    uploads: Throttle = field(default_factory=Throttle)
    methods: Methods = field(init=False)
    #: Called after every call except getUpdates, with the JSON of the answer; None for no answer.
    on_call: Callable[[Call, Json | None], None] = lambda *_: None
    #: Called while a request's files arrive: its method, its other fields, and the bytes so far.
    on_upload: Callable[[str, Json, int], None] = lambda *_: None
    #: Called with the updates that the bot has got.
    on_updates: Callable[[list[Json]], None] = lambda _: None
    #: Number of getUpdates calls so far.
    polls: int = 0
    _confirmed: int = 0

    def __post_init__(self) -> None:
        """Create the methods."""
        self.methods = Methods(self.world, self.files)
        self.webhook.on_delivery = self._on_delivery

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the Bot API."""
        return [
            web.route("*", "/bot{token}/{method}", self._handle),
            web.get("/file/bot{token}/{path}", self._download),
        ]

    @property
    def webhook(self) -> Webhook:
        """Return the webhook, which may not be set."""
        return self.methods.webhook

    def calls_of(self, *methods: str) -> list[Call]:
        """Return the calls of the given methods, oldest first."""
        return [call for call in self.calls if call.method in methods]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        started = time.monotonic()
        name = request.match_info["method"]
        params: Params = {}
        uploads: Uploads = {}
        answer: Json | None = None
        status, error = 0, "the client has left"
        try:
            if request.match_info["token"] != self.token:
                raise ApiError(401, "Unauthorized")
            self._drop_early(name, "unsent", None)
            params, uploads = await self._parameters(name, request)
            if name == "getUpdates":
                if any(fault.method == name for fault in self.faults):
                    await self._fail(name, params)
                updates = await self._get_updates(params)
                self.on_updates(updates)
                status, error, answer = 200, "", {"ok": True, "result": updates}
                return web.json_response(answer)
            answer = {"ok": True, "result": await self._carry_out(name, params, uploads)}
            status, error = 200, ""
            return web.json_response(answer)
        except ApiError as refusal:
            status, error, answer = refusal.code, refusal.description, refusal.as_json()
            return web.json_response(answer, status=refusal.code)
        except _Dropped as dropped:
            status, error = 0, str(dropped)
            assert request.transport
            request.transport.abort()
            return web.Response()
        finally:
            sizes = {key: upload.size for key, upload in uploads.items()}
            seconds = time.monotonic() - started
            call = Call(name, params, sizes, status, error, started, seconds)
            if name != "getUpdates":
                self.calls.append(call)
                self.on_call(call, answer)
            for watcher in self.watchers:
                watcher.called(call, answer)

    def _on_delivery(self, update: Json) -> None:
        for watcher in self.watchers:
            watcher.delivered(update)

    async def _carry_out(self, name: str, params: Params, uploads: Uploads) -> Any:
        await asyncio.sleep(self.latency_s)
        fault = await self._fail(name, params)
        if self.limits:
            self.limits.check(name, params)
        method = self.methods.find(name)
        if method is None:
            self.methods.violations.append(f"{name} is not simulated")
            raise ApiError(404, f"Not Found: {name} is not simulated")
        result = await method(params, uploads)
        if fault and fault.kind == "lost":
            raise _Dropped("lost")
        return result

    async def _fail(self, name: str, params: Params) -> FaultRule | None:
        """Do what the next matching rule demands, and return the rule.

        Raises:
            ApiError, _Dropped: the call fails.
        """
        fault = self._matching_fault(name, params)
        if fault is None:
            return None
        match fault.kind:
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "cut":
                raise _Dropped("cut")
            case "webhook":
                raise ApiError(
                    409,
                    "Conflict: can't use getUpdates method while webhook is active; use "
                    "deleteWebhook to delete the webhook first",
                )
            case kind if kind.isdigit():
                raise _refusal(fault)
        return fault

    def _drop_early(self, name: str, kind: str, chat: str | int | None) -> None:
        """Drop the connection if a rule wants that before the request is complete.

        `chat` is the parameter chat_id as it was sent, or None while it is unknown.

        Raises:
            _Dropped: it does.
        """
        chat_id = _convert("chat_id", "chat", chat)
        if self._matching_fault(name, {"chat_id": chat_id}, kind):
            raise _Dropped(kind)

    def _matching_fault(self, name: str, params: Params, early: str = "") -> FaultRule | None:
        for fault in self.faults:
            if (fault.kind if fault.kind in _EARLY else "") != early:
                continue
            if fault.method in {"*", name} and fault.chat_id in {None, params.get("chat_id")}:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def _get_updates(self, params: Params) -> list[Json]:
        """Long-poll for updates; `offset` confirms older ones, and a newer poll ends an older one.

        Raises:
            ApiError: 409, when a newer poll has started, or a webhook is set.
        """
        self.polls += 1
        mine = self.polls
        self.webhook.refuse_polling()
        offset = params.get("offset") or 0
        # The queue may be long: what stays is not copied.
        updates = self.world.updates
        del updates[: sum(1 for _ in takewhile(lambda u: u["update_id"] < offset, updates))]
        allowed = set(params.get("allowed_updates") or self.webhook.allowed_updates)
        self.webhook.allowed_updates = allowed
        deadline = time.monotonic() + (params.get("timeout") or 0)
        while True:
            self.webhook.refuse_polling()
            if mine != self.polls:
                raise ApiError(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one "
                    "bot instance is running",
                )
            if batch := self._batch(params.get("limit") or 100, allowed):
                return batch
            left = deadline - time.monotonic()
            if left <= 0:
                return []
            await self.world.changed(min(left, 0.5))

    def _batch(self, limit: int, allowed: set[str]) -> list[Json]:
        """Return the first updates of the queue; those of other kinds are removed."""
        updates = self.world.updates
        taken = 0
        while taken < min(limit, len(updates)):
            if allowed and not allowed & updates[taken].keys():
                del updates[taken]
            else:
                taken += 1
        return updates[:taken]

    async def _parameters(self, name: str, request: web.Request) -> tuple[Params, Uploads]:
        if name not in SCHEMA:
            raise ApiError(404, "Not Found")
        raw: dict[str, Any] = dict(request.query)
        uploads: Uploads = {}
        if request.content_type == "multipart/form-data":
            reader = await request.multipart()
            await self._read_multipart(name, reader, raw, uploads)
        elif request.content_type == "application/json":
            raw.update(await request.json())
        else:
            raw.update(await request.post())
        if not uploads:
            self._drop_early(name, "torn", raw.get("chat_id"))
        return self._typed(name, raw, uploads), uploads

    async def _read_multipart(
        self, name: str, reader: MultipartReader, raw: dict[str, Any], uploads: Uploads
    ) -> None:
        """Read the fields of a form, and store its files.

        What is too large is read to its end: a client that still writes when the answer comes may
        find the connection closed instead of the answer.

        Raises:
            ApiError: 413, when the files are too large.
            _Dropped: the connection is to be dropped at the first file.
        """
        total = 0
        while (part := await reader.next()) is not None:
            assert isinstance(part, BodyPartReader)
            assert part.name
            if part.filename is None:
                raw[part.name] = await part.text()
                continue
            if not uploads:
                self._drop_early(name, "torn", raw.get("chat_id"))
            path = self.files.new_path()
            upload = Upload(path, part.filename, part.headers.get("Content-Type", ""), 0)
            with path.open("wb") as file:
                while chunk := await part.read_chunk(await self.uploads.admit(total, _CHUNK)):
                    upload.size += len(chunk)
                    total += len(chunk)
                    # Only now: a form's last piece comes with its end, and may be a short one.
                    await self.uploads.take(len(chunk))
                    if total <= self.upload_limit:
                        file.write(chunk)
                        self.on_upload(name, raw, total)
            uploads[part.name] = upload
        if total > self.upload_limit:
            raise ApiError(413, "Request Entity Too Large")

    def _typed(self, name: str, raw: dict[str, Any], uploads: Uploads) -> Params:
        schema = SCHEMA[name]
        params: Params = {}
        for key, value in raw.items():
            if key not in schema:
                self.methods.violations.append(f"{name} has no parameter {key}")
                continue
            params[key] = _convert(key, schema[key][0], value)
        for key in uploads:
            if key in schema:
                params[key] = f"attach://{key}"
        for key, (_, is_required) in schema.items():
            may_be_empty = (name, key) == ("setWebhook", "url") and key in params
            if may_be_empty or not is_required or key in uploads:
                continue
            if _is_missing(params.get(key)):
                wording = {"text": "message text is empty", "chat_id": "chat_id is empty"}
                raise bad_request(wording.get(key, f'parameter "{key}" is required'))
        return params

    async def _download(self, request: web.Request) -> web.StreamResponse:
        path = self.files.folder / Path(request.match_info["path"]).name
        if request.match_info["token"] != self.token or not path.is_file():
            return web.json_response(ApiError(404, "Not Found").as_json(), status=404)
        return web.FileResponse(path)


class _Dropped(Exception):  # noqa: N818 - a deliberate fault, not an error
    """Drop the connection without an answer."""


def _refusal(fault: FaultRule) -> ApiError:
    code = int(fault.kind)
    if code == 429:
        seconds = int(fault.seconds)
        return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
    default = {403: "Forbidden: bot was blocked by the user", 500: "Internal Server Error"}
    return ApiError(code, fault.description or default.get(code, "Bad Request"))


def _is_missing(value: object) -> bool:
    return value is None or value == ""


def _convert(key: str, kind: str, value: Any) -> Any:
    """Convert a form value to the parameter's type.

    Raises:
        ApiError: 400, when the value does not have that type.
    """
    if not isinstance(value, str) or kind in {"str", "file"}:
        return value
    if kind == "bool":
        return value.lower() in {"true", "1"}
    if kind in {"int", "chat"}:
        with contextlib.suppress(ValueError):
            return int(value)
        if kind == "chat":
            return value
        raise bad_request(f'parameter "{key}" must be an integer')
    if kind == "float":
        return float(value)
    try:
        return json.loads(value)
    except ValueError:
        raise bad_request(f"can't parse {key} JSON object") from None
