"""Operators read words instead of the names of classes."""

import socket

import pytest
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import GetMe

from core.causes import words_for
from data.database import get_async_db_url
from data.errors import storage_error
from delivery.telegram_errors import translate_query


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "no answer in time"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ValueError("hunter2"), ""),
        (None, ""),
    ],
)
def test_errors_of_the_network_have_words(error: BaseException | None, words: str):
    assert words_for(error) == words


def test_a_database_and_a_telegram_that_do_not_answer_are_described_in_words():
    unknown = socket.gaierror(-2, "Name or service not known")
    assert storage_error(unknown).detail == "Name or service not known"
    assert storage_error(TimeoutError()).detail == "no answer in time"
    silent = TelegramNetworkError(GetMe(), "x")
    silent.__cause__ = TimeoutError()
    assert translate_query(silent).detail == "no answer in time"


def test_a_wrong_database_url_is_described_without_the_name_of_a_class():
    with pytest.raises(ValueError, match=r"^not a database URL$"):
        get_async_db_url("hunter2")
