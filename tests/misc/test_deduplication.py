"""Deduplication: a message is handled once, and memory stays bounded."""

from datetime import timedelta

from misc.middlewares.deduplication import Deduplicator
from tests.fakes import DATE, FakeTelegram


def test_a_message_is_first_once_and_then_reported(telegram: FakeTelegram):
    dropped: list[tuple[str, int]] = []
    deduplicator = Deduplicator(lambda reason, chat_id: dropped.append((reason, chat_id)))
    message = telegram.message("x", chat_id=-7)
    assert deduplicator.is_first(message, 1)
    assert dropped == []
    assert not deduplicator.is_first(telegram.message("x", chat_id=-7), 2)
    assert dropped == [("duplicate", -7)]


def test_chat_id_and_date_distinguish_messages(telegram: FakeTelegram):
    deduplicator = Deduplicator()
    assert deduplicator.is_first(telegram.message("x"), 1)
    assert deduplicator.is_first(telegram.message("x", chat_id=8), 2)
    assert deduplicator.is_first(telegram.message("x", message_id=71), 3)
    # A guest chat may have the id of a chat of the bot.
    assert deduplicator.is_first(telegram.message("x", date=DATE + timedelta(seconds=1)), 4)


def test_an_update_that_comes_again_brings_the_first_message_again(telegram: FakeTelegram):
    deduplicator = Deduplicator()
    assert deduplicator.is_first(telegram.message("x"), 1)
    assert deduplicator.is_first(telegram.message("x"), 1)
    assert not deduplicator.is_first(telegram.message("x"), 2)
    assert deduplicator.is_first(telegram.message("x"), 1)


def test_the_oldest_of_many_is_forgotten(telegram: FakeTelegram):
    deduplicator = Deduplicator()
    messages = [telegram.message("x", message_id=number) for number in range(1_001)]
    assert all(deduplicator.is_first(message, 1) for message in messages)
    assert not deduplicator.is_first(messages[1], 2)
    assert not deduplicator.is_first(messages[-1], 2)
    assert deduplicator.is_first(messages[0], 2)
