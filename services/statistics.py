"""Statistics for the screens: rankings, curves and download histories."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.csv_export import csv_line, moment
from core.media import DocumentFile, PhotoFile
from core.statistics import Curve, Metric, Period, Scope, curve_of, curve_times
from data.database import unix_now, without_time_limits
from data.db_service import get_other_stats, get_referral_stats, people_before
from data.statistics import blocked_chats, by_slot, first_slot, history_before
from delivery.api_requests import MessageOptions
from delivery.sender import NullJournal, Sender
from delivery.targets import ChatTarget
from media.worker_pool import WorkerPool
from platforms import Spool
from services.charts import Labels, draw

logger = logging.getLogger(__name__)

#: Rankings are recomputed after this many times their duration, which is 0.5 % of the time.
REFRESH_FACTOR = 200
#: Shortest time between two computations of the rankings, in seconds.
MIN_REFRESH_S = 1.0
#: Rankings that take no longer than this are computed while the user waits, in seconds.
_QUICK_S: Final = 0.03
#: Longest time to draw a picture, in seconds.
_DRAW_S: Final = 60
_DRAW_MB: Final = 800
#: Downloads read from the database at a time.
BATCH_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Tops:
    """Rankings and counts over all chats."""

    #: Unix time in seconds.
    taken_at: int
    in_file_mode: int
    blocked: int
    #: (language, chats), (chat, posts), (referral link, chats), largest first.
    languages: Sequence[tuple[str, int]]
    busiest: Sequence[tuple[int, int]]
    referrals: Sequence[tuple[str, int]]
    #: See `data.db_service.people_before`.
    people_before: Mapping[Period, int]


class Statistics:
    """Computes statistics and sends them as pictures and files."""

    def __init__(self, sender: Sender, spool: Spool) -> None:
        self._sender = sender
        self._spool = spool
        self._tops: Tops | None = None
        self._tops_until = self._took_s = 0.0
        #: The rankings were read since their last computation, so it is worth repeating.
        self._is_requested = True
        self._tops_lock = asyncio.Lock()

    @property
    def people_before(self) -> Mapping[Period, int]:
        """Return the last known numbers of people in the periods before; empty at first."""
        self._is_requested = True
        return self._tops.people_before if self._tops else {}

    async def tops(self) -> Tops:
        """Return the rankings: current if they are quick to compute, else the last known ones.

        Raises:
            StorageError: the database did not respond.
        """
        if self._tops and (self._took_s > _QUICK_S or time.monotonic() < self._tops_until):
            self._is_requested = True
            return self._tops
        return await self._compute_tops()

    async def prepare_tops(self) -> None:
        """Recompute the rankings if they are outdated and were read since the last time.

        Raises:
            StorageError: the database did not respond.
        """
        if self._is_requested and time.monotonic() >= self._tops_until:
            self._is_requested = False
            await self._compute_tops()

    async def _compute_tops(self) -> Tops:
        async with self._tops_lock:
            began = time.monotonic()
            if self._tops and began < self._tops_until:
                return self._tops
            with without_time_limits():  # they scan whole tables
                in_file_mode, languages, busiest = await get_other_stats()
                self._tops = Tops(
                    taken_at=unix_now(),
                    in_file_mode=in_file_mode,
                    blocked=await blocked_chats(),
                    languages=languages,
                    busiest=busiest,
                    referrals=await get_referral_stats(),
                    people_before=await people_before(unix_now()),
                )
            self._took_s = time.monotonic() - began
            self._tops_until = time.monotonic() + max(MIN_REFRESH_S, self._took_s * REFRESH_FACTOR)
            return self._tops

    async def send_picture(
        self, curve: Curve, labels: Labels, caption: str, target: ChatTarget
    ) -> None:
        """Draw a curve and send it with a caption (Telegram HTML).

        Raises:
            BrokenFileError, MediaTimeoutError: it could not be drawn.
            DeliveryError: it could not be sent.
        """
        worker_pool = WorkerPool(1, limit_s=_DRAW_S, memory_mb=_DRAW_MB)
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
        """Return the curve of a metric over a period.

        Raises:
            StorageError: the database did not respond.
        """
        first = await first_slot()
        begin, end, step_s = curve_times(period, first, unix_now())
        slots = await by_slot(metric, scope, begin, end)
        return curve_of(slots, begin, end, step_s)

    async def send_history(self, chat_id: int, target: ChatTarget) -> int:
        """Send all downloads of a chat as a CSV file, newest first; return their number.

        Nothing is sent if there are none.

        Raises:
            StorageError, DeliveryError: the file was not sent.
        """
        number, last = 0, None
        async with self._spool.workspace() as space:
            path = space.folder / f"chat_{chat_id}.csv"
            path.write_text(csv_line(("time", "link")), encoding="utf-8", newline="")
            while True:
                batch = await history_before(chat_id, last, BATCH_ROWS)
                if not batch:
                    break
                number, last = number + len(batch), batch[-1]
                _append(path, [csv_line([moment(entry.at), entry.link]) for entry in batch])
            if number:
                await self._sender.send(
                    target, [DocumentFile(path)], MessageOptions(""), NullJournal()
                )
        return number


def _append(path: Path, lines: list[str]) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.writelines(lines)
