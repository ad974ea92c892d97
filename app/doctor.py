"""`main.py doctor`: checks every prerequisite of a start. Prints no secrets."""

import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiogram import Bot
from aiogram.types import User

from app.ads_file import load_ads
from app.webhook import tls_of
from app.webhook_registration import report_on
from core.errors import DeliveryError, SettingsError, TokenRejectedError
from core.webhook import failure_of, problem_of
from data.config import Settings
from delivery.client import make_bot
from delivery.membership import channel_id
from misc.ui.texts import load_texts
from platforms import (
    count_cookies,
    is_open,
    load_cookies,
    load_proxies,
    load_registry,
    reader_version,
)

#: Age in days after which yt-dlp usually fails for some sites.
_OLD_YTDLP_DAYS: Final = 60
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the report."""

    #: "ok", "warning" or "failure"; only a failure prevents a start.
    level: str
    #: What was found, and what to do about it.
    text: str


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check everything except the database, and yield the findings."""
    for finding in (*_files(settings), *_disk(settings), *_ytdlp()):
        yield finding
    async for finding in _proxies(settings):
        yield finding
    async for finding in _telegram(settings):
        yield finding


def _files(settings: Settings) -> Iterator[Finding]:
    try:
        registry = load_registry(settings.sites.allowed)
        load_cookies(settings.network.cookies_file)
        ads = load_ads(settings.ads.link, settings.ads.file, load_texts())
    except SettingsError as error:
        yield from (Finding("failure", mistake) for mistake in error.mistakes)
        return
    yield Finding("ok", f"sites: {len(registry.by_name)} allowed")
    if ads:
        yield Finding("ok", f"ads: {len(ads)}")
    if cookies_file := settings.network.cookies_file:
        number, expired = count_cookies(cookies_file)
        level = "warning" if expired else "ok"
        advice = ": sign in again and export new cookies" if expired else ""
        yield Finding(level, f"cookies: {number}, expired: {expired}{advice}")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.files.spool_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_mb = shutil.disk_usage(existing).free // _MEGABYTE
    quota_mb = settings.files.spool_mb
    space = f"disk: {free_mb} MB free, the spool may use up to {quota_mb} MB"
    if free_mb < quota_mb:
        yield Finding("warning", f"{space}: free disk space or lower [files] spool_mb")
    else:
        yield Finding("ok", space)


def _ytdlp() -> Iterator[Finding]:
    version, released = reader_version()
    days = (datetime.now(UTC).date() - released).days
    if days > _OLD_YTDLP_DAYS:
        yield Finding(
            "warning", f"yt-dlp {version} is {days} days old: update it with `make requirements`"
        )
    else:
        yield Finding("ok", f"yt-dlp {version}, {days} days old")


async def _proxies(settings: Settings) -> AsyncIterator[Finding]:
    network = settings.network
    try:
        proxies = load_proxies(network.proxy_file, include_direct=network.proxy_include_direct)
    except SettingsError as error:
        for mistake in error.mistakes:
            yield Finding("failure", mistake)
        return
    for number, proxy in enumerate(proxies.all, start=1):
        if proxy.url is None:
            yield Finding("ok", "the direct connection is used")
        elif await is_open(proxy):
            yield Finding("ok", f"proxy {number} accepts connections")
        else:
            yield Finding(
                "warning", f"proxy {number} does not respond: fix it or remove it from the list"
            )


async def _telegram(settings: Settings) -> AsyncIterator[Finding]:
    token = settings.bot.token.get_secret_value()
    if not token:
        yield Finding("failure", "[bot] token (BOT_TOKEN) is empty: ask @BotFather for one")
        return
    try:
        bot = make_bot(token, server=settings.telegram.server, connections=2)
    except SettingsError as error:
        yield Finding("failure", error.mistakes[0])
        return
    try:
        me = await bot.me()
        yield Finding("ok", f"Telegram accepts the token of @{me.username}")
        for finding in (*_switches(me), *await _webhook(bot, settings)):
            yield finding
        yield await _storage(bot, settings.inline.storage_chat)
        for channel in settings.access.channels if settings.access.mode == "members" else ():
            yield await _channel(bot, channel)
    except TokenRejectedError:
        yield Finding("failure", "[bot] token (BOT_TOKEN): Telegram does not know this token")
    except DeliveryError as error:
        yield Finding("failure", f"Telegram cannot be reached: {error}")
    finally:
        await bot.session.close()


def _switches(me: User) -> Iterator[Finding]:
    for is_on, what, where in (
        (me.can_join_groups, "adding the bot to groups", "/setjoingroups"),
        (me.can_read_all_group_messages, "reading all messages in groups", "/setprivacy"),
        (me.supports_inline_queries, "inline mode", "/setinline"),
        (me.supports_guest_queries, "guest mode", "the bot's settings"),
    ):
        if is_on:
            yield Finding("ok", f"{what}: on")
        else:
            yield Finding("warning", f"{what}: off, change it with {where} at @BotFather")


async def _webhook(bot: Bot, settings: Settings) -> list[Finding]:
    """Compare the webhook at Telegram with the settings; it is not changed."""
    report, url = await report_on(bot), settings.webhook.url
    if settings.telegram.updates == "poll":
        text = "a webhook is set: a start removes it if this database has set it, and else refuses"
        return [Finding("warning", text)] if report.state.url else []
    try:
        tls_of(settings)
    except SettingsError as error:
        return [Finding("failure", mistake) for mistake in error.mistakes]
    details = ", ".join(report.details)
    if not report.state.url:
        return [Finding("ok", f"webhook: not set yet, the start sets it, {details}")]
    if problem := problem_of(report, url) or failure_of(report, time.time()):
        return [Finding("warning", f"webhook: {problem}, {details}")]
    return [Finding("ok", f"webhook: set to [webhook] url, {details}")]


async def _storage(bot: Bot, chat_id: int) -> Finding:
    if not chat_id:
        return Finding("warning", "[inline] storage_chat is 0: inline and guest mode are off")
    try:
        member = await bot.get_chat_member(chat_id, bot.id)
    except DeliveryError as error:
        return Finding("warning", f"the channel [inline] storage_chat cannot be used: {error}")
    if getattr(member, "can_post_messages", None) or member.status == "creator":
        return Finding("ok", "the channel [inline] storage_chat accepts uploads")
    return Finding(
        "warning",
        "the channel [inline] storage_chat: make the bot an administrator with the right to post",
    )


async def _channel(bot: Bot, channel: str) -> Finding:
    """Only administrators are told reliably who is a member.

    Source: https://core.telegram.org/bots/api#getchatmember
    """
    name = f"the channel {channel} of [access] channels"
    try:
        member = await bot.get_chat_member(channel_id(channel), bot.id)
    except DeliveryError as error:
        return Finding("warning", f"{name} cannot be used: {error}")
    if member.status in {"creator", "administrator"}:
        return Finding("ok", f"{name} tells who is a member")
    return Finding("warning", f"{name}: make the bot an administrator, else nobody is let in")
