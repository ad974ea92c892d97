"""The stage of a chaos run: a bot process under a supervisor, its users, and what they got."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from data.config import ROOT
from simulator.samples import SampleStore, VideoSpec
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.sites.tiktok import Encoding, SamplePost
from simulator.telegram.world import Json, Person

PEOPLE: Final = 30
VIDEOS: Final = [f"73000000000000004{n:02}" for n in range(10)]
ALBUMS: Final = [f"73000000000000005{n:02}" for n in range(3)]
PICTURES: Final = 12
ADMIN: Final = 1001


@dataclass
class History:
    """What became of the requests of a run."""

    asked: int = 0
    answered: int = 0
    #: Explained instead of answered, for example because the outcome of a send is unknown.
    told: int = 0
    lost: int = 0
    twice: int = 0
    #: Answered, and still shown as being worked on.
    stuck: int = 0

    def problems(self) -> int:
        """Return the number of requests that no disturbance excuses."""
        return self.lost + self.twice


@dataclass
class Request:
    """One message with a link, or one press of a sound button."""

    #: Chat in which it was made.
    chat_id: int
    #: The message that the answer replies to.
    message_id: int
    post_id: str
    #: Kinds of media that answer it.
    media: tuple[str, ...] = ("video", "photo")


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
    requests: list[Request] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    #: True while maintenance mode answers: what is asked then is told to come back.
    is_closed: bool = False

    def environment(self, **more: str) -> dict[str, str]:
        """Return the settings of the bot."""
        return {
            **self.simulator.bot_environment(self.folder),
            "DATABASE_URL": f"sqlite:///{self.folder / 'bot.db'}",
            "BOT_ADMINS": str(ADMIN),
            "LIMITS_SPAM_GUARD": "false",
            "LIMITS_PRIVATE_QUEUE": "100",
            "TELEGRAM_PACING": "false",
            "RUN_LEASE_S": "3",
            "RUN_DRAIN_S": "10",
            "RUN_LOG_LEVEL": "ERROR",
            **more,
        }

    def ask(self, number: int) -> None:
        """Let the next people ask for a video or an album."""
        world = self.simulator.world
        for _ in range(number):
            turn = len(self.requests)
            if self.is_closed:
                world.say(self.people[turn % len(self.people)], "/start")
                continue
            person = self.people[turn % len(self.people)]
            posts = ALBUMS if turn % 5 == 0 else VIDEOS
            # No chat asks twice for the same post, so that each answer has one request.
            post_id = posts[(turn // len(self.people)) % len(posts)]
            link = f"https://www.tiktok.com/@a/video/{post_id}"
            message = world.say(person, link)
            self.requests.append(Request(person.id, message["message_id"], post_id))

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

    def ask_sound(self) -> None:
        """Let somebody press the sound button of a video that has none yet."""
        world, asked = (
            self.simulator.world,
            {(r.chat_id, r.message_id) for r in self.requests if "audio" in r.media},
        )
        for person in self.people:
            for message in list(world.chats[person.id].messages.values()):
                data = _sound_button(message)
                if data and "video" in message and (person.id, message["message_id"]) not in asked:
                    world.press(person, message, data)
                    sound = Request(person.id, message["message_id"], "", ("audio",))
                    self.requests.append(sound)
                    return

    async def settle(self, limit_s: float = 120) -> None:
        """Wait until every request has an answer or an explanation, at most `limit_s` seconds."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if all(self._messages(request) for request in self.requests):
                break
            await asyncio.sleep(0.3)
        await asyncio.sleep(4)  # let repeated answers arrive

    def history(self) -> History:
        """Return what became of all requests."""
        history = History(asked=len(self.requests))
        for request in self.requests:
            messages = self._messages(request)
            media = [m for m in messages if any(kind in m for kind in request.media)]
            if request.post_id in ALBUMS:
                media = self._albums(request)
            if not messages and not media:
                history.lost += 1
            elif len(media) > 1:
                history.twice += 1
            elif media:
                history.answered += 1
            else:
                history.told += 1
            chat = self.simulator.world.chats[request.chat_id]
            is_open = bool(media) and not chat.moved_to
            history.stuck += is_open and request.message_id in chat.reactions
        return history

    def _messages(self, request: Request) -> list[Json]:
        """Return the answers to a request, also those at the new id of its group."""
        chat = self.simulator.world.chats[request.chat_id]
        answers = [
            message
            for message in chat.messages.values()
            if message.get("reply_to_message", {}).get("message_id") == request.message_id
        ]
        if not chat.moved_to:
            return answers
        # Messages have other ids there, so that the answer replies to nothing.
        moved = self.simulator.world.chats[chat.moved_to].messages.values()
        return answers + [message for message in moved if message["from"].get("is_bot")]

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


def _sound_button(message: Json) -> str | None:
    """Return the callback data of a message's sound button, or None if it has none."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    datas = [button.get("callback_data", "") for row in rows for button in row]
    return next((data for data in datas if data.startswith("id/")), None)


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
    try:
        yield Stage(folder, simulator, people=people)
    finally:
        await simulator.stop()
