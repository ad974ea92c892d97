"""Play the demo's scripted conversation and check every answer of the bot."""

import asyncio
import math
import re
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from simulator.catalogue import ADMIN
from simulator.server import Simulator
from simulator.shapes import SHAPES, Shape
from simulator.telegram.files import Upload
from simulator.telegram.world import Chat, Json, Person
from simulator.transcript import Transcript

_PATIENCE_S = 30.0
#: Longest window of the limits of one chat, and the time of a restart, in seconds.
_UNKNOWN_S: Final = 10.0
#: Window of the bot's flood protection, in seconds.
_FLOOD_S: Final = 5.0
_WIDE = "7300000000000000002"
_VIDEO = "https://www.tiktok.com/@ferry.demo/video/"
_HEXADECIMAL = "7300000000000000000000000000de01"
#: Keys of messages with media; one with an animation has no other of them.
_KINDS: Final = ("photo", "video", "animation", "audio")


class MissingAnswerError(Exception):
    """An expected answer did not arrive in time."""


@dataclass(slots=True)
class Session:
    """State of the running script: the user, the private chat and the checks done so far."""

    simulator: Simulator
    ada: Person
    #: Ada's private chat with the bot.
    private_chat: Chat
    transcript: Transcript
    #: Kills the bot and starts it again.
    crash: Callable[[], Awaitable[None]]
    checks: int = 0
    #: When the bot was killed, on the monotonic clock.
    killed_at: float | None = None
    _seen: set[int] = field(default_factory=set)

    def refusals(self) -> int:
        """Return how many calls were over the rate limits without an excuse.

        After a kill, the new process cannot know what the old one has sent a moment ago; it obeys
        the refusal.
        """
        limits = self.simulator.api.limits
        killed_at = self.killed_at or -math.inf
        times = limits.refused_at if limits else []
        return sum(not killed_at < at < killed_at + _UNKNOWN_S for at in times)

    async def expect(self, what: str, found: Callable[[], bool]) -> None:
        """Wait until `found` returns True.

        Raises:
            MissingAnswerError: it did not within 30 seconds.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not found():
            if time.monotonic() > deadline:
                raise MissingAnswerError(what)
            await self.simulator.world.changed(0.25)
        self.checks += 1

    def say(self, text: str) -> Json:
        """Send a message to the bot as Ada and return it."""
        return self.simulator.world.say(self.ada, text)

    async def media(self, text: str, kind: str) -> None:
        """Send a link as Ada; wait for a message of this kind and for the final reaction."""
        request = self.say(text)
        await self.answer(f"a {kind}", lambda m: kind in m)
        await self.settled(self.private_chat, request, None)

    async def answer(
        self, what: str, fits: Callable[[Json], bool], chat: Chat | None = None
    ) -> Json:
        """Wait for a new message of the bot in Ada's chat, or in `chat`, and return it."""
        chat = chat or self.private_chat
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
        """Wait until the status indicator on a request shows its final state."""
        number = message["message_id"]
        await self.expect(f"reaction {emoji}", lambda: chat.reactions.get(number) == emoji)


async def play(
    simulator: Simulator, transcript: Transcript, crash: Callable[[], Awaitable[None]]
) -> int:
    """Play the conversation and return the number of checked answers.

    `crash` kills the bot and starts it again.

    Raises:
        MissingAnswerError: an answer is missing or the bot broke a rule of the Bot API.
    """
    ada = simulator.world.person(1001, "Ada", language_code="en-GB", username="ada")
    session = Session(simulator, ada, simulator.world.chats[ada.id], transcript, crash)
    for title, scene in _SCENES:
        transcript.heading(title)
        await scene(session)
    await asyncio.sleep(0.2)  # let unexpected messages arrive before the last checks
    transcript.heading("Final checks")
    if refusals := session.refusals():
        raise MissingAnswerError(f"{refusals} calls over Telegram's rate limits")
    if simulator.api.methods.violations:
        raise MissingAnswerError("; ".join(simulator.api.methods.violations))
    return session.checks


async def _arrival(session: Session) -> None:
    session.say("/start Spring_2026")
    await session.answer("a welcome", lambda m: "Welcome" in m.get("text", ""))


async def _link(session: Session) -> None:
    await session.media(f"{_VIDEO}7300000000000000001", "video")


async def _sound(session: Session) -> None:
    video = next(m for m in session.private_chat.messages.values() if "video" in m)
    session.simulator.world.press(session.ada, video, "id/7300000000000000001")
    sound = await session.answer("a sound", lambda m: "audio" in m)
    await session.expect(
        "the title of the sound", lambda: sound["audio"]["title"] == "Harbour bell"
    )
    await session.expect(
        "the restored sound button", lambda: "🎵" in str(video.get("reply_markup"))
    )


async def _short_link(session: Session) -> None:
    await session.media("look: https://vm.tiktok.com/ZMdemo001/, nice?", "video")


async def _deleted(session: Session) -> None:
    request = session.say(f"{_VIDEO}7300000000000000404")
    await session.answer("an explanation", lambda m: "no longer exists" in m.get("text", ""))
    await session.settled(session.private_chat, request, "😢")


async def _slideshow(session: Session) -> None:
    request = session.say("https://www.tiktok.com/@ferry.demo/photo/7300000000000000003")
    await session.answer(
        "the message below the album", lambda m: "ferry.demo · " in m.get("text", "")
    )
    await session.settled(session.private_chat, request, None)
    photos = [m for m in session.private_chat.messages.values() if "photo" in m]
    await session.expect("eleven photos", lambda: len(photos) == 11)


async def _slides_as_video(session: Session) -> None:
    below = list(session.private_chat.messages.values())[-1]
    session.simulator.world.press(session.ada, below, "slides/tiktok/7300000000000000003")
    video = await session.answer("one video of the slides", lambda m: "video" in m)
    await session.expect("a duration of 28 s", lambda: video["video"]["duration"] == 28)
    await session.settled(session.private_chat, below, None)


async def _archive(session: Session) -> None:
    def below() -> list[Json]:
        messages = session.private_chat.messages.values()
        return [m for m in messages if "zip/" in str(m.get("reply_markup"))]

    await session.expect("the button for an archive again", lambda: bool(below()))
    session.simulator.world.press(session.ada, below()[0], "zip/tiktok/7300000000000000003")
    await session.answer(
        "an archive", lambda m: m.get("document", {}).get("file_name", "").endswith(".zip")
    )


async def _mixed(session: Session) -> None:
    request = session.say("https://www.instagram.com/p/DemoMixed01/")
    below = await session.answer(
        "the message below the album", lambda m: "ferry.demo · " in m.get("text", "")
    )
    await session.settled(session.private_chat, request, None)
    group = session.private_chat.messages[below["reply_to_message"]["message_id"]]["media_group_id"]
    album = [m for m in session.private_chat.messages.values() if m.get("media_group_id") == group]
    kinds = ["video" if "video" in m else "photo" for m in album]
    await session.expect(
        "five items in order", lambda: kinds == ["photo", "video", "photo", "photo", "video"]
    )


async def _unreadable(session: Session) -> None:
    session.say("https://www.instagram.com/p/DemoBroken1/")
    await session.answer(
        "what is missing", lambda m: "1 item couldn't be downloaded" in m.get("text", "")
    )


async def _live_photo(session: Session) -> None:
    session.say("https://ddinstagram.com/p/DemoLive001/")
    await session.answer("a live photo", lambda m: "live_photo" in m)


async def _whole_posts(session: Session) -> None:
    for link, expected in (
        ("https://x.com/ferry_demo/status/1790000000000000003", ["photo", "video"]),
        ("https://www.reddit.com/gallery/1demo01", ["photo", "video", "photo"]),
        ("https://pin.it/demo001", ["photo", "video", "photo"]),
        ("https://www.facebook.com/ferry.demo/posts/7300000002", ["photo", "video", "photo"]),
    ):
        before = set(session.private_chat.messages)
        request = session.say(link)

        def kinds(before: set[int] = before) -> list[str]:
            new = [m for n, m in session.private_chat.messages.items() if n not in before]
            return [kind for m in new for kind in ("photo", "video", "animation") if kind in m]

        await session.expect(f"{expected} in order", lambda kinds=kinds, e=expected: kinds() == e)  # type: ignore[misc]
        await session.settled(session.private_chat, request, None)


async def _posts(session: Session) -> None:
    for site, link in (
        ("Threads", "https://www.threads.com/@ferry.demo/post/DemoThread1"),
        ("Bluesky", "https://bsky.app/profile/ferry.example/post/3demo01"),
        ("Tumblr", "https://www.tumblr.com/ferry-demo/730000000000000001"),
    ):
        request, end = session.say(link), f" · {site}"
        await session.answer(
            f"pictures of {site}",
            lambda m, end=end: (m.get("caption") or m.get("text", "")).endswith(end),  # type: ignore[misc]
        )
        await session.settled(session.private_chat, request, None)


async def _profile(session: Session) -> None:
    session.say("https://www.instagram.com/ferry.demo/")
    await session.answer("what is needed instead", lambda m: "profile" in m.get("text", ""))


async def _list(session: Session) -> None:
    session.say("https://www.tiktok.com/@ferry.demo")
    card = await session.answer("what it has", lambda m: "15 posts" in m.get("text", ""))
    start = card["reply_markup"]["inline_keyboard"][0][0]["callback_data"].rpartition("/")[0]
    for button, chosen in (("page/0", 0), ("tick/0", 1), ("tick/2", 2)):
        session.simulator.world.press(session.ada, card, f"{start}/{button}")
        await session.expect(
            f"{chosen} chosen",
            lambda n=chosen: str(card["reply_markup"]).count("✅") == n,  # type: ignore[misc]
        )
    session.simulator.world.press(session.ada, card, f"{start}/get")
    for post in ("id/7300000000000000215", "id/7300000000000000217"):
        await session.answer("a chosen post", lambda m, post=post: post in str(m))  # type: ignore[misc]
    for button in ("page/0", "tick/1", "zip"):
        session.simulator.world.press(session.ada, card, f"{start}/{button}")
    archive = await session.answer("another one in a ZIP file", lambda m: "document" in m)
    await session.expect(
        "the list's name", lambda: archive["document"]["file_name"] == "ferry_demo.zip"
    )


async def _more_lists(session: Session) -> None:
    for link, text in (
        ("https://bsky.app/profile/ferry.example", "ferry.example\n2 posts"),
        ("https://www.reddit.com/user/ferry_demo/", "u/ferry_demo\n2 posts"),
        ("https://pin.it/demo002", "Boats\n1 post"),
        ("https://rutube.ru/channel/73/", "Ferry Demo\n1 post"),
    ):
        request = session.say(link)
        await session.answer("what it has", lambda m, text=text: m.get("text", "") == text)  # type: ignore[misc]
        await session.settled(session.private_chat, request, None)


async def _story(session: Session) -> None:
    session.say("https://www.instagram.com/stories/ferry.demo/3700000000000000001/")
    await session.answer("the reason", lambda m: "signed in" in m.get("text", ""))


async def _account(session: Session) -> None:
    world, bridge = session.simulator.world, session.simulator.world.chats
    captain = world.person(ADMIN, "Captain")
    world.say(captain, "/admin")
    menu = await session.answer("the menu", lambda m: "reply_markup" in m, bridge[ADMIN])
    for page in ("", "/add", "/add=instagram"):
        before = menu["text"]
        world.press(captain, menu, f"admin/identities{page}")
        await session.expect("the next screen", lambda before=before: menu["text"] != before)  # type: ignore[misc]
    world.post(captain, bridge[ADMIN], {"document": _cookie_file(session.simulator)})
    await session.answer("a stored account", lambda m: "Done" in m.get("text", ""), bridge[ADMIN])


def _cookie_file(simulator: Simulator) -> Json:
    """Upload the cookies of a member of Instagram; return the document."""
    key = simulator.instagram.session
    line = f".instagram.com\tTRUE\t/\tTRUE\t2147483647\tsessionid\t{key}\n"
    path = simulator.api.files.new_path()
    path.write_text(f"# Netscape HTTP Cookie File\n{line}")
    upload = Upload(path, "anna.txt", "text/plain", path.stat().st_size)
    stored = simulator.api.files.keep(upload, "document").as_json()
    return {**stored, "file_name": upload.name}


async def _stories(session: Session) -> None:
    for link, photos in (
        ("https://www.instagram.com/stories/ferry.demo/3700000000000000001/", 1),
        ("https://www.instagram.com/stories/ferry.demo/", 2),
        ("https://www.instagram.com/stories/highlights/17900000000000001/", 3),
    ):
        before = set(session.private_chat.messages)
        request = session.say(link)

        def sent(before: set[int] = before) -> int:
            messages = session.private_chat.messages.items()
            return sum("photo" in m for number, m in messages if number not in before)

        await session.expect(f"{photos} stories", lambda sent=sent, n=photos: sent() == n)  # type: ignore[misc]
        await session.settled(session.private_chat, request, None)


async def _youtube(session: Session) -> None:
    request = session.say("https://www.youtube.com/shorts/DemoShort01")
    await session.answer("the short", lambda m: "YouTube" in m.get("caption", ""))
    await session.settled(session.private_chat, request, None)


async def _music(session: Session) -> None:
    request = session.say("https://soundcloud.com/ferry-demo/harbour-bell")
    track = await session.answer("the track", lambda m: "audio" in m)
    about = track["audio"]
    await session.expect(
        "title, performer and length",
        lambda: (
            (about["title"], about["performer"], about["duration"])
            == ("Harbour bell", "Ferry Demo", 20)
        ),
    )
    await session.settled(session.private_chat, request, None)
    session.say("https://open.spotify.com/track/7300000001")
    await session.answer("why not", lambda m: "copy-protected" in m.get("text", ""))


async def _more_sites(session: Session) -> None:
    for link, kind in (
        ("https://ferry-demo.bandcamp.com/track/harbour-bell", "audio"),
        ("https://www.mixcloud.com/ferry-demo/harbour-bell/", "audio"),
        ("https://www.dailymotion.com/video/x9demo1", "video"),
        (f"https://rutube.ru/video/{_HEXADECIMAL}/", "video"),
        ("https://ok.ru/video/7300000001", "video"),
        ("https://vkvideo.ru/video-730_1001", "video"),
        (f"https://www.loom.com/share/{_HEXADECIMAL}", "video"),
        ("https://www.bilibili.com/video/BV1demo00001", "video"),
    ):
        await session.media(link, kind)


async def _shapes(session: Session) -> None:
    """Send all links at once, each by another person: one chat would get an answer per second."""
    world = session.simulator.world
    people = [
        world.person(6_000 + n, shape.title, language_code="en") for n, shape in enumerate(SHAPES)
    ]
    chats = [world.chats[person.id] for person in people]
    with session.transcript.muted():
        requests = [world.say(one, shape.url) for one, shape in zip(people, SHAPES, strict=True)]
        for shape, chat, request in zip(SHAPES, chats, requests, strict=True):
            await session.expect(shape.title, lambda s=shape, c=chat: _is_answered(s, c))  # type: ignore[misc]
            await session.settled(chat, request, None)
    for shape, chat in zip(SHAPES, chats, strict=True):
        session.transcript.summary(shape.title, _answers(chat))


def _is_answered(shape: Shape, chat: Chat) -> bool:
    """Return True if a chat has exactly the messages that a shape is answered with."""
    if isinstance(shape.answer, str):
        return [m.get("text") for m in _answers(chat)] == [shape.answer]
    kinds = [kind for m in _answers(chat) for kind in _KINDS if kind in m]
    return tuple(kinds) == shape.answer


def _answers(chat: Chat) -> list[Json]:
    """Return the bot's messages in a chat, without the greeting of a new user."""
    sent = [m for m in chat.messages.values() if m.get("from", {}).get("is_bot")]
    return [m for m in sent if "Welcome" not in m.get("text", "")]


async def _versions(session: Session) -> None:
    link = f"{_VIDEO}{_WIDE}"
    request = session.say(f"{link} 0:01-0:02")
    piece = await session.answer(
        "a second of it", lambda m: m.get("video", {}).get("duration") == 1
    )
    await session.settled(session.private_chat, request, None)
    request = session.say(f"{link} mp3")
    await session.answer(
        "an MP3 file", lambda m: m.get("audio", {}).get("file_name") == f"{_WIDE}.mp3"
    )
    await session.settled(session.private_chat, request, None)
    session.simulator.world.press(session.ada, piece, f"pick/tiktok/{_WIDE}")
    menu = await session.answer("the versions", lambda m: "take/file/" in str(m))
    session.simulator.world.press(session.ada, menu, f"take/file/tiktok/{_WIDE}")
    await session.answer("the original file", lambda m: "document" in m)


async def _too_large(session: Session) -> None:
    request = session.say(f"{_VIDEO}7300000000000000070")
    video = await session.answer(
        "a smaller video", lambda m: m.get("video", {}).get("width") == 640
    )
    await session.expect(
        "a size within the limit", lambda: video["video"]["file_size"] < 50_000_000
    )
    await session.settled(session.private_chat, request, None)
    session.say(f"{_VIDEO}7300000000000000900")
    await session.answer("a refusal", lambda m: "900\N{NO-BREAK SPACE}MB" in m.get("text", ""))


async def _slow(session: Session) -> None:
    request = session.say(f"{_VIDEO}7300000000000000006")
    note = await session.answer("what has arrived so far", lambda m: "% of 6" in m.get("text", ""))
    first = note["text"]
    await session.expect("more of it", lambda: note["text"] != first)
    await session.answer("the video", lambda m: "video" in m)
    await session.settled(session.private_chat, request, None)
    await session.expect(
        "no status note any more", lambda: note["message_id"] not in session.private_chat.messages
    )


async def _outage(session: Session) -> None:
    request = session.say(f"{_VIDEO}7300000000000000503")
    failure = await session.answer(
        "that the site has trouble", lambda m: "Try again" in str(m.get("reply_markup"))
    )
    await session.settled(session.private_chat, request, "😢")
    ((button,),) = failure["reply_markup"]["inline_keyboard"]
    session.simulator.world.press(session.ada, failure, button["callback_data"])
    await session.answer("the video, now that the site is back", lambda m: "video" in m)
    await session.settled(session.private_chat, request, None)


async def _settings(session: Session) -> None:
    session.say("/settings")
    menu = await session.answer("the settings", lambda m: "set/page/caption" in str(m))
    session.simulator.world.press(session.ada, menu, "set/page/caption")
    await session.expect("the parts", lambda: "set/caption/bot" in str(menu["reply_markup"]))
    session.simulator.world.press(session.ada, menu, "set/caption/bot")
    await session.expect("the added part", lambda: "4️⃣" in str(menu["reply_markup"]))
    request = session.say("https://www.instagram.com/reel/DemoReel001/")
    await session.answer(
        "text, author, site and bot",
        lambda m: (
            "at dawn" in m.get("caption", "")
            and " · Instagram · @" in m.get("caption", "").splitlines()[-1]
        ),
    )
    await session.settled(session.private_chat, request, None)


async def _files(session: Session) -> None:
    await asyncio.sleep(_FLOOD_S)  # nobody sends links and commands as fast as the script
    session.say("/mode")
    await session.answer("file mode on", lambda m: "mode is on" in m.get("text", ""))
    await session.media(f"{_VIDEO}7300000000000000002", "document")
    session.say("/mode")
    await session.answer("file mode off", lambda m: "mode is off" in m.get("text", ""))


async def _language(session: Session) -> None:
    session.say("/lang")
    menu = await session.answer("a menu", lambda m: "lang/vi" in str(m.get("reply_markup")))
    session.simulator.world.press(session.ada, menu, "lang/vi")
    await session.expect("a confirmation in Vietnamese", lambda: "Tiếng Việt" in menu["text"])


async def _group(session: Session) -> None:
    world = session.simulator.world
    olena = world.person(1002, "Olena", language_code="uk")
    crew = world.group(-100_2000, "Harbour crew")
    crew.members = {session.ada.id: "creator", olena.id: "member"}
    world.invite(olena, crew)
    await session.answer("a welcome in Ukrainian", lambda m: "Українська" in m["text"], crew)
    world.say(olena, "good morning everybody", crew)
    request = world.say(olena, f"{_VIDEO}7300000000000000001", crew)
    await session.answer("a video", lambda m: "video" in m, crew)
    await session.settled(crew, request, None)
    world.say(olena, "/mode", crew)
    await session.answer("a refusal", lambda m: "адміністратори" in m.get("text", ""), crew)


async def _crowd(session: Session) -> None:
    world, log = session.simulator.world, session.simulator.log
    crews = [world.group(-100_3000 - n, f"Crew {n}") for n in range(100)]
    olena = world.people[1002]
    calls, asked = len(session.simulator.api.calls), len(log)
    started = time.monotonic()
    with session.transcript.muted():
        for n, crew in enumerate(crews):
            # Use a hundred users: the flood guard would stop a single one.
            person = world.person(5_000 + n, f"Sailor {n}", language_code=olena.language_code)
            world.say(person, f"{_VIDEO}7300000000000000100", crew)

        def videos(crew: Chat) -> list[Json]:
            return [m for m in crew.messages.values() if "video" in m]

        await session.expect("a video in every group", lambda: all(map(videos, crews)))
        took = time.monotonic() - started
        await session.expect(
            "no status reaction left", lambda: not any(crew.reactions for crew in crews)
        )
    sent = [c for c in session.simulator.api.calls[calls:] if c.method == "sendVideo"]
    uploads = sum(bool(call.uploads) for call in sent)
    pages = sum(entry.path.startswith("/@_/video") for entry in log[asked:])
    files = sum(entry.path.startswith("/video/") for entry in log[asked:])
    session.transcript.note(
        f"100 groups: {pages} page, {files} download, {uploads} upload, {len(sent)} deliveries "
        f"in {took:.1f} s"
    )
    await session.expect(
        "one page, one download and one upload", lambda: (pages, files, uploads) == (1, 1, 1)
    )


async def _inline(session: Session) -> None:
    inline, link = session.simulator.api.methods.inline, f"{_VIDEO}7300000000000000101"
    friends = session.simulator.world.group(-100_5005, "Friends")
    query = inline.ask(session.ada, link)
    await session.expect("the inline results", lambda: query in inline.answers)
    message = inline.choose(session.ada, query, "fetch/post", link, friends)
    await session.expect("the video in place of the card", lambda: "video" in message)
    await asyncio.sleep(0.5)  # let the bot store the file id, as a user's typing pause would
    query = inline.ask(session.ada, link)
    await session.expect("the cached video as a result", lambda: query in inline.answers)
    kinds = [card["type"] for card in inline.answers[query]["results"]]
    await session.expect("only the video as a result", lambda: kinds == ["video"])
    message = inline.choose(session.ada, query, "known/1", link, friends)
    await session.expect("the video at once", lambda: "video" in message)


async def _guest(session: Session) -> None:
    inline, bo = session.simulator.api.methods.inline, session.simulator.world.person(1009, "Bo")
    others = session.simulator.world.group(-100_5006, "Bo's chat")
    above = session.simulator.world.post_unseen(
        bo.as_json(), others, {"text": f"look at {_VIDEO}7300000000000000101"}
    )
    call = inline.call(session.ada, others, "@clipferry_demo_bot", above)
    await session.expect("the video as an answer", lambda: "video" in inline.answers.get(call, {}))


async def _broadcast(session: Session) -> None:
    world, api = session.simulator.world, session.simulator.api
    admin = world.person(ADMIN, "Captain")
    bridge = world.chats[ADMIN]

    def press(card: Json, action: str) -> None:
        rows = card["reply_markup"]["inline_keyboard"]
        data = next(b["callback_data"] for row in rows for b in row)
        number = data.split("/")[1]
        world.press(admin, card, f"cast/{number}/{action}")

    world.say(admin, "/admin")
    menu = await session.answer("the menu", lambda m: "reply_markup" in m, bridge)
    for button in ("admin/broadcasts", "cast/new"):
        before = menu["text"]
        world.press(admin, menu, button)
        await session.expect("the next screen", lambda before=before: menu["text"] != before)  # type: ignore[misc]
    world.say(admin, "The ferry sails at noon today.")
    card = await session.answer("the card", lambda m: "reply_markup" in m, bridge)
    for action in ("chats", "chats=all"):
        before = card["text"]
        press(card, action)
        await session.expect("a changed card", lambda before=before: card["text"] != before)  # type: ignore[misc]
    with session.transcript.muted():
        press(card, "yes")
        await session.expect("thirty copies", lambda: len(api.calls_of("copyMessage")) >= 30)
        session.killed_at = time.monotonic()
        await session.crash()
        await session.expect(
            "the end of the broadcast", lambda: "❓" in card["text"] and _left(card["text"]) == 0
        )
    copies = Counter(
        call.params["chat_id"] for call in api.calls_of("copyMessage") if not call.error
    )
    session.transcript.note("the bot was killed during the broadcast and started again")
    session.transcript.note(card["text"].replace("\n", "\n  "))
    await session.expect("one copy per chat", lambda: set(copies.values()) == {1})


async def _statistics(session: Session) -> None:
    world, bridge = session.simulator.world, session.simulator.world.chats[ADMIN]
    admin = world.person(ADMIN, "Captain")
    world.say(admin, "/stats")
    screen = await session.answer("the menu", lambda m: "Statistics" in m.get("text", ""), bridge)
    world.press(admin, screen, "count/overview/all/day/posts/see")
    await session.expect("the overview", lambda: "Posts: " in screen["text"])
    session.transcript.note(screen["text"].replace("\n", "\n  "))
    world.press(admin, screen, "count/graph/all/ever/posts/do")
    picture = await session.answer("the chart", lambda m: "photo" in m, bridge)
    file = session.simulator.api.files.by_id[picture["photo"][-1]["file_id"]]
    chart = session.simulator.folder / "statistics.png"
    shutil.copy(file.path, chart)
    session.transcript.note(f"the chart is saved as {chart}")


def _left(text: str) -> int:
    """Return the number of recipients on a broadcast card whose delivery is still open."""
    sent, total, closed, refused, unknown = (
        int(number) for number in re.findall(r"\d+", text)[1:6]
    )
    return total - sent - closed - refused - unknown


_SCENES: tuple[tuple[str, Callable[[Session], Awaitable[None]]], ...] = (
    ("Ada opens an invitation link", _arrival),
    ("A TikTok link", _link),
    ("Its sound", _sound),
    ("The same post as a short link within a sentence", _short_link),
    ("A deleted post", _deleted),
    ("A slideshow of eleven pictures, one of them HEIC", _slideshow),
    ("The slideshow as one video with sound", _slides_as_video),
    ("Its pictures as a ZIP archive", _archive),
    ("Instagram: pictures and videos mixed", _mixed),
    ("An album of which one video cannot be read", _unreadable),
    ("A live photo, through a mirror", _live_photo),
    ("Posts of X, Reddit, Pinterest and Facebook with all that they show", _whole_posts),
    ("Pictures on Threads, Bluesky and Tumblr", _posts),
    ("A profile, which is no post", _profile),
    ("A profile, from which Ada chooses two posts", _list),
    ("Lists of other sites", _more_lists),
    ("A story, which needs a login", _story),
    ("An administrator adds an account of Instagram", _account),
    ("A story, all stories of a person, and a highlight", _stories),
    ("A short on YouTube", _youtube),
    ("A track, and one on a service that encrypts its tracks", _music),
    ("Tracks and videos of more sites", _more_sites),
    ("What else the sites have, each asked for by another person", _shapes),
    ("A slow site", _slow),
    ("A site that is down, and back when Ada tries again", _outage),
    ("A piece of a video, another format, and the versions to choose from", _versions),
    ("Videos that are too large", _too_large),
    ("Settings: author and text below the post", _settings),
    ("Files instead of videos", _files),
    ("Another language", _language),
    ("A group", _group),
    ("Inline mode: a link after the bot's name, first new, then cached", _inline),
    ("Guest mode: the bot is called in a chat that it is not a member of", _guest),
    ("The same new link in a hundred groups at once", _crowd),
    ("A broadcast, during which the bot is killed", _broadcast),
    ("Statistics", _statistics),
)
