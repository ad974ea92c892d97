"""/notmylinks and /mylinks: whose links are answered in groups, and who can take it back."""

from typing import Any

import pytest
from aiogram.filters import CommandObject
from aiogram.methods import SendMessage
from aiogram.types import Chat

from core.errors import StorageError
from data.opt_outs import opted_out
from handlers.my_links import on_command, on_press
from misc.middlewares.registration import ChatView
from misc.opt_outs import OptOutList
from misc.ui.callback_data import MY_LINKS
from misc.ui.texts import load_texts
from tests.fakes import PERSON, FakeTelegram, buttons_in, make_ack, make_user

pytestmark = pytest.mark.usefixtures("sqlite_db")

TEXTS = load_texts()
EN = TEXTS["en"]
CHAT = ChatView("en")
GROUP, CHANNEL = -7, -9
OTHER = 8


class Bench:
    """The list, and what happened when updates were acknowledged."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.opt_outs = OptOutList()
        self.ack, self.acks = make_ack()
        #: Whether the person was on the list when an update was acknowledged.
        self.was_listed: list[bool] = []
        self.acks.before = lambda: self.was_listed.append(PERSON in self.opt_outs)

    async def say(self, command: str, **values: Any) -> None:
        message = self.telegram.message(f"/{command}", **{"chat_id": GROUP, **values})
        order = CommandObject(command=command)
        sender = self.telegram.sender
        await on_command(message, order, CHAT, sender, TEXTS, self.opt_outs, self.ack)

    async def press(self, user_id: int) -> None:
        query = self.telegram.query(MY_LINKS, self.telegram.message("below"), user_id=user_id)
        await on_press(query, CHAT, TEXTS, self.opt_outs, self.ack)

    @property
    def answers(self) -> list[tuple[str, list[str]]]:
        """Return the texts of the answers, with the data of their buttons."""
        return [
            (call.text, buttons_in(call.reply_markup) if call.reply_markup else [])
            for call in self.telegram.of(SendMessage)
        ]


@pytest.fixture
def bench(telegram: FakeTelegram) -> Bench:
    return Bench(telegram)


async def test_a_member_opts_out_and_in_again(bench: Bench):
    await bench.say("notmylinks")
    assert await opted_out() == {PERSON}
    await bench.say("mylinks")
    assert await opted_out() == frozenset()
    assert bench.answers == [(EN["my_links_off"], [MY_LINKS]), (EN["my_links_on"], [])]
    # Only once it is stored may Telegram forget the update.
    assert bench.was_listed == [True, False]


async def test_a_press_counts_for_the_person_who_presses(bench: Bench):
    await bench.say("notmylinks")
    await bench.press(OTHER)
    assert await opted_out() == {PERSON}
    await bench.press(PERSON)
    assert await opted_out() == frozenset()
    assert PERSON not in bench.opt_outs
    assert bench.telegram.alerts == [(EN["my_links_on"], False)] * 2
    assert len(bench.acks.acknowledged) == 3


async def test_a_chat_opts_out_without_a_button_that_could_not_name_it(bench: Bench):
    channel = Chat(id=CHANNEL, type="channel", title="News")
    await bench.say("notmylinks", sender_chat=channel)
    assert await opted_out() == {CHANNEL}
    assert bench.answers == [(EN["my_links_off"], [])]
    await bench.say("mylinks", sender_chat=channel)
    assert await opted_out() == frozenset()


async def test_other_bots_are_not_answered(bench: Bench):
    await bench.say("notmylinks", from_user=make_user(OTHER, is_bot=True))
    assert await opted_out() == frozenset()
    assert bench.answers == []


async def test_nothing_is_promised_that_is_not_stored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object) -> None:
        raise StorageError

    for name in ("opt_in", "opt_out"):
        monkeypatch.setattr(f"misc.opt_outs.{name}", failing)
    for command in ("notmylinks", "mylinks"):
        with pytest.raises(StorageError):
            await bench.say(command)
    with pytest.raises(StorageError):
        await bench.press(PERSON)
    assert (bench.answers, bench.telegram.alerts, bench.acks.acknowledged) == ([], [], [])
    assert PERSON not in bench.opt_outs
