"""A chat that is closed to the bot ends its request without an error, at every step."""

import logging

import pytest

from data.chats import find_chat
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.e2e.test_crash import open_requests

REFUSALS = [
    ("403", "Forbidden: bot was blocked by the user"),
    ("403", "Forbidden: user is deactivated"),
    ("400", "Bad Request: chat not found"),
    ("400", "Bad Request: CHAT_WRITE_FORBIDDEN"),
    ("400", "Bad Request: PEER_ID_INVALID"),
]
#: What is requested, and the method that Telegram refuses.
PATHS = {
    "video": "sendVideo",
    "file": "sendDocument",
    "album": "sendMediaGroup",
    "sound": "sendAudio",
    "known": "sendVideo",
    "explanation": "sendMessage",
    "welcome": "sendMessage",
}


@pytest.mark.parametrize(
    ("path", "code", "words"),
    # Test every refusal on one path, and one refusal on every path.
    [("video", *refusal) for refusal in REFUSALS] + [(path, *REFUSALS[0]) for path in PATHS],
)
async def test_a_closed_chat_is_recorded_and_its_request_ends_silently(
    harness: BotHarness, path: str, code: str, words: str, caplog: pytest.LogCaptureFixture
):
    pictures = tuple(harness.samples.picture(200, 300 + n, "f") for n in range(3))
    harness.video(
        pictures=pictures if path == "album" else (), status=10204 * (path == "explanation")
    )
    await harness.start()
    bo = harness.world.person(1002, "Bo")
    if path != "welcome":
        await harness.say("/start")
    if path == "file":
        await harness.say("/mode")
    if path == "known":
        await harness.say(VIDEO, bo)
    if path == "sound":
        await harness.say(VIDEO)
    before = len(harness.answers())
    harness.fail(PATHS[path], code, times=99, description=words, chat_id=1001)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        if path == "sound":
            harness.world.press(harness.ada, harness.videos()[0], f"id/{ID}")
        else:
            harness.world.say(harness.ada, "/start" if path == "welcome" else VIDEO)
        await harness.settled()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert len(harness.answers()) == before
    assert await open_requests() == 0
    if path != "welcome":
        record = await find_chat(1001)
        assert record
        assert record.is_blocked
    # Other chats are served, and this chat too as soon as it writes again.
    harness.api.faults.clear()
    harness.site.posts[ID].status = 0
    await harness.say(VIDEO, bo)
    assert len(harness.answers(harness.world.chats[1002])) > 1
    await harness.say(VIDEO)
    assert len(harness.answers()) > before


@pytest.mark.parametrize("path", ["video", "sound", "explanation"])
async def test_a_deleted_request_is_answered_without_a_quote(harness: BotHarness, path: str):
    harness.video(status=10204 * (path == "explanation"))
    harness.site.serves_pages.clear()
    await harness.start()
    await harness.say("/start")
    request = harness.world.say(harness.ada, VIDEO)
    await harness.until(lambda: harness.home.reactions)
    harness.world.delete(harness.home, request["message_id"])
    harness.site.serves_pages.set()
    await harness.settled()
    if path == "sound":
        (video,) = harness.videos()
        harness.world.press(harness.ada, video, f"id/{ID}")
        await harness.until(lambda: [m for m in harness.home.messages.values() if "audio" in m])
        await harness.settled()
    assert len(harness.answers()) == (3 if path == "sound" else 2)
    assert "reply_to_message" not in harness.answers()[1]


async def test_without_reactions_the_hourglass_message_is_removed(harness: BotHarness):
    harness.video()
    harness.home.reactions_allowed = False
    await harness.start()
    await harness.say("/start")
    await harness.say(VIDEO)
    assert "⏳" not in harness.texts()
    assert len(harness.videos()) == 1
