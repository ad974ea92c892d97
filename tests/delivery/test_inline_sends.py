"""An inline message is edited by the process that has the request, and by no other."""

import asyncio

from aiogram.methods import EditMessageMedia

from delivery.api_requests import MessageOptions
from delivery.sender import NullJournal
from delivery.targets import ChatTarget
from tests.fakes import PERSON, VIDEO, FakeTelegram, settle

TARGET = ChatTarget(PERSON, 0, is_private=True, inline_id="inline")


class _Journal(NullJournal):
    """That of a process whose lease has run out, until the database answers."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked, self.answers = asyncio.Event(), asyncio.Event()

    def may_send(self) -> bool:
        return self.answers.is_set()

    async def ensure_ours(self) -> None:
        self.is_asked.set()
        await self.answers.wait()


async def test_an_edit_waits_until_the_request_is_certainly_ours(telegram: FakeTelegram):
    journal = _Journal()
    sending = asyncio.ensure_future(
        telegram.sender.send(TARGET, [VIDEO], MessageOptions("Hello"), journal)
    )
    async with asyncio.timeout(30):
        await journal.is_asked.wait()
    await settle()
    assert telegram.of(EditMessageMedia) == []
    journal.answers.set()
    assert await sending == (VIDEO,)
    (edit,) = telegram.of(EditMessageMedia)
    assert edit.inline_message_id == "inline"
