"""Clipferry's command line: `run` (the bot), `maintenance` (it asks everybody to come back later),
`check` (settings and database), `recount` (statistics from the history), `demo` (all on loopback).

Worker processes import this file as well, so whatever is large is imported where it is used.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from data.config import Settings

#: Exit codes: a wrong setting, and a failure that a restart may heal.
WRONG_SETTING, FAILED = 2, 1


def main() -> int:
    """Do what the command line says; give the exit code."""
    parser = argparse.ArgumentParser(prog="main.py", description=__doc__)
    parser.add_argument(
        "command",
        nargs="?",
        default="run",
        choices=("run", "maintenance", "check", "recount", "demo"),
    )
    parser.add_argument("--script", action="store_true", help="demo: play a conversation and end")
    parser.add_argument("--port", type=int, default=8642, help="demo: where the page is served")
    parser.add_argument("--online", action="store_true", help="demo: fetch from the real sites")
    arguments = parser.parse_args()
    if arguments.command == "demo":
        from simulator.demo import run_demo

        command = [sys.executable, str(Path(__file__))]
        how = {"script": arguments.script, "port": arguments.port, "online": arguments.online}
        return run_demo(command, **how)
    from data.config import load_default_settings

    try:
        commands = {"run": run, "maintenance": maintain, "check": check, "recount": count_anew}
        return asyncio.run(commands[arguments.command](load_default_settings()))
    except SettingsError as error:
        print("The settings are wrong:", *error.mistakes, sep="\n  ", file=sys.stderr)
        return WRONG_SETTING
    except StorageError as error:
        print(f"The database cannot be used: {error.detail}", file=sys.stderr)
        return FAILED


async def check(settings: "Settings") -> int:
    """Look at everything that a start needs, one by one; what is printed may be shown to anybody."""
    _spare_memory(settings)
    from app.doctor import Finding, examine
    from data.lifespan import database_lifespan

    findings = []
    try:
        async with database_lifespan(settings["database"]["url"]):
            findings.append(Finding("ok", "the database is ready, and has the newest schema"))
    except StorageError as error:
        findings.append(Finding("failure", f"the database cannot be used: {error.detail}"))
    findings += [finding async for finding in examine(settings)]
    for finding in findings:
        print(f"{finding.level:8} {finding.text}")
    return FAILED if any(finding.level == "failure" for finding in findings) else 0


async def run(settings: "Settings") -> int:
    """Run the bot until it is told to stop."""
    prepare(settings)
    from app.application import Application
    from data.lifespan import database_lifespan

    application = Application(settings)
    async with database_lifespan(settings["database"]["url"]):
        return 0 if await application.run() else FAILED


async def maintain(settings: "Settings") -> int:
    """Ask everybody to come back later, until it is told to stop; needs no database."""
    prepare(settings)
    from app import maintenance_mode

    return 0 if await maintenance_mode.run(settings) else FAILED


async def count_anew(settings: "Settings") -> int:
    """Make the statistics anew from the history."""
    from data.lifespan import database_lifespan
    from data.rollups import recount

    async with database_lifespan(settings["database"]["url"]):
        await recount()
    print("The history is counted anew.")
    return 0


def prepare(settings: "Settings") -> None:
    """Begin to log, and make aiogram ready.

    Raises:
        SettingsError: there is no token.
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
    _spare_memory(settings)


def _spare_memory(settings: "Settings") -> None:
    """Whatever imports aiogram must come after this."""
    if settings.bot.lean_start:
        from delivery import lean_aiogram

        lean_aiogram.install()


if __name__ == "__main__":
    sys.exit(main())
