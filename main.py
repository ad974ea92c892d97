"""Clipferry's command line: `run` (the bot), `maintenance` (it asks everybody to come back later),
`check` (settings and database), `demo` (all on loopback).

Worker processes import this file as well, so whatever is large is imported where it is used.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
        "command", nargs="?", default="run", choices=("run", "maintenance", "check", "demo")
    )
    parser.add_argument("--script", action="store_true", help="demo: play a conversation and end")
    arguments = parser.parse_args()
    if arguments.command == "demo":
        from simulator.demo import run_demo

        return run_demo([sys.executable, str(Path(__file__))], script=arguments.script)
    from data.config import load_default

    try:
        commands = {"run": run, "maintenance": maintain, "check": check}
        return asyncio.run(commands[arguments.command](load_default()))
    except SettingsError as error:
        print("The settings are wrong:", *error.mistakes, sep="\n  ", file=sys.stderr)
        return WRONG_SETTING
    except StorageError as error:
        print(f"The database cannot be used: {error.detail}", file=sys.stderr)
        return FAILED


async def check(settings: "Settings") -> int:
    """Read everything that a start would read, and migrate the database; then end."""
    from platforms import load, load_cookies, load_exits

    load(settings.sites.allowed)
    network = settings.network
    load_exits(network.proxy_file, include_direct=network.proxy_include_direct)
    load_cookies(network.cookies_file)
    async with opened_database(settings):
        print("The settings are in order, and the database is ready.")
    return 0


async def run(settings: "Settings") -> int:
    """Run the bot until it is told to stop."""
    prepare(settings)
    from handlers.application import Application

    application = Application(settings)
    async with opened_database(settings):
        return 0 if await application.run() else FAILED


async def maintain(settings: "Settings") -> int:
    """Ask everybody to come back later, until it is told to stop; needs no database."""
    prepare(settings)
    from handlers import maintenance

    return 0 if await maintenance.run(settings) else FAILED


def prepare(settings: "Settings") -> None:
    """Begin to log, and make aiogram ready: whatever imports it must come after this.

    Raises:
        SettingsError: there is no token.
    """
    logging.basicConfig(
        level=settings.run.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    if not settings.bot.token.get_secret_value():
        raise SettingsError(
            ["[bot] token (BOT_TOKEN) is empty: ask @BotFather for one, or try `make demo` first"]
        )
    if settings.bot.lean_start:
        from delivery import lean_aiogram

        lean_aiogram.install()


@asynccontextmanager
async def opened_database(settings: "Settings") -> AsyncIterator[None]:
    """Connect to the database, bring it to the newest schema, and close it after the block.

    Raises:
        SettingsError: its address is wrong.
        StorageError: it cannot be reached, or used.
    """
    from data import database
    from data.errors import storage_errors

    with storage_errors():
        try:
            database.initialize_database_components(settings["database"]["url"])
        except ValueError as error:
            raise SettingsError([f"[database] url (DATABASE_URL): {error}"]) from None
        await database.init_db()
    try:
        yield
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
