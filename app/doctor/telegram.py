"""Doctor checks of Telegram: token, clock, switches, webhook, chats, administrators."""

import time
from collections.abc import AsyncIterator, Iterator
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiogram import Bot
from aiogram.types import User

from app.doctor.checks import Check, run_checks
from app.doctor.finding import Finding
from app.webhook import tls_of
from app.webhook_registration import report_on
from core.errors import (
    WRONG_TOKEN,
    ChatMovedError,
    DeliveryError,
    SettingsError,
    TelegramUnreachableError,
    TokenRejectedError,
)
from core.webhook import failure_of, problem_of
from data.config import Settings, describe_empty_token
from delivery.client import make_bot
from delivery.membership import channel_id

#: Difference of the clocks from which on messages look older or newer than they are, in seconds.
_MAX_SKEW_S: Final = 20
_TIMEOUT_S: Final = 10
#: Ids of supergroups and channels, which never change, are below; those of groups above, to 0.
_SUPERGROUPS: Final = -1_000_000_000_000
_CAN_WRITE: Final = frozenset({"creator", "administrator", "member"})


async def telegram_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Check everything that Telegram can be asked. Only methods that change nothing are called."""
    token = settings.bot.token.get_secret_value()
    if not token:
        for sentence in describe_empty_token():
            yield Finding("failure", sentence)
        return
    bot = make_bot(token, server=settings.telegram.server, connections=2)
    try:
        me = await bot.me()
        yield Finding("ok", f"Telegram accepts the token of @{me.username}")
        async for finding in run_checks(_checks(bot, me, settings)):
            yield finding
    except TokenRejectedError:
        yield Finding("failure", WRONG_TOKEN)
    except TelegramUnreachableError as error:
        yield Finding("failure", f"Telegram cannot be reached: {error.detail}")
    except DeliveryError as error:
        yield Finding("failure", f"Telegram refuses: {error.detail or error}")
    finally:
        await bot.session.close()


def _checks(bot: Bot, me: User, settings: Settings) -> Iterator[tuple[str, Check]]:
    yield "the clock", _clock(settings.telegram.server)
    yield "the switches at @BotFather", _switches(me)
    yield "the webhook", _webhook(bot, settings)
    yield "[inline] storage_chat", _storage(bot, settings.inline.storage_chat)
    for name, chat_id in (
        ("[statistics] board_chat", settings.statistics.board_chat),
        ("[bot] join_log_chat", settings.bot.join_log_chat),
    ):
        if chat_id:
            yield name, _chat(bot, name, chat_id)
    for channel in settings.access.channels if settings.access.mode == "members" else ():
        yield f"{channel} of [access] channels", _channel(bot, channel)
    for entry in settings.access.listed if settings.access.mode != "everyone" else ():
        name = f"the group {entry} of [access] listed"
        yield name, _moved_group(bot, name, entry)
    if not settings.bot.admins:
        yield "[bot] admins", _no_admins()
    for number, admin in enumerate(settings.bot.admins, start=1):
        name = f"administrator {number} of [bot] admins"
        yield name, _admin(bot, name, admin)


async def _clock(server: str) -> AsyncIterator[Finding]:
    """Compare the clocks: the server's is in every response. Nothing if it says nothing."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            began = time.time()
            async with session.get(server, allow_redirects=False) as response:
                here = (began + time.time()) / 2
                there = parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return
    seconds = round(here - there)
    if abs(seconds) <= _MAX_SKEW_S:
        yield Finding("ok", "the clock agrees with Telegram's")
        return
    where = "ahead of" if seconds > 0 else "behind"
    yield Finding(
        "warning", f"the clock is {abs(seconds)} s {where} Telegram's: synchronise it (NTP)"
    )


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


async def _webhook(bot: Bot, settings: Settings) -> Finding:
    """Compare the webhook at Telegram with the settings; it is not changed."""
    try:
        report = await report_on(bot)
    except DeliveryError as error:
        return Finding("warning", f"webhook: Telegram does not say: {error.detail or error}")
    details = ", ".join(report.details)
    if settings.telegram.updates == "poll":
        if not report.state.url:
            return Finding("ok", f"webhook: none, {details}")
        # The path may be a secret.
        return Finding(
            "warning",
            f"webhook: a webhook is set, to {urlsplit(report.state.url).hostname}: a start removes "
            f"it if this database has set it, and else refuses; {details}",
        )
    try:
        tls_of(settings)
    except SettingsError as error:
        return Finding("failure", error.mistakes[0])
    if not report.state.url:
        return Finding("ok", f"webhook: not set yet, the start sets it, {details}")
    problem = problem_of(report, settings.webhook.url) or failure_of(report, time.time())
    if problem:
        return Finding("warning", f"webhook: {problem}, {details}")
    return Finding("ok", f"webhook: set to [webhook] url, {details}")


async def _storage(bot: Bot, chat_id: int) -> Finding:
    if not chat_id:
        return Finding("warning", "[inline] storage_chat is 0: inline and guest mode are off")
    try:
        member = await bot.get_chat_member(chat_id, bot.id)
    except DeliveryError as error:
        return _unusable("the channel [inline] storage_chat", error)
    if getattr(member, "can_post_messages", None) or member.status == "creator":
        return Finding("ok", "the channel [inline] storage_chat accepts uploads")
    return Finding(
        "warning",
        "the channel [inline] storage_chat: make the bot an administrator with the right to post",
    )


async def _chat(bot: Bot, name: str, chat_id: int) -> Finding:
    """Check that the bot may write to a chat, which may be that of a person."""
    try:
        chat = await bot.get_chat(chat_id)
        member = None if chat.type == "private" else await bot.get_chat_member(chat_id, bot.id)
    except DeliveryError as error:
        return _unusable(f"the chat {name}", error)
    may_write = member is None or member.status in _CAN_WRITE
    if member is not None and chat.type == "channel":
        may_write = member.status == "creator" or bool(getattr(member, "can_post_messages", None))
    if may_write or getattr(member, "can_send_messages", False):
        return Finding("ok", f"the chat {name} accepts messages")
    return Finding("warning", f"the chat {name}: give the bot the right to post there")


def _unusable(name: str, error: DeliveryError) -> Finding:
    if isinstance(error, ChatMovedError):
        # The bot follows it; but whoever reads the setting does not find the chat.
        return Finding(
            "warning",
            f"{name} has become a supergroup: write its new id into the setting, "
            f"{error.new_chat_id}",
        )
    return Finding("warning", f"{name} cannot be used: {error}")


async def _moved_group(bot: Bot, name: str, entry: str) -> AsyncIterator[Finding]:
    """Report a listed group that has another id now: nobody in it is let in by the old one.

    Source of the ids: https://core.telegram.org/api/bots/ids
    """
    chat_id = 0 if entry.startswith("@") else int(entry)
    if not _SUPERGROUPS < chat_id < 0:
        return
    try:
        await bot.get_chat(chat_id)
    except ChatMovedError as error:
        yield _unusable(name, error)
    except DeliveryError:
        pass  # the bot need not be a member yet


async def _channel(bot: Bot, channel: str) -> Finding:
    """Only administrators are told reliably who is a member.

    Source: https://core.telegram.org/bots/api#getchatmember
    """
    name = f"the channel {channel} of [access] channels"
    try:
        member = await bot.get_chat_member(channel_id(channel), bot.id)
    except DeliveryError as error:
        return _unusable(name, error)
    if member.status in {"creator", "administrator"}:
        return Finding("ok", f"{name} tells who is a member")
    return Finding("warning", f"{name}: make the bot an administrator, else nobody is let in")


def _no_admins() -> Iterator[Finding]:
    yield Finding("warning", "[bot] admins is empty: nobody gets alarms or can use /admin")


async def _admin(bot: Bot, name: str, admin: int) -> Finding:
    """A bot knows a person who has written to it. Whether it was blocked only a message shows."""
    try:
        await bot.get_chat(admin)
    except DeliveryError as error:
        advice = "they must send /start to the bot"
        return Finding("warning", f"{name} cannot be reached ({error.detail or error}): {advice}")
    return Finding("ok", f"{name} has written to the bot")
