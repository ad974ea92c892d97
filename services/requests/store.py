"""The stored requests of this process. What is in the table is the truth; this keeps it so."""

import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from core.cached_post import CacheKey
from core.errors import StorageError
from core.request import Progress, Request
from data.database import unix_now
from data.requests import (
    begin_flight,
    count_attempt,
    end_flight,
    finish_request,
    hand_back,
    renew_lease,
    store_progress,
    store_requests,
    sweep_requests,
    take_over,
)

logger = logging.getLogger(__name__)

#: Telegram brings an update that was not acknowledged again for a day, so rows are known for so long.
_KEPT_S: Final = 2 * 86_400


@dataclass(slots=True, eq=False)
class StoredRequest:
    """A request, and how much of its answer has gone out. Failures of the database stay in the log:
    who has asked is served all the same.
    """

    request: Request
    #: Id of its row; None when the database could not take it, so that it lives in memory only.
    row: int | None = None
    progress: Progress = field(default_factory=Progress)
    #: How often somebody before us has begun to fetch for it.
    attempts: int = 0
    #: Another process has had it before.
    is_resumed: bool = False
    is_finished: bool = False

    async def begin(self) -> None:
        """Note that it is being fetched for, before that can bring the process down."""
        if self.row is not None:
            try:
                await count_attempt(self.row)
            except StorageError as error:
                logger.warning("An attempt at request %d is not noted: %s", self.row, error)

    def record_total(self, files: int) -> None:
        """Note how many files the answer has."""
        self.progress = replace(self.progress, total=files)

    async def record_sending(self, files: int) -> None:
        """Note that files, or with 0 the text below them, are about to be sent."""
        self.progress = self.progress.record_sending(files)
        await self._note()

    async def record_not_sent(self) -> None:
        """Note that what was about to be sent has surely not arrived."""
        if self.progress.in_flight is not None:
            self.progress = self.progress.record_not_sent()
            await self._note()

    async def record_sent(self, message_ids: Sequence[int]) -> None:
        """Note that what was about to be sent has arrived.

        What ends the answer is written with the rest of what follows a delivery.
        """
        self.progress = self.progress.record_sent(tuple(message_ids))
        if not self.progress.is_complete:
            await self._note()

    async def finish(self, outcome: str) -> None:
        """Note that the request was answered; the second time changes nothing."""
        if self.is_finished:
            return
        self.is_finished = True
        if self.row is not None:
            try:
                await finish_request(self.row, self.progress, outcome)
            except StorageError as error:
                logger.warning("Request %d stays open: %s", self.row, error)

    async def _note(self) -> None:
        if self.row is not None:
            try:
                await store_progress(self.row, self.progress)
            except StorageError as error:
                logger.warning("The progress of request %d is not noted: %s", self.row, error)


class RequestStore:
    """Takes requests in, and takes over what others have left."""

    def __init__(self, bot_id: int, lease_s: int) -> None:
        self._bot_id = bot_id
        self._lease_s = lease_s
        #: This process, among those that share the database.
        self.name = secrets.token_hex(8)
        self._alive_until = 0

    async def enter(self, update_id: int, requests: Sequence[Request]) -> list[StoredRequest]:
        """Store what an update asks for; what was stored before is left out.

        When the database does not take it, it is served from memory.
        """
        try:
            await self._stay_alive()
            rows = await store_requests(self._bot_id, update_id, requests, self.name)
        except StorageError as error:
            logger.error("Requests of update %d are not stored: %s", update_id, error)  # noqa: TRY400 - expected
            return [StoredRequest(request) for request in requests]
        pairs = zip(requests, rows, strict=True)
        return [StoredRequest(request, row) for request, row in pairs if row is not None]

    async def take_over(self) -> list[StoredRequest]:
        """Give what nobody living is serving.

        Raises:
            StorageError: the database did not answer.
        """
        await self._stay_alive()
        found = await take_over(self._bot_id, self.name)
        entries = []
        for row in found:
            if row.request is None:
                logger.error("Request %d cannot be understood by this version", row.id)
                await finish_request(row.id, row.progress, "unreadable")
            else:
                entries.append(
                    StoredRequest(row.request, row.id, row.progress, row.attempts, is_resumed=True)
                )
        return entries

    async def beat(self) -> None:
        """Say that this process is alive, if it is time.

        Raises:
            StorageError: the database did not answer.
        """
        await self._stay_alive()

    async def hand_back(self) -> None:
        """Leave what is open to the next process, at once."""
        try:
            number = await hand_back(self.name)
        except StorageError as error:
            logger.warning("Requests are free only in %d s: %s", self._lease_s, error)
        else:
            self._alive_until = 0
            if number:
                logger.info("%d requests are left to the next start", number)

    async def sweep(self) -> None:
        """Delete what was answered long ago.

        Raises:
            StorageError: the database did not answer.
        """
        await sweep_requests(unix_now() - _KEPT_S)

    async def begin_flight(self, key: CacheKey) -> bool:
        """Claim the fetching of a post; False while another process is at it.

        Without the database everybody is free to.
        """
        try:
            await self._stay_alive()
            return await begin_flight(key, self.name)
        except StorageError as error:
            logger.warning("Nobody knows whether %s is being fetched: %s", key, error)
            return True

    async def end_flight(self, key: CacheKey) -> None:
        """Let others fetch it; without the database they are free when this process ends."""
        with suppress(StorageError):
            await end_flight(key, self.name)

    async def _stay_alive(self) -> None:
        """Renew the lease when a third of it is over."""
        now = unix_now()
        if self._alive_until - now < self._lease_s * 2 / 3:
            await renew_lease(self.name, self._lease_s)
            self._alive_until = now + self._lease_s
