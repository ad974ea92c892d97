"""Control over HTTP: make people speak, make things fail, read what the bot did.

Speaks JSON. Used from other processes, such as the benchmarks; tests in the same process use the
objects themselves.
"""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from simulator.telegram.api import BotApi, Fault
from simulator.telegram.world import World


def control_routes(world: World, api: BotApi) -> list[web.RouteDef]:
    """Give the routes under /control."""

    async def say(request: web.Request) -> web.Response:
        """Let people write: a list of {person, text, name?, language?, chat?}."""
        entries: list[dict[str, Any]] = await request.json()
        numbers = []
        for entry in entries:
            person = world.person(
                entry["person"],
                entry.get("name", "Ada"),
                language_code=entry.get("language", "en"),
            )
            chat = world.chats[entry["chat"]] if "chat" in entry else None
            numbers.append(world.say(person, entry["text"], chat)["message_id"])
        return web.json_response(numbers)

    async def fault(request: web.Request) -> web.Response:
        """Add a fault."""
        api.faults.append(Fault(**await request.json()))
        return web.json_response(True)

    async def calls(request: web.Request) -> web.Response:
        """List the calls since number `since`, newest last."""
        since = int(request.query.get("since", 0))
        return web.json_response([asdict(call) for call in api.calls[since:]])

    async def counts(_request: web.Request) -> web.Response:
        """Count the calls by method and status, and the calls of getUpdates."""
        totals: dict[str, int] = {}
        for call in api.calls:
            key = f"{call.method} {call.status}"
            totals[key] = totals.get(key, 0) + 1
        answer = {"calls": totals, "polls": api.pollers, "violations": api.methods.violations}
        return web.json_response(answer)

    async def messages(request: web.Request) -> web.Response:
        """List a chat's messages."""
        chat = world.chats[int(request.match_info["chat"])]
        return web.json_response(list(chat.messages.values()))

    return [
        web.post("/control/say", say),
        web.post("/control/fault", fault),
        web.get("/control/calls", calls),
        web.get("/control/counts", counts),
        web.get("/control/chats/{chat}", messages),
    ]
