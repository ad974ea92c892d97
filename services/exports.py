"""The list of all chats as files, a piece at a time: millions of lines never stand in memory."""

import logging
from pathlib import Path
from typing import Final

from core.csv_export import csv_line, moment
from core.media import DocumentFile
from data.exports import ExportedChat, chats_after
from delivery.api_requests import MessageOptions
from delivery.sender import NullJournal, Sender
from delivery.targets import ChatTarget
from platforms import Spool

logger = logging.getLogger(__name__)

_PIECE: Final = 20_000
_BEFORE_ALL: Final = -(2**62)
#: A line of either file has fewer bytes than this.
_LONGEST_LINE: Final = 400
_HEADINGS: Final = ("chat_id", "language", "registered_at", "referral", "last_download_at")


class Exports:
    """Writes the files and sends them."""

    def __init__(self, sender: Sender, spool: Spool, most_bytes: int) -> None:
        self._sender = sender
        self._spool = spool
        #: A file is no larger than this.
        self._most_bytes = most_bytes

    async def send_chats(self, target: ChatTarget) -> int:
        """Send the ids of all chats, and a table with what is known of them; gives their number.

        Raises:
            StorageError, DeliveryError: it did not come to its end.
        """
        number, last = 0, _BEFORE_ALL
        async with self._spool.workspace() as space:
            await space.reserve(min(2 * self._most_bytes, space.most))
            ids = _Volumes(space.folder, "chats", "txt", "", self._most_bytes)
            table = _Volumes(space.folder, "chats", "csv", csv_line(_HEADINGS), self._most_bytes)
            while True:
                chats = await chats_after(last, _PIECE)
                if not chats:
                    break
                number, last = number + len(chats), chats[-1].chat_id
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


class _Volumes:
    """A text that is written into one file after the other, each small enough to be sent."""

    def __init__(self, folder: Path, name: str, ending: str, heading: str, most_bytes: int) -> None:
        self._folder = folder
        self._name = name
        self._ending = ending
        self._heading = heading
        self._most_bytes = most_bytes
        self._number = 0
        self._has_lines = False
        self.path = folder
        self._open_next()

    def write(self, lines: list[str]) -> list[Path]:
        """Write lines; gives the files that have become full."""
        full = []
        is_full = self.path.stat().st_size + len(lines) * _LONGEST_LINE > self._most_bytes
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
