"""The links of a message and its edits, which several processes may handle in turn."""

import time
from datetime import UTC, datetime

import pytest
from aiogram.types import Chat, Message

from core.media import Link
from data.requests import store_requests
from misc.served_links import ServedLinks
from tests.fakes import make_request

BOT_ID = 42
NOW = int(time.time())
FIRST, SECOND = (Link("tiktok", f"https://www.tiktok.com/@a/video/{n}", str(n)) for n in (1, 2))


def message(*, is_edited: bool) -> Message:
    chat = Chat(id=7, type="private")
    date = datetime.fromtimestamp(NOW, UTC)
    return Message(message_id=70, date=date, chat=chat, edit_date=NOW if is_edited else None)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("is_alone", "taken"), [(False, []), (True, [SECOND])])
async def test_links_of_an_edit_that_another_process_has_handled(is_alone: bool, taken: list[Link]):
    served = ServedLinks(BOT_ID, is_alone=is_alone)
    assert served.take(message(is_edited=False), [FIRST], 1, 9) == ([FIRST], [])
    by_another = make_request(link=SECOND, asked_at=NOW)
    await store_requests(BOT_ID, 2, [by_another], "another")
    await served.load(message(is_edited=True), 3)
    assert served.take(message(is_edited=True), [FIRST, SECOND], 3, 9)[0] == taken
