"""A chat's preferences, and a group that gets another id."""

import asyncio

from core.captions import CaptionPart
from core.preferences import Preferences
from data import chats
from data.database import unix_now
from data.db_service import add_music, add_video, get_user_ids, get_user_stats


async def test_wishes_are_stored_and_read_with_the_chat(db: str):
    record, _ = await chats.register_chat(1, "en")
    assert record.preferences == Preferences()
    changed = await chats.change_preferences(1, "en", lambda w: w.with_description_toggled())
    assert changed.caption == (CaptionPart.SOURCE,)
    found = await chats.find_chat(1)
    assert found is not None
    assert found.preferences == changed


async def test_changes_at_the_same_time_are_all_kept(db: str):
    await chats.register_chat(1, "en")
    names = ("silent", "spoiler", "delete_request", "only_mentioned")
    await asyncio.gather(*(chats.change_preferences(1, "en", _toggle(name)) for name in names))
    found = await chats.find_chat(1)
    assert found is not None
    assert all(getattr(found.preferences, name) for name in names)


def _toggle(name: str):
    return lambda preferences: preferences.toggled(name)


async def test_a_group_moves_with_all_it_has_and_moving_twice_is_harmless(db: str):
    await chats.register_chat(-1, "ru", "spring")
    await chats.toggle_file_mode(-1, "ru")
    await chats.change_preferences(-1, "ru", lambda w: w.toggled("silent"))
    await add_video(-1, "https://x", False)
    await add_music(-1, 7)
    await chats.mark_blocked(-1)
    for _ in range(2):
        await chats.move_chat(-1, -100)
    assert await chats.find_chat(-1) is None
    found = await chats.find_chat(-100)
    assert found is not None
    assert (found.lang, found.file_mode, found.preferences.silent) == ("ru", True, True)
    assert not found.is_blocked
    user, videos, _ = await get_user_stats(-100)
    assert videos == 1
    assert user is not None
    assert user.link == "spring"


async def test_a_new_id_that_is_known_already_keeps_its_own_settings(db: str):
    await chats.register_chat(-1, "ru")
    await chats.register_chat(-100, "uk")
    await chats.toggle_file_mode(-100, "uk")
    await add_video(-1, "https://x", False)
    await chats.move_chat(-1, -100)
    found = await chats.find_chat(-100)
    assert found is not None
    assert found.lang == "uk"
    assert (await get_user_stats(-100))[1] == 1


async def test_a_new_id_that_the_bots_joining_has_registered_takes_the_old_settings(db: str):
    await chats.register_chat(-1, "ru")
    await chats.change_preferences(-1, "ru", lambda w: w.toggled("silent"))
    await chats.register_chat(-100, "uk")
    await chats.move_chat(-1, -100)
    found = await chats.find_chat(-100)
    assert found is not None
    assert (found.lang, found.preferences.silent) == ("ru", True)


async def test_a_language_is_adopted_only_by_a_chat_that_is_not_older(db: str):
    await chats.register_chat(-1, "en")
    for since, lang in ((unix_now() + 60, "uk"), (unix_now() - 60, "ru")):
        await chats.adopt_language(-1, lang, since)
        found = await chats.find_chat(-1)
        assert found is not None
        assert found.lang == ("en" if lang == "uk" else "ru")


async def test_channels_are_stored_as_such(db: str):
    await chats.register_chat(-1, "en")
    await chats.register_chat(-2, "en", is_channel=True)
    assert [await chats.is_channel(n) for n in (-1, -2, -3)] == [False, True, False]


async def test_moving_what_is_not_known_changes_nothing(db: str):
    await chats.move_chat(-5, -6)
    assert await chats.find_chat(-6) is None


async def test_a_setting_of_an_unknown_chat_registers_it(db: str):
    assert await chats.toggle_file_mode(5, "uk")
    changed = await chats.change_preferences(6, "hi", lambda w: w.toggled("silent"))
    first, second = await chats.find_chat(5), await chats.find_chat(6)
    assert first is not None
    assert (first.lang, first.file_mode) == ("uk", True)
    assert second is not None
    assert (second.lang, second.preferences) == ("hi", changed)
    assert sorted(await get_user_ids()) == [5, 6]
    assert not await chats.toggle_file_mode(5, "en")
    found = await chats.find_chat(5)
    assert found is not None
    assert found.lang == "uk"
