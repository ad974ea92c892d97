"""Statistics: what screens show, however much there is to count."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.csv_export import csv_line, moment
from core.media import DocumentFile, PhotoFile
from core.statistics import Curve, Metric, Period, Scope, curve_of, curve_times
from data.database import unix_now
from data.db_service import get_other_stats, get_referral_stats
from data.statistics import blocked_chats, by_slot, first_slot, history_before
from delivery.api_requests import MessageOptions
from delivery.sender import NullJournal, Sender
from delivery.targets import ChatTarget
from media.worker_pool import WorkerPool
from platforms import Spool
from services.charts import Labels, draw

logger = logging.getLogger(__name__)

#: What takes long to find out is found out anew after so many times as long: half a percent of the time.
_REST = 200
#: … but not more often than this, in seconds.
_FRESH_S = 1.0
#: What takes no longer than this can be waited for.
_QUICK_S: Final = 0.03
_DRAW_S: Final = 60
_PIECE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Tops:
    """What only a look at all chats can tell."""

    taken_at: int
    in_file_mode: int
    blocked: int
    #: (language, chats), (chat, posts), (referral link, chats), largest first.
    languages: Sequence[tuple[str, int]]
    busiest: Sequence[tuple[int, int]]
    referrals: Sequence[tuple[str, int]]


class Statistics:
    """Gives what screens show."""

    def __init__(self, sender: Sender, spool: Spool) -> None:
        self._sender = sender
        self._spool = spool
        self._tops: Tops | None = None
        self._tops_until = self._took_s = 0.0
        self._is_asked = True
        self._looking = asyncio.Lock()

    async def tops(self) -> Tops:
        """Give the tops: as they are, where that is found out quickly, else as they were some time ago.

        Raises:
            StorageError: the database did not answer.
        """
        if self._tops and (self._took_s > _QUICK_S or time.monotonic() < self._tops_until):
            self._is_asked = True
            return self._tops
        return await self._look_around()

    async def prepare_tops(self) -> None:
        """Look at all chats, if somebody has asked and it is time to.

        Raises:
            StorageError: the database did not answer.
        """
        if self._is_asked and time.monotonic() >= self._tops_until:
            self._is_asked = False
            await self._look_around()

    async def _look_around(self) -> Tops:
        async with self._looking:
            began = time.monotonic()
            if self._tops and began < self._tops_until:
                return self._tops
            in_file_mode, languages, busiest = await get_other_stats()
            self._tops = Tops(
                taken_at=unix_now(),
                in_file_mode=in_file_mode,
                blocked=await blocked_chats(),
                languages=languages,
                busiest=busiest,
                referrals=await get_referral_stats(),
            )
            self._took_s = time.monotonic() - began
            self._tops_until = time.monotonic() + max(_FRESH_S, self._took_s * _REST)
            return self._tops

    async def send_picture(
        self, curve: Curve, labels: Labels, caption: str, target: ChatTarget
    ) -> None:
        """Draw a curve and send it, with a caption (Telegram HTML).

        Raises:
            BrokenFileError, FileOverdueError: it could not be drawn.
            DeliveryError: it could not be sent.
        """
        worker_pool = WorkerPool(1, limit_s=_DRAW_S)
        try:
            picture = await worker_pool.run(draw, curve, labels)
        finally:
            worker_pool.close()
        async with self._spool.workspace() as space:
            path = space.folder / "statistics.png"
            path.write_bytes(picture)
            await self._sender.send(
                target, [PhotoFile(path)], MessageOptions(caption), NullJournal()
            )

    async def curve(self, metric: Metric, scope: Scope, period: Period) -> Curve:
        """Count what a curve shows.

        Raises:
            StorageError: the database did not answer.
        """
        first = await first_slot()
        begin, end, step_s = curve_times(period, first, unix_now())
        slots = await by_slot(metric, scope, begin, end)
        return curve_of(slots, begin, end, step_s)

    async def send_history(self, chat_id: int, target: ChatTarget) -> int:
        """Send all downloads of a chat as a table, newest first; gives their number. No file for none.

        Raises:
            StorageError, DeliveryError: it did not come to its end.
        """
        number, last = 0, None
        async with self._spool.workspace() as space:
            path = space.folder / f"chat_{chat_id}.csv"
            path.write_text(csv_line(("time", "link")), encoding="utf-8", newline="")
            while True:
                piece = await history_before(chat_id, last, _PIECE)
                if not piece:
                    break
                number, last = number + len(piece), piece[-1]
                _append(path, [csv_line([moment(v.at), v.link]) for v in piece])
            if number:
                await self._sender.send(
                    target, [DocumentFile(path)], MessageOptions(""), NullJournal()
                )
        return number


def _append(path: Path, lines: list[str]) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.writelines(lines)
