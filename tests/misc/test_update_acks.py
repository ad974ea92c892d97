"""Acknowledgements of updates: the next poll waits until the last one's updates are safe."""

import asyncio
from typing import Any

import pytest
from aiogram.types import TelegramObject, Update

from core.errors import StorageError
from misc.middlewares.update_acks import UpdateAck, UpdateAcks
from tests.fakes import FakeTelegram, settle


def update(telegram: FakeTelegram, number: int) -> Update:
    return Update(update_id=number, message=telegram.message("x"))


async def is_complete(acks: UpdateAcks) -> bool:
    waiting = asyncio.ensure_future(acks.complete())
    await settle()
    is_done = waiting.done()
    waiting.cancel()
    return is_done


async def test_all_expected_updates_have_to_be_acknowledged(telegram: FakeTelegram):
    acks = UpdateAcks()
    assert (acks.last, acks.is_idle, await is_complete(acks)) == (None, True, True)
    acks.expect([update(telegram, 5), update(telegram, 6)])
    assert (acks.last, acks.is_idle, await is_complete(acks)) == (6, False, False)
    acks.acknowledge(6)
    acks.acknowledge(6)
    assert not await is_complete(acks)
    UpdateAck(5, acks).acknowledge()
    assert (acks.is_idle, await is_complete(acks)) == (True, True)


async def test_an_empty_answer_expects_nothing(telegram: FakeTelegram):
    acks = UpdateAcks()
    acks.expect([update(telegram, 5)])
    acks.acknowledge(5)
    acks.expect([])
    assert (acks.last, await is_complete(acks)) == (5, True)


async def test_a_handler_may_acknowledge_before_it_ends(telegram: FakeTelegram):
    acks, event = UpdateAcks(), update(telegram, 5)
    acks.expect([event])
    moments: list[bool] = []

    async def handler(_event: TelegramObject, data: dict[str, Any]) -> str:
        moments.append(await is_complete(acks))
        data["ack"].acknowledge()
        moments.append(await is_complete(acks))
        moments.extend([acks.is_idle, await acks.handled(0)])
        return "result"

    assert await acks(handler, event, {}) == "result"
    assert moments == [False, True, False, False]
    assert (acks.is_idle, await acks.handled(0)) == (True, True)


@pytest.mark.parametrize("error", [None, ZeroDivisionError, asyncio.CancelledError])
async def test_the_end_of_a_handler_acknowledges_its_update(
    telegram: FakeTelegram, error: type[BaseException] | None
):
    acks, event = UpdateAcks(), update(telegram, 5)
    acks.expect([event, update(telegram, 6)])

    async def handler(_event: TelegramObject, _data: dict[str, Any]) -> None:
        if error:
            raise error

    if error:
        with pytest.raises(error):
            await acks(handler, event, {})
    else:
        await acks(handler, event, {})
    assert not await is_complete(acks)
    acks.acknowledge(6)
    assert acks.is_idle


async def test_updates_are_counted_by_kind(telegram: FakeTelegram):
    kinds: list[str] = []
    acks = UpdateAcks(kinds.append)

    async def handler(_event: TelegramObject, _data: dict[str, Any]) -> None:
        return None

    await acks(handler, update(telegram, 5), {})
    await acks(handler, Update(update_id=6, callback_query=telegram.query("x")), {})
    assert kinds == ["message", "callback_query"]


async def test_an_update_of_an_unknown_kind_is_only_acknowledged():
    kinds: list[str] = []
    acks = UpdateAcks(kinds.append)
    acks.expect([Update(update_id=5)])

    async def handler(_event: TelegramObject, _data: dict[str, Any]) -> Any:
        pytest.fail("there is nothing to handle")

    assert await acks(handler, Update(update_id=5), {}) is None
    assert (kinds, acks.is_idle) == (["unknown"], True)


async def test_an_update_of_a_webhook_is_refused_if_the_database_fails(telegram: FakeTelegram):
    acks, event = UpdateAcks(), update(telegram, 5)
    decision = acks.decision_on(5)
    assert not await is_complete(acks)

    async def handler(_event: TelegramObject, data: dict[str, Any]) -> None:
        assert data["ack"].is_refusable
        raise StorageError("no space left")

    assert await acks(handler, event, {}) is None
    assert decision.result() is False
    assert acks.is_idle
    assert not acks.is_refusable(5)


async def test_what_is_acknowledged_is_not_refused_any_more(telegram: FakeTelegram):
    acks, event = UpdateAcks(), update(telegram, 5)
    decision = acks.decision_on(5)

    async def handler(_event: TelegramObject, data: dict[str, Any]) -> None:
        data["ack"].acknowledge()
        assert not data["ack"].is_refusable
        raise StorageError("no space left")

    with pytest.raises(StorageError):
        await acks(handler, event, {})
    assert decision.result() is True


async def test_an_update_of_a_poll_is_never_refused(telegram: FakeTelegram):
    acks, event = UpdateAcks(), update(telegram, 5)
    acks.expect([event])

    async def handler(_event: TelegramObject, data: dict[str, Any]) -> None:
        raise StorageError("no space left")

    with pytest.raises(StorageError):
        await acks(handler, event, {})
    assert await is_complete(acks)
