"""Serve the control API over HTTP: send messages as users, inject faults, read the bot's calls.

Requests and responses are JSON. It is for other processes, such as the benchmarks; tests in the
simulator's process use the objects directly.
"""

import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from simulator.telegram.api import BotApi, FaultRule
from simulator.telegram.limits import Limits
from simulator.telegram.world import Person, World


@dataclass(frozen=True, slots=True)
class Control:
    """The HTTP handlers below /control."""

    world: World
    api: BotApi

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the control API."""
        return [
            web.post("/control/say", self._say),
            web.post("/control/ask", self._ask),
            web.post("/control/fault", self._fault),
            web.get("/control/calls", self._calls),
            web.get("/control/counts", self._counts),
            web.post("/control/limits", self._limits),
            web.post("/control/latency", self._latency),
            web.get("/control/waits", self._waits),
            web.get("/control/chats/{chat}", self._messages),
        ]

    async def _say(self, request: web.Request) -> web.Response:
        """Send messages as users: a list of {person, text, name?, language?, chat?, age_s?}.

        `chat` is a group's id; without it the message goes to the private chat. `age_s` is how long
        ago a message was sent, in seconds.
        """
        entries: list[dict[str, Any]] = await request.json()
        numbers = []
        for entry in entries:
            person = self._person(entry)
            chat = self.world.group(entry["chat"]) if "chat" in entry else None
            date = int(time.time()) - entry.get("age_s", 0)
            numbers.append(self.world.say(person, entry["text"], chat, date=date)["message_id"])
        return web.json_response(numbers)

    async def _ask(self, request: web.Request) -> web.Response:
        """Send inline queries as users; the body is a list of {person, text, name?, language?}."""
        entries: list[dict[str, Any]] = await request.json()
        inline = self.api.methods.inline
        return web.json_response([inline.ask(self._person(e), e["text"]) for e in entries])

    def _person(self, entry: dict[str, Any]) -> Person:
        return self.world.person(
            entry["person"],
            entry.get("name", "Ada"),
            language_code=entry.get("language", "en"),
        )

    async def _fault(self, request: web.Request) -> web.Response:
        """Add a fault rule; the body holds the fields of `FaultRule`."""
        self.api.faults.append(FaultRule(**await request.json()))
        return web.json_response(True)

    async def _calls(self, request: web.Request) -> web.Response:
        """Return the calls since number `since`, oldest first."""
        since = int(request.query.get("since", 0))
        return web.json_response([asdict(call) for call in self.api.calls[since:]])

    async def _counts(self, _request: web.Request) -> web.Response:
        """Return the calls by method and status, the number of polls, and the violations."""
        totals = Counter(f"{call.method} {call.status}" for call in self.api.calls)
        violations = self.api.methods.violations
        answer = {"calls": totals, "polls": self.api.polls, "violations": violations}
        return web.json_response(answer)

    async def _limits(self, request: web.Request) -> web.Response:
        """Switch Telegram's rate limits on or off; return the number of refused calls so far."""
        refusals = self.api.limits.refusals if self.api.limits else 0
        self.api.limits = Limits() if await request.json() else None
        return web.json_response(refusals)

    async def _latency(self, request: web.Request) -> web.Response:
        """Set the minimum duration of every Bot API call, in seconds."""
        self.api.latency_s = await request.json()
        return web.json_response(True)

    async def _waits(self, request: web.Request) -> web.Response:
        """Return the seconds between each user's message and the first call of `method` that refers
        to it.

        For answerInlineQuery, return the seconds between each inline query and its answer.
        """
        if request.query["method"] == "answerInlineQuery":
            return web.json_response(self.api.methods.inline.waits)
        seconds: dict[tuple[int, int], float] = {}
        for call in self.api.calls_of(request.query["method"]):
            quoted = (call.params.get("reply_parameters") or {}).get("message_id")
            key = call.params["chat_id"], call.params.get("message_id", quoted)
            if key in self.world.said_at:
                seconds.setdefault(key, call.at - self.world.said_at[key])
        return web.json_response(list(seconds.values()))

    async def _messages(self, request: web.Request) -> web.Response:
        """Return a chat's messages, oldest first."""
        chat = self.world.chats[int(request.match_info["chat"])]
        return web.json_response(list(chat.messages.values()))
