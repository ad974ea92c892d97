"""Clipferry's command line.

Worker processes import this file too, so large modules are imported where they are used.
"""

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SettingsError, StorageError
from core.version import VERSION

if TYPE_CHECKING:
    from data.config import Settings

#: Exit codes: an invalid setting, and a failure that a restart may fix.
WRONG_SETTING, FAILED = 2, 1
#: Longest time for the exit after everything is closed, in seconds.
_EXIT_S = 5.0

_COMMANDS = """\
commands:
  run          run the bot (the default)
  maintenance  ask users to come back later; needs no database
  doctor       check everything that a start needs, and exit
  backup FILE  copy the SQLite database, in use or not, to a new file
  restore FILE replace the SQLite database by a backup; the bot must not run. For PostgreSQL, run
               it without FILE after pg_restore
  recount      rebuild the statistics from the download history
  demo         run the bot against a simulated Telegram and simulated sites
"""


def main() -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Clipferry, a self-hosted Telegram bot that answers links with the media "
        "behind them.",
        epilog=_COMMANDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"Clipferry {VERSION}")
    parser.add_argument(
        "command",
        nargs="?",
        default="run",
        choices=(
            *("run", "maintenance", "doctor", "check"),
            *("backup", "restore", "recount", "demo"),
        ),
        metavar="command",
        help="one of the commands below",
    )
    parser.add_argument("file", nargs="?", type=Path, help="backup and restore: the backup")
    parser.add_argument("--script", action="store_true", help="demo: play a conversation and exit")
    parser.add_argument("--port", type=int, default=8642, help="demo: port of the chat page")
    parser.add_argument("--online", action="store_true", help="demo: fetch from the real sites")
    arguments = parser.parse_args()
    if arguments.command == "demo":
        from simulator.demo import run_demo

        command = [sys.executable, str(Path(__file__))]
        options = {"script": arguments.script, "port": arguments.port, "online": arguments.online}
        return run_demo(command, **options)
    from data.config import load_default_settings

    try:
        commands: dict[str, Callable[[Settings], Coroutine[None, None, int]]] = {
            "run": run,
            "maintenance": maintain,
            "doctor": doctor,
            "check": doctor,  # alias
            "backup": partial(back_up, arguments.file),
            "restore": partial(restore, arguments.file),
            "recount": rebuild_statistics,
        }
        return asyncio.run(commands[arguments.command](load_default_settings()))
    except SettingsError as error:
        print("Invalid settings:", *error.mistakes, sep="\n  ", file=sys.stderr)
        return WRONG_SETTING
    except StorageError as error:
        print(f"The database cannot be used: {error.detail}", file=sys.stderr)
        return FAILED


async def doctor(settings: "Settings") -> int:
    """Check every prerequisite of a start and print a line for each. Prints no secrets."""
    _set_up_lean_aiogram(settings)
    from app.doctor import Finding, examine
    from data.lifespan import database_lifespan

    findings = []
    try:
        async with database_lifespan(settings["database"]["url"]):
            findings.append(Finding("ok", "the database is ready and has the newest schema"))
    except StorageError as error:
        findings.append(Finding("failure", f"the database cannot be used: {error.detail}"))
    findings += [finding async for finding in examine(settings)]
    for finding in findings:
        print(f"{finding.level:8} {finding.text}")
    return FAILED if any(finding.level == "failure" for finding in findings) else 0


async def run(settings: "Settings") -> int:
    """Run the bot until a signal stops it."""
    prepare(settings)
    from app.application import Application, starts_marker
    from data.backup import refuse_foreign_wal
    from data.lifespan import database_lifespan

    if database := _sqlite_path(settings):
        refuse_foreign_wal(database, starts_marker(settings))
    application = Application(settings)
    async with database_lifespan(settings["database"]["url"]):
        code = 0 if await application.run() else FAILED
    exit_soon(code)
    return code


def exit_soon(code: int, limit_s: float = _EXIT_S) -> None:
    """Make sure that the program ends within `limit_s` seconds, with this exit code.

    Python waits for its threads at exit, and a thread that waits for a DNS server may take minutes.
    """
    timer = threading.Timer(limit_s, os._exit, (code,))
    timer.daemon = True
    timer.start()


async def maintain(settings: "Settings") -> int:
    """Answer every message with a maintenance notice until a signal stops it."""
    prepare(settings)
    from app import maintenance_mode

    await maintenance_mode.run(settings)
    exit_soon(0)
    return 0


async def back_up(target: Path | None, settings: "Settings") -> int:
    """Copy the SQLite database to a new file."""
    from data import backup

    database = _sqlite_path(settings)
    if database is None or target is None:
        print("Only SQLite: python main.py backup FILE. PostgreSQL has pg_dump.", file=sys.stderr)
        return WRONG_SETTING
    backup.back_up(database, target)
    print(f"Copied {database} to {target}.")
    return 0


async def restore(source: Path | None, settings: "Settings") -> int:
    """Replace the SQLite database by a backup, and mark the database as restored."""
    from app.process_lock import is_locked
    from data import backup
    from data.lifespan import database_lifespan
    from data.starts import mark_restored

    database = _sqlite_path(settings)
    if (database is None) != (source is None):
        print("SQLite needs a FILE; PostgreSQL is restored by pg_restore.", file=sys.stderr)
        return WRONG_SETTING
    if any(map(is_locked, settings.files.heartbeat.parent.glob("polling-*.lock"))):
        raise StorageError("the bot is running: stop it first")
    if database and source:
        backup.restore(source, database)
    async with database_lifespan(settings["database"]["url"]):
        await mark_restored()
    print("Restored. Unfinished broadcasts will wait for an administrator.")
    return 0


def _sqlite_path(settings: "Settings") -> Path | None:
    from data.backup import sqlite_path

    try:
        return sqlite_path(settings["database"]["url"])
    except ValueError as error:
        raise SettingsError([f"[database] url (DATABASE_URL): {error}"]) from None


async def rebuild_statistics(settings: "Settings") -> int:
    """Rebuild the statistics from the download history."""
    from data.database import without_time_limits
    from data.lifespan import database_lifespan
    from data.rollups import recount

    async with database_lifespan(settings["database"]["url"]):
        with without_time_limits():
            await recount()
    print("Rebuilt the statistics from the download history.")
    return 0


def prepare(settings: "Settings") -> None:
    """Configure logging and aiogram.

    Raises:
        SettingsError: the token is missing.
    """
    from app.logging_config import configure_logging

    token = settings.bot.token.get_secret_value()
    configure_logging(
        settings.run.log_level,
        settings.run.log_format,
        token=token,
        with_chat_ids=settings.run.log_chat_ids,
    )
    if not token:
        raise SettingsError(
            ["[bot] token (BOT_TOKEN) is empty: ask @BotFather for one, or try `make demo` first"]
        )
    _set_up_lean_aiogram(settings)


def _set_up_lean_aiogram(settings: "Settings") -> None:
    """Set up lean imports of aiogram; must run before anything imports aiogram."""
    if settings.bot.lean_start:
        from delivery import lean_aiogram

        lean_aiogram.install()


if __name__ == "__main__":
    sys.exit(main())
