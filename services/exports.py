"""Exports all chats as files, written in batches: they may be millions."""

import logging
from pathlib import Path
from typing import Final

from core.csv_export import csv_line, moment
from core.media import DocumentFile
from data.exports import ExportedChat, all_chats
from delivery.api_requests import MessageOptions
from delivery.sender import NullJournal, Sender
from delivery.targets import ChatTarget
from platforms import Spool

logger = logging.getLogger(__name__)

#: Chats read from the database at a time.
BATCH_ROWS: Final = 20_000
#: Upper bound for a line of either file, in bytes.
_MAX_LINE_BYTES: Final = 400
_HEADINGS: Final = ("chat_id", "language", "registered_at", "referral", "last_download_at")


class Exports:
    """Writes the export files and sends them to an administrator."""

    def __init__(self, sender: Sender, spool: Spool, max_bytes: int) -> None:
        self._sender = sender
        self._spool = spool
        #: Largest size of one file.
        self._max_bytes = max_bytes

    async def send_chats(self, target: ChatTarget) -> int:
        """Send a text file of all chat ids and a CSV file of all chats; return the number of chats.

        Large exports are split into several files of each kind.

        Raises:
            StorageError, DeliveryError: the export is incomplete.
        """
        number = 0
        async with self._spool.workspace() as space:
            await space.reserve(min(2 * self._max_bytes, space.most))
            ids = _SplitFile(space.folder, "chats", "txt", "", self._max_bytes)
            table = _SplitFile(space.folder, "chats", "csv", csv_line(_HEADINGS), self._max_bytes)
            async for chats in all_chats(BATCH_ROWS):
                number += len(chats)
                full = [
                    *ids.write([f"{chat.chat_id}\n" for chat in chats]),
                    *table.write([_line(chat) for chat in chats]),
                ]
                await self._send(target, full)
            await self._send(target, [ids.path, table.path])
        return number

    async def _send(self, target: ChatTarget, paths: list[Path]) -> None:
        for path in paths:
            await self._sender.send(target, [DocumentFile(path)], MessageOptions(""), NullJournal())
            path.unlink()


class _SplitFile:
    """A text that is split into numbered files, each small enough to be sent."""

    def __init__(self, folder: Path, name: str, ending: str, heading: str, max_bytes: int) -> None:
        self._folder = folder
        self._name = name
        self._ending = ending
        self._heading = heading
        self._max_bytes = max_bytes
        self._number = 0
        self._has_lines = False
        self.path = folder
        self._open_next()

    def write(self, lines: list[str]) -> list[Path]:
        """Write lines; return the files that are complete now."""
        full = []
        is_full = self.path.stat().st_size + len(lines) * _MAX_LINE_BYTES > self._max_bytes
        if is_full and self._has_lines:
            full.append(self.path)
            self._open_next()
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        self._has_lines = True
        return full

    def _open_next(self) -> None:
        self._number += 1
        self.path = self._folder / f"{self._name}_{self._number}.{self._ending}"
        self._has_lines = False
        self.path.write_text(self._heading, encoding="utf-8", newline="")


def _line(chat: ExportedChat) -> str:
    referral = (chat.referral or "")[:64]
    return csv_line(
        [chat.chat_id, chat.lang, moment(chat.registered_at), referral, moment(chat.last_at)]
    )
