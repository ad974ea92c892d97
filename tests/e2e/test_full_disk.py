"""A full disk for downloads: its own sentence, an alarm once, and nobody else is blamed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from misc.ui.texts import load_texts
from platforms import DiskWaits
from tests.e2e.bot_harness import VIDEO, BotHarness

EN = load_texts()["en"]


async def test_a_full_disk_is_explained_and_reported_once(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    free = [0]

    def usage(_folder: Path) -> Any:
        return SimpleNamespace(free=free[0])

    monkeypatch.setattr("shutil.disk_usage", usage)
    post = harness.video()
    await harness.start(BOT_ADMINS="1001", NETWORK_BREAKER_FAILURES="1")
    assert harness.application
    container = harness.application.container
    container.spool.waits = DiskWaits(patience_s=0.1, check_s=0.02)
    bo = harness.world.person(1002, "Bo")
    for _ in range(2):
        await harness.say(VIDEO, bo)
    (first, second) = harness.answers(harness.world.chats[1002])[-2:]
    assert first["text"] == second["text"] == EN["disk_full"]
    assert first["reply_markup"]["inline_keyboard"]  # the retry button
    assert post.page_requests == 2  # the circuit breaker is closed
    assert container.fetcher.open_routes() == []
    for _ in range(2):
        await container.alarms.check_disk()
    alarm = EN["alarm_disk"].partition("{")[0]
    reports = [text for text in harness.texts() if text.startswith(alarm)]
    assert len(reports) == 1

    free[0] = 10**12
    container.spool.waits = DiskWaits(remembered_s=0.0)
    await harness.say(VIDEO, bo)
    assert len(harness.videos(harness.world.chats[1002])) == 1
    for _ in range(2):
        await container.alarms.check_disk()
    assert harness.texts().count(EN["alarm_disk_over"]) == 1
