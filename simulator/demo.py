"""The demo: the simulator here, the bot beside it as its own process, nothing beyond loopback."""

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import sys
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path

from simulator import script as conversation
from simulator.catalogue import LINKS, STORAGE, fill
from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.telegram.limits import Limits
from simulator.transcript import Transcript

_VAR = Path(__file__).resolve().parent.parent / "var"
_AD_LINK = "https://example.com/support"


def run_demo(bot_command: list[str], *, script: bool) -> int:
    """Run the demo; `bot_command` is this bot's command line, up to the word `run`.

    With `script` a conversation is played and the exit code says whether every answer came. Without,
    one talks to the bot in the terminal until Ctrl-C.
    """
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_demo(bot_command, script=script))
    return 0


async def _demo(bot_command: list[str], *, script: bool) -> int:
    folder = _VAR / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print("Making sample videos …")
    samples = SampleStore(_VAR / "samples")
    simulator = Simulator(folder, samples, Authority(folder))
    fill(simulator)
    simulator.api.limits = Limits()
    await simulator.start()
    log = folder / "bot.log"
    bot = _Bot(bot_command, simulator, folder, log)
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
            assert bot.process
            await _talk(simulator, bot.process)
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
    process: Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it asks for updates.

        Raises:
            MissingAnswerError: it has ended instead.
        """
        environment = {
            **os.environ,  # noqa: TID251 - handed on to a child process, not read
            **self.simulator.bot_environment(self.folder),
            "DATABASE_URL": f"sqlite:///{self.folder / 'bot.db'}",
            "ADS_LINK": _AD_LINK,
            "BOT_ADMINS": str(conversation.ADMIN),
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
        if self.process:
            self.process.kill()
            await self.process.wait()
        await self.start()

    async def stop(self) -> int:
        """Let it end in order; give its exit code."""
        if self.process is None:
            return 1
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


async def _talk(simulator: Simulator, bot: Process) -> None:
    """Say what is typed, until the end of input or Ctrl-C."""
    ada = simulator.world.person(1001, "Ada")
    print("\nYou are Ada, in a private chat with the bot. Type /start, or one of these links:")
    for link in LINKS:
        print(f"  {link.url}   {link.title}")
    print("Ctrl-C ends the demo. `make demo ARGS=--script` plays a whole conversation.\n")
    if not (sys.stdin.isatty() or stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode)):
        await bot.wait()  # nobody can type here, but the control over HTTP is open
        return
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while bot.returncode is None and (line := await reader.readline()):
        if text := line.decode(errors="replace").strip():
            simulator.world.say(ada, text)
    # The input has ended; what was said last still gets its answer.
    await asyncio.sleep(3 if bot.returncode is None else 0)
