"""The webhook as the source of updates: Telegram sends them, see `app.receiver`."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiogram import Bot, Dispatcher
from prometheus_client import CollectorRegistry, Counter

from app.receiver import Availability, Receiver, SetAside
from app.stop_time import StopStep, StopTime
from app.update_source import stop_on_signals
from app.webhook_registration import Wanted, WebhookRegistration, report_on
from app.webhook_server import WebhookServer
from core.clock import shared_clock
from core.concurrency import run_until, wait_for_event
from core.errors import WRONG_TOKEN, DeliveryError, SettingsError, TokenRejectedError
from core.webhook import WebhookReport, WebhookState, derive_secret, failure_of, problem_of
from data.config import Settings
from delivery.client import TolerantSession
from misc.middlewares.update_acks import UpdateAcks

logger = logging.getLogger(__name__)

#: Interval between two looks at the webhook, in seconds; the shorter one is that of a first one
#: that failed.
LOOK_S: Final = 30.0
_LOOK_AGAIN_S: Final = 2.0
#: Updates left at Telegram from which on old ones are set aside.
_MANY: Final = 50


class Webhook:
    """Receives updates. Any number of processes may, behind one address."""

    def __init__(
        self,
        settings: Settings,
        receiver: Receiver,
        registration: WebhookRegistration,
        update_acks: UpdateAcks,
        registry: CollectorRegistry,
        stop_time: StopTime,
    ) -> None:
        """Read the certificate.

        Raises:
            SettingsError: certificate and key do not fit, or cannot be read.
        """
        self._settings = settings
        self._stop_time = stop_time
        self._receiver = receiver
        self._registration = registration
        self._update_acks = update_acks
        self._secret = secret_of(settings)
        self._tls = tls_of(settings)
        self._counter = Counter(
            "clipferry_webhook_requests",
            "Requests to the webhook, by the status of the answer",
            ["status"],
            registry=registry,
        )
        self._must_end = asyncio.Event()
        #: What Telegram last said about the webhook; None before it is set.
        self.report: WebhookReport | None = None

    @property
    def has_started(self) -> bool:
        """True once the webhook is set."""
        return self.report is not None

    @property
    def problem(self) -> str | None:
        """Why no updates arrive now; None while they do."""
        if self.report is None:
            return "the webhook is not set yet"
        if not self._receiver.is_open:
            return "this process is stopping"
        return problem_of(self.report, self._settings.webhook.url)

    async def run(
        self, bot: Bot, dispatcher: Dispatcher, allowed_updates: list[str], at_once: int | None
    ) -> None:
        """Set the webhook, and receive updates until `stop` or a signal.

        Afterwards further updates are refused, and those that have been accepted are handled; the
        webhook stays, so that Telegram keeps the updates for the next start.

        Raises:
            SettingsError: the address cannot be used, or Telegram refuses it.
            StorageError: the database did not respond.
        """
        stop_on_signals(self.stop)
        self._settings.files.heartbeat.parent.mkdir(parents=True, exist_ok=True)
        server = WebhookServer(
            urlsplit(self._settings.webhook.url).path or "/",
            self._secret,
            self._receiver.receive,
            lambda status: self._counter.labels(str(status)).inc(),
        )
        async with server.serving(
            self._settings.webhook.host, self._settings.webhook.port, self._tls
        ):
            self._receiver.start(bot, dispatcher, at_once or self._settings.webhook.max_connections)
            try:
                # A call to Telegram may take a minute, and has nothing that must be ended.
                await run_until(self._must_end, self._watch(bot, self._wanted(allowed_updates)))
            finally:
                self._receiver.close()
                await dispatcher.emit_shutdown(**dispatcher.workflow_data)
                await self._receiver.drain(
                    self._stop_time.handlers_s, self._stop_time.left_s(StopStep.HANDLERS)
                )

    async def acknowledge(self, _bot: Bot) -> None:
        """Wait until every accepted update is acknowledged."""
        await self._update_acks.complete()

    @property
    def is_asked_to_stop(self) -> bool:
        """True from `stop` or a signal on."""
        return self._must_end.is_set()

    def stop(self) -> None:
        """Accept no further updates, and end `run`."""
        if not self._must_end.is_set():
            self._stop_time.begin()
        self._receiver.close()
        self._must_end.set()

    async def _watch(self, bot: Bot, wanted: Wanted) -> None:
        """Set the webhook, then ask Telegram about it until the end."""
        while not self._must_end.is_set():
            try:
                await self._look(bot, wanted)
            except TokenRejectedError:
                raise SettingsError([WRONG_TOKEN]) from None
            except DeliveryError as error:
                logger.warning(
                    "Could not set or check the webhook at Telegram: %s",
                    error,
                    extra={"event": "webhook_unknown"},
                )
            else:
                self._settings.files.heartbeat.touch()
            pause_s = LOOK_S if self.has_started else _LOOK_AGAIN_S
            await wait_for_event(self._must_end, pause_s)

    async def _look(self, bot: Bot, wanted: Wanted) -> None:
        if self.report is None:
            self.report = await self._registration.set(bot, wanted)
        else:
            self.report = await report_on(bot)
        self._receiver.is_behind = self.report.pending >= _MANY
        if problem := self.problem or failure_of(self.report, shared_clock()):
            logger.warning(
                "Updates do not arrive by webhook: %s", problem, extra={"event": "webhook_trouble"}
            )

    def _wanted(self, allowed_updates: list[str]) -> Wanted:
        certificate = certificate_of(
            self._settings.webhook.certificate, self._settings.webhook.upload_certificate
        )
        state = WebhookState(
            self._settings.webhook.url,
            self._settings.webhook.max_connections,
            frozenset(allowed_updates),
            bool(certificate),
        )
        return Wanted(state, self._secret, certificate)


def build_receiver(
    bot: Bot,
    update_acks: UpdateAcks,
    check: Callable[[], Awaitable[None]],
    set_aside: SetAside | None = None,
) -> Receiver:
    """Build the receiver; `check` raises a `StorageError` if no update can be stored."""
    session = bot.session
    assert isinstance(session, TolerantSession)
    return Receiver(session, update_acks, Availability(check), set_aside)


def secret_of(settings: Settings) -> str:
    """Return the secret of the settings, or the one that is derived from the token."""
    secret = settings.webhook.secret.get_secret_value()
    return secret or derive_secret(settings.bot.token.get_secret_value())


def certificate_of(file: Path | None, is_uploaded: bool) -> bytes:
    """Return the certificate that Telegram is to trust; empty if Telegram does not need it."""
    return file.read_bytes() if file and is_uploaded else b""


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS configuration of the server, or None if a proxy speaks TLS.

    Raises:
        SettingsError: certificate and key do not fit, or cannot be read.
    """
    certificate, key = settings.webhook.certificate, settings.webhook.key
    if settings.telegram.updates != "webhook" or not certificate or not key:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # With a password, Python does not ask for one at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            [f"[webhook] key (WEBHOOK_KEY): key and certificate cannot be used: {reason}"]
        ) from None
    return context
