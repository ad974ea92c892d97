"""HTTP server for liveness, readiness and Prometheus metrics."""

import logging
import platform
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from app.container import Container
from app.http_server import listening
from app.update_source import UpdateSource
from app.write_check import WriteCheck
from core.errors import StorageError
from core.version import VERSION
from data import database
from data.key_values import check_writable
from platforms import reader_version

logger = logging.getLogger(__name__)

#: Age of the heartbeat after which the bot is not ready, in seconds. A long poll ends much earlier.
STALE_S: Final = 120


class HealthServer:
    """Serves /healthz, /readyz and /metrics. No authentication: the address limits access."""

    def __init__(self, container: Container, heartbeat: Path, source: UpdateSource) -> None:
        self._registry = container.metrics.registry
        self._registry.register(Gauges(container))
        self._registry.register(WebhookGauges(source))
        self._heartbeat = heartbeat
        self._source = source
        self._write_check = WriteCheck(check_writable)
        #: The heartbeat of an earlier process says nothing about this one.
        self._started_at = time.time()

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[None]:
        """Serve during the block; port 0 switches the server off.

        Raises:
            SettingsError: the address cannot be used.
        """
        if not port:
            yield
            return
        app = web.Application()
        for path, handler in (
            ("/healthz", self._healthz),
            ("/readyz", self._readyz),
            ("/metrics", self._metrics),
        ):
            app.router.add_get(path, handler)
        async with listening(app, host, port, "[watch] port (WATCH_PORT)"):
            logger.info(
                "Serving health checks and metrics at http://%s:%d/metrics",
                host,
                port,
                extra={"event": "health_server_started"},
            )
            yield

    async def _healthz(self, _request: web.Request) -> web.Response:
        """Respond as long as the event loop runs; without a response, restart the process."""
        return web.Response(text="alive\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        """Respond with 200 if Telegram and the database respond, else with 503 and the reasons.

        With a webhook, what Telegram says about it follows.
        """
        problems = []
        if problem := self._source.problem:
            problems.append(problem)
        beat_at = self._heartbeat.stat().st_mtime if self._heartbeat.exists() else 0
        if time.time() - max(beat_at, self._started_at) > STALE_S:
            problems.append("Telegram has not answered for two minutes")
        try:
            await self._write_check.run()
        except StorageError as error:
            problems.append(f"the database cannot be written: {error.detail}")
        details = self._source.report.details if self._source.report else []
        return web.Response(
            text="\n".join((problems or ["ready"]) + details) + "\n",
            status=503 if problems else 200,
        )

    async def _metrics(self, _request: web.Request) -> web.Response:
        """Respond with all metrics in Prometheus text format."""
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


class Gauges(Collector):
    """Gauges whose values are read at each scrape."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges with their current values."""
        container = self._container
        ytdlp, _ = reader_version()
        versions = {"version": VERSION, "ytdlp": ytdlp, "python": platform.python_version()}
        yield InfoMetricFamily("clipferry_build", "Versions of the bot and its parts", versions)
        lease = {"name": container.request_store.name}
        yield InfoMetricFamily("clipferry_worker", "The name under which it holds requests", lease)
        requests = GaugeMetricFamily(
            "clipferry_requests_now", "Requests by state", labels=["state"]
        )
        running = container.request_queue.running
        requests.add_metric(["running"], running)
        requests.add_metric(["waiting"], max(container.request_queue.count - running, 0))
        yield requests
        spool = GaugeMetricFamily("clipferry_spool_bytes", "Spool size in bytes", labels=["what"])
        spool.add_metric(["used"], container.spool.reserved_bytes)
        spool.add_metric(["quota"], container.spool.quota_bytes)
        spool.add_metric(["free"], container.spool.free_bytes)
        yield spool
        open_routes = GaugeMetricFamily(
            "clipferry_way_resting", "Routes to sites whose circuit breaker is open", labels=["way"]
        )
        for route in container.fetcher.open_routes():
            open_routes.add_metric([route], 1)
        yield open_routes
        yield GaugeMetricFamily(
            "clipferry_database_busy",
            "Waiting writes (SQLite), or calls that wait or run (PostgreSQL)",
            value=database.busy(),
        )
        broadcast = GaugeMetricFamily(
            "clipferry_broadcast_done",
            "Chats with a final outcome of the running broadcast",
            labels=["number"],
        )
        if progress := container.broadcasts.progress:
            broadcast.add_metric([str(progress[0])], progress[1])
        yield broadcast


class WebhookGauges(Collector):
    """What Telegram says about the webhook; nothing without one."""

    def __init__(self, source: UpdateSource) -> None:
        self._source = source

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges with the values of the last look."""
        report = self._source.report
        if report is None:
            return
        yield GaugeMetricFamily(
            "clipferry_webhook_pending",
            "Updates that Telegram has not delivered yet",
            value=report.pending,
        )
        failed = GaugeMetricFamily(
            "clipferry_webhook_failed_at",
            "Unix time of Telegram's last failed delivery, by its message",
            labels=["message"],
        )
        if report.failed_at:
            failed.add_metric([report.failure], report.failed_at)
        yield failed
