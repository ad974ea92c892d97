"""Uploads all chat ids to BotStat, a bot directory that counts active users. Optional."""

import logging
from pathlib import Path
from typing import Final, Literal

import aiohttp

from data.exports import all_chats
from platforms import Spool

logger = logging.getLogger(__name__)

#: Chats read from the database at a time.
BATCH_ROWS: Final = 50_000
_TIMEOUT_S: Final = 600
#: Status of a response while an earlier upload is still processed.
_CONFLICT: Final = 409
#: Longest line (an id and a line break), in bytes.
_MAX_LINE_BYTES: Final = 22
#: Number of lines for which spool space is reserved.
_MAX_LINES: Final = 4_000_000


class BotStat:
    """Uploads the chat ids of one bot."""

    def __init__(
        self, url: str, bot_token: str, access_key: str, notify: int, spool: Spool
    ) -> None:
        # The URL contains the token and the key: never log it.
        self._url = f"{url}/create/{bot_token}/{access_key}"
        self._notify = notify
        self._spool = spool

    async def upload(self) -> tuple[Literal["done", "busy", "failed"], int]:
        """Upload the ids of all chats; return the result and the number of chats.

        "busy" means that BotStat still processes an earlier upload.

        Raises:
            StorageError: the database did not respond.
        """
        async with self._spool.workspace() as space:
            await space.reserve(min(_MAX_LINES * _MAX_LINE_BYTES, space.most))
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
                    session.post(self._url, params=options, data=form) as response,
                ):
                    text = (await response.content.read(500)).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning(
                "BotStat cannot be reached: %s",
                type(error).__name__,
                extra={"event": "botstat_unreachable"},
            )
            return "failed"
        if response.status == _CONFLICT:
            return "busy"
        if not response.ok:
            logger.warning(
                "BotStat responded with status %d: %s",
                response.status,
                text,
                extra={"event": "botstat_refused"},
            )
            return "failed"
        return "done"


async def _write_ids(path: Path) -> int:
    """Write the ids of all chats, one per line; return their number."""
    number = 0
    with path.open("a", encoding="utf-8") as file:
        async for chats in all_chats(BATCH_ROWS):
            file.writelines(f"{chat.chat_id}\n" for chat in chats)
            number += len(chats)
    return number
