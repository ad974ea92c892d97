"""Where updates come from: `app.polling` asks Telegram for them, `app.webhook` receives them."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from aiogram import Bot, Dispatcher

from app.folders import make_folder_of, touch
from app.stop_time import StopTime
from core.concurrency import wait_for_event
from core.webhook import WebhookReport

#: The heartbeat file of a process that takes no updates is touched at this interval, in seconds.
_BEAT_S: Final = 15.0


class UpdateSource(Protocol):
    """Passes the updates of Telegram to the dispatcher."""

    @property
    def has_started(self) -> bool:
        """True once updates can arrive."""

    @property
    def problem(self) -> str | None:
        """Why no updates arrive now; None while they do."""

    @property
    def report(self) -> WebhookReport | None:
        """What Telegram last said about the webhook; None without one."""

    async def run(
        self, bot: Bot, dispatcher: Dispatcher, allowed_updates: list[str], at_once: int | None
    ) -> None:
        """Pass updates on until `stop` or a signal; at most `at_once` are handled at a time.

        Raises:
            SettingsError: the settings are the reason that no updates can arrive.
            StorageError: the database did not respond.
        """

    async def acknowledge(self, bot: Bot) -> None:
        """Wait until no accepted update can be lost any more, and tell Telegram so."""

    @property
    def is_asked_to_stop(self) -> bool:
        """True from `stop` or a signal on, while the last requests finish."""

    def stop(self) -> None:
        """End `run`."""


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(number, stop)


class NoUpdates:
    """The source of a process that takes no updates: other processes of the fleet do."""

    has_started = True
    problem = None
    report = None

    def __init__(self, heartbeat: Path, stop_time: StopTime) -> None:
        """Create the folder of the heartbeat file, which is touched while the process runs.

        Raises:
            SettingsError: the folder cannot be created.
        """
        make_folder_of(heartbeat)
        self._heartbeat = heartbeat
        self._stop_time = stop_time
        self._must_end = asyncio.Event()

    async def run(
        self, bot: Bot, dispatcher: Dispatcher, allowed_updates: list[str], at_once: int | None
    ) -> None:
        """Wait for `stop` or a signal."""
        stop_on_signals(self.stop)
        while not self._must_end.is_set():
            touch(self._heartbeat)
            await wait_for_event(self._must_end, _BEAT_S)
        await dispatcher.emit_shutdown(**dispatcher.workflow_data)

    async def acknowledge(self, bot: Bot) -> None:
        """Do nothing: there is no update to acknowledge."""

    @property
    def is_asked_to_stop(self) -> bool:
        """True from `stop` or a signal on."""
        return self._must_end.is_set()

    def stop(self) -> None:
        """End `run`."""
        if not self._must_end.is_set():
            self._stop_time.begin()
        self._must_end.set()
