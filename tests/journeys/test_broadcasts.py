"""Administrators write to everybody: nobody is left out, nobody gets it twice."""

import asyncio
import random
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import insert

from core.broadcasts import AT_ONCE, State
from data import database
from data.bans import ban
from data.broadcasts import (
    change_broadcast,
    confirm_broadcast,
    new_draft,
)
from data.chats import find_chat
from data.database import table_of
from data.models import Users
from misc.texts import load_texts
from simulator.sites.proxy import Authority
from simulator.telegram.world import Chat, Json, Person
from tests.journeys.ferry import VIDEO, Ferry
from tests.journeys.test_lifecycle import program

TEXTS = load_texts()
EN = TEXTS["en"]
ADMIN = {"BOT_ADMINS": "1001"}


async def known(ferry: Ferry, number: int, first: int = 5_000, lang: str = "en") -> list[Person]:
    """Make people known to the bot."""
    people = [ferry.world.person(first + n, f"P{n}") for n in range(number)]
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


async def compose(ferry: Ferry, text: str = "Big news") -> Json:
    """Let Ada write a message to everybody; gives its card."""
    await ferry.say("/admin")
    await ferry.press(ferry.answers()[-1], "cast/new")
    assert ferry.answers()[-1]["text"] == EN["broadcast_compose"]
    await ferry.say(text)
    return ferry.answers()[-1]


def buttons(message: Json) -> dict[str, str]:
    """Give the labels of the buttons below a message by what they do."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {b["callback_data"].rpartition("/")[2]: b["text"] for row in rows for b in row}


async def press(ferry: Ferry, card: Json, action: str) -> Json:
    number = next(
        b["callback_data"].split("/")[1]
        for row in card["reply_markup"]["inline_keyboard"]
        for b in row
    )
    return await ferry.press(card, f"cast/{number}/{action}")


def got(ferry: Ferry, person: Person) -> list[str]:
    return [m["text"] for m in ferry.answers(ferry.world.chats[person.id]) if "text" in m]


async def sent_out(ferry: Ferry, card: Json) -> None:
    """Send a draft, and wait for its end."""
    await press(ferry, card, "send")
    assert set(buttons(card)) == {"yes", "open"}
    await press(ferry, card, "yes")
    await ended(ferry, card)


async def ended(ferry: Ferry, card: Json) -> None:
    await ferry.until(lambda: EN["broadcast_done"] in card["text"], "the end")


async def test_everybody_gets_it_once_and_who_is_closed_is_noted(ferry: Ferry):
    await ferry.start(**ADMIN)
    people = await known(ferry, 30)
    ferry.world.block(people[3])
    ferry.world.chats[people[4].id].closed = "user is deactivated"
    await ferry.settled()
    ferry.fail("copyMessage", "429", times=2, seconds=1)
    card = await compose(ferry)
    assert buttons(card)["send"] == TEXTS("en", "broadcast_send", total=30)  # one has blocked us
    await sent_out(ferry, card)
    for number, person in enumerate(people):
        assert got(ferry, person) == ([] if number in {3, 4} else ["Big news"])
    assert "sent: 29 of 30" in card["text"]
    assert "closed to me: 1" in card["text"]
    record = await find_chat(people[4].id)
    assert record
    assert record.is_blocked
    assert "Big news" in ferry.texts()  # Ada is somebody too


async def test_it_looks_as_it_was_written_with_buttons_and_formatting(ferry: Ferry):
    await ferry.start(**ADMIN)
    (bo,) = await known(ferry, 1)
    await ferry.say("/admin")
    await ferry.press(ferry.answers()[-1], "cast/new")
    bold = [{"type": "bold", "offset": 0, "length": 3}]
    await ferry.say(f"Big news at {VIDEO}", entities=bold)
    card = ferry.answers()[-1]
    await ferry.say("no button, and no time", reply_to_message=card)
    assert ferry.texts()[-1] == EN["broadcast_note_wrong"]
    await ferry.say("Read it - https://example.org/news", reply_to_message=card)
    card = ferry.answers()[-1]
    assert TEXTS("en", "broadcast_buttons", number=1) in card["text"]
    await press(ferry, card, "silent")
    assert (await press(ferry, card, "preview"))["text"] == TEXTS(
        "en", "broadcast_tested", number=1
    )
    preview = ferry.answers()[-1]
    await sent_out(ferry, card)
    (message,) = ferry.answers(ferry.world.chats[bo.id])
    for copy in (preview, message):
        assert copy["entities"] == bold
        assert copy["reply_markup"]["inline_keyboard"][0][0]["url"] == "https://example.org/news"
    assert ferry.videos() == []  # the administrator's link was content


async def test_of_a_forwarded_message_the_buttons_that_open_something_come_along(ferry: Ferry):
    await ferry.start(**ADMIN)
    (bo,) = await known(ferry, 1)
    await ferry.say("/admin")
    await ferry.press(ferry.answers()[-1], "cast/new")
    rows = [
        [{"text": "Open", "url": "https://example.org"}, {"text": "Vote", "callback_data": "x"}]
    ]
    await ferry.say("Big news", reply_markup={"inline_keyboard": rows})
    await sent_out(ferry, ferry.answers()[-1])
    (message,) = ferry.answers(ferry.world.chats[bo.id])
    assert message["reply_markup"] == {"inline_keyboard": [rows[0][:1]]}


async def test_the_audience_can_be_chosen(ferry: Ferry):
    await ferry.start(**ADMIN)
    await known(ferry, 2)
    ukrainians = await known(ferry, 3, 6_000, "uk")
    ferry.video()
    group = ferry.world.group(-7_007, "Crew")
    await ferry.say(VIDEO, ukrainians[0])
    await ferry.say(VIDEO, ukrainians[0], group)
    await ban(ukrainians[2].id, 1001)
    card = await compose(ferry)
    counted = []
    for action in ("chats", "chats", "chats", "lang", "days"):
        await press(ferry, card, action)
        counted.append(buttons(card)["send"])
    # Ada has not pressed /start here, but her words have made her known.
    expected = [1, 6, 5, 0, 0]
    assert counted == [TEXTS("en", "broadcast_send", total=n) for n in expected]
    while buttons(card)["lang"] != TEXTS["uk"]["language_name"]:
        await press(ferry, card, "lang")
    assert buttons(card)["send"] == TEXTS("en", "broadcast_send", total=1)
    await sent_out(ferry, card)
    assert "Big news" in got(ferry, ukrainians[0])
    assert got(ferry, ukrainians[1]) == []
    assert got(ferry, ukrainians[2]) == []


async def test_who_came_by_an_invitation(ferry: Ferry):
    await ferry.start(**ADMIN)
    await known(ferry, 2)
    bo = ferry.world.person(1002, "Bo")
    await ferry.say("/start spring", bo)
    card = await compose(ferry)
    await press(ferry, card, "from")
    assert buttons(card)["from"] == EN["broadcast_from_any"]
    await press(ferry, card, "from")
    assert buttons(card)["from"] == "🔗 spring"
    await sent_out(ferry, card)
    assert "sent: 1 of 1" in card["text"]
    assert got(ferry, bo)[-1] == "Big news"


async def test_it_can_be_paused_and_stopped(ferry: Ferry):
    await ferry.start(**ADMIN)
    people = await known(ferry, 120)
    ferry.api.latency_s = 0.05
    card = await compose(ferry)
    await press(ferry, card, "yes")
    await ferry.until(lambda: any(got(ferry, person) for person in people))
    await press(ferry, card, "pause")
    await ferry.until(lambda: ferry.application and ferry.application.parts.broadcasts._run is None)
    assert EN["broadcast_paused"] in card["text"]
    reached = sum(bool(got(ferry, person)) for person in people)
    assert reached < 120
    await press(ferry, card, "resume")
    await ferry.until(lambda: sum(bool(got(ferry, person)) for person in people) > reached)
    await press(ferry, card, "stop")
    await ferry.until(lambda: ferry.application and ferry.application.parts.broadcasts._run is None)
    assert EN["broadcast_cancelled"] in card["text"]
    assert buttons(card) == {}
    counted = sum("Big news" in got(ferry, person) for person in [*people, ferry.ada])
    assert f"sent: {counted} of 121" in card["text"]


async def test_a_stop_leaves_nothing_unknown_and_the_next_start_goes_on(ferry: Ferry):
    await ferry.start(**ADMIN)
    people = await known(ferry, 60)
    ferry.api.latency_s = 0.1
    card = await compose(ferry)
    await press(ferry, card, "yes")
    await ferry.until(lambda: any(got(ferry, person) for person in people))
    await ferry.stop()
    assert 0 < sum(bool(got(ferry, person)) for person in people) < 60
    await ferry.start(**ADMIN)
    await ended(ferry, card)
    assert [got(ferry, person) for person in people] == [["Big news"]] * 60
    assert "unknown: 0" in card["text"]


async def test_what_nobody_knows_is_sent_again_only_on_demand(ferry: Ferry):
    await ferry.start(**ADMIN)
    people = await known(ferry, 5)
    card = await compose(ferry)
    ferry.fail("copyMessage", "lost", chat_id=people[1].id)
    ferry.fail("copyMessage", "500", chat_id=people[2].id)
    await sent_out(ferry, card)
    assert "unknown: 2" in card["text"]
    assert EN["broadcast_unknown"] in card["text"]
    assert f"{people[1].id}, {people[2].id}" in card["text"]
    assert got(ferry, people[2]) == []
    await press(ferry, card, "again")
    await ferry.until(lambda: "unknown: 0" in card["text"] and EN["broadcast_done"] in card["text"])
    assert got(ferry, people[2]) == ["Big news"]
    assert got(ferry, people[1]) == ["Big news"] * 2  # that it may come twice was said


async def test_when_the_message_is_deleted_it_pauses_and_says_why(ferry: Ferry):
    await ferry.start(**ADMIN)
    people = await known(ferry, 5)
    card = await compose(ferry)
    source = max(
        m["message_id"] for m in ferry.home.messages.values() if m.get("text") == "Big news"
    )
    del ferry.home.messages[source]
    await press(ferry, card, "yes")
    await ferry.until(lambda: EN["broadcast_gone"] in card["text"])
    assert [got(ferry, person) for person in people] == [[]] * 5
    assert set(buttons(card)) == {"resume", "stop"}


async def test_it_waits_for_its_time(ferry: Ferry, monkeypatch: pytest.MonkeyPatch):
    await ferry.start(**ADMIN)
    (bo,) = await known(ferry, 1)
    card = await compose(ferry)
    await ferry.say("2001-01-01 00:00", reply_to_message=card)
    assert ferry.texts()[-1] == EN["broadcast_note_wrong"]
    await ferry.say("2035-05-05 05:05", reply_to_message=card)
    card = ferry.answers()[-1]
    assert TEXTS("en", "broadcast_at", time="2035-05-05 05:05") in card["text"]
    await press(ferry, card, "yes")
    assert EN["broadcast_waiting"] in card["text"]
    await asyncio.sleep(2.5)
    assert got(ferry, bo) == []
    monkeypatch.setattr(database, "clock", lambda: time.time() + 12 * 365 * 86_400)
    await ended(ferry, card)
    assert got(ferry, bo) == ["Big news"]


async def test_an_album_is_refused_and_the_next_message_is_taken(ferry: Ferry):
    await ferry.start(**ADMIN)
    await ferry.say("/admin")
    await ferry.press(ferry.answers()[-1], "cast/new")
    await ferry.say("one of two", media_group_id="7")
    assert ferry.texts()[-1] == EN["broadcast_no_album"]
    await ferry.say("a single one")
    assert "send" in buttons(ferry.answers()[-1])


async def test_drafts_and_running_ones_are_found_again_in_the_menu(ferry: Ferry):
    await ferry.start(**ADMIN)
    await known(ferry, 2)
    card = await compose(ferry)
    await ferry.say("/admin")
    menu = ferry.answers()[-1]
    assert set(buttons(menu)) == {"new", "open"}
    await press_open(ferry, menu)
    fresh = ferry.answers()[-1]
    assert fresh["text"] == card["text"]
    await press(ferry, fresh, "discard")
    assert fresh["message_id"] not in ferry.home.messages
    assert (await press(ferry, card, "send"))["text"] == EN["button_expired"]


async def press_open(ferry: Ferry, menu: Json) -> None:
    data = menu["reply_markup"]["inline_keyboard"][1][0]["callback_data"]
    await ferry.press(menu, data)


async def test_a_group_that_becomes_a_supergroup_gets_it_under_its_new_id(ferry: Ferry):
    await ferry.start(**ADMIN)
    ferry.video()
    old = ferry.world.group(-7_007, "Crew")
    await ferry.say(VIDEO, chat=old)
    new = Chat(-1_000_007_007, "supergroup", title="Crew")
    ferry.world.chats[new.id] = new
    card = await compose(ferry)
    await press(ferry, card, "chats")
    old.moved_to = new.id
    await sent_out(ferry, card)
    assert [m["text"] for m in ferry.answers(new)] == ["Big news"]
    assert "sent: 1 of 1" in card["text"]


@pytest.mark.parametrize("place", ["private", "group"])
async def test_a_strangers_words_and_presses_are_nothing_special(ferry: Ferry, place: str):
    await ferry.start(**ADMIN)
    await known(ferry, 3)
    bo = ferry.world.person(1002, "Bo")
    chat = ferry.world.group(-7_007, "Crew") if place == "group" else ferry.world.chats[bo.id]
    card = await compose(ferry)
    for words in ("/admin", "Big news", "Label - https://example.org"):
        await ferry.say(words, bo, chat)
    assert all(buttons(m) == {} for m in ferry.answers(chat))
    before = dict(card)
    for data in ("cast/new", "cast/1/yes", "cast/1/stop", "cast/1/discard", "cast/x/y", "cast/"):
        answer = await ferry.press(card, data, bo)
        assert answer["text"] == EN["button_expired"]
    assert card == before
    assert ferry.calls("copyMessage") == []


async def test_an_administrators_words_elsewhere_are_ordinary(ferry: Ferry):
    await ferry.start(**ADMIN)
    ferry.video()
    group = ferry.world.group(-7_007, "Crew")
    await ferry.say("/admin")
    await ferry.press(ferry.answers()[-1], "cast/new")
    await ferry.say(VIDEO, chat=group)
    assert len(ferry.videos(group)) == 1
    await ferry.say("/admin", chat=group)
    assert all("broadcast" not in str(m) for m in ferry.answers(group))


async def test_paying_is_offered_only_where_the_operator_wants_it(ferry: Ferry):
    await ferry.start(**ADMIN, BROADCASTS_MAY_PAY="true")
    await known(ferry, 14)
    card = await compose(ferry)
    await press(ferry, card, "paid")
    assert TEXTS("en", "broadcast_price", stars=2) in card["text"]
    await sent_out(ferry, card)
    calls = ferry.calls("copyMessage")
    assert len(calls) == 15
    assert all(call.params["allow_paid_broadcast"] for call in calls)
    await ferry.stop()
    await ferry.start(**ADMIN)
    assert "paid" not in buttons(await compose(ferry))


# --- killed ------------------------------------------------------------------------------------

KILLS = 3


async def test_killed_three_times_everybody_gets_it_once(
    ferry: Ferry, new_postgres: str, tmp_path: Path, authority: Authority
):
    """The real program, 5 000 chats on each database, side by side."""
    other = Ferry(tmp_path / "other", ferry.samples, authority)
    await other.simulator.start()
    try:
        await asyncio.gather(
            survives(ferry, f"sqlite:///{tmp_path / 'killed.db'}"), survives(other, new_postgres)
        )
    finally:
        await other.close()
    assert other.api.methods.violations == []


async def survives(ferry: Ferry, db_url: str) -> None:
    """Let a broadcast be killed three times at random moments."""
    chance = random.Random()
    people = await prepared(ferry, db_url)
    for person in chance.sample(people, len(people) // 20):
        ferry.world.block(person)
    ferry.world.updates.clear()  # that some have blocked the bot is seen only when it writes to them
    blocked = sum(bool(ferry.world.chats[person.id].closed) for person in people)
    ferry.api.latency_s = 0.05
    ferry.fail("copyMessage", "429", times=5, skip=chance.randrange(1_000), seconds=1)
    environment = {
        **ferry.simulator.bot_environment(ferry.folder),
        **ADMIN,
        "DATABASE_URL": db_url,
        "TELEGRAM_PACING": "false",
        "RUN_LEASE_S": "2",
        "RUN_LOG_LEVEL": "ERROR",
    }
    for _ in range(KILLS):
        before = len(ferry.calls("copyMessage"))
        process, _ = await program("run", folder=ferry.folder, **environment)
        await ferry.until(lambda before=before: len(ferry.calls("copyMessage")) > before)  # type: ignore[misc]
        await asyncio.sleep(chance.uniform(0.2, 3))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    process, _ = await program("run", folder=ferry.folder, **environment)
    card = ferry.home.messages[CARD]
    deadline = time.monotonic() + 180
    while EN["broadcast_done"] not in card["text"] and time.monotonic() < deadline:
        await ferry.world.changed(1)
    process.send_signal(signal.SIGTERM)
    await process.wait()
    figures = [int(number) for number in re.findall(r": (\d+)", card["text"])]
    sent, closed, refused, unknown = figures
    copies = Counter(len(got(ferry, person)) for person in people)
    assert set(copies) <= {0, 1}
    assert blocked - unknown <= closed <= blocked
    assert refused == 0
    assert unknown <= KILLS * AT_ONCE
    assert sent + closed + unknown == len(people)
    # Who stands among the unknown may have got it or not; everybody else has.
    assert sent <= copies[1] <= sent + unknown


CARD = 2


async def prepared(ferry: Ferry, db_url: str) -> list[Person]:
    """Write a confirmed broadcast to 5 000 people into a database, and its card into Ada's chat."""
    source = ferry.world.post_unseen(ferry.ada.as_json(), ferry.home, {"text": "Big news"})
    card = ferry.world.add_message(ferry.home, {"text": "the card"})
    assert card["message_id"] == CARD
    # The journey's own bot is not running, so the database's one engine is free.
    async with USES_THE_ENGINE:
        database.initialize_database_components(db_url)
        await database.init_db()
        people = await known(ferry, 5_000)
        number = await new_draft(42, 1001)
        await change_broadcast(
            number, State.DRAFT, message_id=source["message_id"], card_id=card["message_id"]
        )
        assert await confirm_broadcast(number)
        await database.close()
    return people


USES_THE_ENGINE = asyncio.Lock()
