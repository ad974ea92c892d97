"""A backup that was made while links waited: what the start after its restore does with them."""

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.request import Request
from misc.ui.texts import load_texts
from simulator.telegram.world import Chat
from tests.e2e.bot_harness import PATIENCE_S, BotHarness
from tests.e2e.programs import program
from tests.e2e.test_crash import open_requests, start_and_finish
from tests.e2e.test_lifecycle import link

EN = load_texts()["en"]


async def call(harness: BotHarness, command: str, file: Path) -> str:
    """Run a command with the bot's database and a backup; return what it prints."""
    process, _ = await program(
        command,
        str(file),
        folder=harness.folder,
        DATABASE_URL=f"sqlite:///{harness.folder / 'bot.db'}",
        FILES_HEARTBEAT=str(harness.folder / "heartbeat"),
    )
    output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    return output.decode()


def let_pass(backup: Path, seconds: int, chat: Chat) -> None:
    """Let the links of a chat have been sent earlier, and the leases in the backup have ended."""
    with closing(sqlite3.connect(backup)) as db, db:
        rows = db.execute("SELECT id, what FROM requests WHERE chat_id = ?", (chat.id,)).fetchall()
        for row, text in rows:
            request = Request.from_json(text)
            assert request
            older = replace(request, asked_at=request.asked_at - seconds)
            values = (older.as_json(), older.asked_at, row)
            db.execute("UPDATE requests SET what = ?, asked_at = ? WHERE id = ?", values)
        db.execute("UPDATE workers SET alive_until = 0")


def say(harness: BotHarness, chat: Chat, numbers: Iterable[int]) -> list[int]:
    """Send links to a chat; return the ids of their messages."""
    messages = [harness.world.say(harness.ada, link(number), chat) for number in numbers]
    return [message["message_id"] for message in messages]


def answered(harness: BotHarness, chat: Chat) -> list[int]:
    """Return the ids of the messages that were answered with a video."""
    return sorted(video["reply_to_message"]["message_id"] for video in harness.videos(chat))


def noticed(harness: BotHarness, chat: Chat) -> list[int]:
    """Return the ids of the messages that were answered with the notice."""
    notices = [m for m in harness.answers(chat) if m.get("text") == EN["too_old"]]
    return sorted(notice["reply_to_message"]["message_id"] for notice in notices)


@pytest.mark.long
async def test_waiting_links_of_a_backup_are_answered_again_or_get_the_notice(harness: BotHarness):
    """Those of one chat are two hours old; all were answered after the backup."""
    for number in range(4):
        harness.video(link(number)[-19:])
    harness.site.serves_files.clear()
    await harness.start()
    young, old = harness.world.group(-1001), harness.world.group(-1002)
    asked, asked_long_ago = say(harness, young, range(2)), say(harness, old, range(2, 4))
    async with asyncio.timeout(PATIENCE_S):
        while await open_requests() < 4:
            await harness.world.changed(0.05)
    backup = harness.folder / "backup.db"
    await call(harness, "backup", backup)
    harness.site.serves_files.set()
    await harness.settled()
    assert (answered(harness, young), answered(harness, old)) == (asked, asked_long_ago)
    await harness.stop()

    let_pass(backup, 7_200, old)
    assert "Requests that wait: 4." in await call(harness, "restore", backup)
    await start_and_finish(harness)
    assert answered(harness, young) == sorted(asked * 2)
    assert noticed(harness, young) == []
    assert answered(harness, old) == noticed(harness, old) == asked_long_ago
