"""Run the real application with the real yt-dlp against the simulator."""

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.application import Application
from core.errors import SettingsError
from data import database
from data.config import SitesSection, load_settings
from data.lifespan import upgrade
from misc.utils import platform_titles
from platforms import load_registry
from simulator.samples import SampleStore, VideoSpec
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.sites.tiktok import Encoding, SamplePost
from simulator.telegram.api import Call, FaultRule
from simulator.telegram.files import Upload
from simulator.telegram.world import Chat, Json, Person
from tests.e2e.programs import end_programs
from tests.ports import free_port

ID = "7300000000000000001"
VIDEO = f"https://www.tiktok.com/@ferry.demo/video/{ID}"
#: Longest wait for anything, in seconds: only a failure takes so long, however busy the machine.
PATIENCE_S = 180.0
#: Titles of the sites that are allowed by default, as users see them.
PLATFORMS = platform_titles(load_registry(SitesSection().allowed))

#: Runs a test twice, with both ways in which updates arrive.
BOTH_SOURCES = pytest.mark.parametrize("harness", ["poll", "webhook"], indirect=True)


class BotHarness:
    """The bot, the simulator and one user (Ada) of an e2e test."""

    def __init__(
        self, folder: Path, samples: SampleStore, authority: Authority, updates: str = "poll"
    ) -> None:
        self.folder = folder
        #: How updates arrive: "poll" or "webhook".
        self.updates = updates
        #: Port that the webhook listens on.
        self.webhook_port = free_port()
        self.samples = samples
        self.simulator = Simulator(folder, samples, authority)
        self.simulator.api.webhook.is_local = True  # it is at loopback, without TLS
        # Telegram drops an inline query after half a minute, which a busy machine may need for it.
        self.simulator.api.webhook.expiry_scale = 10
        self.world = self.simulator.world
        self.api = self.simulator.api
        self.site = self.simulator.site
        self.instagram = self.simulator.instagram
        self.ada = self.world.person(1001, "Ada", language_code="en-GB")
        self.home = self.world.chats[1001]
        self._running: asyncio.Task[bool] | None = None
        self.application: Application | None = None
        #: Copied at the first start; None if the bot itself is to create its database.
        self.new_database: Path | None = None
        #: Values by section and field that replace settings without validation.
        self.overrides: dict[str, dict[str, Any]] = {}

    # --- the bot ----------------------------------------------------------------------------------

    async def start(self, **environment: str) -> None:
        """Start the bot with these environment variables on top of the simulator's.

        Raises:
            SettingsError: the bot refuses its settings. It is stopped then.
        """
        file = self.folder / "bot.db"
        if self.new_database and "DATABASE_URL" not in environment and not file.exists():
            shutil.copy(self.new_database, file)
        env = {
            **self.simulator.bot_environment(self.folder),
            "DATABASE_URL": f"sqlite:///{file}",
            # Tests send in seconds what users send in minutes.
            "TELEGRAM_PACING": "false",
            "LIMITS_SPAM_GUARD": "false",
            # A busy machine makes every request slow; only the tests about status notes see some.
            "LIMITS_PATIENCE_S": "60",
            # A busy machine holds a file back for longer than a test means to.
            "LIMITS_STALL_S": "120",
            **self.updates_environment(),
            **environment,
        }
        settings = load_settings(self.folder / "none.ini", self.folder / "none.env", env)
        database.initialize_database_components(settings["database"]["url"])
        await upgrade()
        sections = {
            name: getattr(settings, name).model_copy(update=values)
            for name, values in self.overrides.items()
        }
        before = self._contacts
        try:
            self.application = Application(settings.model_copy(update=sections))
            self._running = asyncio.create_task(self.application.run())
            await self.until(lambda: self._contacts > before, "the bot to take updates")
        except SettingsError:
            self._running = None
            await database.close()
            raise

    def updates_environment(self) -> dict[str, str]:
        """Return the settings of how updates arrive, as environment variables."""
        if self.updates == "poll":
            return {}
        return {
            "TELEGRAM_UPDATES": "webhook",
            "WEBHOOK_URL": f"http://127.0.0.1:{self.webhook_port}/updates",
            "WEBHOOK_PORT": str(self.webhook_port),
        }

    @property
    def _contacts(self) -> int:
        """Return how often a bot has begun to take updates, or polled."""
        if self.updates == "poll":
            return self.api.polls
        is_set = bool(self.api.webhook.url)
        return len(self.calls("getWebhookInfo")) if is_set else 0

    async def stop(self) -> bool:
        """Stop the bot and return the result of `Application.run`."""
        if self._running is None or self.application is None:
            return True
        self.application.stop()
        return await self.wait_stopped()

    async def wait_stopped(self) -> bool:
        """Wait until the bot stops by itself and return the result of `Application.run`."""
        assert self._running
        try:
            return await self._running
        finally:
            self._running = None
            await database.close()

    async def close(self) -> None:
        """Stop the bot, the programs that are still running, and the simulator."""
        try:
            await self.stop()
        finally:
            await end_programs()
            await self.simulator.stop()

    # --- waiting ----------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], Any], what: str = "") -> None:
        """Wait until `condition` returns a true value; fail after `PATIENCE_S` seconds."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if self._running and self._running.done():
                self._running.result()
            assert time.monotonic() < deadline, f"timed out waiting for {what or condition}"
            await self.world.changed(0.05)

    async def settled(self) -> None:
        """Wait until the bot has handled every update and every request."""
        application = self.application
        assert application

        def is_idle() -> bool:
            return application.is_idle and not self.world.updates

        await self.until(is_idle, "the bot to be idle")
        # An update may have been taken from the queue just before its task is created.
        await asyncio.sleep(0.02)
        await self.until(is_idle, "the bot to be idle")

    # --- actions ----------------------------------------------------------------------------------

    def video(self, post_id: str = ID, **options: Any) -> SamplePost:
        """Add an ordinary video post to TikTok and return it."""
        options.setdefault("encodings", (Encoding(self.samples.video(VideoSpec())),))
        options.setdefault("sound", self.samples.sound())
        options.setdefault("cover", self.samples.picture(576, 1024, "cover"))
        return self.site.add(SamplePost(post_id, **options))

    async def say(
        self, text: str, person: Person | None = None, chat: Chat | None = None, **extra: Any
    ) -> Json:
        """Send a text as a user, Ada by default, and return the message once it is handled."""
        message = self.world.say(person or self.ada, text, chat, **extra)
        await self.settled()
        return message

    async def send_file(
        self, content: bytes, caption: str = "", person: Person | None = None, **where: Chat
    ) -> Json:
        """Send a document as a user, Ada by default; return the message once it is handled.

        `where` may have `chat`; the private chat is the default.
        """
        person = person or self.ada
        path = self.api.files.new_path()
        path.write_bytes(content)
        upload = Upload(path, "cookies.txt", "text/plain", len(content))
        document = self.api.files.keep(upload, "document").as_json()
        fields: Json = {"document": {**document, "file_name": upload.name}}
        if caption:
            fields["caption"] = caption
        chat = where.get("chat", self.world.chats[person.id])
        message = self.world.post(person, chat, fields)
        await self.settled()
        return message

    async def press(self, message: Json, data: str, person: Person | None = None) -> Json:
        """Press a button as a user; return the parameters of the bot's answerCallbackQuery."""
        query_id = self.world.press(person or self.ada, message, data)
        await self.settled()
        return self.world.query_answers[query_id]

    def fail(self, method: str, kind: str, **options: Any) -> None:
        """Add a fault rule for the next matching calls."""
        self.api.faults.append(FaultRule(method, kind, **options))

    # --- results ----------------------------------------------------------------------------------

    def answers(self, chat: Chat | None = None) -> list[Json]:
        """Return the bot's messages in a chat, oldest first."""
        chat = chat or self.home
        return [m for m in chat.messages.values() if m.get("from", {}).get("is_bot")]

    def texts(self, chat: Chat | None = None) -> list[str]:
        """Return the texts and captions of the bot's messages in a chat."""
        return [m.get("text") or m.get("caption", "") for m in self.answers(chat)]

    def videos(self, chat: Chat | None = None) -> list[Json]:
        """Return the bot's messages with a video."""
        return [m for m in self.answers(chat) if "video" in m]

    def calls(self, *methods: str) -> list[Call]:
        """Return the bot's calls of the given methods."""
        return self.api.calls_of(*methods)


#: Two harnesses and the URLs of their databases, on SQLite and on PostgreSQL.
BothDatabases = tuple[tuple[BotHarness, str], tuple[BotHarness, str]]
