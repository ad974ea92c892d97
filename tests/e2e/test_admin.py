"""Administrators can message, inspect and export chats; nobody else can."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiogram import Router
from aiogram.filters import Command

from misc.filters import Carries, FromAdmin
from misc.ui.texts import load_texts
from simulator.telegram.world import Json, Person
from tests.dispatcher import real_dispatcher, routers
from tests.e2e.bot_harness import PLATFORMS, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
ADMIN = {"BOT_ADMINS": "1001"}


async def test_a_message_to_one_chat_keeps_its_formatting(harness: BotHarness):
    await harness.start(**ADMIN)
    bo = harness.world.person(1002, "Bo")
    bold = [{"type": "bold", "offset": 10, "length": 5}]
    await harness.say("/msg 1002 Hello\nthere <3", entities=bold)
    (message,) = harness.answers(harness.world.chats[bo.id])
    assert message["text"] == "Hello\nthere <3"
    assert message["entities"] == [{"type": "bold", "offset": 0, "length": 5}]
    assert harness.texts()[-1] == EN["msg_sent"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [("403", "msg_closed"), ("500", "msg_unknown"), ("400", "msg_refused")],
)
async def test_the_administrator_sees_why_a_message_was_not_delivered(
    harness: BotHarness, fault: str, words: str
):
    await harness.start(**ADMIN)
    harness.world.person(1002, "Bo")
    harness.fail("sendMessage", fault, chat_id=1002)
    await harness.say("/msg 1002 Hello")
    assert harness.texts()[-1] == EN[words]


async def press(harness: BotHarness, message: Json, data: str) -> list[str]:
    """Press a button as Ada; return the data of the buttons that the message has then."""
    await harness.press(message, data)
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button.get("callback_data", "") for row in rows for button in row]


async def test_every_section_of_the_menu_opens_and_leads_back(harness: BotHarness):
    await harness.start(**ADMIN)
    await harness.say("/admin")
    menu = harness.answers()[-1]
    assert menu["text"] == "Admin menu"
    rows = menu["reply_markup"]["inline_keyboard"]
    sections = [button["callback_data"] for row in rows for button in row]
    names = ["broadcasts", "statistics", "people", "bans", "errors", "ads", "access", "identities"]
    assert sections == [f"admin/{name}" for name in names]
    for section, words in zip(
        sections,
        [
            *("Broadcasts", "Statistics", "People", EN["admin_bans_none"], EN["log_none"], "Ads"),
            TEXTS.plain("en", "access_mode_everyone"),
            "Accounts: 0",
        ],
        strict=True,
    ):
        assert (await press(harness, menu, section))[-1] == "admin/menu"
        assert menu["text"].startswith(words)
        assert await press(harness, menu, "admin/menu") == sections
    assert harness.answers()[-1] == menu


async def test_the_statistics_lead_back_to_the_menu(harness: BotHarness):
    await harness.start(**ADMIN)
    await harness.say("/admin")
    menu = harness.answers()[-1]
    await press(harness, menu, "admin/statistics")
    assert "count/menu/all/day/posts/see" in await press(
        harness, menu, "count/overview/all/day/posts/see"
    )
    assert "admin/menu" in await press(harness, menu, "count/menu/all/day/posts/see")
    await press(harness, menu, "admin/menu")
    assert menu["text"] == "Admin menu"


async def test_people_are_looked_up_and_banned_in_the_menu(harness: BotHarness):
    await harness.start(**ADMIN)
    harness.video()
    bo = harness.world.person(1002, "Bo")
    await harness.say(VIDEO, bo)
    await harness.say("/admin")
    menu = harness.answers()[-1]
    assert "admin/people/show=1002" in await press(harness, menu, "admin/people")
    assert "Private chats: 2" in menu["text"]
    await press(harness, menu, "admin/people/find")
    assert menu["text"] == EN["user_find_prompt"]
    await harness.say("see this", forward_origin=forwarded_from(bo))
    card = harness.answers()[-1]
    assert card["text"].startswith("1002\nLanguage: English")
    await press(harness, card, "admin/people/ban=1002")
    assert "Banned: ✅" in card["text"]
    before = len(harness.answers(harness.world.chats[1002]))
    await harness.say(VIDEO, bo)
    assert len(harness.answers(harness.world.chats[1002])) == before
    await press(harness, menu, "admin/bans")
    assert menu["text"].startswith("1 ban\n")
    assert await press(harness, menu, "admin/bans/unban=1002") == ["admin/menu"]
    await harness.say(VIDEO, bo)
    assert len(harness.answers(harness.world.chats[1002])) > before
    # The search is over: the next message is an ordinary one.
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1


def forwarded_from(person: Person) -> Json:
    return {"type": "user", "date": 1_790_000_000, "sender_user": person.as_json()}


async def test_a_chat_is_named_by_its_name_a_reply_or_a_forward(harness: BotHarness):
    await harness.start(**ADMIN)
    bo = harness.world.person(1002, "Bo", username="Bo_Ferry")
    await harness.say("/start", bo)
    forward = await harness.say("look at this", forward_origin=forwarded_from(bo))
    commands = ("/user 1002", "/user @bo_ferry", "/user t.me/BO_FERRY")
    for words in commands:
        await harness.say(words)
        assert harness.texts()[-1].startswith("1002\n")
    await harness.say("/user", reply_to_message=forward)
    assert harness.texts()[-1].startswith("1002\n")
    calls = {call.method for call in harness.api.calls}
    assert calls.isdisjoint({"getChat", "getChatMember"})
    await harness.say("/msg Hello Bo", reply_to_message=forward)
    assert harness.texts(harness.world.chats[1002])[-1] == "Hello Bo"
    await harness.say("/ban @Bo_Ferry")
    assert harness.texts()[-1] == TEXTS.plain("en", "banned", id=1002)
    hidden = {"type": "hidden_user", "date": 1_790_000_000, "sender_user_name": "Cy <3"}
    secret = await harness.say("hidden", forward_origin=hidden)
    await harness.say("/ban", reply_to_message=secret)
    assert harness.texts()[-1].startswith("Cy <3 hides their account")
    await harness.say("/user @nobody_here")
    assert harness.texts()[-1] == TEXTS("en", "user_no_name", name="nobody_here")
    await harness.say("/user \u0661\u0660\u0660\u0662")  # 1002 in Arabic digits
    assert "/user 123456" in harness.texts()[-1]


async def test_a_new_name_replaces_the_old_one(harness: BotHarness):
    await harness.start(**ADMIN)
    bo, chat = harness.world.person(1002, "Bo"), harness.world.chats[1002]
    for name in ("first_name", "second_name"):
        chat.username = name
        await harness.say("/start", bo)
    await harness.say("/user @second_name")
    assert harness.texts()[-1].startswith("1002\n")
    await harness.say("/user @first_name")
    assert "first_name" in harness.texts()[-1]
    chat.username = ""
    await harness.say("/start", bo)
    await harness.say("/user @second_name")
    assert "second_name" in harness.texts()[-1]


async def test_the_ads_are_shown_with_their_numbers(harness: BotHarness):
    await harness.start(**ADMIN, ADS_LINK="https://tea.example/x")
    harness.video()
    await harness.say(VIDEO)
    await harness.say("/admin")
    menu = harness.answers()[-1]
    await press(harness, menu, "admin/ads")
    assert "own: tea.example" in menu["text"]
    assert "Shown after every 3 downloads" in menu["text"]
    assert "1 in 24 hours" in menu["text"]


@pytest.mark.parametrize("words", ["/msg", "/msg 1002", "/msg Bo hello", "/msg 1002x hello"])
async def test_a_command_without_its_arguments_shows_the_usage(harness: BotHarness, words: str):
    await harness.start(**ADMIN)
    await harness.say(words)
    assert "/msg 123456 Hello" in harness.texts()[-1]


async def test_user_shows_the_details_of_a_chat(harness: BotHarness):
    await harness.start(**ADMIN)
    harness.video()
    bo = harness.world.person(1002, "Bo")
    await harness.say("/start <b>", bo)
    await harness.say(VIDEO, bo)
    await harness.say("/ban 1002")
    await harness.say("/user 1002")
    card = harness.texts()[-1]
    assert card.startswith("1002\nLanguage: English\nSince: ")
    assert "Posts: 1 (🖼 0)\nSounds: 0" in card
    assert "Banned: ✅" in card
    await harness.say("/user 77")
    assert harness.texts()[-1] == "I don't know chat 77."
    await harness.say("/user Bo")
    assert "/user 123456" in harness.texts()[-1]


def documents(harness: BotHarness) -> list[tuple[str, str]]:
    """Return the names and contents of the documents in Ada's chat."""
    sent = [m["document"] for m in harness.answers() if "document" in m]
    files = harness.simulator.api.files.by_id
    return [(d["file_name"], files[d["file_id"]].path.read_text()) for d in sent]


async def test_export_splits_the_chats_into_files_below_the_size_limit(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.container.EXPORT_BYTES", 1_210)
    monkeypatch.setattr("services.exports.BATCH_ROWS", 3)
    await harness.start(**ADMIN)
    harness.video()
    await harness.say(VIDEO)
    for number in range(1002, 1007):
        await harness.say(
            "/start =HYPERLINK" if number == 1002 else "/start", harness.world.person(number, "B")
        )
    await harness.say("/export")
    assert harness.texts()[-1] == TEXTS("en", "export_done", count=6)
    files = documents(harness)
    assert [name for name, _ in files] == [
        "chats_1.txt",
        "chats_1.csv",
        "chats_2.txt",
        "chats_2.csv",
    ]
    texts = dict(files)
    ids = (texts["chats_1.txt"] + texts["chats_2.txt"]).split()
    assert ids == [str(number) for number in range(1001, 1007)]
    rows = [
        row
        for name in ("chats_1.csv", "chats_2.csv")
        for row in csv.DictReader(io.StringIO(texts[name]))
    ]
    assert [row["chat_id"] for row in rows] == ids
    assert rows[0]["last_download_at"].startswith("20")
    assert rows[1]["last_download_at"] == ""
    assert list(harness.folder.glob("spool/**/chats_*")) == []


async def test_unexpected_errors_can_be_looked_up_by_code(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    await harness.start(**ADMIN)
    await harness.say("/log")
    assert harness.texts()[-1] == EN["log_none"]

    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("<b>never foreseen</b>")

    harness.video()
    monkeypatch.setattr("services.requests.posts.video_request", broken)
    await harness.say(VIDEO)
    monkeypatch.setattr("handlers.admin.people.chat_details", broken)
    await harness.say("/user 1001")
    codes = [word for text in harness.texts() for word in re.findall(r"\b[0-9A-F]{8}\b", text)]
    await harness.say("/log")
    shown = harness.texts()[-1]
    assert f"admin/errors/{codes[0]}" in str(harness.answers()[-1]["reply_markup"])
    assert set(codes) == set(re.findall(r"\b[0-9A-F]{8}\b", shown))
    assert len(set(codes)) == 2
    assert shown.count("RuntimeError: <b>never foreseen</b>") == 2
    await harness.say(f"/log {codes[0].lower()}")
    assert "a tiktok request" in harness.texts()[-1]
    assert "Traceback" in harness.texts()[-1]
    await harness.say("/log 00000000")
    assert harness.texts()[-1] == "There's no error with the code 00000000. I keep the newest 200."


# --- users who are not administrators -------------------------------------------------------------


def bot_routers() -> Iterator[Router]:
    """Yield all routers of the bot, as the application builds them."""
    return routers(real_dispatcher(Path("no-such-folder")))


def commands() -> list[str]:
    """Return all commands of the bot."""
    return sorted(
        str(command)
        for router in bot_routers()
        for handler in router.message.handlers
        for condition in handler.filters or []
        if isinstance(condition.callback, Command)
        for command in condition.callback.commands
    )


def buttons() -> dict[str, bool]:
    """Return the prefixes of callback data, and whether each is restricted to administrators."""
    found: dict[str, bool] = {}
    for router in bot_routers():
        for handler in router.callback_query.handlers:
            guards = [one.callback for one in handler.filters or []]
            is_guarded = any(isinstance(guard, FromAdmin) for guard in guards)
            for guard in guards:
                if isinstance(guard, Carries):
                    data = [guard.prefix] if guard.prefix else sorted(guard.one_of)
                    found |= dict.fromkeys(data, is_guarded)
    return found


#: Available to everybody or to a group's administrators; all others need a bot administrator.
PUBLIC = {"start", "mode", "lang", "settings", "privacy", "notmylinks", "mylinks"}
PUBLIC |= {"help", "cancel", "about"}
PUBLIC_BUTTONS = {"again", "cancel/", "id/", "lang/", "loading", "page/", "retry_video", "set/"}
PUBLIC_BUTTONS |= {"slide:noop", "slides/", "sound/", "stats_noop", "wait", "ir:", "sr:"}
PUBLIC_BUTTONS |= {"welcome/", "mylinks", "pick/", "take/", "close", "list/", "zip/"}
PUBLIC_BUTTONS |= {"resend/", "rest/"}
PUBLIC_BUTTONS |= {f"privacy/{action}" for action in ("export", "delete", "yes", "no")}


def test_every_command_and_button_requires_an_administrator_or_is_listed_as_public():
    own = {"admin", "ban", "export", "log", "msg", "stats", "unban", "user"}
    own |= {"access", "allow", "disallow"}
    assert set(commands()) == own | PUBLIC
    guarded = {data for data, is_guarded in buttons().items() if is_guarded}
    assert guarded == {"admin/", "cast/", "count/", "history/"}
    assert set(buttons()) - guarded == PUBLIC_BUTTONS


@pytest.mark.parametrize("command", sorted({*commands()} - PUBLIC))
async def test_admin_commands_of_other_users_are_unknown_commands(
    harness: BotHarness, command: str
):
    await harness.start(BOT_ADMINS="7")
    group = harness.world.group(-5_005, "Crew")
    await harness.say("/start")
    for words in (f"/{command}", f"/{command} 1001", f"/{command}@clipferry_demo_bot 1001 hello"):
        await harness.say(words)
        assert harness.texts()[-1] == EN["unknown_command"]
        await harness.say(words, chat=group)
    assert harness.texts(group) == [EN["unknown_command"]]  # of the one that names the bot
    assert {call.method for call in harness.api.calls} & {"sendDocument", "copyMessage"} == set()


@pytest.mark.parametrize("prefix", sorted(set(buttons()) - PUBLIC_BUTTONS))
@pytest.mark.parametrize("is_group", [False, True])
async def test_admin_buttons_are_expired_for_other_users(
    harness: BotHarness, prefix: str, *, is_group: bool
):
    await harness.start(BOT_ADMINS="7")
    chat = harness.world.group(-5_005, "Crew") if is_group else harness.home
    message = harness.world.add_message(chat, {"text": "a menu that somebody has forwarded"})
    for rest in ("", "new", "1", "1/yes", "1/stop", "x/y", "menu/all/day/posts/see"):
        answer = await harness.press(message, prefix + rest)
        assert answer["text"] == EN["button_expired"]


@pytest.mark.parametrize(
    "data",
    [
        *("cast/", "cast/x", "cast/newer", "cast/-1", "cast/1x/open", "cast/99999/open"),
        *("count/", "count/x", "history/", "history/x", "privacy/", "privacy/x"),
        *("set/x", "lang/x", "welcome/x", "page/x", "cancel/x", "id/x", "sound/x", "slides/x/"),
        *("mylinks/x", "retry", "againx", "nonsense"),
    ],
)
async def test_a_button_with_unreadable_data_has_expired_and_starts_nothing(
    harness: BotHarness, data: str
):
    await harness.start(BOT_ADMINS="1001")
    await harness.say("/admin")
    menu = harness.answers()[-1]
    before = dict(menu)
    answer = await harness.press(menu, data)
    assert answer["text"] in {EN["button_expired"], EN["settings_expired"], EN["lang_unknown"]}
    assert menu == before
    await harness.say("hello")  # would be the content of a new broadcast
    assert harness.texts()[-1] == TEXTS("en", "send_link", platforms=PLATFORMS)
