"""Notices to administrators: none is lost, whatever fails, and most come once and in order."""

import asyncio
from contextlib import nullcontext
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
from data.key_values import Along, compare_and_set
from data.workers import renew_lease
from misc.ui import admin_notifier
from misc.ui.admin_notifier import AdminNotifier
from misc.ui.texts import load_texts
from tests.fakes import FakeTelegram, settle

pytestmark = pytest.mark.usefixtures("sqlite_db")
TEXTS = load_texts()
DISK, OVER = TEXTS["en"]["alarm_disk_over"], TEXTS["en"]["alarm_quiet_over"]
ADA, BO = 1, 2


def notifier_of(telegram: FakeTelegram, *admins: int, owner: str = "this process") -> AdminNotifier:
    return AdminNotifier(telegram.sender, TEXTS, frozenset(admins or {ADA}), owner)


async def begin(along: Along) -> bool:
    """The change that a notice is about."""
    return await compare_and_set("alarm/disk", None, "1", along)


def sent(telegram: FakeTelegram) -> list[tuple[object, str]]:
    """Return chat and text of every message, also of refused ones."""
    return [(call.chat_id, call.text) for call in telegram.of(SendMessage)]


@pytest.mark.parametrize("trouble", [TelegramUnreachableError("down"), FloodError(5)])
async def test_what_telegram_did_not_take_is_sent_later_in_order(
    telegram: FakeTelegram, trouble: DeliveryError
):
    """The state of an alarm is stored before it is sent: nobody else would send it again."""
    notifier = notifier_of(telegram, ADA, BO)
    telegram.fail(SendMessage, trouble)
    await notifier.notify("alarm_disk_over")
    assert sent(telegram) == [(ADA, DISK), (BO, DISK)]
    await notifier.notify("alarm_quiet_over")
    assert sent(telegram)[2:] == [(ADA, DISK), (ADA, OVER), (BO, OVER)]
    await notifier.send_waiting()
    assert len(sent(telegram)) == 5


async def test_what_was_refused_is_not_sent_again(telegram: FakeTelegram):
    notifier = notifier_of(telegram)
    telegram.fail(SendMessage, ChatForbiddenError())
    await notifier.notify("alarm_disk_over")
    await notifier.send_waiting()
    assert sent(telegram) == [(ADA, DISK)]


async def test_what_may_have_arrived_is_sent_again_after_a_pause(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    """It may come twice: a lost alarm is worse. What comes after it does not wait for it."""
    notifier = notifier_of(telegram)
    telegram.fail(SendMessage, UnknownOutcomeError("cut"))
    await notifier.notify("alarm_disk_over")
    await notifier.send_waiting()
    assert sent(telegram) == [(ADA, DISK)]
    monkeypatch.setattr(admin_notifier, "_DOUBT_S", 0.0)
    telegram.fail(SendMessage, UnknownOutcomeError("cut"))
    await notifier.notify("alarm_quiet_over")
    assert sent(telegram)[1:] == [(ADA, OVER)]
    for _ in range(2):
        await notifier.send_waiting()
    assert sent(telegram)[2:] == [(ADA, OVER)]


class KilledError(BaseException):
    """The process ends here, without a chance to do anything."""


@pytest.mark.parametrize("moment", ["before", "while", "in vain", "after"])
async def test_a_notice_survives_the_end_of_its_process(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch, moment: str
):
    """A change and its notice are stored together, and another process sends what is left."""
    notifier = notifier_of(telegram, ADA, BO)
    failures: dict[str, list[Any]] = {
        "while": [KilledError()],
        "in vain": [TelegramUnreachableError("down")] * 2,
    }
    telegram.fail(SendMessage, *failures.get(moment, []))
    if moment == "before":
        monkeypatch.setattr(notifier, "_send", _killed)
    if moment == "after":
        monkeypatch.setattr(admin_notifier, "forget_notice", _killed)
    with nullcontext() if moment == "in vain" else pytest.raises(KilledError):
        await notifier.report(begin, "alarm_disk_over")
    monkeypatch.undo()
    calls = len(sent(telegram))
    assert calls == {"before": 0, "while": 1, "in vain": 2, "after": 1}[moment]
    following = notifier_of(telegram, ADA, BO, owner="the next one")
    assert not await following.report(begin, "alarm_disk_over")
    await following.work()
    assert sent(telegram)[calls:] == [(ADA, DISK), (BO, DISK)]
    await following.work()
    await notifier_of(telegram, ADA, BO, owner="a third one").work()
    assert len(sent(telegram)) == calls + 2


async def _killed(*_: object) -> None:
    raise KilledError


async def test_the_notices_of_a_live_process_are_left_to_it(telegram: FakeTelegram):
    await renew_lease("this process", 60)
    telegram.fail(SendMessage, TelegramUnreachableError("down"))
    notifier = notifier_of(telegram)
    assert await notifier.report(begin, "alarm_disk_over")
    await notifier_of(telegram, owner="another one").work()
    assert len(sent(telegram)) == 1
    await notifier.work()
    assert len(sent(telegram)) == 2


async def test_a_notice_for_a_former_administrator_is_sent_to_nobody_else(telegram: FakeTelegram):
    telegram.fail(SendMessage, TelegramUnreachableError("down"))
    await notifier_of(telegram, BO).report(begin, "alarm_disk_over")
    for name in ("the next one", "a third one"):
        await notifier_of(telegram, owner=name).work()
    assert sent(telegram) == [(BO, DISK)]


async def test_a_change_whose_response_was_lost_is_reported_all_the_same(telegram: FakeTelegram):
    """It counts as failed, but the database has stored it, and nobody would report it again."""

    async def cut(along: Along) -> bool:
        await begin(along)
        raise StorageError

    notifier = notifier_of(telegram)
    with pytest.raises(StorageError):
        await notifier.report(cut, "alarm_disk_over")
    assert sent(telegram) == []
    for _ in range(2):
        await notifier.work()
    assert sent(telegram) == [(ADA, DISK)]


async def test_nothing_is_sent_about_what_does_not_change(telegram: FakeTelegram):
    notifier = notifier_of(telegram)
    await notifier.report(begin, "alarm_disk_over")
    assert not await notifier.report(begin, "alarm_disk_over")
    await notifier_of(telegram, owner="the next one").work()
    assert len(sent(telegram)) == 1


async def test_of_too_many_notices_the_oldest_is_given_up(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(admin_notifier, "_MOST_KEPT", 2)
    notifier = notifier_of(telegram)
    telegram.fail(SendMessage, TelegramUnreachableError("down"))
    send, may_send = telegram.sender.send_text, asyncio.Event()

    async def held(*what: Any) -> Message:
        await may_send.wait()
        return await send(*what)

    monkeypatch.setattr(telegram.sender, "send_text", held)

    async def unknown(_: int) -> None:
        """Answer at once, so that all notices are written before one is sent."""

    monkeypatch.setattr(admin_notifier, "find_chat", unknown)
    # The second and the third one come while the first one is being sent.
    keys = ("alarm_disk_over", "alarm_quiet_over", "alarm_disk_over")
    notices = asyncio.gather(*map(notifier.notify, keys))
    await settle()
    may_send.set()
    await notices
    assert sent(telegram) == [(ADA, DISK), (ADA, OVER), (ADA, DISK)]


async def test_a_notice_is_given_up_when_it_is_old(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    notifier = notifier_of(telegram)
    telegram.fail(SendMessage, TelegramUnreachableError("down"))
    await notifier.notify("alarm_disk_over")
    monkeypatch.setattr(admin_notifier, "_KEPT_S", -1)
    await notifier.send_waiting()
    assert len(sent(telegram)) == 1


async def test_a_notice_that_the_database_is_away_needs_no_database(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    await register_chat(ADA, "ru")

    async def away(_: int) -> None:
        raise StorageError

    notifier = notifier_of(telegram)
    await notifier.notify("alarm_disk_over")
    monkeypatch.setattr(admin_notifier, "find_chat", away)
    await notifier.notify("alarm_disk_over")
    assert sent(telegram) == [(ADA, TEXTS["ru"]["alarm_disk_over"]), (ADA, DISK)]
