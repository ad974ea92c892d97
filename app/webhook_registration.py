"""The webhook at Telegram: sets it, removes it, and says how deliveries go.

Whose webhook it is stands in the database. One that another program has set is never replaced or
removed: that would end its updates (docs/decisions/0035).
"""

import json
import logging
from collections.abc import Collection
from dataclasses import dataclass, field

from aiogram import Bot
from aiogram.types import BufferedInputFile

from core.errors import FileRejectedError, SettingsError
from core.webhook import WebhookReport, WebhookState, fingerprint
from data.key_values import delete_value, read_value, set_value

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The webhook that the settings ask for."""

    state: WebhookState
    secret: str = field(repr=False)
    #: The certificate that Telegram is to trust (PEM); empty if Telegram does not need it.
    certificate: bytes = b""


class WebhookRegistration:
    """The webhook of one bot. Without a database, only one at the wanted address is its own."""

    def __init__(self, bot_id: int, *, has_database: bool = True) -> None:
        self._key = f"webhook/{bot_id}"
        self._has_database = has_database

    async def set(self, bot: Bot, wanted: Wanted) -> WebhookReport:
        """Set the webhook unless Telegram has it already. Pending updates stay.

        Raises:
            SettingsError: Telegram refuses it, or another program has one.
            DeliveryError: Telegram cannot be reached.
            StorageError: the database did not respond.
        """
        report, state = await report_on(bot), wanted.state
        own_urls, own_print = await self._record()
        mark = fingerprint(state.url, wanted.secret, wanted.certificate)
        if own_print == mark and _is_same(report.state, state):
            return report
        if not _is_at_one(report.state, {state.url, *own_urls}):
            _refuse_foreign(report.state)
        # A stop in the middle of the call leaves either webhook, and both are our own.
        await self._store(state.url, own_urls)
        try:
            await bot.set_webhook(
                state.url,
                certificate=_as_file(wanted.certificate),
                max_connections=state.max_connections,
                allowed_updates=sorted(state.allowed_updates),
                secret_token=wanted.secret,
            )
        except FileRejectedError as error:
            raise SettingsError(
                [f"[webhook] url (WEBHOOK_URL): Telegram refuses it: {error.detail}"]
            ) from None
        await self._store(state.url, mark=mark)
        logger.info("The webhook is set", extra={"event": "webhook_set"})
        return await report_on(bot)

    async def remove_own(self, bot: Bot) -> None:
        """Remove the webhook, if a process of this database has set it. Pending updates stay.

        Raises:
            SettingsError: another program has set one.
            DeliveryError: Telegram cannot be reached.
            StorageError: the database did not respond.
        """
        state = (await report_on(bot)).state
        if not state.url:
            return
        own_urls, _ = await self._record()
        if not _is_at_one(state, own_urls):
            _refuse_foreign(state)
        await bot.delete_webhook(drop_pending_updates=False)
        await delete_value(self._key)
        logger.info("The webhook is removed", extra={"event": "webhook_removed"})

    async def is_own(self, bot: Bot) -> bool:
        """Return True if the webhook that is set is one of this database.

        Raises:
            DeliveryError: Telegram cannot be reached.
            StorageError: the database did not respond.
        """
        own_urls, _ = await self._record()
        return _is_at_one((await report_on(bot)).state, own_urls)

    async def _record(self) -> tuple[Collection[str], str]:
        """Return the URLs and the fingerprint of the webhook that was set last; empty without one.

        After a stop in the middle of a call there are several URLs, of which Telegram has one.
        """
        if not self._has_database:
            return set(), ""
        record = json.loads(await read_value(self._key) or "{}")
        urls = {record.get("url", ""), *record.get("others", ())}
        return urls, record.get("fingerprint", "")

    async def _store(self, url: str, others: Collection[str] = (), *, mark: str = "") -> None:
        if self._has_database:
            record = {"url": url, "others": sorted(others), "fingerprint": mark}
            await set_value(self._key, json.dumps(record))


async def report_on(bot: Bot) -> WebhookReport:
    """Return the webhook as Telegram describes it.

    Raises:
        DeliveryError: Telegram cannot be reached.
    """
    info = await bot.get_webhook_info()
    state = WebhookState(
        info.url,
        info.max_connections or 0,
        frozenset(info.allowed_updates or ()),
        info.has_custom_certificate,
    )
    failed_at = int(info.last_error_date.timestamp()) if info.last_error_date else 0
    return WebhookReport(state, info.pending_update_count, failed_at, info.last_error_message or "")


def _is_at_one(state: WebhookState, urls: Collection[str]) -> bool:
    return any(map(state.is_at, urls))


def _is_same(state: WebhookState, wanted: WebhookState) -> bool:
    return (
        state.is_at(wanted.url)
        and state.max_connections == wanted.max_connections
        and state.allowed_updates == wanted.allowed_updates
        and state.has_certificate == wanted.has_certificate
    )


def _as_file(certificate: bytes) -> BufferedInputFile | None:
    return BufferedInputFile(certificate, "certificate.pem") if certificate else None


def _refuse_foreign(state: WebhookState) -> None:
    """Refuse to take the updates of another program.

    Raises:
        SettingsError: a webhook is set.
    """
    if state.url:
        raise SettingsError(
            [
                "[bot] token (BOT_TOKEN): a webhook is set for this bot, and not by Clipferry with "
                "this database. Stop the program that uses it, or remove it by opening "
                "https://api.telegram.org/bot<token>/deleteWebhook"
            ]
        )
