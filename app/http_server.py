"""An HTTP server for the time of a block."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext

from aiohttp import web

from app.stop_time import SERVER_S
from core.errors import SettingsError


@asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, setting: str, tls: SSLContext | None = None
) -> AsyncIterator[None]:
    """Serve during the block. `setting` names that of the port, for the message of the error.

    Raises:
        SettingsError: the address cannot be used.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SERVER_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, ssl_context=tls).start()
        except OSError as error:
            raise SettingsError([f"{setting}: {host}:{port}: {error.strerror}"]) from None
        yield
    finally:
        await runner.cleanup()
