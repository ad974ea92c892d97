"""The demo's conversation: people talk to the bot, and every answer is checked."""

import asyncio
import re
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from simulator.catalogue import ADMIN
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
    ada: Person
    #: Ada's private chat with the bot.
    home: Chat
    transcript: Transcript
    #: Ends the bot as a power cut does, and starts it again.
    crash: Callable[[], Awaitable[None]]
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

    def say(self, text: str) -> Json:
        """Let Ada write to the bot; gives her message."""
        return self.simulator.world.say(self.ada, text)

    async def media(self, text: str, kind: str) -> None:
        """Let Ada send a link, and wait for a message of that kind and the end of the work."""
        request = self.say(text)
        await self.answer(f"a {kind}", lambda m: kind in m)
        await self.settled(self.home, request, None)

    async def answer(
        self, what: str, fits: Callable[[Json], bool], chat: Chat | None = None
    ) -> Json:
        """Wait for a new message of the bot, in Ada's chat or another; gives it."""
        chat = chat or self.home
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


async def play(
    simulator: Simulator, transcript: Transcript, crash: Callable[[], Awaitable[None]]
) -> int:
    """Play the conversation; give the number of answers that came.

    `crash` ends the bot as a power cut does, and starts it again.

    Raises:
        MissingAnswerError: one did not.
    """
    ada = simulator.world.person(1001, "Ada", language_code="en-GB", username="ada")
    stage = Stage(simulator, ada, simulator.world.chats[ada.id], transcript, crash)
    for title, scene in _SCENES:
        transcript.heading(title)
        await scene(stage)
    await asyncio.sleep(0.2)  # what nobody expects would come now
    transcript.heading("The end")
    if simulator.api.limits and simulator.api.limits.refusals:
        raise MissingAnswerError(f"{simulator.api.limits.refusals} times too fast for Telegram")
    if simulator.api.methods.violations:
        raise MissingAnswerError("; ".join(simulator.api.methods.violations))
    return stage.checks


async def _arrival(stage: Stage) -> None:
    stage.say("/start Spring_2026")
    await stage.answer("a welcome", lambda m: "Welcome" in m.get("text", ""))


async def _link(stage: Stage) -> None:
    await stage.media(f"{_VIDEO}7300000000000000001", "video")
    await stage.answer("an ad, as it was the first", lambda m: "sponsor" in m.get("text", ""))


async def _sound(stage: Stage) -> None:
    video = next(m for m in stage.home.messages.values() if "video" in m)
    stage.simulator.world.press(stage.ada, video, "id/7300000000000000001")
    sound = await stage.answer("a sound", lambda m: "audio" in m)
    await stage.expect("its title", lambda: sound["audio"]["title"] == "Harbour bell")
    await stage.expect("the button again", lambda: "Sound" in str(video.get("reply_markup")))


async def _short_link(stage: Stage) -> None:
    await stage.media("look: https://vm.tiktok.com/ZMdemo001/, nice?", "video")


async def _deleted(stage: Stage) -> None:
    request = stage.say(f"{_VIDEO}7300000000000000404")
    await stage.answer("an explanation", lambda m: "does not exist" in m.get("text", ""))
    await stage.settled(stage.home, request, "😢")


async def _slideshow(stage: Stage) -> None:
    request = stage.say("https://www.tiktok.com/@ferry.demo/photo/7300000000000000003")
    await stage.answer("what is below", lambda m: m.get("text", "").startswith("Source"))
    await stage.settled(stage.home, request, None)
    photos = [m for m in stage.home.messages.values() if "photo" in m]
    await stage.expect("eleven photos", lambda: len(photos) == 11)


async def _slides_as_video(stage: Stage) -> None:
    below = list(stage.home.messages.values())[-1]
    stage.simulator.world.press(stage.ada, below, "slides/tiktok/7300000000000000003")
    video = await stage.answer("one video of the slides", lambda m: "video" in m)
    await stage.expect("its length", lambda: video["video"]["duration"] == 28)
    await stage.settled(stage.home, below, None)


async def _mixed(stage: Stage) -> None:
    request = stage.say("https://www.instagram.com/p/DemoMixed01/")
    below = await stage.answer("what is below", lambda m: m.get("text", "").startswith("Source"))
    await stage.settled(stage.home, request, None)
    group = stage.home.messages[below["reply_to_message"]["message_id"]]["media_group_id"]
    album = [m for m in stage.home.messages.values() if m.get("media_group_id") == group]
    kinds = ["video" if "video" in m else "photo" for m in album]
    await stage.expect(
        "five items in order", lambda: kinds == ["photo", "video", "photo", "photo", "video"]
    )


async def _story(stage: Stage) -> None:
    stage.say("https://www.instagram.com/stories/ferry.demo/3700000000000000001/")
    await stage.answer("why not", lambda m: "signed in" in m.get("text", ""))


async def _too_large(stage: Stage) -> None:
    request = stage.say(f"{_VIDEO}7300000000000000070")
    video = await stage.answer("a smaller video", lambda m: m.get("video", {}).get("width") == 640)
    await stage.expect("that fits", lambda: video["video"]["file_size"] < 50_000_000)
    await stage.settled(stage.home, request, None)
    stage.say(f"{_VIDEO}7300000000000000900")
    await stage.answer("a refusal", lambda m: "900 MB" in m.get("text", ""))


async def _settings(stage: Stage) -> None:
    stage.say("/settings")
    menu = await stage.answer("the settings", lambda m: "set/describe" in str(m))
    stage.simulator.world.press(stage.ada, menu, "set/describe")
    await stage.expect("a tick", lambda: "✅ Author" in str(menu["reply_markup"]))
    request = stage.say("https://www.instagram.com/reel/DemoReel001/")
    await stage.answer("author and text", lambda m: "at dawn" in m.get("caption", ""))
    await stage.settled(stage.home, request, None)


async def _files(stage: Stage) -> None:
    stage.say("/mode")
    await stage.answer("file mode on", lambda m: "mode is on" in m.get("text", ""))
    await stage.media(f"{_VIDEO}7300000000000000002", "document")
    stage.say("/mode")
    await stage.answer("file mode off", lambda m: "mode is off" in m.get("text", ""))


async def _language(stage: Stage) -> None:
    stage.say("/lang")
    menu = await stage.answer("a menu", lambda m: "lang/vi" in str(m.get("reply_markup")))
    stage.simulator.world.press(stage.ada, menu, "lang/vi")
    await stage.expect("a confirmation in Vietnamese", lambda: "Tiếng Việt" in menu["text"])


async def _group(stage: Stage) -> None:
    world = stage.simulator.world
    olena = world.person(1002, "Olena", language_code="uk")
    crew = world.group(-100_2000, "Harbour crew")
    crew.members = {stage.ada.id: "creator", olena.id: "member"}
    world.say(olena, "good morning everybody", crew)
    request = world.say(olena, f"{_VIDEO}7300000000000000001", crew)
    await stage.answer("a video", lambda m: "video" in m, crew)
    await stage.settled(crew, request, None)
    world.say(olena, "/mode", crew)
    await stage.answer("a refusal", lambda m: "адміністратори" in m.get("text", ""), crew)


async def _crowd(stage: Stage) -> None:
    world, log = stage.simulator.world, stage.simulator.log
    crews = [world.group(-100_3000 - n, f"Crew {n}") for n in range(100)]
    olena = world.people[1002]
    calls, asked = len(stage.simulator.api.calls), len(log)
    started = time.monotonic()
    with stage.transcript.muted():
        for n, crew in enumerate(crews):
            # A hundred people, because one alone would be taken for a flood.
            person = world.person(5_000 + n, f"Sailor {n}", language_code=olena.language_code)
            world.say(person, f"{_VIDEO}7300000000000000100", crew)

        def videos(crew: Chat) -> list[Json]:
            return [m for m in crew.messages.values() if "video" in m]

        await stage.expect("a video in every group", lambda: all(map(videos, crews)))
        took = time.monotonic() - started
        await stage.expect("no light left", lambda: not any(crew.reactions for crew in crews))
    sent = [c for c in stage.simulator.api.calls[calls:] if c.method == "sendVideo"]
    uploads = sum(bool(call.uploads) for call in sent)
    pages = sum(entry.path.startswith("/@_/video") for entry in log[asked:])
    files = sum(entry.path.startswith("/video/") for entry in log[asked:])
    stage.transcript.note(
        f"100 groups: {pages} page, {files} download, {uploads} upload, {len(sent)} deliveries "
        f"in {took:.1f} s"
    )
    await stage.expect("everything once", lambda: (pages, files, uploads) == (1, 1, 1))


async def _inline(stage: Stage) -> None:
    inline, link = stage.simulator.api.methods.inline, f"{_VIDEO}7300000000000000101"
    friends = stage.simulator.world.group(-100_5005, "Friends")
    query = inline.ask(stage.ada, link)
    await stage.expect("an offer", lambda: query in inline.answers)
    message = inline.choose(stage.ada, query, "fetch/post", link, friends)
    await stage.expect("the video in place of the card", lambda: "video" in message)
    await asyncio.sleep(0.5)  # the moment that people need to type again
    query = inline.ask(stage.ada, link)
    await stage.expect("the known video", lambda: query in inline.answers)
    kinds = [card["type"] for card in inline.answers[query]["results"]]
    await stage.expect("nothing but the video", lambda: kinds == ["video"])
    message = inline.choose(stage.ada, query, "known/1", link, friends)
    await stage.expect("the video at once", lambda: "video" in message)


async def _guest(stage: Stage) -> None:
    inline, bo = stage.simulator.api.methods.inline, stage.simulator.world.person(1009, "Bo")
    others = stage.simulator.world.group(-100_5006, "Bo's chat")
    above = stage.simulator.world.post_unseen(
        bo.as_json(), others, {"text": f"look at {_VIDEO}7300000000000000101"}
    )
    call = inline.call(stage.ada, others, "@clipferry_demo_bot", above)
    await stage.expect("the video as an answer", lambda: "video" in inline.answers.get(call, {}))


async def _broadcast(stage: Stage) -> None:
    world, api = stage.simulator.world, stage.simulator.api
    admin = world.person(ADMIN, "Captain")
    bridge = world.chats[ADMIN]

    def press(card: Json, action: str) -> None:
        rows = card["reply_markup"]["inline_keyboard"]
        data = next(b["callback_data"] for row in rows for b in row)
        number = data.split("/")[1]
        world.press(admin, card, f"cast/{number}/{action}")

    world.say(admin, "/admin")
    menu = await stage.answer("the menu", lambda m: "reply_markup" in m, bridge)
    world.press(admin, menu, "cast/new")
    await stage.expect("the question for the message", lambda: "reply_markup" not in menu)
    world.say(admin, "The ferry sails at noon today.")
    card = await stage.answer("the card", lambda m: "reply_markup" in m, bridge)
    for _ in range(2):
        before = card["text"]
        press(card, "chats")
        await stage.expect("another audience", lambda before=before: card["text"] != before)  # type: ignore[misc]
    with stage.transcript.muted():
        press(card, "yes")
        await stage.expect("thirty copies", lambda: len(api.calls_of("copyMessage")) >= 30)
        await stage.crash()
        await stage.expect("the end", lambda: "❓" in card["text"] and _left(card["text"]) == 0)
    copies = Counter(call.params["chat_id"] for call in api.calls_of("copyMessage"))
    stage.transcript.note("the bot was killed in the middle, and started again")
    stage.transcript.note(card["text"].replace("\n", "\n  "))
    await stage.expect("nobody twice", lambda: set(copies.values()) == {1})


async def _statistics(stage: Stage) -> None:
    world, bridge = stage.simulator.world, stage.simulator.world.chats[ADMIN]
    admin = world.person(ADMIN, "Captain")
    world.say(admin, "/stats")
    screen = await stage.answer("the menu", lambda m: "Statistics" in m.get("text", ""), bridge)
    world.press(admin, screen, "count/overview/all/day/posts/see")
    await stage.expect("the overview", lambda: "Posts: " in screen["text"])
    stage.transcript.note(screen["text"].replace("\n", "\n  "))
    world.press(admin, screen, "count/graph/all/ever/posts/do")
    picture = await stage.answer("the graph", lambda m: "photo" in m, bridge)
    file = stage.simulator.api.files.by_id[picture["photo"][-1]["file_id"]]
    graph = stage.simulator.folder / "statistics.png"
    shutil.copy(file.path, graph)
    stage.transcript.note(f"the graph is in {graph}")


def _left(text: str) -> int:
    """Count those of a broadcast's card of whom nothing is known yet."""
    sent, total, closed, refused, unknown = (
        int(number) for number in re.findall(r"\d+", text)[1:6]
    )
    return total - sent - closed - refused - unknown


_SCENES: tuple[tuple[str, Callable[[Stage], Awaitable[None]]], ...] = (
    ("Ada comes by an invitation link", _arrival),
    ("A TikTok link", _link),
    ("Its sound", _sound),
    ("The same by a short link, in the middle of a sentence", _short_link),
    ("A post that is gone", _deleted),
    ("A slideshow of eleven pictures, one of them HEIC", _slideshow),
    ("The same slides as one video, with their sound", _slides_as_video),
    ("Instagram: pictures and videos mixed", _mixed),
    ("A story, without an account", _story),
    ("Videos that are too large", _too_large),
    ("Settings: author and text below the post", _settings),
    ("Files instead of videos", _files),
    ("Another language", _language),
    ("A group", _group),
    ("Inline: a link behind the bot's name in any chat, first unknown, then known", _inline),
    ("A guest: called into a chat that it is no member of, under somebody's link", _guest),
    ("The same new link in a hundred groups at once", _crowd),
    ("An administrator writes to everybody, and the bot is killed in the middle", _broadcast),
    ("And looks at what has happened", _statistics),
)
