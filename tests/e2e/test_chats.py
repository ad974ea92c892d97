"""Registration, referral links, language, file mode and hints."""

import asyncio

import pytest

from data.db_service import create_user, get_other_stats, get_user, get_user_ids, get_user_settings
from misc.ui.texts import load_texts
from simulator.telegram.markup import parse_html
from simulator.telegram.world import Json
from tests.e2e.bot_harness import PLATFORMS, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
WELCOME, *_ = parse_html(EN["welcome"])[0].splitlines()
LANGUAGES = {"ar", "en", "hi", "id", "ru", "so", "uk", "vi"}


# --- registration ---------------------------------------------------------------------------------


async def test_a_referral_link_is_stored_once_in_lower_case(
    harness: BotHarness,
):
    await harness.start()
    await harness.say("/start Spring-Sale_1")
    await harness.say("/start other")
    user = await get_user(1001)
    assert user is not None
    assert (user.link, user.lang) == ("spring-sale_1", "en")
    assert [t.splitlines()[0] for t in harness.texts()] == [WELCOME] * 2


@pytest.mark.parametrize("first", ["hello friend", "/start a b", "/start <b>", "/mode friend"])
async def test_an_invalid_start_parameter_is_not_stored_as_referral(
    harness: BotHarness, first: str
):
    await harness.start()
    await harness.say(first)
    user = await get_user(1001)
    assert user is not None
    assert user.link is None


async def test_a_new_users_first_link_gets_a_welcome_and_the_video(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    welcome, video = harness.answers()
    assert "Welcome" in welcome["text"]
    assert "video" in video


async def test_a_name_with_markup_does_not_break_registration(harness: BotHarness):
    harness.video()
    eve = harness.world.person(1002, "<b>Eve", last_name="&</i>", language_code="en")
    await harness.start()
    await harness.say(VIDEO, eve)
    assert len(harness.answers(harness.world.chats[1002])) == 2


async def test_the_join_log_reports_a_new_user_once_after_the_welcome(harness: BotHarness):
    log = harness.world.group(-500, "Log")
    eve = harness.world.person(1002, "<b>Eve", last_name="&", username="eve")
    await harness.start(BOT_JOIN_LOG_CHAT="-500")
    await harness.say("/start Promo", eve)
    await harness.say("/start Promo", eve)
    (entry,) = harness.answers(log)
    assert entry["text"] == "<b>Eve &\n@eve\n1002\npromo"
    assert {e["type"] for e in entry["entities"]} == {"bold", "text_link", "code", "italic"}
    chats = [c.params["chat_id"] for c in harness.calls("sendMessage")]
    assert chats == [1002, -500, 1002]


async def test_the_chats_of_the_settings_are_followed_when_they_become_supergroups(
    harness: BotHarness,
):
    """Telegram's message about one of them has arrived, that about the other one has not."""
    log, board = harness.world.group(-500, "Log"), harness.world.group(-600, "Board")
    await harness.start(BOT_ADMINS="1001", BOT_JOIN_LOG_CHAT="-500", STATISTICS_BOARD_CHAT="-600")
    await harness.until(lambda: len(harness.answers(board)) == 2, "the board")
    new_log = harness.world.migrate(harness.ada, log, -1_000_000_000_500)
    new_board = harness.world.group(-1_000_000_000_600, "Board")
    board.moved_to = new_board.id
    await harness.settled()
    await harness.say("/start")
    assert len(harness.answers(new_log)) == 1
    assert harness.answers(log) == []
    assert harness.application
    container = harness.application.container
    assert container.board
    await container.board.show_day()
    await container.board.show_day()
    assert len(harness.answers(new_board)) == 1
    for _ in range(2):
        await container.alarms.check_moved_chats(container.moved_chats)
    for setting, chat in (("[bot] join_log_chat", new_log), ("[statistics] board_chat", new_board)):
        alarm = parse_html(TEXTS("en", "alarm_moved", setting=setting, chat=str(chat.id)))[0]
        assert harness.texts().count(alarm) == 1


async def test_an_inaccessible_join_log_does_not_break_registration(harness: BotHarness):
    await harness.start(BOT_JOIN_LOG_CHAT="-500")
    await harness.say("/start")
    assert len(harness.answers()) == 1


async def test_concurrent_first_messages_register_the_user_once(harness: BotHarness):
    await harness.start()
    for _ in range(10):
        harness.world.say(harness.ada, "/start")
    await harness.settled()
    assert await get_user_ids() == [1001]
    welcomes = [t for t in harness.texts() if t.startswith("Welcome")]
    assert 1 <= len(welcomes) <= 10  # later messages may count as /start of a registered user
    assert len(harness.answers()) == len(welcomes)
    for _ in range(5):
        harness.world.say(harness.world.person(1002, "Bo"), "hi")
    await harness.settled()
    assert [t.startswith("Welcome") for t in harness.texts(harness.world.chats[1002])].count(
        True
    ) == 1


async def test_start_in_a_group_is_ignored(harness: BotHarness):
    await harness.start()
    crew = harness.world.group(-1002)
    await harness.say("/start promo", chat=crew)
    assert harness.answers(crew) == []
    assert await get_user(-1002) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pt-br", "en"),
        ("ru-RU", "ru"),
        ("uk", "uk"),
        ("zh-hans", "en"),
        ("AR", "ar"),
        ("", "en"),
        ("in", "id"),
    ],
)
async def test_a_new_user_gets_the_closest_language(harness: BotHarness, code: str, expected: str):
    person = harness.world.person(1002, "P", language_code=code)
    await harness.start()
    await harness.say("/start", person)
    assert await get_user_settings(1002) == (expected, False)
    first_line = harness.texts(harness.world.chats[1002])[0].splitlines()[0]
    assert first_line in TEXTS[expected]["welcome"]


async def test_an_unsupported_stored_language_falls_back_to_english(harness: BotHarness):
    await harness.start()
    await create_user(1001, "ua")
    await harness.say("hello")
    assert harness.texts() == [TEXTS("en", "send_link", platforms=PLATFORMS)]


# --- language -------------------------------------------------------------------------------------


async def _menu(harness: BotHarness) -> Json:
    await harness.say("/lang")
    return harness.answers()[-1]


async def test_the_language_menu_lists_all_languages_by_their_own_names(harness: BotHarness):
    await harness.start()
    await harness.say("hello")
    menu = await _menu(harness)
    rows = menu["reply_markup"]["inline_keyboard"]
    buttons = [button for row in rows for button in row]
    assert {b["callback_data"] for b in buttons} == {f"lang/{code}" for code in LANGUAGES}
    assert all(b["text"] == TEXTS[b["callback_data"][5:]]["language_name"] for b in buttons)
    assert [len(row) for row in rows] == [2, 2, 2, 2]


@pytest.mark.parametrize("code", sorted(LANGUAGES))
async def test_every_language_can_be_chosen_repeatedly(harness: BotHarness, code: str):
    await harness.start()
    menu = await _menu(harness)
    for _ in range(2):
        answer = await harness.press(menu, f"lang/{code}")
        assert "text" not in answer
    assert await get_user_settings(1001) == (code, False)
    assert menu["text"] == TEXTS(code, "lang_set", language=TEXTS[code]["language_name"])
    await harness.say("hello")
    assert harness.texts()[-1] == TEXTS(code, "send_link", platforms=PLATFORMS)


@pytest.mark.parametrize("data", ["lang/", "lang/xx", "lang/../en", "lang/ENGLISH"])
async def test_an_unknown_language_is_refused_and_not_stored(harness: BotHarness, data: str):
    await harness.start()
    menu = await _menu(harness)
    answer = await harness.press(menu, data)
    assert answer["text"] == EN["lang_unknown"]
    assert answer["show_alert"] is True
    assert await get_user_settings(1001) == ("en", False)


async def test_choosing_a_language_registers_an_unknown_chat(harness: BotHarness):
    await harness.start()
    menu = await _menu(harness)
    from data.database import get_session
    from data.models import Users

    async with await get_session() as db:
        await db.delete(await db.get_one(Users, 1001))
        await db.commit()
    await harness.press(menu, "lang/vi")
    assert await get_user_settings(1001) == ("vi", False)


@pytest.mark.parametrize("command", ["/lang", "/mode"])
@pytest.mark.parametrize(
    ("status", "anonymous", "allowed"),
    [
        ("creator", False, True),
        ("administrator", False, True),
        ("member", False, False),
        ("kicked", False, False),
        ("member", True, True),
    ],
)
async def test_in_groups_only_administrators_change_settings(
    harness: BotHarness, command: str, status: str, anonymous: bool, allowed: bool
):
    await harness.start()
    crew = harness.world.group(-1002)
    crew.members[1001] = status
    harness.world.say(harness.ada, command, crew, anonymous=anonymous)
    await harness.settled()
    assert (harness.texts(crew)[-1] != EN["not_admin"]) is allowed
    assert (await get_user(-1002) is not None) is allowed


async def test_a_member_who_presses_the_language_menu_gets_a_notice(harness: BotHarness):
    await harness.start()
    crew = harness.world.group(-1002)
    crew.members[1001] = "administrator"
    await harness.say("/lang", chat=crew)
    menu = harness.answers(crew)[-1]
    bo = harness.world.person(1002, "Bo")
    assert (await harness.press(menu, "lang/ru", bo))["text"] == EN["not_admin"]
    assert await get_user_settings(-1002) == ("en", False)
    await harness.press(menu, "lang/ru")
    assert await get_user_settings(-1002) == ("ru", False)


async def test_settings_are_refused_if_telegram_does_not_return_the_members_status(
    harness: BotHarness,
):
    await harness.start()
    crew = harness.world.group(-1002)
    crew.members[1001] = "creator"
    harness.fail("getChatMember", "500")
    await harness.say("/mode", chat=crew)
    assert harness.texts(crew) == [EN["not_admin"]]


async def test_rapid_mode_toggles_are_all_applied(harness: BotHarness):
    await harness.start()
    await harness.say("hello")
    for _ in range(5):
        harness.world.say(harness.ada, "/mode")
    await harness.settled()
    assert await get_user_settings(1001) == ("en", True)
    assert sorted("is on" in t for t in harness.texts()[1:]) == [False, False, True, True, True]
    in_file_mode, _, _ = await get_other_stats()
    assert in_file_mode == 1


# --- hints ----------------------------------------------------------------------------------------


async def test_messages_without_a_link_get_a_hint_in_private_chats_only(harness: BotHarness):
    await harness.start()
    await harness.say("/start")
    crew = harness.world.group(-1002)
    file = {"file_id": "x", "file_unique_id": "y"}
    clip = {**file, "width": 1, "height": 1, "duration": 1}
    cases: list[tuple[Json, str]] = [
        ({"text": "hello"}, "send_link"),
        ({"text": "/unknown"}, "unknown_command"),
        ({"text": "/home/ada"}, "send_link"),
        ({"video": clip}, "uploads_not_processed"),
        ({"video_note": {**file, "length": 1, "duration": 1}}, "uploads_not_processed"),
        ({"voice": {**file, "duration": 1}}, "links_only"),
        ({"photo": [{**file, "width": 1, "height": 1}]}, "links_only"),
        ({"contact": {"phone_number": "1", "first_name": "x"}}, "links_only"),
        ({"checklist": {"title": "Today", "tasks": [{"id": 1, "text": "swim"}]}}, "links_only"),
        ({"live_photo": clip, "photo": [{**file, "width": 1, "height": 1}]}, "links_only"),
    ]
    for content, key in cases:
        message = harness.world.post(harness.ada, harness.home, dict(content))
        harness.world.post(harness.ada, crew, dict(content))
        await harness.settled()
        assert harness.texts()[-1] == TEXTS("en", key, platforms=PLATFORMS)
        reply = harness.answers()[-1]["reply_to_message"]["message_id"]
        assert reply == message["message_id"]
    await harness.say("see https://example.com/x")
    assert harness.texts()[-1] == TEXTS("en", "foreign_link", platforms=PLATFORMS)
    harness.world.post(harness.ada, harness.home, {"pinned_message": harness.answers()[0]})
    await harness.settled()
    assert len(harness.answers()) == 1 + len(cases) + 1
    assert harness.answers(crew) == []


async def test_an_edited_message_is_not_a_new_request_if_edits_are_off(harness: BotHarness):
    harness.video()
    await harness.start(CHATS_EDITS="false")
    message = await harness.say("hello")
    harness.world.push("edited_message", {**message, "text": VIDEO, "edit_date": 1})
    await asyncio.sleep(0.1)
    await harness.settled()
    assert harness.videos() == []


async def test_commands_are_published_in_every_language(harness: BotHarness):
    harness.new_database = None
    await harness.start()
    commands = harness.api.methods.commands
    await harness.until(lambda: len(commands) == 3 * len(TEXTS.languages), "the lists")
    private = {key for key in commands if key.startswith("all_private_chats/")}
    assert private == {f"all_private_chats/{code}" for code in LANGUAGES - {"en"} | {""}}
    in_groups = [c["command"] for c in commands["all_chat_administrators/uk"]]
    assert in_groups == [
        *("settings", "lang", "mode", "help", "cancel", "notmylinks", "mylinks", "about"),
    ]
    members = [c["command"] for c in commands["all_group_chats/uk"]]
    assert members == ["help", "cancel", "notmylinks", "mylinks", "about"]
    assert commands["all_private_chats/ru"][0]["description"] == TEXTS["ru"]["command_start"]
