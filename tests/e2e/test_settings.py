"""/settings: the chosen settings apply."""

import pytest

from core.formats import Quality
from core.preferences import Preferences
from data.chats import find_chat
from data.config import SitesSection
from misc.ui.texts import load_texts
from simulator.telegram.markup import units
from simulator.telegram.world import Chat, Json
from tests.e2e.bot_harness import ID, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]


def selected(message: Json) -> set[str]:
    """Return the settings that the keyboard shows as selected."""
    rows = message["reply_markup"]["inline_keyboard"]
    return {
        b["callback_data"].removeprefix("set/") for row in rows for b in row if "✅" in b["text"]
    }


async def crew_with_settings(harness: BotHarness, *settings: str, **environment: str) -> Chat:
    """Start the bot with a group whose creator Ada has pressed the given settings."""
    harness.video(text="Dawn & dusk", author="ferry.demo")
    await harness.start(**environment)
    crew = harness.world.group(-1002)
    crew.members[1001] = "creator"
    await harness.say("/settings", chat=crew)
    menu = harness.answers(crew)[-1]
    for setting in settings:
        await harness.press(menu, f"set/{setting}")
    return crew


def labels(message: Json) -> list[str]:
    """Return the labels of the buttons."""
    return [b["text"] for row in message["reply_markup"]["inline_keyboard"] for b in row]


async def test_the_pages_show_and_change_the_settings(harness: BotHarness):
    await harness.start()
    await harness.say("/settings")
    menu = harness.answers()[-1]
    assert selected(menu) == set()
    await harness.press(menu, "set/page/quality")
    assert selected(menu) == {"quality/best"}
    for setting in ("quality/720p", "describe", "page/main", "file_mode"):
        await harness.press(menu, f"set/{setting}")
    assert selected(menu) == {"file_mode"}
    assert {"🎬 Quality: 720p ›", "📝 Caption: Link ›"} <= set(labels(menu))
    await harness.press(menu, "set/page/caption")
    for part in ("text", "author", "source", "source"):
        await harness.press(menu, f"set/caption/{part}")
    assert labels(menu) == [
        *("1️⃣ Text", "2️⃣ Author", "3️⃣ Link", "☐ Bot name"),
        *(f"✅ {EN['set_describe']}", EN["settings_back"]),
    ]
    await harness.press(menu, "set/page/main")
    assert "📝 Caption: Text · Author · Link ›" in labels(menu)
    record = await find_chat(1001)
    assert record is not None
    assert (record.file_mode, record.preferences) == (True, Preferences(quality=Quality.HD))


async def test_a_group_has_pages_for_its_items_and_sites(harness: BotHarness):
    crew = await crew_with_settings(harness, "page/items", LIMITS_GROUP_ITEMS="7")
    menu = harness.answers(crew)[-1]
    assert selected(menu) == {"album_cap/default"}
    await harness.press(menu, "set/album_cap/5")
    assert selected(menu) == {"album_cap/5"}
    await harness.press(menu, "set/album_cap/default")
    await harness.press(menu, "set/page/sites")
    await harness.press(menu, "set/muted/tiktok")
    assert "muted/tiktok" not in selected(menu)
    assert labels(menu)[-1] == EN["settings_back"]
    await harness.press(menu, "set/page/main")
    assert "📦 Items per post: 7 ›" in labels(menu)
    total = len(SitesSection().allowed)
    assert f"🌐 Sites: {total - 1} of {total} ›" in labels(menu)
    assert EN["settings_group"] in menu["text"]


async def test_a_language_can_be_chosen_in_the_settings(harness: BotHarness):
    await harness.start()
    await harness.say("/settings")
    menu = harness.answers()[-1]
    await harness.press(menu, "set/page/language")
    assert selected(menu) == {"lang/en"}
    await harness.press(menu, "set/lang/ar")
    assert f"🌍 اللغة: {TEXTS['ar']['language_name']} ‹" in labels(menu)
    record = await find_chat(1001)
    assert record is not None
    assert record.lang == "ar"


async def test_buttons_of_older_menus_still_work(harness: BotHarness):
    """Until now the menu was one page, whose language button opened buttons of /lang."""
    await harness.start()
    await harness.say("/settings")
    menu = harness.answers()[-1]
    await harness.press(menu, "set/quality/720p")
    assert selected(menu) == {"quality/720p"}
    await harness.press(menu, "set/lang")
    await harness.press(menu, "lang/ar")
    assert menu["text"] == TEXTS("ar", "lang_set", language=TEXTS["ar"]["language_name"])


@pytest.mark.parametrize(
    "data", ["set/", "set/quality/8k", "set/album_cap/7", "set/muted/nowhere", "set/page/9"]
)
async def test_buttons_that_are_no_more_say_so_and_change_nothing(harness: BotHarness, data: str):
    await harness.start()
    await harness.say("/settings")
    menu = harness.answers()[-1]
    before = dict(menu)
    answer = await harness.press(menu, data)
    assert (answer["text"], answer["show_alert"]) == (EN["settings_expired"], True)
    assert menu == before


@pytest.mark.parametrize("status", ["member", "administrator"])
async def test_in_groups_only_administrators_can_change_settings(harness: BotHarness, status: str):
    crew = await crew_with_settings(harness)
    menu = harness.answers(crew)[-1]
    bo = harness.world.person(1002, "Bo")
    crew.members[1002] = status
    answer = await harness.press(menu, "set/silent", bo)
    assert ("silent" in selected(menu)) == (status == "administrator")
    assert answer.get("text") == (EN["not_admin"] if status == "member" else None)
    await harness.say("/settings", bo, crew)
    is_menu = "reply_markup" in harness.answers(crew)[-1]
    assert is_menu == (status == "administrator")


async def test_an_anonymous_administrator_can_open_the_settings(harness: BotHarness):
    crew = await crew_with_settings(harness)
    await harness.say("/settings", chat=crew, anonymous=True)
    assert "reply_markup" in harness.answers(crew)[-1]


# --- captions -------------------------------------------------------------------------------------


async def test_a_new_chat_gets_text_and_author_cut_to_what_fits(harness: BotHarness):
    harness.video(text="Dawn <b>&</b>\n\n dusk " + "x" * 3_000 + " #sea #sun", author="ferry.demo")
    await harness.start()
    await harness.say(VIDEO)
    message = harness.videos()[-1]
    caption = message["caption"]
    assert caption.startswith("Dawn <b>&</b>\ndusk xxx")
    assert caption.endswith("x…\nferry.demo · TikTok")
    assert units(caption) == 1_024
    quote, link = message["caption_entities"]
    assert quote["type"] == "blockquote"
    assert (link["type"], link["url"]) == ("text_link", VIDEO)
    assert caption[link["offset"] :] == "ferry.demo · TikTok"


async def test_parts_of_the_caption_are_chosen_and_ordered(harness: BotHarness):
    harness.video(text="Dawn", author="ferry.demo")
    await harness.start()
    await harness.say("/settings")
    menu = harness.answers()[-1]
    seen = []
    for part in ("text", "text", "bot", "author", "source"):
        await harness.press(menu, f"set/caption/{part}")
        await harness.say(VIDEO)
        seen.append(harness.videos()[-1]["caption"])
    assert seen == [
        "ferry.demo · TikTok",
        "ferry.demo · TikTok\nDawn",
        "ferry.demo · TikTok\nDawn\n@clipferry_demo_bot",
        "TikTok\nDawn\n@clipferry_demo_bot",
        "Dawn\n@clipferry_demo_bot",
    ]


async def test_without_any_part_only_an_album_has_a_message_below(harness: BotHarness):
    harness.video(text="Dawn")
    pictures = tuple(harness.samples.picture(200, 200, f"p{number}") for number in range(3))
    harness.video("7300000000000000003", pictures=pictures, text="Dusk")
    await harness.start()
    await harness.say("/settings")
    menu = harness.answers()[-1]
    for part in ("text", "author", "source"):
        await harness.press(menu, f"set/caption/{part}")
    await harness.say(VIDEO)
    assert "caption" not in harness.videos()[-1]
    await harness.say(VIDEO.replace(ID, "7300000000000000003"))
    below = harness.answers()[-1]
    assert below["text"] == "TikTok"
    assert "reply_markup" in below


async def test_the_operators_template_is_filled_with_what_the_chat_wants(harness: BotHarness):
    harness.video(text="Dawn", author="ferry.demo")
    await harness.start(CAPTIONS_TEMPLATE=r"<b>{author}</b>: {text}\nMore from {bot} · {source}")
    await harness.say(VIDEO)
    await harness.say("/settings")
    menu = harness.answers()[-1]
    for part in ("text", "source"):
        await harness.press(menu, f"set/caption/{part}")
    await harness.say(VIDEO)
    assert [video["caption"] for video in harness.videos()] == [
        "ferry.demo: Dawn\nMore from @clipferry_demo_bot · TikTok",
        "ferry.demo\nMore from @clipferry_demo_bot",
    ]


async def test_names_in_notes_are_shown_as_they_are(harness: BotHarness):
    crew = await crew_with_settings(harness, "delete_request")
    bo = harness.world.person(1002, "Bo & <Co>")
    crew.members[1002] = "member"
    await harness.say(VIDEO, bo, crew)
    assert harness.videos(crew)[-1]["caption"].splitlines() == [
        "Dawn & dusk",
        "ferry.demo · TikTok",
        "Sent by Bo & <Co>",
    ]


# --- settings of groups ---------------------------------------------------------------------------


async def test_a_group_can_enable_silence_spoilers_and_deletion_of_requests(harness: BotHarness):
    crew = await crew_with_settings(harness, "silent", "spoiler", "delete_request")
    harness.video("7300000000000000002", is_sensitive=True)
    await harness.say(VIDEO.replace(ID, "7300000000000000002"), chat=crew)
    request = await harness.say(VIDEO, chat=crew)
    sensitive, video = harness.videos(crew)
    assert sensitive["has_media_spoiler"]
    assert "has_media_spoiler" not in video
    assert "Sent by Ada" in video["caption"]
    assert request["message_id"] not in crew.messages
    assert harness.calls("sendVideo")[-1].params["disable_notification"]


async def test_a_failed_request_is_not_deleted(harness: BotHarness):
    crew = await crew_with_settings(harness, "delete_request")
    request = await harness.say(VIDEO.replace(ID, "7300000000000000404"), chat=crew)
    assert request["message_id"] in crew.messages
    assert crew.reactions[request["message_id"]] == "😢"


async def test_a_cancelled_request_is_not_deleted(harness: BotHarness):
    """Nothing else in the chat has its link."""
    crew = await crew_with_settings(harness, "delete_request")
    harness.site.serves_files.clear()
    request = harness.world.say(harness.ada, VIDEO, crew)
    await harness.until(lambda: crew.reactions)
    await harness.say("/cancel", chat=crew)
    assert request["message_id"] in crew.messages
    assert crew.reactions == {}
    assert harness.videos(crew) == []


async def test_a_group_can_mute_a_site(harness: BotHarness):
    crew = await crew_with_settings(harness, "muted/tiktok")
    await harness.say(VIDEO, chat=crew)
    assert harness.videos(crew) == []
    assert harness.simulator.log == []
    await harness.press(harness.answers(crew)[-1], "set/muted/tiktok")
    await harness.say(VIDEO, chat=crew)
    assert len(harness.videos(crew)) == 1


async def test_a_group_can_require_a_mention(harness: BotHarness):
    crew = await crew_with_settings(harness, "only_mentioned")
    await harness.say(VIDEO, chat=crew)
    assert harness.videos(crew) == []
    await harness.say(f"@clipferry_demo_bot_2 {VIDEO}", chat=crew)
    assert harness.videos(crew) == []
    await harness.say(f"@Clipferry_demo_bot {VIDEO}", chat=crew)
    assert len(harness.videos(crew)) == 1
    ours = harness.videos(crew)[0]
    await harness.say(VIDEO, chat=crew, reply_to_message=ours)
    assert len(harness.videos(crew)) == 2


async def test_group_settings_do_not_apply_in_private_chats(harness: BotHarness):
    await crew_with_settings(harness)
    await harness.say("/settings")
    await harness.press(harness.answers()[-1], "set/delete_request")
    request = await harness.say(VIDEO)
    assert request["message_id"] in harness.home.messages
    assert "Sent by" not in harness.videos()[-1]["caption"]


# --- migration and membership ---------------------------------------------------------------------


async def test_a_migrated_group_keeps_its_settings(harness: BotHarness):
    crew = await crew_with_settings(harness, "silent", "album_cap/5")
    await harness.say(VIDEO, chat=crew)
    new = harness.world.migrate(harness.ada, crew, -1009)
    await harness.settled()
    assert await find_chat(-1002) is None
    record = await find_chat(-1009)
    assert record is not None
    assert (record.preferences.silent, record.preferences.album_cap) == (True, 5)
    await harness.say(VIDEO, chat=new)
    assert harness.calls("sendVideo")[-1].params["disable_notification"]


async def test_a_send_to_the_old_id_is_repeated_with_the_new_id(harness: BotHarness):
    """The group migrates during the request, and the update about it has not arrived."""
    crew = await crew_with_settings(harness, "silent")
    harness.world.group(-1009)
    crew.moved_to = -1009
    await harness.say(VIDEO, chat=crew)
    record = await find_chat(-1009)
    assert record is not None
    assert record.preferences.silent


async def test_blocking_removal_and_unblocking_are_recorded(harness: BotHarness):
    crew = await crew_with_settings(harness)
    await harness.say("/start")
    harness.world.block(harness.ada)
    harness.world.remove(harness.ada, crew)
    await harness.settled()
    assert [(await find_chat(c)).is_blocked for c in (1001, -1002)] == [True, True]  # type: ignore[union-attr]
    harness.world.unblock(harness.ada)
    await harness.settled()
    assert not (await find_chat(1001)).is_blocked  # type: ignore[union-attr]
