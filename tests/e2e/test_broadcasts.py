"""Broadcasts reach every recipient, and reach nobody twice."""

import asyncio
import itertools
import random
import re
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update

from core.broadcasts import AT_ONCE, State
from core.errors import StorageError
from data import database
from data.backup import refuse_foreign_wal
from data.bans import ban
from data.broadcasts import (
    add_content,
    change_broadcast,
    confirm_broadcast,
    find_broadcast,
    new_draft,
)
from data.chats import find_chat
from data.database import table_of
from data.models import Broadcasts, Users, Workers
from misc.ui.texts import load_texts
from simulator.telegram.api import Call
from simulator.telegram.world import Chat, Json, Person
from tests.e2e.bot_harness import PATIENCE_S, VIDEO, BotHarness, BothDatabases
from tests.e2e.programs import program

TEXTS = load_texts()
EN = TEXTS["en"]
ADMIN = {"BOT_ADMINS": "1001"}


async def register_users(
    harness: BotHarness, number: int, first: int = 5_000, lang: str = "en"
) -> list[Person]:
    """Register users in the database and return them."""
    people = [harness.world.person(first + n, f"P{n}") for n in range(number)]
    rows = [
        {
            "user_id": person.id,
            "registered_at": 1_700_000_000,
            "lang": lang,
            "file_mode": False,
            "ad_count": 0,
            "ad_cooldown": 0,
        }
        for person in people
    ]
    await database.write(lambda db: db.execute(insert(table_of(Users)), rows))
    return people


async def create_draft(harness: BotHarness, text: str = "Big news") -> Json:
    """Create a broadcast draft as Ada and return its card."""
    await compose(harness)
    await harness.say(text)
    return harness.answers()[-1]


async def compose(harness: BotHarness) -> Json:
    """Open the menu as Ada and start a new broadcast; return the menu."""
    await harness.say("/admin")
    menu = harness.answers()[-1]
    await harness.press(menu, "admin/broadcasts")
    await harness.press(menu, "cast/new")
    assert menu["text"] == EN["broadcast_compose"]
    return menu


def buttons(message: Json) -> dict[str, str]:
    """Return the labels of a message's buttons by their action."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {b["callback_data"].rpartition("/")[2]: b["text"] for row in rows for b in row}


async def press(harness: BotHarness, card: Json, action: str) -> Json:
    number = next(
        b["callback_data"].split("/")[1]
        for row in card["reply_markup"]["inline_keyboard"]
        for b in row
    )
    return await harness.press(card, f"cast/{number}/{action}")


def received(harness: BotHarness, person: Person) -> list[str]:
    return [m["text"] for m in harness.answers(harness.world.chats[person.id]) if "text" in m]


async def send_broadcast(harness: BotHarness, card: Json) -> None:
    """Confirm a draft and wait until it is finished."""
    await press(harness, card, "send")
    assert set(buttons(card)) == {"yes", "open"}
    await press(harness, card, "yes")
    await wait_for_end(harness, card)


async def wait_for_end(harness: BotHarness, card: Json) -> None:
    await harness.until(lambda: EN["broadcast_done"] in card["text"], "the end")


async def test_every_chat_gets_one_copy_and_closed_chats_are_recorded(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 30)
    harness.world.block(people[3])
    harness.world.chats[people[4].id].closed = "user is deactivated"
    await harness.settled()
    harness.fail("copyMessage", "429", times=2, seconds=1)
    card = await create_draft(harness)
    # One of them has blocked the bot.
    assert buttons(card)["send"] == TEXTS("en", "broadcast_send", count=30)
    await send_broadcast(harness, card)
    for number, person in enumerate(people):
        assert received(harness, person) == ([] if number in {3, 4} else ["Big news"])
    assert "sent: 29 of 30" in card["text"]
    assert "blocked the bot: 1" in card["text"]
    record = await find_chat(people[4].id)
    assert record
    assert record.is_blocked
    assert "Big news" in harness.texts()  # the administrator is a recipient, too


async def test_copies_keep_formatting_and_get_the_composed_buttons(harness: BotHarness):
    await harness.start(**ADMIN)
    (bo,) = await register_users(harness, 1)
    await compose(harness)
    bold = [{"type": "bold", "offset": 0, "length": 3}]
    await harness.say(f"Big news at {VIDEO}", entities=bold)
    card = harness.answers()[-1]
    await harness.say("Read it - example.org\nno button, and no time", reply_to_message=card)
    assert harness.texts()[-1].startswith("Line 2: a link is missing")
    await harness.say("Read it | example.org/news, Shop: shop.example.org", reply_to_message=card)
    card = harness.answers()[-1]
    assert "🔘 2 buttons below it" in card["text"]
    await press(harness, card, "silent")
    assert (await press(harness, card, "preview"))["text"] == TEXTS(
        "en", "broadcast_tested", count=1
    )
    preview = harness.answers()[-1]
    await send_broadcast(harness, card)
    (message,) = harness.answers(harness.world.chats[bo.id])
    for copy in (preview, message):
        assert copy["entities"] == bold
        (row,) = copy["reply_markup"]["inline_keyboard"]
        assert [(button["text"], button["url"]) for button in row] == [
            ("Read it", "https://example.org/news"),
            ("Shop", "https://shop.example.org"),
        ]
    assert harness.videos() == []  # links in the administrator's broadcast are not requests


async def test_url_buttons_of_the_message_are_copied_and_callback_buttons_are_not(
    harness: BotHarness,
):
    await harness.start(**ADMIN)
    (bo,) = await register_users(harness, 1)
    await compose(harness)
    rows = [
        [{"text": "Open", "url": "https://example.org"}, {"text": "Vote", "callback_data": "x"}]
    ]
    await harness.say("Big news", reply_markup={"inline_keyboard": rows})
    await send_broadcast(harness, harness.answers()[-1])
    (message,) = harness.answers(harness.world.chats[bo.id])
    assert message["reply_markup"] == {"inline_keyboard": [rows[0][:1]]}


async def test_the_audience_can_be_filtered_by_chat_type_language_and_activity(harness: BotHarness):
    await harness.start(**ADMIN)
    await register_users(harness, 2)
    ukrainians = await register_users(harness, 3, 6_000, "uk")
    harness.video()
    group = harness.world.group(-7_007, "Crew")
    await harness.say(VIDEO, ukrainians[0])
    await harness.say(VIDEO, ukrainians[0], group)
    await ban(ukrainians[2].id, 1001)
    card = await create_draft(harness)
    # Ada is registered by her messages, without /start.
    assert buttons(card)["send"] == TEXTS("en", "broadcast_send", count=5)
    await press(harness, card, "chats")
    assert buttons(card) == {
        "chats=private": "• 💬 Private chats – 5",
        "chats=groups": "👥 Groups – 1",
        "chats=all": "🌍 All chats – 6",
        "open": EN["broadcast_back"],
    }
    await press(harness, card, "chats=groups")
    assert buttons(card)["send"] == TEXTS("en", "broadcast_send", count=1)
    await press(harness, card, "chats=private")
    await press(harness, card, "lang")
    assert buttons(card)["lang=uk"] == f"🌐 {TEXTS['uk']['language_name']} – 2"
    await press(harness, card, "open")
    await press(harness, card, "lang")
    await press(harness, card, "lang=uk")
    await press(harness, card, "days")
    assert buttons(card)["days=7"] == "📅 Active in 7 days – 1"
    await press(harness, card, "days=7")
    assert buttons(card)["send"] == TEXTS("en", "broadcast_send", count=1)
    await send_broadcast(harness, card)
    assert "Big news" in received(harness, ukrainians[0])
    assert received(harness, ukrainians[1]) == []
    assert received(harness, ukrainians[2]) == []


async def test_the_audience_can_be_filtered_by_referral_link(harness: BotHarness):
    await harness.start(**ADMIN)
    await register_users(harness, 2)
    bo = harness.world.person(1002, "Bo")
    await harness.say("/start spring", bo)
    card = await create_draft(harness)
    await press(harness, card, "from")
    offered = buttons(card)
    assert offered["from=all"] == f"• {EN['broadcast_from_all']} – 4"
    assert offered["from=any"] == f"{EN['broadcast_from_any']} – 1"
    (spring,) = [action for action, label in offered.items() if label == "🔗 spring – 1"]
    await press(harness, card, spring)
    assert buttons(card)["from"] == "🔗 spring ›"
    await send_broadcast(harness, card)
    assert "sent: 1 of 1" in card["text"]
    assert received(harness, bo)[-1] == "Big news"


async def test_a_broadcast_can_be_paused_resumed_and_stopped(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 120)
    harness.api.latency_s = 0.05
    card = await create_draft(harness)
    await press(harness, card, "yes")
    await harness.until(lambda: any(received(harness, person) for person in people))
    await press(harness, card, "pause")
    await harness.until(
        lambda: harness.application and harness.application.container.broadcasts.progress is None
    )
    assert EN["broadcast_paused"] in card["text"]
    reached = sum(bool(received(harness, person)) for person in people)
    assert reached < 120
    await press(harness, card, "resume")
    await harness.until(lambda: sum(bool(received(harness, person)) for person in people) > reached)
    await press(harness, card, "stop")
    await harness.until(
        lambda: harness.application and harness.application.container.broadcasts.progress is None
    )
    assert EN["broadcast_cancelled"] in card["text"]
    assert set(buttons(card)) == {"back"}
    counted = sum("Big news" in received(harness, person) for person in [*people, harness.ada])
    assert f"sent: {counted} of 121" in card["text"]


async def test_a_broadcast_continues_after_a_restart_with_no_unknown_deliveries(
    harness: BotHarness,
):
    await harness.start(**ADMIN)
    people = await register_users(harness, 60)
    harness.api.latency_s = 0.1
    card = await create_draft(harness)
    await press(harness, card, "yes")
    await harness.until(lambda: any(received(harness, person) for person in people))
    await harness.stop()
    assert 0 < sum(bool(received(harness, person)) for person in people) < 60
    await harness.start(**ADMIN)
    await wait_for_end(harness, card)
    assert [received(harness, person) for person in people] == [["Big news"]] * 60
    assert "unknown: 0" in card["text"]


async def test_unknown_deliveries_are_repeated_only_on_request(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 5)
    card = await create_draft(harness)
    harness.fail("copyMessage", "lost", chat_id=people[1].id)
    harness.fail("copyMessage", "500", chat_id=people[2].id)
    await send_broadcast(harness, card)
    assert "unknown: 2" in card["text"]
    assert EN["broadcast_unknown"] in card["text"]
    assert f"{people[1].id}, {people[2].id}" in card["text"]
    assert received(harness, people[2]) == []
    await press(harness, card, "again")
    await harness.until(
        lambda: "unknown: 0" in card["text"] and EN["broadcast_done"] in card["text"]
    )
    assert received(harness, people[2]) == ["Big news"]
    assert received(harness, people[1]) == ["Big news"] * 2  # the card warns about duplicates


async def test_a_broadcast_pauses_when_its_message_is_deleted(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 5)
    card = await create_draft(harness)
    source = max(
        m["message_id"] for m in harness.home.messages.values() if m.get("text") == "Big news"
    )
    del harness.home.messages[source]
    await press(harness, card, "yes")
    await harness.until(lambda: EN["broadcast_gone"] in card["text"])
    assert [received(harness, person) for person in people] == [[]] * 5
    assert set(buttons(card)) == {"resume", "stop", "back"}


async def test_a_scheduled_broadcast_starts_at_its_time(harness: BotHarness):
    await harness.start(**ADMIN)
    (bo,) = await register_users(harness, 1)
    card = await create_draft(harness)
    await harness.say("2001-01-01 00:00", reply_to_message=card)
    assert harness.texts()[-1].startswith("Line 1: this time has already passed.")
    await harness.say("2035-05-05 05:05", reply_to_message=card)
    card = harness.answers()[-1]
    assert TEXTS("en", "broadcast_at", time="May 5, 2035, 05:05") in card["text"]
    await press(harness, card, "yes")
    assert EN["broadcast_waiting"] in card["text"]
    await asyncio.sleep(2.5)
    assert received(harness, bo) == []
    its_time = text("UPDATE broadcasts SET starts_at = 1")
    await database.write(lambda db: db.execute(its_time))
    await wait_for_end(harness, card)
    assert received(harness, bo) == ["Big news"]


def photo(name: str, **values: str) -> Json:
    """Return the content of a picture in an album."""
    size = {"file_id": name, "file_unique_id": name, "width": 9, "height": 9}
    return {"photo": [size], "media_group_id": "album-1", **values}


async def post_album(harness: BotHarness, names: list[str]) -> None:
    """Send an album as Ada; its messages arrive as separate updates at the same time."""
    for name in names:
        values = {"caption": f"All about it: {VIDEO}"} if name == names[0] else {}
        harness.world.post(harness.ada, harness.home, photo(name, **values))
    await harness.settled()


def received_albums(harness: BotHarness, person: Person) -> list[list[str]]:
    """Return the pictures of each album that a user has received."""
    albums: dict[str, list[str]] = {}
    for message in harness.answers(harness.world.chats[person.id]):
        if "photo" in message:
            name = message["photo"][0]["file_id"]
            albums.setdefault(message["media_group_id"], []).append(name)
    return list(albums.values())


async def test_an_album_is_sent_together_and_in_order(harness: BotHarness):
    await harness.start(**ADMIN)
    harness.video()
    people = await register_users(harness, 5)
    harness.world.block(people[0])
    await compose(harness)
    await post_album(harness, ["a", "b", "c"])
    card = harness.answers()[-1]
    assert TEXTS("en", "broadcast_album", count=3) in card["text"]
    assert len([m for m in harness.answers() if "Broadcast 1" in m.get("text", "")]) == 1
    await harness.say("Read - example.org", reply_to_message=card)
    assert harness.texts()[-1].startswith(EN["broadcast_no_album"])
    await press(harness, card, "preview")
    assert received_albums(harness, harness.ada) == [["a", "b", "c"]]
    await send_broadcast(harness, card)
    for person in people[1:]:
        assert received_albums(harness, person) == [["a", "b", "c"]]
        (first, *others) = harness.answers(harness.world.chats[person.id])
        assert first["caption"] == f"All about it: {VIDEO}"
        assert all("caption" not in other for other in others)
    assert "sent: 5 of 5" in card["text"]
    assert harness.calls("copyMessage") == []
    assert harness.videos() == []


async def test_an_album_that_is_deleted_pauses_the_broadcast(harness: BotHarness):
    await harness.start(**ADMIN)
    await register_users(harness, 3)
    await compose(harness)
    await post_album(harness, ["a", "b"])
    card = harness.answers()[-1]
    for number in [n for n, m in harness.home.messages.items() if "media_group_id" in m]:
        del harness.home.messages[number]
    await press(harness, card, "yes")
    await harness.until(lambda: EN["broadcast_gone"] in card["text"])


async def test_a_lost_answer_about_an_album_is_not_sent_again(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 3)
    await compose(harness)
    await post_album(harness, ["a", "b"])
    card = harness.answers()[-1]
    harness.fail("copyMessages", "lost", chat_id=people[0].id)
    harness.fail("copyMessages", "429", chat_id=people[1].id, seconds=1)
    await send_broadcast(harness, card)
    assert "unknown: 1" in card["text"]
    assert [received_albums(harness, person) for person in people] == [[["a", "b"]]] * 3


async def test_composing_can_be_left(harness: BotHarness):
    await harness.start(**ADMIN)
    menu = await compose(harness)
    assert menu["reply_markup"]["inline_keyboard"][-1][0]["callback_data"] == "admin/broadcasts"
    await harness.press(menu, "admin/broadcasts")
    assert menu["text"].startswith("Broadcasts")
    harness.video()
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1


@pytest.mark.long
async def test_the_card_is_edited_only_when_it_has_changed(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 10)
    # All but one are served at once; the last one is paused for several rounds of the card.
    harness.fail("copyMessage", "429", seconds=12, chat_id=people[9].id)
    card = await create_draft(harness)
    await send_broadcast(harness, card)
    edits = [call for call in harness.calls("editMessageText") if call.status == 200]
    assert [call.status for call in harness.calls("editMessageText")] == [200] * len(edits)
    texts = [call.params["text"] for call in edits]
    assert all(first != second for first, second in itertools.pairwise(texts))


async def test_the_menu_lists_drafts_and_running_broadcasts(harness: BotHarness):
    await harness.start(**ADMIN)
    await register_users(harness, 2)
    card = await create_draft(harness)
    await harness.say("/admin")
    menu = harness.answers()[-1]
    await harness.press(menu, "admin/broadcasts")
    assert set(buttons(menu)) == {"new", "open", "menu"}
    await press_open(harness, menu)
    fresh = harness.answers()[-1]
    assert fresh["text"] == card["text"]
    await press(harness, fresh, "discard")
    assert fresh["message_id"] not in harness.home.messages
    assert (await press(harness, card, "send"))["text"] == EN["button_expired"]


async def press_open(harness: BotHarness, menu: Json) -> None:
    data = menu["reply_markup"]["inline_keyboard"][1][0]["callback_data"]
    await harness.press(menu, data)


async def test_a_migrated_group_gets_the_broadcast_under_its_new_id(harness: BotHarness):
    await harness.start(**ADMIN)
    harness.video()
    old = harness.world.group(-7_007, "Crew")
    await harness.say(VIDEO, chat=old)
    new = Chat(-1_000_007_007, "supergroup", title="Crew")
    harness.world.chats[new.id] = new
    card = await create_draft(harness)
    await press(harness, card, "chats=groups")
    old.moved_to = new.id
    await send_broadcast(harness, card)
    assert [m["text"] for m in harness.answers(new)] == ["Big news"]
    assert "sent: 1 of 1" in card["text"]


@pytest.mark.parametrize("place", ["private", "group"])
async def test_broadcast_commands_and_buttons_of_other_users_have_no_effect(
    harness: BotHarness, place: str
):
    await harness.start(**ADMIN)
    await register_users(harness, 3)
    bo = harness.world.person(1002, "Bo")
    chat = harness.world.group(-7_007, "Crew") if place == "group" else harness.world.chats[bo.id]
    card = await create_draft(harness)
    for words in ("/admin", "Big news", "Label - https://example.org"):
        await harness.say(words, bo, chat)
    assert all(buttons(m) == {} for m in harness.answers(chat))
    before = dict(card)
    for data in ("cast/new", "cast/1/yes", "cast/1/stop", "cast/1/discard", "cast/x/y", "cast/"):
        answer = await harness.press(card, data, bo)
        assert answer["text"] == EN["button_expired"]
    assert card == before
    assert harness.calls("copyMessage") == []


async def test_an_administrators_messages_in_groups_are_handled_as_ordinary_text(
    harness: BotHarness,
):
    await harness.start(**ADMIN)
    harness.video()
    group = harness.world.group(-7_007, "Crew")
    await compose(harness)
    await harness.say(VIDEO, chat=group)
    assert len(harness.videos(group)) == 1
    await harness.say("/admin", chat=group)
    assert all("broadcast" not in str(m) for m in harness.answers(group))


async def test_paid_broadcasts_are_offered_only_if_enabled(harness: BotHarness):
    await harness.start(**ADMIN, BROADCASTS_MAY_PAY="true")
    await register_users(harness, 14)
    card = await create_draft(harness)
    await press(harness, card, "paid")
    assert TEXTS("en", "broadcast_price", count=2) in card["text"]
    await send_broadcast(harness, card)
    calls = harness.calls("copyMessage")
    assert len(calls) == 15
    assert all(call.params["allow_paid_broadcast"] for call in calls)
    await harness.stop()
    await harness.start(**ADMIN)
    assert "paid" not in buttons(await create_draft(harness))


# --- the real program, killed ---------------------------------------------------------------------

KILLS = 3


@pytest.mark.long
async def test_a_broadcast_killed_three_times_reaches_every_chat_once(
    both_databases: BothDatabases,
):
    """Run on SQLite and PostgreSQL at the same time, with 1 200 chats each."""
    await asyncio.gather(*(run_and_kill(harness, url) for harness, url in both_databases))


async def run_and_kill(harness: BotHarness, db_url: str) -> None:
    """Kill the bot three times at random moments of a broadcast, and check the deliveries."""
    rng = random.Random()
    people = await prepare_broadcast(harness, db_url)
    for person in rng.sample(people, len(people) // 20):
        harness.world.block(person)
    harness.world.updates.clear()  # The bot learns about the blocks only when it sends.
    blocked = sum(bool(harness.world.chats[person.id].closed) for person in people)
    harness.api.latency_s = 0.05
    harness.fail("copyMessage", "429", times=5, skip=rng.randrange(400), seconds=1)
    environment = {
        **harness.simulator.bot_environment(harness.folder),
        **ADMIN,
        "DATABASE_URL": db_url,
        "TELEGRAM_PACING": "false",
        "RUN_LEASE_S": "2",
        "RUN_LOG_LEVEL": "ERROR",
    }
    for _ in range(KILLS):
        before = len(harness.calls("copyMessage"))
        process, _ = await program("run", folder=harness.folder, **environment)
        await harness.until(lambda before=before: len(harness.calls("copyMessage")) > before)  # type: ignore[misc]
        await asyncio.sleep(rng.uniform(0.1, 1))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    process, _ = await program("run", folder=harness.folder, **environment)
    card = harness.home.messages[CARD]
    deadline = time.monotonic() + PATIENCE_S
    while EN["broadcast_done"] not in card["text"] and time.monotonic() < deadline:
        await harness.world.changed(1)
    process.send_signal(signal.SIGTERM)
    await process.wait()
    counts = [int(number) for number in re.findall(r": (\d+)", card["text"])]
    sent, closed, refused, unknown = counts
    copies = Counter(len(received(harness, person)) for person in people)
    assert set(copies) <= {0, 1}
    assert blocked - unknown <= closed <= blocked
    assert refused == 0
    assert unknown <= KILLS * AT_ONCE
    assert sent + closed + unknown == len(people)
    # Chats with an unknown delivery may have received a copy; all others have.
    assert sent <= copies[1] <= sent + unknown


@pytest.mark.long
async def test_an_album_killed_in_the_middle_reaches_nobody_twice(
    harness: BotHarness, tmp_path: Path
):
    db_url = f"sqlite:///{tmp_path / 'killed.db'}"
    people = await prepare_broadcast(harness, db_url, people=150, album=["a", "b", "c"])
    harness.api.latency_s = 0.1
    environment = {
        **harness.simulator.bot_environment(harness.folder),
        **ADMIN,
        "DATABASE_URL": db_url,
        "TELEGRAM_PACING": "false",
        "RUN_LEASE_S": "2",
        "RUN_LOG_LEVEL": "ERROR",
    }
    for _ in range(2):
        before = len(harness.calls("copyMessages"))
        process, _ = await program("run", folder=harness.folder, **environment)
        await harness.until(
            lambda before=before: len(harness.calls("copyMessages")) > before + 20  # type: ignore[misc]
        )
        process.send_signal(signal.SIGKILL)
        await process.wait()
    process, _ = await program("run", folder=harness.folder, **environment)
    card = harness.home.messages[max(harness.home.messages)]
    await harness.until(lambda: EN["broadcast_done"] in card["text"], "the end")
    process.send_signal(signal.SIGTERM)
    await process.wait()
    sent, blocked, refused, unknown = (int(n) for n in re.findall(r": (\d+)", card["text"]))
    albums = [received_albums(harness, person) for person in people]
    assert all(found in ([], [["a", "b", "c"]]) for found in albums)
    assert (blocked, refused) == (0, 0)
    assert 0 < unknown <= 2 * AT_ONCE
    assert sent + unknown == len(people)
    assert sent <= sum(map(bool, albums)) <= sent + unknown


CARD = 2


async def prepare_broadcast(
    harness: BotHarness, db_url: str, *, people: int = 1_200, album: Sequence[str] = ()
) -> list[Person]:
    """Add a confirmed broadcast to some users to the database, and its card to Ada's chat.

    `album` are the names of its pictures; without them it is a text.
    """
    contents = [photo(name) for name in album] or [{"text": "Big news"}]
    sources = [
        harness.world.post_unseen(harness.ada.as_json(), harness.home, content)["message_id"]
        for content in contents
    ]
    card = harness.world.add_message(harness.home, {"text": "the card"})
    assert album or card["message_id"] == CARD
    # The harness's bot is not running, so the module-level engine is free.
    async with USES_THE_ENGINE:
        database.initialize_database_components(db_url)
        await database.init_db()
        registered = await register_users(harness, people)
        number = await new_draft(42, 1001)
        for source in sources:
            await add_content(number, source, "album-1" if album else None, None)
        await change_broadcast(number, State.DRAFT, card_id=card["message_id"])
        assert await confirm_broadcast(number)
        await database.close()
    return registered


USES_THE_ENGINE = asyncio.Lock()


# --- 429 ------------------------------------------------------------------------------------------


async def test_a_chat_that_asks_for_a_long_pause_holds_up_nobody(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 40)
    harness.fail("copyMessage", "429", seconds=300, chat_id=people[0].id)
    card = await create_draft(harness)
    await press(harness, card, "send")
    await press(harness, card, "yes")
    await harness.until(lambda: all(received(harness, person) for person in people[1:]))
    assert received(harness, people[0]) == []
    started = time.monotonic()
    await harness.stop()
    assert time.monotonic() - started < 30  # the pause is 300 s, and the drain 60 s
    # The next start does not forget the chat.
    await harness.start(**ADMIN)
    await wait_for_end(harness, card)
    assert received(harness, people[0]) == ["Big news"]
    assert all(received(harness, person) == ["Big news"] for person in people)
    assert "sent: 41 of 41" in card["text"]


@pytest.mark.parametrize("pacing", ["true", "false"])
async def test_the_copy_comes_when_the_pause_is_over(harness: BotHarness, pacing: str):
    await harness.start(**ADMIN, TELEGRAM_PACING=pacing)
    people = await register_users(harness, 20)
    harness.fail("copyMessage", "429", seconds=2, chat_id=people[3].id)
    card = await create_draft(harness)
    await send_broadcast(harness, card)
    refused, copied = [
        call for call in harness.calls("copyMessage") if call.params["chat_id"] == people[3].id
    ]
    assert (refused.status, copied.status) == (429, 200)
    assert copied.at - refused.at >= 2
    assert all(received(harness, person) == ["Big news"] for person in people)


async def test_a_full_database_after_a_refusal_stops_no_broadcast(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    await harness.start(**ADMIN)
    people = await register_users(harness, 10)
    harness.world.chats[people[2].id].closed = "user is deactivated"

    async def fail(_chat_id: int) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("services.broadcasts.mark_blocked", fail)
    card = await create_draft(harness)
    await send_broadcast(harness, card)
    assert "blocked the bot: 1" in card["text"]
    assert "unknown: 0" in card["text"]


# --- found unfinished at the start ----------------------------------------------------------------


async def interrupt(harness: BotHarness, people: list[Person]) -> Json:
    """Start a broadcast, and stop the bot in the middle of it; return the card."""
    card = await begin(harness, people)
    await harness.stop()
    harness.api.latency_s = 0
    return card


async def begin(harness: BotHarness, people: list[Person]) -> Json:
    """Start a slow broadcast, and wait for its first copies; return the card."""
    card = await create_draft(harness)
    harness.api.latency_s = 0.02
    await press(harness, card, "send")
    await press(harness, card, "yes")
    await harness.until(lambda: sum(map(bool, (received(harness, p) for p in people))) > 20)
    return card


async def move_progress_to_the_past(harness: BotHarness, seconds: int) -> None:
    database.initialize_database_components(f"sqlite:///{harness.folder / 'bot.db'}")
    progress = update(Broadcasts).values(progress_at=Broadcasts.progress_at - seconds)
    leases = update(Workers).values(alive_until=Workers.alive_until - seconds)
    await database.write(lambda db: (db.execute(progress), db.execute(leases)))
    await database.close()


async def test_after_a_short_downtime_a_broadcast_goes_on_by_itself(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 150)
    card = await interrupt(harness, people)
    await move_progress_to_the_past(harness, 500)
    await harness.start(**ADMIN)
    await wait_for_end(harness, card)
    assert all(received(harness, person) == ["Big news"] for person in people)


async def test_after_two_days_a_broadcast_waits_with_its_numbers(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 150)
    card = await interrupt(harness, people)
    await move_progress_to_the_past(harness, 2 * 86_400)
    before = [received(harness, person) for person in people]
    sent = sum(map(bool, before)) + 1  # the administrator gets it, too
    polls, early = harness.api.polls, []

    def note(call: Call, _: Json | None) -> None:
        if harness.api.polls == polls and not call.method.startswith("get"):
            early.append(call.method)

    harness.api.on_call = note
    await harness.start(**ADMIN)
    alarm = TEXTS("en", "alarm_broadcast", number=1, sent=sent, total=151)
    await harness.until(lambda: harness.texts()[-1] == alarm)
    assert early == []  # people who write now do not wait for it
    assert EN["broadcast_unattended"] in card["text"]
    await asyncio.sleep(3)
    assert [received(harness, person) for person in people] == before
    await press(harness, card, "resume")
    await wait_for_end(harness, card)
    assert all(received(harness, person) == ["Big news"] for person in people)


@pytest.mark.parametrize("way", ["file", "command"])
async def test_a_restored_backup_sends_nothing_twice(harness: BotHarness, way: str):
    path = harness.folder / "bot.db"
    await harness.start(**ADMIN)
    people = await register_users(harness, 150)
    card = await interrupt(harness, people)
    shutil.copy(path, harness.folder / "backup.db")
    # The backup is some seconds old; meanwhile the broadcast has ended.
    await harness.start(**ADMIN)
    await wait_for_end(harness, card)
    await harness.stop()
    if way == "file":
        shutil.copy(harness.folder / "backup.db", path)
    else:
        process, _ = await program(
            "restore",
            str(harness.folder / "backup.db"),
            folder=harness.folder,
            DATABASE_URL=f"sqlite:///{path}",
            FILES_HEARTBEAT=str(harness.folder / "elsewhere" / "heartbeat"),
        )
        out, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")
        assert b"Restored" in out
    await harness.start(**ADMIN)
    await harness.until(lambda: EN["broadcast_restored"] in card["text"])
    await asyncio.sleep(3)
    assert all(received(harness, person) == ["Big news"] for person in people)


def snapshot(folder: Path, target: Path) -> None:
    """Copy what a running bot has in its folder, as a snapshot of the file system does."""
    target.mkdir()
    with closing(sqlite3.connect(folder / "bot.db")) as reader:
        # While somebody reads, the log is not begun anew: with it, any copy of the file is whole.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM notes").fetchone()
        for name in ("bot.db", "bot.db-wal", "starts"):
            shutil.copy(folder / name, target / name)


async def test_a_restored_folder_sends_nothing_twice(harness: BotHarness):
    """Database, log and marker fit together, as in the image of a whole machine: the time tells."""
    await harness.start(**ADMIN)
    people = await register_users(harness, 150)
    card = await begin(harness, people)
    snapshot(harness.folder, harness.folder / "snapshot")
    harness.api.latency_s = 0
    await wait_for_end(harness, card)
    await harness.stop()
    for file in (*harness.folder.glob("bot.db*"), harness.folder / "starts"):
        file.unlink()
    shutil.copytree(harness.folder / "snapshot", harness.folder, dirs_exist_ok=True)
    assert (harness.folder / "bot.db-wal").stat().st_size
    refuse_foreign_wal(harness.folder / "bot.db", harness.folder / "starts")
    await move_progress_to_the_past(harness, 700)
    await harness.start(**ADMIN)
    await harness.until(lambda: EN["broadcast_unattended"] in card["text"])
    await asyncio.sleep(3)
    assert all(received(harness, person) == ["Big news"] for person in people)


async def test_a_broadcast_planned_for_later_does_not_wait(harness: BotHarness):
    await harness.start(**ADMIN)
    people = await register_users(harness, 5)
    card = await create_draft(harness)
    await send_broadcast(harness, card)
    later = int(time.time()) + 100_000
    statement = update(Broadcasts).values(state=str(State.RUNNING), starts_at=later, progress_at=1)
    await database.write(lambda db: db.execute(statement))
    await harness.stop()
    await harness.start(**ADMIN)
    broadcast = await find_broadcast(1)
    assert broadcast
    assert broadcast.state is State.RUNNING
    assert all(received(harness, person) == ["Big news"] for person in people)
