"""Chats of today keep their captions when they are upgraded, and new ones get the new default."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, text

from core.captions import CaptionPart
from core.media import Link
from core.preferences import DEFAULT_PREFERENCES, Preferences
from core.request import ChatSettings, Request, Target
from data import database
from data.chats import change_preferences, find_chat, register_chat
from data.inline_messages import find_inline
from data.requests import take_over
from tests.schemas import upgrade_to

TEXT, AUTHOR, SOURCE, BOT = CaptionPart
PLAIN, DESCRIBED = (SOURCE, BOT), (AUTHOR, TEXT, SOURCE, BOT)
#: What chats have stored, and the caption that they see before and after.
CHATS: list[tuple[str | None, tuple[CaptionPart, ...]]] = [
    (None, PLAIN),
    ("{}", PLAIN),
    ('{"silent": true}', PLAIN),
    ('{"describe": true}', DESCRIBED),
    ('{"quality": "720p", "describe": true, "muted": ["x"]}', DESCRIBED),
    ('{"describe": false}', PLAIN),
    ('{"describe": 1, "silent": true}', PLAIN),
    ("", PLAIN),
    ("nonsense", PLAIN),
    ("[1]", PLAIN),
]
REQUEST = Request(
    "post", Link("x", "https://x.com/a/status/1", "1"), Target(1, 7, True), 0, ChatSettings("uk")
)


def _fill(db: Connection, many: int) -> None:
    """Write what the version before has written."""
    chats = [{"id": number, "wishes": wishes} for number, (wishes, _) in enumerate(CHATS, 1)]
    # Enough for several batches, with the states of the others in turn.
    chats += [{"id": -number, "wishes": CHATS[number % 4][0]} for number in range(1, many)]
    db.execute(
        text(
            "INSERT INTO users (user_id, lang, file_mode, ad_count, ad_cooldown, wishes) "
            "VALUES (:id, 'en', false, 0, 0, :wishes)"
        ),
        chats,
    )
    for number, (wishes, _) in enumerate(CHATS, 1):
        what = json.loads(REQUEST.as_json())
        if wishes is not None:
            what["wishes"] = wishes
        row: dict[str, Any] = {"id": number, "what": json.dumps(what), "inline": f"inline-{number}"}
        db.execute(
            text(
                "INSERT INTO requests (id, bot_id, update_id, number, chat_id, asked_at, what, "
                "attempts) VALUES (:id, 1, :id, 0, 1, 0, :what, 0)"
            ),
            row,
        )
        db.execute(
            text(
                "INSERT INTO inline_messages (inline_id, owner_id, what, made_at) "
                "VALUES (:inline, 1, :what, 0)"
            ),
            row,
        )
    db.execute(text("UPDATE inline_messages SET what = 'nonsense' WHERE inline_id = 'inline-1'"))


@pytest.fixture
async def upgraded(db_url: str):
    """Upgrade a database of the version before, with chats in every state."""
    database.initialize_database_components(db_url)
    assert database.engine
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda db: upgrade_to(db, "0010"))
        await connection.run_sync(lambda db: _fill(db, 2_500))
    await database.init_db()
    yield
    await database.close()


@pytest.mark.usefixtures("upgraded")
async def test_every_chat_keeps_its_caption_and_its_other_settings():
    for number, (stored, caption) in enumerate(CHATS, 1):
        record = await find_chat(number)
        assert record
        others = replace(Preferences.from_json(stored), caption=caption)
        assert record.preferences == others, stored
    for number in (1, 999, 1_000, 1_001, 2_499):
        record = await find_chat(-number)
        assert record
        assert record.preferences.caption == CHATS[number % 4][1], number


@pytest.mark.usefixtures("upgraded")
async def test_what_was_asked_before_is_answered_as_before():
    taken = await take_over(1, "worker", 100)
    captions = [entry.request and entry.request.chat.preferences.caption for entry in taken]
    assert captions == [caption for _, caption in CHATS]
    assert [entry.request and entry.request.link for entry in taken] == [REQUEST.link] * len(CHATS)
    assert await find_inline("inline-1") is None
    message = await find_inline("inline-3")
    assert message
    assert message.request.chat.preferences == Preferences(caption=PLAIN, silent=True)


@pytest.mark.usefixtures("upgraded")
async def test_a_new_chat_gets_the_new_caption_and_an_old_one_can_have_it():
    record, is_new = await register_chat(99, "en")
    assert is_new
    assert record.preferences == DEFAULT_PREFERENCES
    changed = await change_preferences(1, "en", lambda _: DEFAULT_PREFERENCES)
    assert changed == DEFAULT_PREFERENCES
    record = await find_chat(1)  # type: ignore[assignment]
    assert record.preferences == DEFAULT_PREFERENCES


@pytest.mark.usefixtures("upgraded")
async def test_a_setting_that_is_changed_later_does_not_change_the_caption():
    await change_preferences(1, "en", lambda preferences: preferences.toggled("silent"))
    record = await find_chat(1)
    assert record
    assert record.preferences == Preferences(caption=PLAIN, silent=True)
