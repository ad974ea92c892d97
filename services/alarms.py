"""What administrators are told by themselves: each trouble once, and its end once, by one process."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from core.errors import ClipferryError
from core.formats import Quality, choose_rendition
from core.media import Clip, Link, Post
from data.database import unix_now
from data.errors import storage_errors
from data.notes import change_note, read_note
from data.statistics import last_download_at
from platforms import Attempt, Sources, Spool, Wanted
from services.meters import Meters
from services.serving import MAX_PICTURE_BYTES

logger = logging.getLogger(__name__)

_NAME: Final = "alarm"


class Rings(Protocol):
    """Who passes it on."""

    async def ring(self, key: str, **facts: str | int) -> None:
        """Say it; raises nothing."""


@dataclass(frozen=True, slots=True)
class Worries:
    """What the operator wants to hear of."""

    #: Share of a site's last downloads that have failed; 0 for never.
    failing: float
    #: Seconds without any download; 0 for never.
    quiet_s: int
    canaries: Sequence[Link]


class Alarms:
    """Looks whether all is well. Called again and again."""

    def __init__(
        self, bell: Rings, meters: Meters, sources: Sources, spool: Spool, worries: Worries
    ) -> None:
        self._bell = bell
        self._meters = meters
        self._sources = sources
        self._spool = spool
        self._worries = worries

    async def look_at_sites(self) -> None:
        """Look how the last downloads from each site have ended.

        Raises:
            StorageError: the database did not answer.
        """
        for platform, share in self._meters.failing().items():
            title = self._sources.registry[platform].title
            if share >= self._worries.failing:
                percent = round(share * 100)
                await self._set(f"site/{platform}", "1", "alarm_site", site=title, percent=percent)
            elif share <= self._worries.failing / 2:
                await self._set(f"site/{platform}", None, "alarm_site_over", site=title)

    async def listen(self) -> None:
        """Look when somebody has downloaded something last.

        Raises:
            StorageError: the database did not answer.
        """
        with storage_errors():
            last_at = await last_download_at()
        if last_at is None:
            return
        quiet_s = unix_now() - last_at
        level = min(quiet_s // self._worries.quiet_s, 2)
        key = "alarm_quiet" if level else "alarm_quiet_over"
        await self._set("quiet", str(level) if level else None, key, minutes=quiet_s // 60)

    async def try_canaries(self) -> None:
        """Fetch the posts that tell whether sites can be read, one after the other.

        Raises:
            StorageError: the database did not answer.
        """
        for link in self._worries.canaries:
            title = self._sources.registry[link.platform].title
            try:
                await self._sources.attempt(link, self._fetch)
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
            file = Wanted(rendition.urls, "canary", self._spool.quota_bytes, rendition.size_bytes)
        else:
            file = Wanted(item.urls, "canary", MAX_PICTURE_BYTES)
        async with self._spool.workspace() as space:
            await attempt.save(post, [file], space)
        return post

    async def _set(self, what: str, state: str | None, key: str, **facts: str | int) -> None:
        """Say something if it is news: if no process has said so before."""
        name = f"{_NAME}/{what}"
        with storage_errors():
            before = await read_note(name)
            is_news = before != state and await change_note(name, before, state)
        # Quiet that has only begun again is less than was said before.
        if is_news and (state is None or before is None or state > before):
            await self._bell.ring(key, **facts)
