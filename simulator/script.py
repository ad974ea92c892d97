"""The demo's conversation: people talk to the bot, and every answer is checked."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.server import Simulator
from simulator.telegram.world import Chat, Json, Person
from simulator.transcript import Transcript

_PATIENCE_S = 30.0
_VIDEO = "https://www.tiktok.com/@ferry.demo/video/"


class MissingAnswerError(Exception):
    """An expected answer did not come."""


@dataclass(slots=True)
class Stage:
    """Where the conversation is played."""

    simulator: Simulator
    transcript: Transcript
    checks: int = 0
    _seen: set[int] = field(default_factory=set)

    async def expect(self, what: str, found: Callable[[], bool]) -> None:
        """Wait until something is true.

        Raises:
            MissingAnswerError: it did not become true in time.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not found():
            if time.monotonic() > deadline:
                raise MissingAnswerError(what)
            await self.simulator.world.changed(0.25)
        self.checks += 1

    async def answer(self, chat: Chat, what: str, fits: Callable[[Json], bool]) -> Json:
        """Wait for a new message of the bot in a chat; gives it."""
        fitting: list[Json] = []

        def found() -> bool:
            fitting[:] = [
                message
                for message in chat.messages.values()
                if message.get("from", {}).get("is_bot")
                and id(message) not in self._seen
                and fits(message)
            ]
            return bool(fitting)

        await self.expect(what, found)
        self._seen.add(id(fitting[0]))
        return fitting[0]

    async def settled(self, chat: Chat, message: Json, emoji: str | None) -> None:
        """Wait until the light over a request shows its end."""
        number = message["message_id"]
        await self.expect(f"reaction {emoji}", lambda: chat.reactions.get(number) == emoji)


async def play(simulator: Simulator, transcript: Transcript) -> int:
    """Play the conversation; give the number of answers that came.

    Raises:
        MissingAnswerError: one did not.
    """
    world = simulator.world
    stage = Stage(simulator, transcript)
    ada = world.person(1001, "Ada", language_code="en-GB", username="ada")
    olena = world.person(1002, "Olena", language_code="uk")
    home = world.chats[ada.id]

    transcript.heading("Ada comes by an invitation link")
    world.say(ada, "/start Spring_2026")
    await stage.answer(home, "a welcome", lambda m: "Welcome" in m.get("text", ""))

    transcript.heading("A TikTok link")
    await _video(stage, ada, home, f"{_VIDEO}7300000000000000001", "video")
    await stage.answer(home, "an ad, as it was the first", lambda m: "sponsor" in m.get("text", ""))

    transcript.heading("The same by a short link, in the middle of a sentence")
    await _video(stage, ada, home, "look: https://vm.tiktok.com/ZMdemo001/, nice?", "video")

    transcript.heading("A post that is gone")
    request = world.say(ada, f"{_VIDEO}7300000000000000404")
    await stage.answer(home, "an explanation", lambda m: "does not exist" in m.get("text", ""))
    await stage.settled(home, request, "😢")

    transcript.heading("A slideshow of eleven pictures, one of them HEIC")
    request = world.say(ada, "https://www.tiktok.com/@ferry.demo/photo/7300000000000000003")
    await stage.answer(home, "what is below", lambda m: m.get("text", "").startswith("Source"))
    await stage.settled(home, request, None)
    photos = [m for m in home.messages.values() if "photo" in m]
    await stage.expect("eleven photos", lambda: len(photos) == 11)

    transcript.heading("Files instead of videos")
    world.say(ada, "/mode")
    await stage.answer(home, "file mode on", lambda m: "mode is on" in m.get("text", ""))
    await _video(stage, ada, home, f"{_VIDEO}7300000000000000002", "document")
    world.say(ada, "/mode")
    await stage.answer(home, "file mode off", lambda m: "mode is off" in m.get("text", ""))

    transcript.heading("Another language")
    world.say(ada, "/lang")
    menu = await stage.answer(home, "a menu", lambda m: "reply_markup" in m)
    world.press(ada, menu, "lang/vi")
    await stage.expect("a confirmation in Vietnamese", lambda: "Tiếng Việt" in menu["text"])

    transcript.heading("A group")
    crew = world.group(-100_2000, "Harbour crew")
    crew.members = {ada.id: "creator", olena.id: "member"}
    world.say(olena, "good morning everybody", crew)
    request = world.say(olena, f"{_VIDEO}7300000000000000001", crew)
    await stage.answer(crew, "a video", lambda m: "video" in m)
    await stage.settled(crew, request, None)
    world.say(olena, "/mode", crew)
    await stage.answer(crew, "a refusal", lambda m: "адміністратори" in m.get("text", ""))

    await asyncio.sleep(0.2)  # what nobody expects would come now
    transcript.heading("The end")
    if simulator.api.methods.violations:
        raise MissingAnswerError("; ".join(simulator.api.methods.violations))
    return stage.checks


async def _video(stage: Stage, person: Person, chat: Chat, text: str, kind: str) -> None:
    request = stage.simulator.world.say(person, text, chat)
    await stage.answer(chat, f"a {kind}", lambda m: kind in m)
    await stage.settled(chat, request, None)
