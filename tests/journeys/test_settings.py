"""/settings: what a chat chooses is what it gets."""

import pytest

from data.chats import find_chat
from misc.texts import load_texts
from simulator.telegram.world import Chat, Json
from tests.journeys.ferry import ID, VIDEO, Ferry

TEXTS = load_texts()
EN = TEXTS["en"]


def ticks(message: Json) -> set[str]:
    """List what is on in a settings keyboard."""
    rows = message["reply_markup"]["inline_keyboard"]
    return {
        b["callback_data"].removeprefix("set/") for row in rows for b in row if "✅" in b["text"]
    }


async def crew_with_settings(ferry: Ferry, *settings: str, **environment: str) -> Chat:
    """Start with a group whose creator, Ada, has pressed these settings."""
    ferry.video(text="Dawn & dusk", author="ferry.demo")
    await ferry.start(**environment)
    crew = ferry.world.group(-1002)
    crew.members[1001] = "creator"
    await ferry.say("/settings", chat=crew)
    menu = ferry.answers(crew)[-1]
    for setting in settings:
        await ferry.press(menu, f"set/{setting}")
    return crew


async def test_in_private_the_keyboard_shows_and_changes_what_there_is(ferry: Ferry):
    await ferry.start()
    await ferry.say("/settings")
    menu = ferry.answers()[-1]
    assert ticks(menu) == {"quality/best"}
    for setting in ("file_mode", "describe", "quality/720p"):
        await ferry.press(menu, f"set/{setting}")
    assert ticks(menu) == {"file_mode", "describe", "quality/720p"}
    await ferry.press(menu, "set/describe")
    assert ticks(menu) == {"file_mode", "quality/720p"}
    record = await find_chat(1001)
    assert record is not None
    assert (record.file_mode, record.wishes.quality, record.wishes.describe) == (
        True,
        "720p",
        False,
    )


async def test_the_language_is_one_tap_away(ferry: Ferry):
    await ferry.start()
    await ferry.say("/settings")
    menu = ferry.answers()[-1]
    await ferry.press(menu, "set/lang")
    await ferry.press(menu, "lang/ar")
    assert menu["text"] == TEXTS("ar", "lang_set", language=TEXTS["ar"]["language_name"])


async def test_nonsense_and_double_presses_change_nothing(ferry: Ferry):
    await ferry.start()
    await ferry.say("/settings")
    menu = ferry.answers()[-1]
    for data in (
        "set/",
        "set/quality/8k",
        "set/album_cap/7",
        "set/muted/nowhere",
        "set/quality/best",
    ):
        await ferry.press(menu, data)
    assert ticks(menu) == {"quality/best"}


@pytest.mark.parametrize("status", ["member", "administrator"])
async def test_in_groups_only_administrators_may_and_every_press_is_checked(
    ferry: Ferry, status: str
):
    crew = await crew_with_settings(ferry)
    menu = ferry.answers(crew)[-1]
    bo = ferry.world.person(1002, "Bo")
    crew.members[1002] = status
    answer = await ferry.press(menu, "set/silent", bo)
    assert ("silent" in ticks(menu)) == (status == "administrator")
    assert answer.get("text") == (EN["not_admin"] if status == "member" else None)
    await ferry.say("/settings", bo, crew)
    is_menu = "reply_markup" in ferry.answers(crew)[-1]
    assert is_menu == (status == "administrator")


async def test_an_anonymous_administrator_may(ferry: Ferry):
    crew = await crew_with_settings(ferry)
    await ferry.say("/settings", chat=crew, anonymous=True)
    assert "reply_markup" in ferry.answers(crew)[-1]


async def test_the_caption_tells_author_and_text_when_wanted(ferry: Ferry):
    ferry.video(text="Dawn <b>&</b> dusk " + "x" * 3_000, author="ferry.demo")
    await ferry.start()
    await ferry.say("/settings")
    await ferry.press(ferry.answers()[-1], "set/describe")
    await ferry.say(VIDEO)
    caption = ferry.videos()[-1]["caption"]
    assert caption.startswith("ferry.demo\nDawn <b>&</b> dusk")
    assert caption.endswith("…\n\nSource\n\n@clipferry_demo_bot")


async def test_a_group_can_ask_for_silence_spoilers_and_a_clean_chat(ferry: Ferry):
    crew = await crew_with_settings(ferry, "silent", "spoiler", "delete_request")
    ferry.video("7300000000000000002", is_sensitive=True)
    await ferry.say(VIDEO.replace(ID, "7300000000000000002"), chat=crew)
    request = await ferry.say(VIDEO, chat=crew)
    sensitive, video = ferry.videos(crew)
    assert sensitive["has_media_spoiler"]
    assert "has_media_spoiler" not in video
    assert "Sent by Ada" in video["caption"]
    assert request["message_id"] not in crew.messages
    assert ferry.calls("sendVideo")[-1].params["disable_notification"]


async def test_a_request_that_failed_is_not_deleted(ferry: Ferry):
    crew = await crew_with_settings(ferry, "delete_request")
    request = await ferry.say(VIDEO.replace(ID, "7300000000000000404"), chat=crew)
    assert request["message_id"] in crew.messages
    assert crew.reactions[request["message_id"]] == "😢"


async def test_a_group_can_mute_a_site(ferry: Ferry):
    crew = await crew_with_settings(ferry, "muted/tiktok")
    await ferry.say(VIDEO, chat=crew)
    assert ferry.videos(crew) == []
    assert ferry.simulator.log == []
    await ferry.press(ferry.answers(crew)[-1], "set/muted/tiktok")
    await ferry.say(VIDEO, chat=crew)
    assert len(ferry.videos(crew)) == 1


async def test_a_group_can_want_to_be_asked_by_name(ferry: Ferry):
    crew = await crew_with_settings(ferry, "only_mentioned")
    await ferry.say(VIDEO, chat=crew)
    assert ferry.videos(crew) == []
    await ferry.say(f"@clipferry_demo_bot_2 {VIDEO}", chat=crew)
    assert ferry.videos(crew) == []
    await ferry.say(f"@Clipferry_demo_bot {VIDEO}", chat=crew)
    assert len(ferry.videos(crew)) == 1
    ours = ferry.videos(crew)[0]
    await ferry.say(VIDEO, chat=crew, reply_to_message=ours)
    assert len(ferry.videos(crew)) == 2


async def test_group_wishes_do_not_count_in_private(ferry: Ferry):
    await crew_with_settings(ferry)
    await ferry.say("/settings")
    await ferry.press(ferry.answers()[-1], "set/delete_request")
    request = await ferry.say(VIDEO)
    assert request["message_id"] in ferry.home.messages
    assert "Sent by" not in ferry.videos()[-1]["caption"]


# --- where the bot is ---------------------------------------------------------------------------


async def test_a_group_that_becomes_a_supergroup_keeps_its_settings(ferry: Ferry):
    crew = await crew_with_settings(ferry, "silent", "album_cap/5")
    await ferry.say(VIDEO, chat=crew)
    new = ferry.world.migrate(ferry.ada, crew, -1009)
    await ferry.settled()
    assert await find_chat(-1002) is None
    record = await find_chat(-1009)
    assert record is not None
    assert (record.wishes.silent, record.wishes.album_cap) == (True, 5)
    await ferry.say(VIDEO, chat=new)
    assert ferry.calls("sendVideo")[-1].params["disable_notification"]


async def test_a_send_to_the_old_id_finds_the_new_one(ferry: Ferry):
    """The group moves while the video is on its way, and the update about it is still to come."""
    crew = await crew_with_settings(ferry, "silent")
    ferry.world.group(-1009)
    crew.moved_to = -1009
    await ferry.say(VIDEO, chat=crew)
    record = await find_chat(-1009)
    assert record is not None
    assert record.wishes.silent


async def test_blocked_and_removed_are_noted_and_so_is_the_return(ferry: Ferry):
    crew = await crew_with_settings(ferry)
    await ferry.say("/start")
    ferry.world.block(ferry.ada)
    ferry.world.remove(ferry.ada, crew)
    await ferry.settled()
    assert [(await find_chat(c)).is_blocked for c in (1001, -1002)] == [True, True]  # type: ignore[union-attr]
    ferry.world.unblock(ferry.ada)
    await ferry.settled()
    assert not (await find_chat(1001)).is_blocked  # type: ignore[union-attr]
