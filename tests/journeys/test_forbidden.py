"""Forbidden is normal: a chat that is closed to us ends a request quietly, wherever that is found out."""

import logging

import pytest

from data.chats import find_chat
from tests.journeys.ferry import ID, VIDEO, Ferry
from tests.journeys.test_crash import open_requests

REFUSALS = [
    ("403", "Forbidden: bot was blocked by the user"),
    ("403", "Forbidden: user is deactivated"),
    ("400", "Bad Request: chat not found"),
    ("400", "Bad Request: not enough rights to send text messages to the chat"),
    ("400", "Bad Request: PEER_ID_INVALID"),
]
#: What is asked for, and the method that is refused.
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
    # Every refusal on one path, and every path with one refusal.
    [("video", *refusal) for refusal in REFUSALS] + [(path, *REFUSALS[0]) for path in PATHS],
)
async def test_a_closed_chat_is_noted_and_nothing_else_happens(
    ferry: Ferry, path: str, code: str, words: str, caplog: pytest.LogCaptureFixture
):
    pictures = tuple(ferry.samples.picture(200, 300 + n, "f") for n in range(3))
    ferry.video(
        pictures=pictures if path == "album" else (), status=10204 * (path == "explanation")
    )
    await ferry.start()
    bo = ferry.world.person(1002, "Bo")
    if path != "welcome":
        await ferry.say("/start")
    if path == "file":
        await ferry.say("/mode")
    if path == "known":
        await ferry.say(VIDEO, bo)
    if path == "sound":
        await ferry.say(VIDEO)
    before = len(ferry.answers())
    ferry.fail(PATHS[path], code, times=99, description=words, chat_id=1001)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        if path == "sound":
            ferry.world.press(ferry.ada, ferry.videos()[0], f"id/{ID}")
        else:
            ferry.world.say(ferry.ada, "/start" if path == "welcome" else VIDEO)
        await ferry.settled()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert len(ferry.answers()) == before
    assert await open_requests() == 0
    if path != "welcome":
        record = await find_chat(1001)
        assert record
        assert record.is_blocked
    # Everybody else is served, and the first one as soon as it writes again.
    ferry.api.faults.clear()
    ferry.site.posts[ID].status = 0
    await ferry.say(VIDEO, bo)
    assert len(ferry.answers(ferry.world.chats[1002])) > 1
    await ferry.say(VIDEO)
    assert len(ferry.answers()) > before


@pytest.mark.parametrize("path", ["video", "sound", "explanation"])
async def test_a_request_that_was_deleted_is_answered_without_a_quote(ferry: Ferry, path: str):
    ferry.video(status=10204 * (path == "explanation"))
    ferry.site.latency_s = 0.2
    await ferry.start()
    await ferry.say("/start")
    request = ferry.world.say(ferry.ada, VIDEO)
    await ferry.until(lambda: ferry.home.reactions)
    ferry.world.delete(ferry.home, request["message_id"])
    await ferry.settled()
    if path == "sound":
        (video,) = ferry.videos()
        ferry.world.press(ferry.ada, video, f"id/{ID}")
        await ferry.until(lambda: [m for m in ferry.home.messages.values() if "audio" in m])
        await ferry.settled()
    assert len(ferry.answers()) == (3 if path == "sound" else 2)
    assert "reply_to_message" not in ferry.answers()[1]


async def test_where_reactions_are_refused_an_hourglass_stands_and_goes(ferry: Ferry):
    ferry.video()
    ferry.home.reactions_allowed = False
    await ferry.start()
    await ferry.say("/start")
    await ferry.say(VIDEO)
    assert "⏳" not in ferry.texts()
    assert len(ferry.videos()) == 1
