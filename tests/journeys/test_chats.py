"""Coming aboard and settling in: registration, referral, language, mode, hints."""

import asyncio

import pytest

from data.db_service import create_user, get_other_stats, get_user, get_user_ids, get_user_settings
from misc.texts import load_texts
from simulator.telegram.world import Json
from tests.journeys.ferry import PLATFORMS, VIDEO, Ferry

TEXTS = load_texts()
EN = TEXTS["en"]
LANGUAGES = {"ar", "en", "hi", "id", "ru", "so", "uk", "vi"}


# --- registration -----------------------------------------------------------------------------


async def test_a_deep_link_registers_once_in_lower_case_and_is_never_overwritten(ferry: Ferry):
    await ferry.start()
    await ferry.say("/start Spring-Sale_1")
    await ferry.say("/start other")
    user = await get_user(1001)
    assert user is not None
    assert (user.link, user.lang) == ("spring-sale_1", "en")
    assert [t.splitlines()[0] for t in ferry.texts()] == ["Welcome aboard!"] * 2


@pytest.mark.parametrize("first", ["hello friend", "/start a b", "/start <b>", "/mode friend"])
async def test_only_a_proper_start_brings_a_referral(ferry: Ferry, first: str):
    await ferry.start()
    await ferry.say(first)
    user = await get_user(1001)
    assert user is not None
    assert user.link is None


async def test_a_first_link_is_welcomed_and_served(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say(VIDEO)
    welcome, video = ferry.answers()
    assert "Welcome" in welcome["text"]
    assert "video" in video


async def test_a_name_full_of_markup_and_no_log_chat_hinder_nobody(ferry: Ferry):
    ferry.video()
    eve = ferry.world.person(1002, "<b>Eve", last_name="&</i>", language_code="en")
    await ferry.start()
    await ferry.say(VIDEO, eve)
    assert len(ferry.answers(ferry.world.chats[1002])) == 2


async def test_the_log_chat_is_told_who_came_after_the_welcome(ferry: Ferry):
    log = ferry.world.group(-500, "Log")
    eve = ferry.world.person(1002, "<b>Eve", last_name="&", username="eve")
    await ferry.start(BOT_JOIN_LOG_CHAT="-500")
    await ferry.say("/start Promo", eve)
    await ferry.say("/start Promo", eve)
    (entry,) = ferry.answers(log)
    assert entry["text"] == "<b>Eve &\n@eve\n1002\npromo"
    assert {e["type"] for e in entry["entities"]} == {"bold", "text_link", "code", "italic"}
    chats = [c.params["chat_id"] for c in ferry.calls("sendMessage")]
    assert chats == [1002, -500, 1002]


async def test_a_log_chat_that_is_closed_hinders_nobody(ferry: Ferry):
    await ferry.start(BOT_JOIN_LOG_CHAT="-500")
    await ferry.say("/start")
    assert len(ferry.answers()) == 1


async def test_many_first_messages_at_once_make_one_row_and_one_welcome(ferry: Ferry):
    await ferry.start()
    for _ in range(10):
        ferry.world.say(ferry.ada, "/start")
    await ferry.settled()
    assert await get_user_ids() == [1001]
    welcomes = [t for t in ferry.texts() if t.startswith("Welcome")]
    assert 1 <= len(welcomes) <= 10  # those who came second are known people who say /start
    assert len(ferry.answers()) == len(welcomes)
    for _ in range(5):
        ferry.world.say(ferry.world.person(1002, "Bo"), "hi")
    await ferry.settled()
    assert [t.startswith("Welcome") for t in ferry.texts(ferry.world.chats[1002])].count(True) == 1


async def test_start_in_a_group_is_not_for_us(ferry: Ferry):
    await ferry.start()
    crew = ferry.world.group(-1002)
    await ferry.say("/start promo", chat=crew)
    assert ferry.answers(crew) == []
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
        ("in", "en"),
    ],
)
async def test_a_person_is_spoken_to_in_the_closest_language(
    ferry: Ferry, code: str, expected: str
):
    person = ferry.world.person(1002, "P", language_code=code)
    await ferry.start()
    await ferry.say("/start", person)
    assert await get_user_settings(1002) == (expected, False)
    first_line = ferry.texts(ferry.world.chats[1002])[0].splitlines()[0]
    assert first_line in TEXTS[expected]["welcome"]


async def test_a_stored_language_that_is_no_longer_there_is_read_as_english(ferry: Ferry):
    await ferry.start()
    await create_user(1001, "ua")
    await ferry.say("hello")
    assert ferry.texts() == [TEXTS("en", "send_link", platforms=PLATFORMS)]


# --- language ---------------------------------------------------------------------------------


async def _menu(ferry: Ferry) -> Json:
    await ferry.say("/lang")
    return ferry.answers()[-1]


async def test_the_menu_offers_all_languages_by_their_own_names(ferry: Ferry):
    await ferry.start()
    await ferry.say("hello")
    menu = await _menu(ferry)
    rows = menu["reply_markup"]["inline_keyboard"]
    buttons = [button for row in rows for button in row]
    assert {b["callback_data"] for b in buttons} == {f"lang/{code}" for code in LANGUAGES}
    assert all(b["text"] == TEXTS[b["callback_data"][5:]]["language_name"] for b in buttons)
    assert [len(row) for row in rows] == [2, 2, 2, 2]


@pytest.mark.parametrize("code", sorted(LANGUAGES))
async def test_every_language_can_be_chosen_twice(ferry: Ferry, code: str):
    await ferry.start()
    menu = await _menu(ferry)
    for _ in range(2):
        answer = await ferry.press(menu, f"lang/{code}")
        assert "text" not in answer
    assert await get_user_settings(1001) == (code, False)
    assert menu["text"] == TEXTS(code, "lang_set", language=TEXTS[code]["language_name"])
    await ferry.say("hello")
    assert ferry.texts()[-1] == TEXTS(code, "send_link", platforms=PLATFORMS)


@pytest.mark.parametrize("data", ["lang/", "lang/xx", "lang/../en", "lang/ENGLISH"])
async def test_a_language_that_is_not_there_is_refused_before_it_is_written(
    ferry: Ferry, data: str
):
    await ferry.start()
    menu = await _menu(ferry)
    answer = await ferry.press(menu, data)
    assert answer["text"] == EN["lang_unknown"]
    assert answer["show_alert"] is True
    assert await get_user_settings(1001) == ("en", False)


async def test_choosing_in_an_unknown_chat_registers_it(ferry: Ferry):
    await ferry.start()
    menu = await _menu(ferry)
    from data.database import get_session
    from data.models import Users

    async with await get_session() as db:
        await db.delete(await db.get_one(Users, 1001))
        await db.commit()
    await ferry.press(menu, "lang/vi")
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
    ferry: Ferry, command: str, status: str, anonymous: bool, allowed: bool
):
    await ferry.start()
    crew = ferry.world.group(-1002)
    crew.members[1001] = status
    ferry.world.say(ferry.ada, command, crew, anonymous=anonymous)
    await ferry.settled()
    assert (ferry.texts(crew)[-1] != EN["not_admin"]) is allowed
    assert (await get_user(-1002) is not None) is allowed


async def test_a_member_who_presses_the_admins_menu_gets_a_toast(ferry: Ferry):
    await ferry.start()
    crew = ferry.world.group(-1002)
    crew.members[1001] = "administrator"
    await ferry.say("/lang", chat=crew)
    menu = ferry.answers(crew)[-1]
    bo = ferry.world.person(1002, "Bo")
    assert (await ferry.press(menu, "lang/ru", bo))["text"] == EN["not_admin"]
    assert await get_user_settings(-1002) == ("en", False)
    await ferry.press(menu, "lang/ru")
    assert await get_user_settings(-1002) == ("ru", False)


async def test_when_telegram_does_not_say_who_is_admin_nobody_is(ferry: Ferry):
    await ferry.start()
    crew = ferry.world.group(-1002)
    crew.members[1001] = "creator"
    ferry.fail("getChatMember", "500")
    await ferry.say("/mode", chat=crew)
    assert ferry.texts(crew) == [EN["not_admin"]]


async def test_quick_toggles_of_the_mode_are_all_counted(ferry: Ferry):
    await ferry.start()
    await ferry.say("hello")
    for _ in range(5):
        ferry.world.say(ferry.ada, "/mode")
    await ferry.settled()
    assert await get_user_settings(1001) == ("en", True)
    assert sorted("is on" in t for t in ferry.texts()[1:]) == [False, False, True, True, True]
    in_file_mode, _, _ = await get_other_stats()
    assert in_file_mode == 1


# --- hints ------------------------------------------------------------------------------------


async def test_everything_else_gets_its_hint_in_private_and_silence_in_groups(ferry: Ferry):
    await ferry.start()
    await ferry.say("/start")
    crew = ferry.world.group(-1002)
    file = {"file_id": "x", "file_unique_id": "y"}
    clip = {**file, "width": 1, "height": 1, "duration": 1}
    cases: list[tuple[Json, str]] = [
        ({"text": "hello"}, "send_link"),
        ({"text": "/unknown"}, "send_link"),
        ({"video": clip}, "uploads_not_processed"),
        ({"video_note": {**file, "length": 1, "duration": 1}}, "uploads_not_processed"),
        ({"voice": {**file, "duration": 1}}, "links_only"),
        ({"photo": [{**file, "width": 1, "height": 1}]}, "links_only"),
        ({"contact": {"phone_number": "1", "first_name": "x"}}, "links_only"),
    ]
    for content, key in cases:
        message = ferry.world.post(ferry.ada, ferry.home, dict(content))
        ferry.world.post(ferry.ada, crew, dict(content))
        await ferry.settled()
        assert ferry.texts()[-1] == TEXTS("en", key, platforms=PLATFORMS)
        reply = ferry.answers()[-1]["reply_to_message"]["message_id"]
        assert reply == message["message_id"]
    await ferry.say("see https://example.com/x")
    assert ferry.texts()[-1] == TEXTS("en", "foreign_link", platforms=PLATFORMS)
    ferry.world.post(ferry.ada, ferry.home, {"pinned_message": ferry.answers()[0]})
    await ferry.settled()
    assert len(ferry.answers()) == 1 + len(cases) + 1
    assert ferry.answers(crew) == []


async def test_an_edited_message_is_not_a_new_request(ferry: Ferry):
    ferry.video()
    await ferry.start()
    message = await ferry.say("hello")
    ferry.world.push("edited_message", {**message, "text": VIDEO, "edit_date": 1})
    await asyncio.sleep(0.1)
    await ferry.settled()
    assert ferry.videos() == []


async def test_the_commands_are_published_in_every_language(ferry: Ferry):
    await ferry.start()
    commands = ferry.api.methods.commands
    private = {key for key in commands if key.startswith("all_private_chats/")}
    assert private == {f"all_private_chats/{code}" for code in LANGUAGES - {"en"} | {""}}
    in_groups = [c["command"] for c in commands["all_chat_administrators/uk"]]
    assert in_groups == ["settings", "lang", "mode"]
    assert commands["all_private_chats/ru"][0]["description"] == TEXTS["ru"]["command_start"]
