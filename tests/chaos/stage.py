"""The stage of a chaos run: a bot process under a supervisor, its users, and what they got."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final

from data.config import ROOT
from misc.ui.callback_data import AGAIN, CANCEL
from misc.ui.texts import load_texts
from simulator.samples import SampleStore, VideoSpec
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.sites.tiktok import Encoding, SamplePost
from simulator.telegram.world import Chat, Json, Person

PEOPLE: Final = 30
VIDEOS: Final = [f"73000000000000004{n:02}" for n in range(40)]
ALBUMS: Final = [f"73000000000000005{n:02}" for n in range(20)]
PICTURES: Final = 12
ADMIN: Final = 1001
#: The channel in which inline mode stores its files, and the group that gets inline messages.
STORAGE: Final = -1_000_777
FRIENDS: Final = -5_005
EN: Final = load_texts()["en"]
#: Every 6th message is a press of a sound button, and every 7th an inline message.
_SOUND_EVERY: Final = 6
_INLINE_EVERY: Final = 7


@dataclass
class History:
    """What became of the requests of a run."""

    asked: int = 0
    answered: int = 0
    #: Explained instead of answered.
    told: int = 0
    #: Explained: the outcome of a send is unknown.
    unknown: int = 0
    lost: int = 0
    twice: int = 0
    #: Answered, and still shown as being worked on.
    stuck: int = 0

    def problems(self) -> int:
        """Return the number of requests that no disturbance excuses."""
        return self.lost + self.twice

    def add(self, other: "History") -> None:
        """Add what became of other requests."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def count(self, messages: list[Json], media: list[Json]) -> None:
        """Count a request, by its answers and by those of them that have what was asked for."""
        if len(media) > 1:
            self.twice += 1
        elif media:
            self.answered += 1
        elif any(EN["delivery_unknown"] in message.get("text", "") for message in messages):
            self.unknown += 1
        elif messages:
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
        #: What `main.py` is started with the next time.
        self.command = "run"
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            **environment,
            "FILES_SPOOL_DIR": environment.get("SPOOL") or str(folder / "spool"),
            "FILES_HEARTBEAT": str(folder / "heartbeat"),
        }
        self._environment.pop("SPOOL", None)
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
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(ROOT / "main.py"),
                self.command,
                env=self._environment,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            self.exits.append(await self._process.wait())
            await asyncio.sleep(0.2)

    async def restarted(self) -> None:
        """Wait until the next process has taken the place of the one that runs now."""
        ended = len(self.exits)
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
    samples: SampleStore
    requests: list[Request] = field(default_factory=list)
    #: What became of the recipients of a broadcast.
    broadcast: History = field(default_factory=History)
    #: How many steps of requests a database has recorded, and how many against the rules.
    steps: tuple[int, int] = (0, 0)
    people: list[Person] = field(default_factory=list)
    #: What is wrong with requests, one by one.
    problems: list[str] = field(default_factory=list)
    #: True if there was maintenance mode: its notice is an answer.
    has_notices: bool = False
    #: Inline queries whose cards have not been chosen: person, id of the query, text.
    _typed: list[tuple[Person, str, str]] = field(default_factory=list)
    _turn: int = 0

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
            "RUN_LEASE_S": "3",
            "RUN_DRAIN_S": "10",
            "RUN_LOG_LEVEL": "ERROR",
            **more,
        }

    async def keep_asking(self, seconds: float, every_s: float = 0.3) -> None:
        """Let one after the other ask for some seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.ask(1)
            await asyncio.sleep(every_s)

    def ask(self, number: int) -> None:
        """Let the next people ask: for a video, an album, its sound, or an inline message."""
        for _ in range(number):
            self._turn += 1
            if self._turn % _INLINE_EVERY == 0:
                self.ask_inline()
            elif self._turn % _SOUND_EVERY or not self.ask_sound():
                self._ask_for_one_of(ALBUMS if self._turn % 5 == 0 else VIDEOS)

    def ask_album(self) -> None:
        """Let the next one ask for an album."""
        self._turn += 1
        self._ask_for_one_of(ALBUMS)

    def _ask_for_one_of(self, posts: Sequence[str]) -> None:
        person = self.people[self._turn % len(self.people)]
        # A chat asks for the same post again only after all others: what is asked for twice at the
        # same time is sent once.
        post_id = posts[(self._turn // len(self.people)) % len(posts)]
        link = f"https://www.tiktok.com/@a/video/{post_id}"
        message = self.simulator.world.say(person, link)
        self.requests.append(Request(person.id, message["message_id"], post_id))

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
        post_id = f"75000000000{self._turn:08}"
        encodings = (Encoding(self.samples.video(VideoSpec())),)
        sound = self.samples.sound()
        self.simulator.site.add(SamplePost(post_id, encodings=encodings, sound=sound))
        person = self.people[self._turn % len(self.people)]
        text = f"https://www.tiktok.com/@a/video/{post_id}"
        query = self.simulator.api.methods.inline.ask(person, text)
        self._typed.append((person, query, text))

    def ask_in_group(self, number: int) -> None:
        """Let somebody ask for a video in a new group."""
        group = self.simulator.world.group(-3_000 - number, f"Crew {number}")
        link = f"https://www.tiktok.com/@a/video/{VIDEOS[number % len(VIDEOS)]}"
        message = self.simulator.world.say(self.people[0], link, group)
        post_id = VIDEOS[number % len(VIDEOS)]
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
        await _wait(lambda: all(map(self._messages, self.requests)), 120)
        await _wait(lambda: not any(map(self._is_stuck, self.requests)), 20)
        await asyncio.sleep(4)  # let repeated answers arrive

    def history(self) -> History:
        """Return what became of all requests."""
        history = History(asked=len(self.requests))
        for request in self.requests:
            messages = self._messages(request)
            media = [m for m in messages if any(kind in m for kind in request.media)]
            if request.post_id in ALBUMS:
                media = self._albums(request)
            if not messages or len(media) > 1:
                self.problems.append(f"{len(media)} answers to one of the {_kind(request)}")
            history.count(messages, media)
            history.stuck += bool(media) and self._is_stuck(request)
        history.add(self.broadcast)
        return history

    def kinds(self) -> str:
        """Return how many requests of each kind there were."""
        kinds = Counter(map(_kind, self.requests))
        return ", ".join(f"{number} {kind}" for kind, number in kinds.items())

    def told_to_come_back(self) -> int:
        """Return how many requests got the notice of maintenance mode."""
        return sum(bool(self._notices(request)) for request in self.requests)

    def _is_stuck(self, request: Request) -> bool:
        """Return True if a request is shown as being worked on."""
        chat = self.simulator.world.chats[request.chat_id]
        return not chat.moved_to and request.message_id in chat.reactions

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
            if message.get("reply_to_message", {}).get("message_id") == request.message_id
            and not _is_status(message)
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

    def _albums(self, request: Request) -> list[Json]:
        """Return one message for each time that the first picture of an album has arrived."""
        chat = self.simulator.world.chats[request.chat_id]
        sizes = Counter(
            message["photo"][-1]["file_unique_id"]
            for message in chat.messages.values()
            if "photo" in message and self._belongs(message, request)
        )
        return [{}] * max(sizes.values(), default=0)

    def _belongs(self, message: Json, request: Request) -> bool:
        group = message.get("media_group_id")
        chat = self.simulator.world.chats[request.chat_id]
        first = next(
            (m for m in chat.messages.values() if m.get("media_group_id") == group and group), {}
        )
        return bool(first.get("reply_to_message", {}).get("message_id") == request.message_id)


def chaos_s() -> float:
    """Return how long the disturbances take that can take any time, in seconds."""
    return float(os.environ.get("CHAOS_S", "120"))


async def _wait(condition: Callable[[], bool], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - of processes
        await asyncio.sleep(0.3)


def _kind(request: Request) -> str:
    if request.inline:
        return "inline messages"
    if request.query:
        return "sounds"
    return "albums" if request.post_id in ALBUMS else "videos"


def _has_ended(inline: Json) -> bool:
    """Return True if an inline message shows its post, or an error with the button to retry."""
    is_closed = inline.get("text") == EN["maintenance"]
    return "video" in inline or AGAIN in _buttons(inline) or is_closed


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
async def make_stage(folder: Path, samples: SampleStore) -> AsyncIterator[Stage]:
    """Start a simulator with posts and people."""
    folder.mkdir(parents=True)
    simulator = Simulator(folder, samples, Authority(folder))
    await simulator.start()
    simulator.api.latency_s = simulator.site.latency_s = 0.03
    for post_id in VIDEOS:
        encodings = (Encoding(samples.video(VideoSpec())),)
        simulator.site.add(SamplePost(post_id, encodings=encodings, sound=samples.sound()))
    for post_id in ALBUMS:
        pictures = tuple(samples.picture(240, 80, f"{post_id} {n}") for n in range(PICTURES))
        simulator.site.add(SamplePost(post_id, pictures=pictures, sound=samples.sound()))
    people = [simulator.world.person(2_000 + n, f"P{n}") for n in range(PEOPLE)]
    simulator.world.person(ADMIN, "Ada")
    simulator.world.group(FRIENDS, "Friends")
    simulator.world.chats[STORAGE] = Chat(STORAGE, "channel", title="Storage")
    try:
        yield Stage(folder, simulator, samples, people=people)
    finally:
        await simulator.stop()
