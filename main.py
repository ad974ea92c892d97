"""Clipferry's command line.

Worker processes import this file too, so large modules are imported where they are used.
"""

import argparse
import asyncio
import gc
import io
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import AddressError, SettingsError, SpoolError, StorageError, WrongFileError
from core.version import VERSION

if TYPE_CHECKING:
    from app.doctor.finding import Finding
    from data.config import Settings
    from data.schema_state import SchemaState

logger = logging.getLogger("main")

#: Exit codes: an invalid setting, and a failure that a restart may fix.
WRONG_SETTING, FAILED = 2, 1
#: The doctor's command and its alias.
_DOCTOR = ("doctor", "check")
#: Commands that say what is doubtful about the settings themselves, because they write no log.
_WITHOUT_LOG = ("migrate", "backup", "restore", "recount")
#: Commands that write one; and those that need a token.
_WITH_LOG = ("run", "maintenance")
_WITH_TOKEN = (*_WITH_LOG, *_DOCTOR)
#: What a failure means, for commands whose files may be the reason.
_MISHAPS = {
    "backup": "The backup has failed",
    "restore": "The restore has failed, and the database is as it was",
}
#: What the demo needs beside the bot's own packages: pyproject.toml.
_DEMO_PACKAGE = "trustme"
#: Largest port of the demo's page: it takes one of the next twenty.
_LARGEST_PORT = 65_500
#: New objects between two looks of the garbage collector. Python's 700 would cost a sixth of the
#: start, in which hardly anything is garbage, and a tenth of a known link.
_COLLECT_AFTER = 50_000
#: Longest time for the exit after everything is closed, in seconds.
_EXIT_S = 5.0

_COMMANDS = """\
commands:
  run            start the bot (this is the default)
  doctor         check everything a start needs and say what to fix; changes nothing
  migrate        upgrade the database to this version, without starting the bot
  maintenance    tell everyone who writes that the bot will be back soon; needs no database
  backup FILE    copy the database to a new file, even while the bot runs
  restore FILE   put a backup back in place, or move an SQLite backup to an empty PostgreSQL
                 database; stop the bot first. Neither has the accounts' cookies or the token,
                 unless --with-secrets is added
  recount        rebuild the statistics from the download history
  demo           try the bot without a token: Telegram and the sites are simulated

exit codes:
  0  everything went well, or the bot was asked to stop
  1  something failed that may work the next time: Telegram or the database did not answer, a
     disk is full, the address of a port is not there yet, another process polls with the same
     token, or the doctor has found a failure
  2  a setting, an argument or the file that it names is wrong, or Telegram refuses the token;
     the message says which one

Settings are explained in config.ini and docs/settings.md, everything else in docs/operating.md.
"""


def main() -> int:
    """Run the command and return the exit code."""
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    arguments = _parse_arguments()
    if isinstance(sys.stdout, io.TextIOWrapper):  # for terminals and names of files without UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if arguments.command in _DOCTOR:
            return _check_packages_first(arguments)
        return demo(arguments) if arguments.command == "demo" else _execute(arguments)
    except ImportError as error:
        print(f"A package is missing or damaged, see `doctor`: {error}", file=sys.stderr)
    except BrokenPipeError:
        if arguments.command in _WITH_LOG:
            raise
        _close_output()  # nobody reads it any more, as behind `doctor | head`
    return FAILED


def _say(*lines: str) -> None:
    """Print what a command has done: to standard error, if nobody reads its output any more.

    The command goes on, because it may be half-way.
    """
    try:
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:
        _close_output()
        sys.stdout = sys.stderr
        print(*lines, sep="\n")


def _close_output() -> None:
    """Let what is still written, also at Python's exit, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parse_arguments() -> argparse.Namespace:
    """Return the command line's arguments, or exit with a message if there is a mistake."""
    parser = argparse.ArgumentParser(
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
            *("run", "maintenance", *_DOCTOR, "migrate"),
            *("backup", "restore", "recount", "demo"),
        ),
        metavar="command",
        help="one of the commands below",
    )
    parser.add_argument("file", nargs="?", type=_file, help="backup and restore: the backup")
    parser.add_argument(
        "--with-secrets",
        action="store_true",
        help="backup and restore: the accounts' cookies and the token, too, in FILE.secrets.tar",
    )
    parser.add_argument("--script", action="store_true", help="demo: play a conversation and exit")
    parser.add_argument("--port", type=_port, default=8642, help="demo: port of the chat page")
    parser.add_argument("--online", action="store_true", help="demo: fetch from the real sites")
    parser.add_argument("--fleet", action="store_true", help="demo: several processes, PostgreSQL")
    arguments = parser.parse_args()
    _refuse_foreign_options(parser, arguments)
    return arguments


def _file(text: str) -> Path:
    """Return the path of a file.

    Raises:
        ArgumentTypeError: the text is empty, such as the value of a variable that is not set.
    """
    if not text:
        raise argparse.ArgumentTypeError("is empty")
    return Path(text)


def _port(text: str) -> int:
    """Return a port behind which there are some more, if it is in use; 0 stands for any free one.

    Raises:
        ArgumentTypeError: the text is none.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST_PORT):
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {_LARGEST_PORT}")
    return int(text)


def _execute(arguments: argparse.Namespace) -> int:
    """Run a command that needs the settings; say why it fails, and return the exit code."""
    try:
        commands: dict[str, Callable[[Settings], Coroutine[None, None, int]]] = {
            "run": run,
            "maintenance": maintain,
            **dict.fromkeys(_DOCTOR, doctor),
            "migrate": migrate,
            "backup": partial(back_up, arguments.file, with_secrets=arguments.with_secrets),
            "restore": partial(restore, arguments.file, with_secrets=arguments.with_secrets),
            "recount": rebuild_statistics,
        }
        settings = _load_settings(arguments.command)
        if arguments.command in _WITHOUT_LOG:
            from data.config import default_doubts

            for sentence in default_doubts():
                print(f"Warning: {sentence}", file=sys.stderr)
        return asyncio.run(commands[arguments.command](settings))
    except AddressError as error:
        _report(arguments.command, "address_missing", "Cannot listen:", *error.mistakes)
        return FAILED
    except SettingsError as error:
        _report(arguments.command, "invalid_settings", "Invalid settings:", *error.mistakes)
        return WRONG_SETTING
    except StorageError as error:
        sentence = _describe_mishap(arguments.command, error.detail)
        _report(arguments.command, "database_unusable", sentence)
        return WRONG_SETTING if isinstance(error, WrongFileError) else FAILED
    except SpoolError as error:
        _report(arguments.command, "disk_unusable", f"The disk cannot be used: {error.detail}")
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return FAILED


def _load_settings(command: str) -> "Settings":
    """Return the settings.

    Raises:
        SettingsError: some are invalid; it also names the token if the command lacks it.
    """
    from data.config import is_token_missing, load_default_settings

    try:
        return load_default_settings()
    except SettingsError as error:
        if command not in _WITH_TOKEN or not is_token_missing():
            raise
        raise SettingsError([*error.mistakes, *_describe_empty_token()]) from None


def _describe_mishap(command: str, detail: str) -> str:
    """Return what has failed, with the name of the file, which SQLite's own sentences lack."""
    if command in _MISHAPS:
        return f"{_MISHAPS[command]}: {detail}"
    from data.config import load_default_settings

    path = _sqlite_path(load_default_settings())
    where = f" ({path})" if path and str(path) not in detail else ""
    return f"The database cannot be used: {detail}{where}"


def _describe_empty_token() -> list[str]:
    from data.config import describe_empty_token

    return describe_empty_token(_demo_advice())


def _report(command: str, event: str, sentence: str, *mistakes: str) -> None:
    """Print why the program ends; a JSON log gets a line of its own, for what collects it."""
    print(sentence, *mistakes, sep="\n  ", file=sys.stderr)
    from data.config import written_by_default

    if command not in _WITH_LOG or written_by_default("run", "log_format") != "json":
        return
    if not logging.getLogger().handlers:  # invalid settings are found before there is a log
        from app.logging_config import configure_logging

        configure_logging("ERROR", "json", token="", with_chat_ids=False)
    text = " ".join((sentence, "; ".join(mistakes))).rstrip()
    logger.error("%s", text, extra={"event": event})


def demo(arguments: argparse.Namespace) -> int:
    """Run the demo, or say why it cannot run here."""
    from data.home import HOME

    var = HOME / "var"
    if obstacle := _demo_obstacle(var):
        print(obstacle, file=sys.stderr)
        return WRONG_SETTING
    from simulator.demo import run_demo

    names = ("script", "port", "online", "fleet")
    options = {name: getattr(arguments, name) for name in names}
    return run_demo([sys.executable, str(Path(__file__))], var, **options)


def _demo_obstacle(var: Path) -> str:
    """Return why the demo cannot run here, as a sentence, or ""."""
    from app.folders import may_write, nearest_existing

    if not _has_simulator():
        return "The demo needs the folder simulator/, which is not here: run it from a checkout."
    if not find_spec(_DEMO_PACKAGE):
        return f"The demo needs one more package: pip install {_DEMO_PACKAGE}"
    for folder in (var / "demo", var / "samples"):
        if not may_write(existing := nearest_existing(folder)):
            return f"The demo writes to {folder}, but {existing} cannot be written by this user."
    return ""


def _has_simulator() -> bool:
    """Return whether the simulator is here; the image leaves it out."""
    return Path(__file__).with_name("simulator").is_dir()


def _demo_advice() -> str:
    """Return the hint at the demo for those who have no token yet; none where it cannot run."""
    if not _has_simulator():
        return ""
    has_makefile = Path(__file__).with_name("Makefile").exists()  # a wheel has none
    return f", or try `{'make' if has_makefile else 'clipferry'} demo` first"


def _refuse_foreign_options(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Exit with a message if there is an option or a file that the command does not use."""
    own = {"backup": {"file", "with_secrets"}, "restore": {"file", "with_secrets"}}
    own["demo"] = {"script", "port", "online", "fleet"}
    for name, value in vars(given).items():
        is_own = name == "command" or name in own.get(given.command, set())
        if not is_own and value != parser.get_default(name):
            what = str(value) if name == "file" else f"--{name.replace('_', '-')}"
            parser.error(f"{given.command} does not take {what}")


def _check_packages_first(arguments: argparse.Namespace) -> int:
    """Print what the doctor finds out about the packages, then run its other checks.

    Nothing that needs a package may be imported before.
    """
    from app.doctor.checks import run_checks
    from app.doctor.packages import package_findings

    passed = asyncio.run(_print_findings(run_checks([("the packages", package_findings())])))
    try:
        code = _execute(arguments)
    except ImportError as error:
        if passed:  # else the line of the missing package is there
            _print_finding("failure", f"packages: {error}")
        return FAILED
    return code if passed else code or FAILED


async def _print_findings(findings: AsyncIterator["Finding"]) -> bool:
    """Print a line for each finding; return True if none of them is a failure."""
    passed = [_print_finding(found.level, found.text) async for found in findings]
    return all(passed)


def _print_finding(level: str, text: str) -> bool:
    """Print a line, which is seen at once, also in a pipe; return False for a failure."""
    print(f"{level:8} {text}", flush=True)
    return level != "failure"


async def doctor(settings: "Settings") -> int:
    """Check all prerequisites of a start but the packages; print a line for each when it is known.

    Changes nothing.
    """
    _set_up_lean_aiogram(settings)
    logging.disable()  # the findings say everything
    _use_selected_ytdlp(settings)
    from app.doctor.checks import run_checks
    from app.doctor.doubts import doubt_findings
    from app.doctor.examination import examine

    doubts = run_checks([("the settings", doubt_findings())])
    passed = [await _print_findings(findings) for findings in (doubts, examine(settings))]
    return 0 if all(passed) else FAILED


async def migrate(settings: "Settings") -> int:
    """Upgrade the database, and say from which schema to which."""
    from data.lifespan import database_lifespan
    from data.schema_state import read_schema_state

    url = settings["database"]["url"]
    before = await read_schema_state(url)
    async with database_lifespan(url):
        pass
    _say(f"The database has schema {before.newest}{_change_since(before)}.")
    return 0


def _change_since(before: "SchemaState") -> str:
    """Return what was upgraded, as the end of a sentence."""
    if before.is_newest:
        return " already"
    nothing = "the original module's" if before.has_tables else "none"
    return f"; before it was {before.current or nothing}"


async def run(settings: "Settings") -> int:
    """Run the bot until a signal stops it."""
    prepare(settings)
    _reap_children()
    _use_selected_ytdlp(settings)
    from app.application import Application
    from app.folders import HEARTBEAT, starts_marker, usable
    from app.stop_time import StopStep
    from data.backup import refuse_foreign_wal
    from data.lifespan import database_lifespan

    if database := _sqlite_path(settings):
        with usable(HEARTBEAT, settings.files.heartbeat.parent):
            refuse_foreign_wal(database, starts_marker(settings.files.heartbeat))
    application = Application(settings)
    async with database_lifespan(settings["database"]["url"]):
        code = 0 if await application.run() else FAILED
        if not application.must_restart:  # the end of the connections may take long, too
            exit_soon(code, application.stop_time.left_s(StopStep.CLOSE))
    if application.must_restart:
        start_anew()
        code = FAILED
    exit_soon(code)
    return code


def start_anew() -> None:
    """Replace this program by a new start of it, in the same process; return only if that fails.

    No supervisor is needed, and none notices. Threads that hang do not matter.
    """
    command = [sys.executable, *sys.orig_argv[1:]]
    # The semaphores of the media workers are freed with the pool; else their tracker would warn.
    gc.collect()
    logging.shutdown()
    try:
        os.execv(sys.executable, command)  # noqa: S606 - the command that has started this process
    except OSError as error:
        print(f"The program cannot start anew: {error}", file=sys.stderr)


def _reap_children() -> None:
    """Forget the ended processes of this program before it has started anew."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


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

    code = 0 if await maintenance_mode.run(settings) else FAILED
    exit_soon(code)
    return code


async def back_up(target: Path | None, settings: "Settings", *, with_secrets: bool = False) -> int:
    """Copy the database to a new file: SQLite by itself, PostgreSQL by pg_dump.

    The accounts' cookies and the token are copied only `with_secrets`, to a file of their own.
    """
    from data import backup, postgres_tools
    from data.new_file import refuse_existing
    from data.secrets_archive import archive_of

    if target is None:
        print("Name the new file: backup FILE", file=sys.stderr)
        return WRONG_SETTING
    if with_secrets:  # else the database's new file would be alone
        refuse_existing(archive_of(target))
    if database := _sqlite_path(settings):
        backup.back_up(database, target)
    else:
        postgres_tools.dump(settings["database"]["url"], target)
    _say(f"Copied the database to {target}.")
    if with_secrets:
        _pack_secrets(target, settings)
    return 0


def _pack_secrets(backup: Path, settings: "Settings") -> None:
    from data.secrets_archive import archive_of, pack

    archive = archive_of(backup)
    token = settings.bot.token.get_secret_value()
    number = pack(settings.identities.folder, token, archive)
    _say(f"Copied {number} accounts and the token to {archive}. Keep it secret.")


async def restore(source: Path | None, settings: "Settings", *, with_secrets: bool = False) -> int:
    """Replace the database by a backup, mark it as restored, and say what it holds.

    PostgreSQL takes a dump of `backup`, or an SQLite backup if it is empty. Without a file, it was
    restored by other means.

    Raises:
        StorageError: the database is as it was.
    """
    if source is None and (with_secrets or _sqlite_path(settings)):
        print("Name the backup: restore FILE", file=sys.stderr)
        return WRONG_SETTING
    if source and with_secrets:
        _check_secrets(source)
    await _refuse_while_running(settings)
    if source and (database := _sqlite_path(settings)):
        await _restore_file(source, database, settings)
    elif source:
        await _restore_to_postgres(source, settings)
    try:
        if not _sqlite_path(settings):
            _say(*await _mark_restored(settings["database"]["url"], settings))
        if source and with_secrets:
            _unpack_secrets(source, settings)
    except StorageError as error:
        print(f"The backup is in place, but then this failed: {error.detail}", file=sys.stderr)
        return FAILED
    return 0


async def _refuse_while_running(settings: "Settings") -> None:
    from app.process_lock import is_locked
    from data.schema_state import has_running_processes

    try:
        if any(map(is_locked, _lock_files(settings.files.heartbeat.parent))):
            raise StorageError("the bot is running: stop it first")
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
        raise StorageError(f"{reason}: run this as the user of the bot") from None
    url = settings["database"]["url"]
    if not _sqlite_path(settings) and await has_running_processes(url):
        raise StorageError(
            "a process of the bot is running, or was killed within the last "
            f"{settings.run.lease_s} s: stop all of them first"
        )


def _lock_files(folder: Path) -> list[Path]:
    """Return the lock files of the processes that poll, or have polled.

    Raises:
        OSError: the folder may not be read, which `glob` would hide.
    """
    try:
        return [path for path in folder.iterdir() if path.match("polling-*.lock")]
    except (FileNotFoundError, NotADirectoryError):
        return []


async def _restore_file(source: Path, database: Path, settings: "Settings") -> None:
    """Replace an SQLite database.

    All that takes time or may fail is done with a copy of the backup, and the switch comes last.
    """
    from app.folders import starts_marker
    from data import backup

    marker = starts_marker(settings.files.heartbeat)
    try:
        with backup.restoring(source, database) as new:
            about = await _mark_restored(backup.url_of(new), settings)
            kept = backup.put_in_place(new, database, marker)
    except asyncio.CancelledError:
        print("The database is as it was.", file=sys.stderr)
        raise
    if kept:
        _say(f"The database from before is {kept} now; delete it once everything is well.")
    _say(*about)


async def _restore_to_postgres(source: Path, settings: "Settings") -> None:
    from data import postgres_tools

    if postgres_tools.is_dump(source):
        postgres_tools.load(source, settings["database"]["url"])
    else:
        await _move_to_postgres(source, settings)


async def _mark_restored(url: str, settings: "Settings") -> list[str]:
    """Bring a restored database to this version, mark it, and return lines about what it holds."""
    from data.lifespan import database_lifespan
    from data.restored import contents
    from data.starts import mark_restored

    async with database_lifespan(url):
        await mark_restored()
        found = await contents()
    last = found.last_download_at
    when = f"{datetime.fromtimestamp(last, UTC):%Y-%m-%d %H:%M} UTC" if last else "never"
    lines = [f"Restored. Chats: {found.chats}, last download: {when}."]
    if found.waiting:
        minutes = settings.limits.max_age_s // 60
        lines.append(
            f"Requests that wait: {found.waiting}. Those older than {minutes} minutes at the start "
            "get a notice that asks for the link again, the others are answered."
        )
    if found.broadcasts:
        lines.append(
            f"Unfinished broadcasts: {found.broadcasts}. They wait for an administrator, /admin."
        )
    return lines


def _check_secrets(backup: Path) -> None:
    """Find out before the database is replaced.

    Raises:
        WrongFileError: the archive cannot be used.
    """
    from data.secrets_archive import archive_of, read_files

    read_files(archive_of(backup))


def _unpack_secrets(backup: Path, settings: "Settings") -> None:
    from data.secrets_archive import TOKEN_MEMBER, archive_of, unpack

    archive = archive_of(backup)
    number = unpack(archive, settings.identities.folder)
    _say(f"Put {number} accounts back. The token is in {archive} ({TOKEN_MEMBER}), for your .env.")


async def _move_to_postgres(source: Path, settings: "Settings") -> None:
    from data.transfer import copy_to_postgres

    scratch = settings.files.heartbeat.parent
    counts = await copy_to_postgres(source, settings["database"]["url"], scratch)
    for table, number in counts.items():
        _say(f"{table:16} {number:>10} rows")


def _sqlite_path(settings: "Settings") -> Path | None:
    from data.backup import sqlite_path

    try:
        return sqlite_path(settings["database"]["url"])
    except ValueError as error:
        raise SettingsError([f"[database] url (DATABASE_URL): {error}"]) from None


async def rebuild_statistics(settings: "Settings") -> int:
    """Rebuild the statistics from the download history."""
    from data.backup import check_access
    from data.database import without_time_limits
    from data.lifespan import database_lifespan
    from data.rollups import recount

    if database := _sqlite_path(settings):  # in a wrong folder, an empty one would be created
        check_access(database)
    async with database_lifespan(settings["database"]["url"]):
        with without_time_limits():
            await recount()
    _say("Rebuilt the statistics from the download history.")
    return 0


def prepare(settings: "Settings") -> None:
    """Configure logging and aiogram.

    Raises:
        SettingsError: the token is missing.
    """
    from app.logging_config import configure_logging
    from data.config import doubtful_default_settings, unknown_default_names

    token = settings.bot.token.get_secret_value()
    configure_logging(
        settings.run.log_level,
        settings.run.log_format,
        token=token,
        with_chat_ids=settings.run.log_chat_ids,
    )
    for sentence in unknown_default_names():
        logger.warning("Environment: %s", sentence, extra={"event": "unknown_variable"})
    for sentence in doubtful_default_settings():
        logger.warning("Settings: %s", sentence, extra={"event": "doubtful_setting"})
    if not token:
        raise SettingsError(_describe_empty_token())
    _set_up_lean_aiogram(settings)


def _use_selected_ytdlp(settings: "Settings") -> None:
    """Use the yt-dlp of a live update; must run before anything imports yt-dlp."""
    if settings.ytdlp.update:
        from app.ytdlp_update.selection import use_selected

        use_selected(settings.ytdlp.folder)


def _set_up_lean_aiogram(settings: "Settings") -> None:
    """Set up lean imports of aiogram; must run before anything imports aiogram."""
    if settings.bot.lean_start:
        from delivery import lean_aiogram

        lean_aiogram.install()


if __name__ == "__main__":
    sys.exit(main())
