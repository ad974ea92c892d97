"""/privacy: users can export their data, or delete it from every table."""

import json
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Select, func, insert, select

from data import database
from data.access import add_access_entry
from data.bans import ban
from data.broadcasts import new_draft
from data.database import Base, table_of
from data.models import Recipients
from data.old_updates import OldUpdate, store_old_updates
from data.opt_outs import opt_out
from data.privacy import personal_data
from misc.ui.texts import load_texts
from simulator.sites.tiktok import SampleProfile
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.e2e.inline_harness import ON, InlineHarness

EN = load_texts()["en"]
#: Tables without personal data, and tables whose rows are kept, with the reason.
IMPERSONAL = {"cached_posts", "workers", "flights", "elections"}
IMPERSONAL |= {"stats", "outcomes", "ad_shows", "faults", "notes"}
KEPT = {"bans": "a ban outlives the data", "broadcasts": "records of the operator"}
KEPT |= {"access_list": "a permission outlives the data"}
#: Tables of a fleet whose rows are gone after a minute.
BRIEF = {"pace", "sends"}
#: Columns that identify a person.
NAMES = ("user_id", "chat_id", "owner_id", "admin_id", "sender_id", "person_id", "entry")


async def rows_about(person: int) -> dict[str, int]:
    """Return the number of rows about a person in every table."""
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name in BRIEF:
            continue
        columns = [table.c[name] for name in NAMES if name in table.c]
        assert bool(columns) != (table.name in IMPERSONAL), f"is {table.name} about people?"
        for column in columns:
            key = str(person) if column.name == "entry" else person
            question = select(func.count()).select_from(table).where(column == key)
            found[table.name] = await database.read(partial(count, question))
    return found


def count(question: Select[Any], db: Connection) -> int:
    number: int = db.execute(question).scalar_one()
    return number


async def create_rows(inline: InlineHarness) -> None:
    """Create rows about Ada in every table."""
    harness = inline.harness
    harness.video()
    harness.home.username = "ada_ferry"
    await harness.start(**ON)
    await harness.say("/start Spring")
    await harness.say(VIDEO)
    await harness.press(harness.videos()[0], f"id/{ID}")
    harness.site.profiles["ferry.demo"] = SampleProfile("ferry.demo", [ID])
    await harness.say("https://www.tiktok.com/@ferry.demo")
    await inline.type(VIDEO[:-1] + "9")
    await inline.send("fetch/post")
    number = await new_draft(42, 1001)
    row = {"broadcast_id": number, "chat_id": 1001, "outcome": "sent"}
    await database.write(lambda db: db.execute(insert(table_of(Recipients)), row))
    await ban(1001, 7)
    await opt_out(1001)
    await add_access_entry("1001", 7)
    # Of another bot, so that it is not handled at once.
    await store_old_updates(43, [OldUpdate(1, 1001, "{}")])


async def test_the_export_contains_all_personal_data(inline: InlineHarness):
    harness = inline.harness
    await create_rows(inline)
    await harness.say("/privacy")
    await harness.press(harness.answers()[-1], "privacy/export")
    document = next(m["document"] for m in harness.answers() if "document" in m)
    assert document["file_name"] == "1001.json"
    data = json.loads(harness.simulator.api.files.by_id[document["file_id"]].path.read_text())
    assert len(data.pop("notes")) == 1  # the hash of her name
    assert {table: len(rows) for table, rows in data.items()} == {
        table: number for table, number in (await rows_about(1001)).items() if table not in KEPT
    }
    assert data["users"][0]["link"] == "spring"
    assert data["videos"][0]["video_link"] == VIDEO


async def test_deletion_removes_the_data_from_every_table(inline: InlineHarness):
    harness = inline.harness
    await create_rows(inline)
    bo = harness.world.person(1002, "Bo")
    await harness.say(VIDEO, bo)
    assert all((await rows_about(1001)).values())
    before = await rows_about(1002)
    await harness.say("/privacy")
    menu = harness.answers()[-1]
    await harness.press(menu, "privacy/delete")
    assert menu["text"] == EN["privacy_sure"]
    await harness.press(menu, "privacy/no")
    assert menu["text"] == EN["privacy_about"]
    await harness.press(menu, "privacy/delete")
    await harness.press(menu, "privacy/yes")
    assert menu["text"] == EN["privacy_done"]
    left = {table for table, number in (await rows_about(1001)).items() if number}
    assert left == set(KEPT)
    assert (await personal_data(1001))["notes"] == []
    assert await rows_about(1002) == before


@pytest.mark.parametrize("action", ["export", "delete", "yes", "no"])
async def test_the_privacy_menu_concerns_the_user_who_presses(harness: BotHarness, action: str):
    """Bo presses the menu that Ada has opened."""
    await harness.start()
    bo = harness.world.person(1002, "Bo")
    await harness.say("/start", bo)
    await harness.say("/start")
    await harness.say("/privacy")
    await harness.press(harness.answers()[-1], f"privacy/{action}", bo)
    assert (await rows_about(1001))["users"] == 1
    assert all("document" not in message for message in harness.answers())
