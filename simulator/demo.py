"""The demo: the simulator here, the bot beside it as its own process, nothing beyond loopback."""

import asyncio
import os
import shutil
import signal
import sys
import webbrowser
from asyncio.subprocess import Process
from dataclasses import asdict, dataclass
from pathlib import Path

from simulator import script as conversation
from simulator.catalogue import ADMIN, LINKS, STORAGE, fill, people
from simulator.page import BotSwitch
from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.telegram.limits import Limits
from simulator.transcript import Transcript

_VAR = Path(__file__).resolve().parent.parent / "var"
_AD_LINK = "https://example.com/support"


def run_demo(bot_command: list[str], *, script: bool, port: int, online: bool) -> int:
    """Run the demo; `bot_command` is this bot's command line, up to the word `run`.

    With `script` a conversation is played and the exit code says whether every answer came. Without,
    one talks to the bot in a browser until Ctrl-C. `port` is where the page is served, or the next
    free one. `online` lets the bot fetch from the real sites.
    """
    try:
        return asyncio.run(_demo(bot_command, script=script, port=port, online=online))
    except KeyboardInterrupt:
        return 0


async def _demo(bot_command: list[str], *, script: bool, port: int, online: bool) -> int:
    folder = _VAR / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print("Making sample videos …")
    samples = SampleStore(_VAR / "samples")
    simulator = Simulator(folder, samples, Authority(folder))
    fill(simulator)
    simulator.api.limits = Limits()
    log = folder / "bot.log"
    bot = _Bot(bot_command, simulator, folder, log, online=online)
    links = [] if online else [asdict(link) for link in LINKS]
    simulator.show_page(BotSwitch(bot.crash, bot.is_running), links)
    await simulator.start(0 if script else port)
    try:
        print(
            f"Telegram and the sites are simulated at {simulator.address}; the bot's log is {log}"
        )
        await bot.start()
        transcript = Transcript(simulator.world)
        if script:
            checks = await conversation.play(simulator, transcript, bot.crash)
            print(f"All {checks} expected answers came.")
        else:
            await _talk(simulator, bot, online=online)
    except conversation.MissingAnswerError as missing:
        print(f"\nThis did not come: {missing}. The bot's log ends with:", file=sys.stderr)
        print(*log.read_text().splitlines()[-15:], sep="\n", file=sys.stderr)
        return 1
    finally:
        code = await bot.stop()
        await simulator.stop()
    return code


@dataclass(slots=True)
class _Bot:
    """The bot's process."""

    command: list[str]
    simulator: Simulator
    folder: Path
    log: Path
    online: bool = False
    process: Process | None = None
    #: It is down on purpose.
    is_crashing: bool = False

    def is_running(self) -> bool:
        """Tell whether there is a process."""
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start it, and wait until it asks for updates.

        Raises:
            MissingAnswerError: it has ended instead.
        """
        environment = {
            **os.environ,  # noqa: TID251 - handed on to a child process, not read
            **self.simulator.bot_environment(self.folder, online=self.online),
            "DATABASE_URL": f"sqlite:///{self.folder / 'bot.db'}",
            "ADS_LINK": _AD_LINK,
            "BOT_ADMINS": str(ADMIN),
            "INLINE_STORAGE_CHAT": str(STORAGE),
            "RUN_LEASE_S": "2",
        }
        polls = self.simulator.api.pollers
        with self.log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                "run",
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us; we tell the bot
            )
        while self.simulator.api.pollers == polls:
            if self.process.returncode is not None:
                raise conversation.MissingAnswerError("the bot's start")
            await asyncio.sleep(0.05)

    async def crash(self) -> None:
        """End it as a power cut does, and start it again."""
        self.is_crashing = True
        try:
            if self.process:
                self.process.kill()
                await self.process.wait()
            await self.start()
        finally:
            self.is_crashing = False

    async def stop(self) -> int:
        """Let it end in order; give its exit code."""
        if self.process is None:
            return 1
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


async def _talk(simulator: Simulator, bot: _Bot, *, online: bool) -> None:
    """Let people talk to the bot on the page until Ctrl-C, or until the bot ends by itself.

    Raises:
        MissingAnswerError: it has ended by itself.
    """
    people(simulator.world)
    print(f"\nThe page is open at {simulator.address} until Ctrl-C.")
    if online:
        print("Links lead to the real sites.")
    print("`make demo ARGS=--script` plays a whole conversation instead.\n", flush=True)
    _show(simulator.address)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    while not ended.is_set():
        try:
            await asyncio.wait_for(ended.wait(), 1)
        except TimeoutError:
            if not bot.is_running() and not bot.is_crashing:
                raise conversation.MissingAnswerError("the bot has ended by itself") from None
    print("\nThe demo ends.")


def _show(address: str) -> None:
    """Open the page where there is a desktop."""
    has_desktop = sys.platform in {"darwin", "win32"} or any(
        os.environ.get(name)  # noqa: TID251 - the desktop's, no setting of ours
        for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if has_desktop and sys.stdout.isatty():
        webbrowser.open(address)
