"""The handlers that share /admin: who gets them, and which one takes a message."""

from pathlib import Path

import pytest
from aiogram import Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.methods import SendMessage
from aiogram.types import CallbackQuery, Document, Message, Update

from core.errors import CookiesTooLargeError
from core.pseudonyms import Pseudonyms
from handlers.admin.bans import BanMenu
from handlers.admin.error_reports import ErrorReportMenu
from handlers.admin.identities import IdentityMenu
from handlers.admin.menu import AdminMenu
from handlers.admin.people import PeopleMenu
from handlers.admin.tools import AdminTools
from handlers.admin.waiting import AwaitedCookies, wait_for_cookies, wait_for_reference
from misc.chat_lookup import ChatLookup
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from platforms import Identities, ProxyPool, Spool, load_registry
from platforms._proxies import DIRECT
from services.statistics import Statistics
from tests.fakes import PERSON, FakeTelegram

TEXTS = load_texts()
EN = TEXTS["en"]
GROUP, OTHER = -7, 8
ADMINS = frozenset({PERSON})
pytestmark = pytest.mark.usefixtures("sqlite_db")


def tools(telegram: FakeTelegram, folder: Path) -> AdminTools:
    sender, pseudonyms = telegram.sender, Pseudonyms("token")
    bans, lookup = BanList(ADMINS), ChatLookup(pseudonyms)
    statistics = Statistics(sender, Spool(folder, 100_000_000))
    people = PeopleMenu(sender, TEXTS, statistics, bans, lookup, pseudonyms)
    reports = ErrorReportMenu(sender, TEXTS)
    identities = Identities(folder, ProxyPool([DIRECT]))
    return AdminTools(
        AdminMenu(sender, TEXTS, {"people": people.section, "errors": reports.section}),
        people,
        BanMenu(sender, TEXTS, bans, lookup),
        reports,
        IdentityMenu(telegram.bot, sender, TEXTS, load_registry(["tiktok"]), identities, ""),
    )


class Bench:
    """A dispatcher with these handlers only."""

    def __init__(self, telegram: FakeTelegram, folder: Path) -> None:
        self.telegram = telegram
        both = tools(telegram, folder)
        self.dispatcher = Dispatcher(disable_fsm=True, chat=ChatView("en"))
        self.dispatcher.include_routers(*both.commands(ADMINS), *both.routers(ADMINS))

    async def takes(self, event: Message | CallbackQuery) -> bool:
        """Feed a message or a press; return True if some handler took it."""
        is_message = isinstance(event, Message)
        kind = "message" if is_message else "callback_query"
        update = Update.model_validate({"update_id": 1, kind: event})
        return await self.dispatcher.feed_update(self.telegram.bot, update) is not UNHANDLED


@pytest.fixture
def bench(telegram: FakeTelegram, tmp_path: Path) -> Bench:
    return Bench(telegram, tmp_path)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/admin", EN["admin_menu"]),
        ("/user", EN["user_usage"]),
        ("/ban 8", TEXTS("en", "banned", id=8)),
        ("/unban 8", TEXTS("en", "ban_idle", id=8)),
        ("/log", EN["log_none"]),
        ("/LOG", EN["log_none"]),
    ],
    ids=["menu", "user", "ban", "unban", "log", "upper case"],
)
async def test_commands_are_for_administrators_in_private_chats(
    bench: Bench, text: str, answer: str
):
    message = bench.telegram.message
    assert not await bench.takes(message(text, user_id=OTHER, chat_id=OTHER))
    assert not await bench.takes(message(text, chat_id=GROUP))
    assert bench.telegram.texts == []
    assert await bench.takes(message(text))
    assert bench.telegram.texts == [answer]


async def test_buttons_are_for_administrators(bench: Bench):
    shown = bench.telegram.message("menu")
    for data in ("admin/menu", "admin/errors"):
        assert not await bench.takes(bench.telegram.query(data, shown, user_id=OTHER))
        assert await bench.takes(bench.telegram.query(data, shown))
    assert bench.telegram.texts == [EN["admin_menu"], EN["log_none"]]


async def test_a_command_is_no_reference_to_a_chat(bench: Bench):
    await wait_for_reference(PERSON)
    assert await bench.takes(bench.telegram.message("/log"))
    assert not await bench.takes(bench.telegram.message("/start"))  # for other handlers
    assert bench.telegram.texts == [EN["log_none"]]


async def test_a_message_is_taken_only_while_it_is_waited_for(bench: Bench):
    assert not await bench.takes(bench.telegram.message("8"))
    await wait_for_reference(PERSON)
    assert not await bench.takes(bench.telegram.message("8", user_id=OTHER, chat_id=OTHER))
    assert await bench.takes(bench.telegram.message("8"))
    assert len(bench.telegram.of(SendMessage)) == 1


async def test_a_cookie_file_is_read_in_private_only_and_refused_aloud_in_a_group(bench: Bench):
    file = Document(file_id="f", file_unique_id="f", file_size=10**9)
    assert not await bench.takes(bench.telegram.message(document=file))
    await wait_for_cookies(PERSON, AwaitedCookies("tiktok"))
    assert not await bench.takes(bench.telegram.message(document=file, user_id=OTHER))
    assert await bench.takes(bench.telegram.message(document=file, chat_id=GROUP))
    assert await bench.takes(bench.telegram.message(document=file))
    refused, read = bench.telegram.texts
    assert refused == EN["identity_in_group"]
    assert read.startswith(TEXTS("en", CookiesTooLargeError.text_key))
