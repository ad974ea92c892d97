"""The section about accounts: what its screens say, and what stale or forged buttons do."""

from pathlib import Path
from typing import cast

import pytest
from aiogram import Bot
from aiogram.methods import DeleteMessage, GetFile
from aiogram.types import Document

from core.identities import MAX_FILE_BYTES, Identity
from delivery.sender import Sender
from handlers.admin.identities import IdentityMenu
from handlers.admin.menu import AdminScreen, Press
from handlers.admin.waiting import AwaitedCookies
from misc.middlewares.registration import ChatView
from misc.ui.callback_data import ADMIN, MAX_BYTES
from misc.ui.texts import load_texts
from platforms import Identities, ProxyPool, load_registry
from platforms._proxies import DIRECT, Proxy
from tests.fakes import PERSON, FakeTelegram

TEXTS = load_texts()
EN = TEXTS["en"]
REGISTRY = load_registry(["instagram", "tiktok"])
INSTAGRAM = REGISTRY["instagram"]
COOKIES = b".instagram.com\tTRUE\t/\tTRUE\t0\tsessionid\thunter2\n"
pytestmark = pytest.mark.usefixtures("sqlite_db")


class Stage:
    """The section, with identities in a folder."""

    def __init__(
        self,
        folder: Path,
        *proxies: Proxy,
        machine: str = "",
        telegram: FakeTelegram | None = None,
    ) -> None:
        self.identities = Identities(folder, ProxyPool(list(proxies) or [DIRECT]))
        bot = telegram.bot if telegram else cast(Bot, None)
        sender = telegram.sender if telegram else cast(Sender, None)
        self.menu = IdentityMenu(bot, sender, TEXTS, REGISTRY, self.identities, machine)

    async def show(self, page: str = "", lang: str = "en") -> AdminScreen:
        screen = await self.menu.section(Press(PERSON, lang, page))
        for row in screen.rows:
            for button in row:
                assert len((button.callback_data or "").encode()) <= MAX_BYTES
        return screen

    def add(self, name: str, exit_: str = "") -> Identity:
        return self.identities.add(INSTAGRAM, name, exit_, COOKIES)


def pages(screen: AdminScreen) -> list[str]:
    prefix = f"{ADMIN}identities/"
    return [(b.callback_data or "").removeprefix(prefix) for row in screen.rows for b in row]


async def test_an_empty_list_says_what_accounts_are_for(tmp_path: Path):
    screen = await Stage(tmp_path).show()
    assert screen.text == f"<b>Accounts</b>: 0\n\n{EN['identities_about']}"
    assert pages(screen) == ["add"]


async def test_in_a_fleet_the_list_names_the_machine(tmp_path: Path):
    stage = Stage(tmp_path, machine="box<1>")
    stage.add("anna")
    screen = await stage.show()
    assert "box&lt;1&gt;" in screen.text
    assert EN["identities_about"] not in screen.text


async def test_the_longest_names_fit_into_buttons(tmp_path: Path):
    stage = Stage(tmp_path)
    name = "x" * 20
    stage.add(name)
    for page in ("", f"show=instagram/{name}", f"ask=instagram/{name}"):
        await stage.show(page)


async def test_the_list_is_limited_to_what_a_keyboard_holds(tmp_path: Path):
    stage = Stage(tmp_path)
    for number in range(70):
        stage.add(f"a{number}")
    screen = await stage.show()
    assert screen.text.startswith("<b>Accounts</b>: 70")
    assert len(pages(screen)) == 61


@pytest.mark.parametrize(
    "page",
    [
        *("show", "show=", "show=nosuchsite/anna", "show=instagram/", "show=instagram/bob"),
        *("remove=instagram/../anna", "remove=tiktok/anna", "x=instagram", "=", "wake=instagram"),
    ],
)
async def test_what_no_button_offers_shows_the_list_and_changes_nothing(tmp_path: Path, page: str):
    stage = Stage(tmp_path)
    stage.add("anna")
    assert pages(await stage.show(page)) == ["show=instagram/anna", "add"]


@pytest.mark.parametrize("choice", ["7", "-1", "²", "x", "any/any"])
async def test_a_proxy_that_is_not_offered_is_asked_for_again(tmp_path: Path, choice: str):
    stage = Stage(tmp_path, Proxy("http://a:1"), Proxy("http://b:1"))
    screen = await stage.show(f"add=instagram/{choice}")
    assert pages(screen) == [f"add=instagram/{number}" for number in ("0", "1", "any")]


async def test_with_one_proxy_nothing_is_to_be_chosen(tmp_path: Path):
    screen = await Stage(tmp_path).show("add=instagram")
    assert "256" in screen.text
    assert MAX_FILE_BYTES == 256_000
    assert screen.rows == []


@pytest.mark.parametrize("language", TEXTS.languages)
async def test_every_state_has_words(tmp_path: Path, language: str):
    stage = Stage(tmp_path)
    held, lost = stage.add("held"), stage.add("lost", "http://gone:1")
    stage.identities.rest(held)
    for identity, key in ((held, "identity_why_admin"), (lost, "identity_is_no_exit")):
        screen = await stage.show(f"show=instagram/{identity.name}", language)
        assert TEXTS[language][key] in screen.text
    stage.add("old")
    text = COOKIES.replace(b"\t0\t", b"\t1\t").decode()
    (tmp_path / "instagram" / "old.txt").write_text(text)
    (tmp_path / "instagram" / "tired.txt").write_bytes(COOKIES)
    (tmp_path / "instagram" / "tired.json").write_text(
        '{"reason": "limited", "rests_until": 4000000000, "refusals": 1, "used_at": 1800000000}'
    )
    screen = await stage.show("show=instagram/old", language)
    assert TEXTS[language]["identity_is_expired"] in screen.text
    screen = await stage.show("show=instagram/tired", language)
    assert TEXTS[language]["identity_why_limited"] in screen.text
    assert "2096" in screen.text


async def test_cookies_do_not_stay_in_the_chat_whatever_happens(
    tmp_path: Path, telegram: FakeTelegram
):
    """The site may not be allowed any more since the administrator was asked for the file."""
    stage = Stage(tmp_path, telegram=telegram)
    document = Document(file_id="f", file_unique_id="u", file_size=len(COOKIES))
    message = telegram.message(document=document)
    telegram.fail(GetFile, RuntimeError("unexpected"))
    with pytest.raises(RuntimeError):
        await stage.menu.take_file(message, ChatView("en"), AwaitedCookies("instagram"))
    (deletion,) = telegram.of(DeleteMessage)
    assert deletion.message_id == message.message_id
    assert stage.identities.listed(INSTAGRAM) == []
