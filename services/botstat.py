"""BotStat, a directory of bots that counts who still lives: it is given all chat ids, if an operator wants."""

import logging
from pathlib import Path
from typing import Final, Literal

import aiohttp

from data.exports import chats_after
from platforms import Spool

logger = logging.getLogger(__name__)

_PIECE: Final = 50_000
_TIMEOUT_S: Final = 600
_BUSY: Final = 409
#: An id and its line's end have no more bytes than this.
_LONGEST_LINE: Final = 22
_MOST_LINES: Final = 4_000_000


class BotStat:
    """Uploads the list."""

    def __init__(
        self, url: str, bot_token: str, access_key: str, notify: int, spool: Spool
    ) -> None:
        # The token stands in the address: neither must ever be logged.
        self._url = f"{url}/create/{bot_token}/{access_key}"
        self._notify = notify
        self._spool = spool

    async def upload(self) -> tuple[Literal["done", "busy", "failed"], int]:
        """Send the ids of all chats; gives what BotStat has said, and how many chats there were.

        Raises:
            StorageError: the database did not answer.
        """
        async with self._spool.workspace() as space:
            await space.reserve(min(_MOST_LINES * _LONGEST_LINE, space.most))
            path = space.folder / "users.txt"
            number = await _write_ids(path)
            return await self._post(path), number

    async def _post(self, path: Path) -> Literal["done", "busy", "failed"]:
        options = {
            "notify_id": str(self._notify),
            "hide": "false",
            "show_file_result": "true",
        }
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            with path.open("rb") as file:
                form = aiohttp.FormData()
                form.add_field("file", file, filename="users.txt", content_type="text/plain")
                async with (
                    aiohttp.ClientSession(timeout=timeout) as session,
                    session.post(self._url, params=options, data=form) as answer,
                ):
                    said = (await answer.content.read(500)).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("BotStat cannot be reached: %s", type(error).__name__)
            return "failed"
        if answer.status == _BUSY:
            return "busy"
        if not answer.ok:
            logger.warning("BotStat answers %d: %s", answer.status, said)
            return "failed"
        return "done"


async def _write_ids(path: Path) -> int:
    """Write the ids of all chats, one in each line; gives their number."""
    number, last = 0, -(2**62)
    with path.open("a", encoding="utf-8") as file:
        while True:
            chats = await chats_after(last, _PIECE)
            if not chats:
                return number
            file.writelines(f"{chat.chat_id}\n" for chat in chats)
            number, last = number + len(chats), chats[-1].chat_id
