"""The job queue's worker: fetches jobs, keeps this process's lease, and hands back what is left.

Only processes with the role worker import this module: procrastinate is in the extra `fleet`.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from procrastinate import App, PsycopgConnector, RetryDecision
from procrastinate.connector import LISTEN_TIMEOUT, Notify
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy
from psycopg import AsyncConnection, OperationalError
from psycopg import Error as DriverError
from psycopg.errors import RaiseException
from psycopg_pool import PoolTimeout
from sqlalchemy.engine import make_url

from core.concurrency import wait_for_event
from data.jobs import CANCELLATIONS, TASK, queue_of
from data.keepalive import LIBPQ_KEEPALIVE

logger = logging.getLogger(__name__)

#: procrastinate announces jobs; this is for announcements that are lost, in seconds.
_ASK_S: Final = 2.0
#: Pause after a failure, in seconds.
_PAUSE_S: Final = 1.0
#: Longest time for a connection, in seconds.
_CONNECT_S: Final = 10
#: Connections of procrastinate's own pool, beside the one that listens.
_CONNECTIONS: Final = 4

#: Serves requests by the ids of their rows; returns False if the job is to be handed out again.
Serve = Callable[[Sequence[int]], Awaitable[bool]]
#: Cancels a request. Arguments: id of its row, id of its chat, True if the chat gets no message.
Cancel = Callable[[int, int, bool], None]


class _HandOutAgainError(Exception):
    """A job has not ended."""


class _Retries(BaseRetryStrategy):
    """Hands a failed job out again at once, and without end: the request counts its attempts."""

    def get_retry_decision(
        self,
        *,
        exception: BaseException,  # noqa: ARG002
        job: Job,  # noqa: ARG002
    ) -> RetryDecision:
        """Return a time that is past on every clock: procrastinate's is this machine's."""
        return RetryDecision(retry_at=datetime.fromtimestamp(0, UTC))


class _Connector(PsycopgConnector):
    """procrastinate's connections; the one that listens ends when it is cancelled.

    The original waits with `asyncio.wait_for`, which loses a cancellation that comes together with
    a notification: a busy worker would never end.
    """

    async def _loop_notify(
        self,
        on_notification: Notify,
        connection: AsyncConnection,
        timeout: float = LISTEN_TIMEOUT,  # noqa: ASYNC109 - procrastinate's signature
    ) -> None:
        while True:
            try:
                async for notification in connection.notifies(timeout=timeout):
                    await on_notification(
                        channel=notification.channel, payload=notification.payload
                    )
                await connection.execute("SELECT 1")
            except OperationalError:
                return  # the caller connects again


class _Jobs(JobManager):
    """procrastinate's jobs; that the end of one cannot be stored is no failure of the worker.

    The rows of the requests say what has ended, and `data.jobs.rescue` hands out what has not.
    """

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Store that a job has ended."""
        with _unless_it_cannot_be_stored(job):
            await super().finish_job(job, status, delete_job)

    async def retry_job(self, job: Job, *args: Any, **values: Any) -> None:
        """Hand a job out again."""
        with _unless_it_cannot_be_stored(job):
            await super().retry_job(job, *args, **values)


@contextmanager
def _unless_it_cannot_be_stored(job: Job) -> Iterator[None]:
    try:
        yield
    except ConnectorException as error:
        # Raised by procrastinate's function: this job was handed out again since, and has ended.
        is_known = isinstance(error.__cause__, RaiseException)
        logger.log(
            logging.INFO if is_known else logging.WARNING,
            "The end of job %s was not stored: %s",
            job.id,
            error.__cause__ or error,
            extra={"event": "job_end_not_stored"},
        )


class JobWorker:
    """Runs jobs until it is stopped, also across failures of the database."""

    def __init__(
        self, url: str, bot_id: int, *, at_once: int, lease_s: int, serve: Serve, cancel: Cancel
    ) -> None:
        """`url` is the setting; `at_once` bounds the jobs; `lease_s` is the lease of a worker."""
        self._url = url
        self._queue = queue_of(bot_id)
        self._at_once = at_once
        self._lease_s = lease_s
        self._serve = serve
        self._cancel = cancel
        self._is_stopping = asyncio.Event()

    def stop(self) -> None:
        """Fetch no more jobs. `run` returns when those that run have ended."""
        self._is_stopping.set()

    async def run(self) -> None:
        """Run jobs until `stop`. After a failure, begin again."""
        logging.getLogger("procrastinate").setLevel(logging.ERROR)
        while not self._is_stopping.is_set():
            try:
                await self._run_once()
            except* (ConnectorException, DriverError, PoolTimeout, OSError) as errors:
                logger.warning(
                    "The job queue's database cannot be reached, retrying: %s",
                    errors.exceptions[0],
                    extra={"event": "job_queue_unreachable"},
                )
            except* Exception:  # without this worker the requests would wait for ever
                logger.exception(
                    "The job queue's worker failed, and starts again",
                    extra={"event": "job_worker_crashed"},
                )
            await wait_for_event(self._is_stopping, _PAUSE_S)

    async def _run_once(self) -> None:
        app = self._app()
        async with app.open_async():
            await self._run_worker(app)

    async def _run_worker(self, app: App) -> None:
        """Run jobs until `stop` or a failure; those that run end in any case."""
        worker = app.run_worker_async(
            queues=[self._queue],
            concurrency=self._at_once,
            fetch_job_polling_interval=_ASK_S,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=self._lease_s / 4,
            stalled_worker_timeout=self._lease_s,
        )
        async with asyncio.TaskGroup() as group:
            jobs = group.create_task(worker)
            listener = group.create_task(self._listen(app))
            stopper = group.create_task(self._is_stopping.wait())
            # Once at most: a second cancellation would cut off the jobs that run.
            stopper.add_done_callback(lambda done: done.cancelled() or jobs.cancel())
            await asyncio.wait([jobs])
            listener.cancel()
            stopper.cancel()

    async def _listen(self, app: App) -> None:
        """Wait for cancellations; the connection is renewed if it breaks."""

        async def on_notification(*, channel: str, payload: str) -> None:
            if channel != CANCELLATIONS:
                return
            try:
                what = json.loads(payload)
                row, chat, is_quiet = what["row"], what["chat"], what["quiet"]
            except (ValueError, TypeError, KeyError):  # of a newer version
                logger.warning(
                    "A cancellation cannot be read", extra={"event": "cancellation_unreadable"}
                )
            else:
                self._cancel(row, chat, is_quiet)

        connector = app.connector
        assert isinstance(connector, _Connector)
        await connector.listen_notify(on_notification, [CANCELLATIONS])

    def _app(self) -> App:
        connector = _Connector(
            conninfo=_libpq_url(self._url), min_size=1, max_size=_CONNECTIONS, timeout=5.0
        )
        app = App(connector=connector)
        app.job_manager = _Jobs(connector)

        async def serve(rows: list[int], **_: object) -> None:
            if not await self._serve(rows):
                raise _HandOutAgainError

        app.task(name=TASK, retry=_Retries())(serve)
        return app


def _libpq_url(url: str) -> str:
    """Return the setting's URL as libpq reads it, with our limits unless it has its own."""
    parts = make_url(url.strip())
    query = {**LIBPQ_KEEPALIVE, "connect_timeout": str(_CONNECT_S), **parts.query}
    if "ssl" in query:  # asyncpg's name; libpq calls it sslmode
        query["sslmode"] = query.pop("ssl")
    return parts.set(drivername="postgresql", query=query).render_as_string(hide_password=False)
