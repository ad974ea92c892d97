"""What administrators are told by themselves: each trouble once, and its end once, by one process."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from core.errors import ClipferryError
from core.formats import Quality, choose_rendition
from core.media import Clip, Link, Post
from data.database import unix_now
from data.key_values import compare_and_set, read_value
from data.statistics import last_download_at
from platforms import Attempt, Fetcher, FileRequest, Spool
from services.metrics import Metrics
from services.requests.media_service import MAX_PICTURE_BYTES

logger = logging.getLogger(__name__)

_NAME: Final = "alarm"


class Notifier(Protocol):
    """Who passes it on."""

    async def notify(self, key: str, **facts: str | int) -> None:
        """Say it; raises nothing."""


@dataclass(frozen=True, slots=True)
class AlarmThresholds:
    """What the operator wants to hear of."""

    #: Share of a site's last downloads that have failed; 0 for never.
    failing: float
    #: Seconds without any download; 0 for never.
    quiet_s: int
    canaries: Sequence[Link]


class Alarms:
    """Looks whether all is well. Called again and again."""

    def __init__(
        self,
        notifier: Notifier,
        metrics: Metrics,
        fetcher: Fetcher,
        spool: Spool,
        thresholds: AlarmThresholds,
    ) -> None:
        self._notifier = notifier
        self._metrics = metrics
        self._fetcher = fetcher
        self._spool = spool
        self._thresholds = thresholds

    async def look_at_sites(self) -> None:
        """Look how the last downloads from each site have ended.

        Raises:
            StorageError: the database did not answer.
        """
        for platform, share in self._metrics.failing().items():
            title = self._fetcher.registry[platform].title
            if share >= self._thresholds.failing:
                percent = round(share * 100)
                await self._set(f"site/{platform}", "1", "alarm_site", site=title, percent=percent)
            elif share <= self._thresholds.failing / 2:
                await self._set(f"site/{platform}", None, "alarm_site_over", site=title)

    async def listen(self) -> None:
        """Look when somebody has downloaded something last.

        Raises:
            StorageError: the database did not answer.
        """
        last_at = await last_download_at()
        if last_at is None:
            return
        quiet_s = unix_now() - last_at
        level = min(quiet_s // self._thresholds.quiet_s, 2)
        key = "alarm_quiet" if level else "alarm_quiet_over"
        await self._set("quiet", str(level) if level else None, key, minutes=quiet_s // 60)

    async def try_canaries(self) -> None:
        """Fetch the posts that tell whether sites can be read, one after the other.

        Raises:
            StorageError: the database did not answer.
        """
        for link in self._thresholds.canaries:
            title = self._fetcher.registry[link.platform].title
            try:
                await self._fetcher.attempt(link, self._fetch)
            except ClipferryError as error:
                logger.warning("The canary of %s: %s: %s", title, type(error).__name__, error)
                facts = {"site": title, "error": type(error).__name__}
                await self._set(f"canary/{link.url}", "1", "alarm_canary", **facts)
            else:
                await self._set(f"canary/{link.url}", None, "alarm_canary_over", site=title)

    async def _fetch(self, attempt: Attempt) -> Post:
        """Read a post and fetch its first file, in the smallest form."""
        post = await attempt.read()
        item = post.items[0]
        if isinstance(item, Clip):
            rendition = choose_rendition(
                item.renditions, self._spool.quota_bytes, quality=Quality.SMALL
            )
            file = FileRequest(
                rendition.urls, "canary", self._spool.quota_bytes, rendition.size_bytes
            )
        else:
            file = FileRequest(item.urls, "canary", MAX_PICTURE_BYTES)
        async with self._spool.workspace() as space:
            await attempt.save(post, [file], space)
        return post

    async def _set(self, what: str, state: str | None, key: str, **facts: str | int) -> None:
        """Say something if it is news: if no process has said so before."""
        name = f"{_NAME}/{what}"
        before = await read_value(name)
        is_news = before != state and await compare_and_set(name, before, state)
        # Quiet that has only begun again is less than was said before.
        if is_news and (state is None or before is None or state > before):
            await self._notifier.notify(key, **facts)
