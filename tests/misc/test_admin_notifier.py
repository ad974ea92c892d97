"""Notices to administrators: what has certainly not arrived is sent again, in order, and once."""

import asyncio
from typing import Any

import pytest
from aiogram.methods import SendMessage
from aiogram.types import Message

from core.errors import (
    ChatForbiddenError,
    DeliveryError,
    FloodError,
    StorageError,
    TelegramUnreachableError,
    UnknownOutcomeError,
)
from data.chats import register_chat
from misc.ui import admin_notifier
from misc.ui.admin_notifier import AdminNotifier
from misc.ui.texts import load_texts
from tests.fakes import FakeTelegram

pytestmark = pytest.mark.usefixtures("sqlite_db")
TEXTS = load_texts()
DISK, OVER = TEXTS["en"]["alarm_disk_over"], TEXTS["en"]["alarm_quiet_over"]
ADA, BO = 1, 2


def sent(telegram: FakeTelegram) -> list[tuple[object, str]]:
    """Return who was sent what, also in vain."""
    return [(call.chat_id, call.text) for call in telegram.of(SendMessage)]


@pytest.mark.parametrize("trouble", [TelegramUnreachableError("down"), FloodError(5)])
async def test_what_telegram_did_not_take_is_sent_later_in_order(
    telegram: FakeTelegram, trouble: DeliveryError
):
    """The state of an alarm is stored before it is sent: nobody else would send it again."""
    notifier = AdminNotifier(telegram.sender, TEXTS, frozenset({ADA, BO}))
    telegram.fail(SendMessage, trouble)
    await notifier.notify("alarm_disk_over")
    assert sent(telegram) == [(ADA, DISK), (BO, DISK)]
    await notifier.notify("alarm_quiet_over")
    assert sent(telegram)[2:] == [(ADA, DISK), (ADA, OVER), (BO, OVER)]
    await notifier.send_waiting()
    assert len(sent(telegram)) == 5


@pytest.mark.parametrize("trouble", [ChatForbiddenError(), UnknownOutcomeError("cut")])
async def test_what_was_refused_or_may_have_arrived_is_not_sent_again(
    telegram: FakeTelegram, trouble: DeliveryError
):
    notifier = AdminNotifier(telegram.sender, TEXTS, frozenset({ADA}))
    telegram.fail(SendMessage, trouble)
    await notifier.notify("alarm_disk_over")
    await notifier.send_waiting()
    assert sent(telegram) == [(ADA, DISK)]


async def test_of_too_many_notices_the_oldest_is_given_up(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(admin_notifier, "_MOST_KEPT", 2)
    notifier = AdminNotifier(telegram.sender, TEXTS, frozenset({ADA}))
    telegram.fail(SendMessage, TelegramUnreachableError("down"))
    send, may_send = telegram.sender.send_text, asyncio.Event()

    async def held(*what: Any) -> Message:
        await may_send.wait()
        return await send(*what)

    monkeypatch.setattr(telegram.sender, "send_text", held)
    # The second and the third one come while the first one is being sent.
    keys = ("alarm_disk_over", "alarm_quiet_over", "alarm_disk_over")
    notices = asyncio.gather(*map(notifier.notify, keys))
    await asyncio.sleep(0)
    may_send.set()
    await notices
    assert sent(telegram) == [(ADA, DISK), (ADA, OVER), (ADA, DISK)]


async def test_a_notice_is_given_up_when_it_is_old(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    notifier = AdminNotifier(telegram.sender, TEXTS, frozenset({ADA}))
    telegram.fail(SendMessage, TelegramUnreachableError("down"))
    await notifier.notify("alarm_disk_over")
    monkeypatch.setattr(admin_notifier, "_KEPT_S", -1.0)
    await notifier.send_waiting()
    assert len(sent(telegram)) == 1


async def test_a_notice_that_the_database_is_away_needs_no_database(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    await register_chat(ADA, "ru")

    async def away(_: int) -> None:
        raise StorageError

    notifier = AdminNotifier(telegram.sender, TEXTS, frozenset({ADA}))
    await notifier.notify("alarm_disk_over")
    monkeypatch.setattr(admin_notifier, "find_chat", away)
    await notifier.notify("alarm_disk_over")
    assert sent(telegram) == [(ADA, TEXTS["ru"]["alarm_disk_over"]), (ADA, DISK)]
