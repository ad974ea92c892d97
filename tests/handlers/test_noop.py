"""Buttons that only show something stop waiting, and do nothing else."""

import pytest

from handlers.noop import on_noop, router
from tests.fakes import FakeTelegram


@pytest.mark.parametrize("data", ["stats_noop", "wait", "loading", "slide:noop"])
async def test_a_press_is_answered_and_nothing_else(telegram: FakeTelegram, data: str):
    query = telegram.query(data, telegram.message("post"))
    (handler,) = router().callback_query.handlers
    assert (await handler.check(query))[0]
    await on_noop(query)
    assert telegram.alerts == [(None, False)]
    assert len(telegram.session.calls) == 1


@pytest.mark.parametrize("data", ["waiting", "stats", ""])
async def test_other_buttons_are_left_to_others(telegram: FakeTelegram, data: str):
    (handler,) = router().callback_query.handlers
    assert not (await handler.check(telegram.query(data)))[0]
