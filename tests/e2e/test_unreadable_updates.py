"""Updates that this version cannot read: the rest of them is served, and nothing stops."""

import pytest

from simulator.telegram.world import Json
from tests.e2e.bot_harness import VIDEO, BotHarness

pytestmark = pytest.mark.unreadable_updates

TOMORROW: Json = {"type": "planet", "mood": "a private sentence"}


@pytest.mark.parametrize(
    "fields",
    [
        {"forward_origin": TOMORROW},
        {"paid_media": {"star_count": 1, "paid_media": [TOMORROW]}},
        {"reply_to_message": {"message_id": 1, "date": 1, "chat": 5}},
        {"entities": [{"type": "url"}]},
    ],
)
async def test_a_link_beside_something_unknown_is_answered(harness: BotHarness, fields: Json):
    harness.video()
    await harness.start()
    await harness.say(VIDEO, **fields)
    assert len(harness.videos()) == 1


async def test_an_update_without_a_chat_is_skipped(
    harness: BotHarness, caplog: pytest.LogCaptureFixture
):
    harness.video()
    await harness.start(BOT_ADMINS="1001")
    harness.world.push("message", {"message_id": 5, "text": "a private sentence"})
    harness.world.push("tomorrow", TOMORROW)
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    assert harness.application
    alarms = harness.application.container.alarms
    for _ in range(2):
        await alarms.check_updates()
    told = [text for text in harness.texts() if "message." in text]
    assert len(told) == 1
    assert "a private sentence" not in caplog.text


async def test_the_updates_of_a_batch_are_acknowledged_for_good(harness: BotHarness):
    await harness.start()
    harness.world.push("message", {"message_id": 5})
    await harness.say("/start")
    await harness.stop()
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    assert len([text for text in harness.texts() if "Ada" in text]) <= 1
