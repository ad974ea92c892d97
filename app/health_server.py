"""The counter for machines: is the bot alive, is it ready, and how is it doing."""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.container import Container
from core.errors import SettingsError, StorageError
from data import database
from data.key_values import read_value

logger = logging.getLogger(__name__)

#: Telegram answers a waiting getUpdates long before this, in seconds.
_STALE_S: Final = 120


class HealthServer:
    """Answers machines. Who may ask is decided by the address at which it listens."""

    def __init__(self, container: Container, heartbeat: Path) -> None:
        self._registry = container.metrics.registry
        self._registry.register(Gauges(container))
        self._heartbeat = heartbeat

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[None]:
        """Serve for the time of the block; not at all where the port is 0.

        Raises:
            SettingsError: the address cannot be used.
        """
        if not port:
            yield
            return
        app = web.Application()
        for path, answer in (
            ("/healthz", self._healthz),
            ("/readyz", self._readyz),
            ("/metrics", self._metrics),
        ):
            app.router.add_get(path, answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                mistake = f"[watch] port (WATCH_PORT): {host}:{port}: {error.strerror}"
                raise SettingsError([mistake]) from None
            logger.info("Health and metrics: http://%s:%d/metrics", host, port)
            yield
        finally:
            await runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        """Say that the program runs: whoever gets no answer may start it anew."""
        return web.Response(text="alive\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        """Say whether Telegram and the database answer."""
        troubles = []
        if not self._heartbeat.exists() or time.time() - self._heartbeat.stat().st_mtime > _STALE_S:
            troubles.append("Telegram has not answered for two minutes")
        try:
            await read_value("")
        except StorageError:
            troubles.append("the database does not answer")
        return web.Response(
            text="\n".join(troubles or ["ready"]) + "\n", status=503 if troubles else 200
        )

    async def _metrics(self, _request: web.Request) -> web.Response:
        """Give all numbers as Prometheus reads them."""
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


class Gauges(Collector):
    """What is looked up in the moment of the question."""

    def __init__(self, container: Container) -> None:
        self._parts = container

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the numbers."""
        container = self._parts
        requests = GaugeMetricFamily(
            "clipferry_requests_now", "Requests by state", labels=["state"]
        )
        running = container.request_queue.running
        requests.add_metric(["running"], running)
        requests.add_metric(["waiting"], max(container.request_queue.count - running, 0))
        yield requests
        spool = GaugeMetricFamily("clipferry_spool_bytes", "Room for files", labels=["what"])
        spool.add_metric(["used"], container.spool.reserved_bytes)
        spool.add_metric(["quota"], container.spool.quota_bytes)
        yield spool
        resting = GaugeMetricFamily(
            "clipferry_way_resting", "Ways to sites that rest after failures", labels=["way"]
        )
        for way in container.fetcher.open_routes():
            resting.add_metric([way], 1)
        yield resting
        yield GaugeMetricFamily(
            "clipferry_database_busy",
            "Changes that wait (SQLite), or connections in use (PostgreSQL)",
            value=database.busy(),
        )
        broadcast = GaugeMetricFamily(
            "clipferry_broadcast_done",
            "Chats that have had the running broadcast",
            labels=["number"],
        )
        if progress := container.broadcasts.progress:
            broadcast.add_metric([str(progress[0])], progress[1])
        yield broadcast
