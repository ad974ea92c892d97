"""The stage of a chaos run: a bot process under a supervisor, its users, and what they got."""

import asyncio
import math
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from data.config import ROOT
from misc.ui.callback_data import AGAIN, CANCEL, RESEND
from misc.ui.texts import load_texts
from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.telegram.world import Chat, Json, Person
from tests.chaos.posts import Posts, picture_name

PEOPLE: Final = 30
ADMIN: Final = 1001
#: The channel in which inline mode stores its files, and the group that gets inline messages.
STORAGE: Final = -1_000_777
FRIENDS: Final = -5_005
EN: Final = load_texts()["en"]
#: Longest wait for answers once nothing is disturbed any more, in seconds.
_PATIENCE_S: Final = 120
#: Reactions of the bot until the end of a request; another one says that it has failed.
_AT_WORK: Final = {"👀", "👨‍💻"}
#: Each n-th message is a press of a sound button, an inline message, a link to an album, a link to
#: a post that somebody else has asked for before.
_SOUND_EVERY: Final = 6
_INLINE_EVERY: Final = 7
_ALBUM_EVERY: Final = 5
_KNOWN_EVERY: Final = 4


def _column(meaning: str) -> Any:
    return field(default=0, metadata={"meaning": meaning})


@dataclass
class History:
    """What became of the requests of a run, in numbers of requests: the columns of the table."""

    asked: int = _column("requests, and the recipients of a broadcast")
    answered: int = _column("got all they asked for, once")
    told: int = _column("got an apology instead, or a notice of maintenance mode")
    unknown: int = _column("were told that Telegram has not confirmed the upload")
    lost: int = _column("got nothing, or a part without a word")
    twice: int = _column("got it more than once")
    stuck: int = _column(
        "got it or an apology, and their message still shows that it is being worked on; or the "
        "card of a broadcast does not add up"
    )
    unordered: int = _column("links answered after a later link of the same private chat")
    uploads: int = _column("calls that carried files; all other answers repeat known files")

    def problems(self, forbidden: Collection[str] = ()) -> int:
        """Return the number of requests that no disturbance excuses.

        `forbidden` are further columns that have to be zero.
        """
        return sum(getattr(self, name) for name in {"lost", "twice", "stuck", *forbidden})

    def add(self, other: "History") -> None:
        """Add what became of other requests."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def count(self, copies: int, said: Collection[str]) -> None:
        """Count a request: how often its whole answer has arrived, and what was said besides."""
        if copies > 1:
            self.twice += 1
        elif copies:
            self.answered += 1
        elif any(EN["delivery_unknown"] in text for text in said):
            self.unknown += 1
        elif said:
            self.told += 1
        else:
            self.lost += 1


@dataclass
class Request:
    """One message with a link, one press of a sound button, or one inline message."""

    #: Chat in which it was made.
    chat_id: int
    #: The message that the answer replies to.
    message_id: int
    post_id: str
    #: Kinds of media that answer it.
    media: tuple[str, ...] = ("video", "photo")
    #: The inline message that becomes the answer.
    inline: Json | None = None
    #: The callback query of the press.
    query: str = ""


class Supervisor:
    """Keeps one bot process running, as Docker or systemd would."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        self.name = name
        #: The argument of the program the next time.
        self.command = "run"
        #: The program that is started the next time.
        self.program = ROOT / "main.py"
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            **environment,
            "FILES_SPOOL_DIR": environment.get("SPOOL") or str(folder / "spool"),
            "FILES_HEARTBEAT": str(folder / "heartbeat"),
        }
        self._environment.pop("SPOOL", None)
        self.log = folder / "log"
        self._process: asyncio.subprocess.Process | None = None
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        #: Exit codes of all processes so far.
        self.exits: list[int] = []

    @property
    def pid(self) -> int:
        """Return the id of the running process."""
        assert self._process
        return self._process.pid

    async def start(self) -> None:
        """Start the process, and start it again whenever it ends."""
        self._task = asyncio.create_task(self._supervise())
        while self._process is None:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)

    async def _supervise(self) -> None:
        while not self._is_stopping:
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    str(self.program),
                    self.command,
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                )
            self.exits.append(await self._process.wait())
            await asyncio.sleep(0.2)

    async def restarted(self, ended: int | None = None) -> None:
        """Wait until the next process has taken the place of the one that runs now.

        `ended` is the number of exits before the end of that one, if it may be over.
        """
        ended = len(self.exits) if ended is None else ended
        while len(self.exits) == ended:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
        await asyncio.sleep(2)  # it starts

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it is running."""
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """End the process for good."""
        self._is_stopping = True
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self._task:
            await self._task


@dataclass
class Stage:
    """The simulator, a bot, and what its users have asked for."""

    folder: Path
    simulator: Simulator
    posts: Posts
    requests: list[Request] = field(default_factory=list)
    #: What became of the recipients of a broadcast.
    broadcast: History = field(default_factory=History)
    #: How many steps of requests a database has recorded, and how many against the rules.
    steps: tuple[int, int] = (0, 0)
    people: list[Person] = field(default_factory=list)
    #: What a row found besides requests, and does not excuse.
    failures: list[str] = field(default_factory=list)
    #: What is wrong with requests, one by one.
    problems: list[str] = field(default_factory=list)
    #: True if there was maintenance mode: its notice is an answer.
    has_notices: bool = False
    #: Inline queries whose cards have not been chosen: person, id of the query, text.
    _typed: list[tuple[Person, str, str]] = field(default_factory=list)
    _turn: int = 0
    #: Names of the pictures in files, by the ids of these.
    _names: dict[str, str] = field(default_factory=dict)
    #: How often `ask` has let somebody ask.
    turns: int = 0

    def environment(self, **more: str) -> dict[str, str]:
        """Return the settings of the bot."""
        return {
            **self.simulator.bot_environment(self.folder),
            "DATABASE_URL": f"sqlite:///{self.folder / 'bot.db'}",
            "BOT_ADMINS": str(ADMIN),
            "INLINE_STORAGE_CHAT": str(STORAGE),
            "LIMITS_SPAM_GUARD": "false",
            "LIMITS_PRIVATE_QUEUE": "100",
            "TELEGRAM_PACING": "false",
            "RUN_LEASE_S": str(lease_s()),
            "RUN_DRAIN_S": "10",
            "RUN_LOG_LEVEL": os.environ.get("CHAOS_LOG_LEVEL", "ERROR"),
            **more,
        }

    async def keep_asking(self, seconds: float, every_s: float = 0.3) -> None:
        """Let one after the other ask for some seconds, at a rate that asking does not slow."""
        next_at = time.monotonic()
        deadline = next_at + seconds
        while time.monotonic() < deadline:
            self.ask(1)
            next_at += every_s
            await asyncio.sleep(max(next_at - time.monotonic(), 0))

    @asynccontextmanager
    async def asking(self, every_s: float) -> AsyncIterator[None]:
        """Let one after the other ask during the block."""
        task = asyncio.create_task(self.keep_asking(math.inf, every_s))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def ask(self, number: int) -> None:
        """Let the next people ask: for a video, an album, its sound, or an inline message."""
        for _ in range(number):
            self.turns += 1
            self._turn += 1
            if self._turn % _INLINE_EVERY == 0:
                self.ask_inline()
            elif self._turn % _SOUND_EVERY or not self.ask_sound():
                self._ask_for_a_post(is_album=self._turn % _ALBUM_EVERY == 0)

    def ask_album(self) -> None:
        """Let the next one ask for an album."""
        self._turn += 1
        self._ask_for_a_post(is_album=True)

    def _ask_for_a_post(self, *, is_album: bool) -> None:
        person = self._next_person()
        post_id = None
        if self._turn % _KNOWN_EVERY == 0:
            post_id = self.posts.known(person.id, is_album=is_album)
        post_id = post_id or self.posts.new(person.id, is_album=is_album)
        message = self.simulator.world.say(person, _link(post_id))
        self.requests.append(Request(person.id, message["message_id"], post_id))

    def _next_person(self) -> Person:
        return self.people[self._turn % len(self.people)]

    def _choose_cards(self) -> None:
        """Let people choose the cards that they have got; without one there is no request."""
        mode, left = self.simulator.api.methods.inline, []
        for person, query, text in self._typed:
            results = mode.answers.get(query, {}).get("results")
            if results is None:
                left.append((person, query, text))
            elif any(result["id"] == "fetch/post" for result in results):
                friends = self.simulator.world.chats[FRIENDS]
                message = mode.choose(person, query, "fetch/post", text, friends)
                self.requests.append(Request(FRIENDS, message["message_id"], "", inline=message))
        self._typed = left

    def ask_inline(self) -> None:
        """Let somebody type the bot's name and the link to a new post, and others choose a card."""
        self._choose_cards()
        self._turn += 1
        person = self._next_person()
        text = _link(self.posts.new(person.id))
        query = self.simulator.api.methods.inline.ask(person, text)
        self._typed.append((person, query, text))

    def ask_in_group(self, number: int) -> None:
        """Let somebody ask for a video in a new group."""
        group = self.simulator.world.group(-3_000 - number, f"Crew {number}")
        post_id = self.posts.new(self.people[0].id)
        message = self.simulator.world.say(self.people[0], _link(post_id), group)
        self.requests.append(Request(group.id, message["message_id"], post_id))

    def migrate(self, number: int) -> None:
        """Turn that group into a supergroup."""
        world = self.simulator.world
        world.migrate(self.people[0], world.chats[-3_000 - number], -1_003_000 - number)

    def ask_sound(self) -> bool:
        """Let somebody press the sound button of a video that has none yet; False without one."""
        asked = {(r.chat_id, r.message_id) for r in self.requests if "audio" in r.media}
        for person in self.people:
            for message in list(self.simulator.world.chats[person.id].messages.values()):
                data = _sound_button(message)
                if data and "video" in message and (person.id, message["message_id"]) not in asked:
                    query = self.simulator.world.press(person, message, data)
                    place = person.id, message["message_id"]
                    self.requests.append(Request(*place, "", ("audio",), query=query))
                    return True
        return False

    async def settle(self) -> None:
        """Wait until every request has an answer or an explanation, and shows no work."""
        self._choose_cards()
        await _wait(lambda: all(map(self._has_ended, self.requests)), _PATIENCE_S)
        self.note_unanswered()
        await _wait(lambda: not any(map(self._is_stuck, self.requests)), 20)
        await asyncio.sleep(4)  # let repeated answers arrive

    def note_unanswered(self) -> None:
        """Note a failure if requests wait: the end of the processes may free them, too late."""
        waiting = Counter(self._kind(each) for each in self.requests if not self._has_ended(each))
        if waiting:
            kinds = ", ".join(f"{number} {kind}" for kind, number in waiting.items())
            self.failures.append(f"{_PATIENCE_S} s after the disturbances, {kinds} still waited")

    def _has_ended(self, request: Request) -> bool:
        """Return True if a request has its whole answer, or an explanation."""
        messages = self._messages(request)
        return bool(self._copies(request, messages) or _texts(request, messages))

    def history(self) -> History:
        """Return what became of all requests."""
        history = History(asked=len(self.requests))
        for request in self.requests:
            messages = self._messages(request)
            copies, said = self._copies(request, messages), _texts(request, messages)
            history.count(copies, said)
            is_stuck = self._is_stuck(request) and bool(copies or said)
            history.stuck += is_stuck
            if copies != 1 or is_stuck or self._has_note(request):
                self.problems.append(self._describe(request, copies, said))
        history.unordered = self._unordered()
        history.uploads = sum(bool(call.uploads) for call in self.simulator.api.calls)
        history.add(self.broadcast)
        return history

    def _describe(self, request: Request, copies: int, said: Collection[str]) -> str:
        """Return what is wrong with a request."""
        facts = [f"{copies} answers to one of the {self._kind(request)}"]
        facts += [repr(text[:60]) for text in said if not copies]
        reactions = self.simulator.world.chats[request.chat_id].reactions
        if self._is_stuck(request):
            facts.append(f"its reaction {reactions[request.message_id]} is left")
        facts += ["its status note is left"] if self._has_note(request) else []
        return ", ".join(facts)

    def _copies(self, request: Request, messages: list[Json]) -> int:
        """Return how often the whole answer has arrived: of an album, each of its pictures."""
        if not self.posts.is_album(request.post_id):
            return len(_media(request, messages))
        # Only the first part of an album replies to the link.
        names = Counter(self._pictures(request.chat_id))
        numbers = [names[path.name] for path in self.posts.pictures(request.post_id)]
        return max(numbers) if all(numbers) else 0

    def _pictures(self, chat_id: int) -> Iterator[str]:
        """Yield the names of the pictures that a chat has got."""
        for message in list(self.simulator.world.chats[chat_id].messages.values()):
            if "photo" in message:
                file_id = message["photo"][-1]["file_id"]
                if file_id not in self._names:
                    path = self.simulator.api.files.by_id[file_id].path
                    self._names[file_id] = picture_name(path)
                yield self._names[file_id]

    def _unordered(self) -> int:
        """Return how many links were answered after a later one of the same private chat."""
        newest: dict[int, int] = {}
        unordered = 0
        for request in self.requests:
            if request.chat_id < 0 or request.query or request.inline is not None:
                continue
            media = _media(request, self._messages(request))
            if media:
                first, before = media[0]["message_id"], newest.get(request.chat_id, 0)
                unordered += first < before
                newest[request.chat_id] = max(first, before)
        return unordered

    def kinds(self) -> str:
        """Return how many requests of each kind there were."""
        kinds = Counter(map(self._kind, self.requests))
        return ", ".join(f"{number} {kind}" for kind, number in kinds.items())

    def told_to_come_back(self) -> int:
        """Return how many requests got the notice of maintenance mode."""
        return sum(bool(self._notices(request)) for request in self.requests)

    def _is_stuck(self, request: Request) -> bool:
        """Return True if a request is shown as being worked on."""
        chat = self.simulator.world.chats[request.chat_id]
        return not chat.moved_to and chat.reactions.get(request.message_id) in _AT_WORK

    def _has_note(self, request: Request) -> bool:
        """Return True if there is a status note, which a process that was killed cannot delete."""
        messages = list(self.simulator.world.chats[request.chat_id].messages.values())
        return any(_is_status(each) and _is_reply(each, request) for each in messages)

    def _kind(self, request: Request) -> str:
        if request.inline is not None:
            return "inline messages"
        if request.query:
            return "sounds"
        return "albums" if self.posts.is_album(request.post_id) else "videos"

    def _messages(self, request: Request) -> list[Json]:
        """Return the answers to a request, also those at the new id of its group."""
        if request.inline is not None:
            return [request.inline] if _has_ended(request.inline) else []
        if self.has_notices and (notices := self._notices(request)):
            return notices
        chat = self.simulator.world.chats[request.chat_id]
        answers = [
            message
            for message in list(chat.messages.values())
            if _is_reply(message, request) and not _is_status(message)
        ]
        if not chat.moved_to:
            return answers
        # Messages have other ids there, so that the answer replies to nothing.
        moved = self.simulator.world.chats[chat.moved_to].messages.values()
        return answers + [message for message in moved if message["from"].get("is_bot")]

    def _notices(self, request: Request) -> list[Json]:
        """Return the notice of maintenance mode about a request: it replies to no message."""
        if request.query:
            answer = self.simulator.world.query_answers.get(request.query, {})
            return [answer] if answer.get("text") == EN["maintenance"] else []
        start = request.message_id
        ids = [r.message_id for r in self.requests if r.chat_id == request.chat_id]
        end = min((number for number in ids if number > start), default=sys.maxsize)
        messages = self.simulator.world.chats[request.chat_id].messages
        return [
            message
            for number, message in list(messages.items())
            if start < number < end and message.get("text") == EN["maintenance"]
        ]


def chaos_s() -> float:
    """Return how long the disturbances take that can take any time, in seconds."""
    return float(os.environ.get("CHAOS_S", "120"))


def lease_s() -> int:
    """Return the lease of the processes, in seconds: shorter than the default of 15."""
    return int(os.environ.get("CHAOS_LEASE_S", "3"))


def shifted_clock(file: Path, seconds: int) -> dict[str, str]:
    """Return the settings of a process whose clock differs by what the file says; write that."""
    file.write_text(str(seconds))
    return {"PYTHONPATH": str(Path(__file__).parent / "clock"), "CLOCK_OFFSET": str(file)}


async def _wait(condition: Callable[[], bool], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - of processes
        await asyncio.sleep(0.3)


def _link(post_id: str) -> str:
    return f"https://www.tiktok.com/@a/video/{post_id}"


def _media(request: Request, messages: list[Json]) -> list[Json]:
    """Return the messages that have what was asked for."""
    return [each for each in messages if any(kind in each for kind in request.media)]


def _texts(request: Request, messages: list[Json]) -> list[str]:
    """Return what was said instead of an answer."""
    media = _media(request, messages)
    return [each.get("text", "") for each in messages if each not in media]


def _is_reply(message: Json, request: Request) -> bool:
    return bool(message.get("reply_to_message", {}).get("message_id") == request.message_id)


def _has_ended(inline: Json) -> bool:
    """Return True if an inline message shows its post, or why not, with a way on."""
    is_closed = inline.get("text") == EN["maintenance"]
    return "video" in inline or any(map(_is_way_on, _buttons(inline))) or is_closed


def _is_way_on(data: str) -> bool:
    """Return True for a button that tries again, or sends again what was not confirmed."""
    return data == AGAIN or data.startswith(RESEND)


def _is_status(message: Json) -> bool:
    """Return True for a note about a request that waits or is being worked on."""
    return any(data.startswith(CANCEL) for data in _buttons(message))


def _buttons(message: Json) -> list[str]:
    """Return the callback data of a message's buttons."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button.get("callback_data", "") for row in rows for button in row]


def _sound_button(message: Json) -> str | None:
    """Return the callback data of a message's sound button, or None if it has none."""
    return next((data for data in _buttons(message) if data.startswith("id/")), None)


@asynccontextmanager
async def make_stage(
    folder: Path, samples: SampleStore, upload_bytes_per_s: int = 0
) -> AsyncIterator[Stage]:
    """Start a simulator with people; uploads of that rate take a while, 0 takes all at once."""
    folder.mkdir(parents=True)
    simulator = Simulator(folder, samples, Authority(folder))
    simulator.api.uploads.bytes_per_s = upload_bytes_per_s
    await simulator.start()
    simulator.api.latency_s = simulator.site.latency_s = 0.03
    try:
        yield stage_of(folder, simulator)
    finally:
        await simulator.stop()


def stage_of(folder: Path, simulator: Simulator) -> Stage:
    """Return the stage of a simulator, with its people and chats."""
    world = simulator.world
    people = [world.person(2_000 + n, f"P{n}") for n in range(PEOPLE)]
    world.person(ADMIN, "Ada")
    world.group(FRIENDS, "Friends")
    world.chats[STORAGE] = Chat(STORAGE, "channel", title="Storage")
    posts = Posts(simulator.site, simulator.samples, folder / "albums")
    return Stage(folder, simulator, posts, people=people)
