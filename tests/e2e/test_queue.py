"""The request queue: order within a chat, fairness between chats, limits and cancelling."""

import pytest

from misc.ui.texts import load_texts
from tests.e2e.bot_harness import BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]


def link(number: int) -> str:
    return f"https://www.tiktok.com/@a/video/73000000000000002{number:02}"


def posts(harness: BotHarness, number: int, **options) -> None:
    for n in range(number):
        harness.video(f"73000000000000002{n:02}", **options)


async def test_requests_of_a_chat_are_served_in_order_one_at_a_time(harness: BotHarness):
    posts(harness, 3)
    harness.site.latency_s = 0.1
    await harness.start()
    await harness.say("hello")
    requests = [harness.world.say(harness.ada, link(n)) for n in range(3)]
    await harness.settled()
    replies = [m["reply_to_message"]["message_id"] for m in harness.videos()]
    assert replies == [m["message_id"] for m in requests]
    pages = [e.path for e in harness.simulator.log if e.path.startswith("/@_/video")]
    files = [e.path for e in harness.simulator.log if e.path.startswith("/video/")]
    log = [e.path for e in harness.simulator.log if e.path in {*pages, *files}]
    assert log == [path for pair in zip(pages, files, strict=True) for path in pair]


@pytest.mark.parametrize(("place", "most"), [("private", 3), ("group", 10)])
async def test_a_full_queue_is_reported_in_private_with_a_retry_button(
    harness: BotHarness, place: str, most: int
):
    posts(harness, 12)
    harness.site.serves_files.clear()
    await harness.start(LIMITS_PRIVATE_QUEUE="3", LIMITS_GROUP_QUEUE="10")
    chat = harness.home if place == "private" else harness.world.group(-1002)
    await harness.say("/start")
    for n in range(most + 1):
        harness.world.say(harness.ada, link(n), chat)
    await harness.until(lambda: not harness.world.updates, "the links to be taken")
    harness.site.serves_files.set()
    await harness.settled()
    assert len(harness.videos(chat)) == most
    told = [m for m in harness.answers(chat) if m.get("text") == TEXTS("en", "queue_full", count=3)]
    if place == "group":
        assert told == []
        return
    (message,) = told
    await harness.press(message, "retry_video")
    assert len(harness.videos()) == most + 1


async def test_links_of_one_message_take_one_place_in_the_queue(harness: BotHarness):
    posts(harness, 9)
    harness.site.latency_s = 0.1
    await harness.start()
    await harness.say("hello")
    for start in (0, 3, 6):
        harness.world.say(harness.ada, " ".join(link(n) for n in range(start, start + 3)))
    await harness.settled()
    assert len(harness.videos()) == 9


async def test_a_busy_chat_does_not_delay_another(harness: BotHarness):
    posts(harness, 10)
    harness.site.latency_s = 0.2
    await harness.start(LIMITS_ACTIVE_REQUESTS="1")
    crew = harness.world.group(-1002)
    await harness.say("hello")
    for n in range(9):
        harness.world.say(harness.ada, link(n), crew)
    harness.world.say(harness.ada, link(9))
    await harness.until(harness.videos)
    assert len(harness.videos(crew)) <= 2
    await harness.settled()
    assert len(harness.videos(crew)) == 9


async def test_a_waiting_request_has_a_note_and_can_be_cancelled(harness: BotHarness):
    posts(harness, 2, file_trouble="stall")
    await harness.start(LIMITS_ACTIVE_REQUESTS="1", LIMITS_PATIENCE_S="0.3", LIMITS_STALL_S="60")
    await harness.say("hello")
    bo = harness.world.person(1002, "Bo")
    await harness.say("hello", bo)
    harness.world.say(harness.ada, link(0))
    await harness.until(lambda: harness.home.reactions)
    harness.world.say(bo, link(1))
    bo_chat = harness.world.chats[1002]
    await harness.until(lambda: harness.texts(bo_chat)[-1] == EN["status_next"], "Bo's note")
    # Before that, it may say that the page is read.
    await harness.until(lambda: harness.texts()[-1].startswith("Downloading"), "Ada's note")
    waiting, running = harness.answers(bo_chat)[-1], harness.answers()[-1]
    assert [len(harness.answers(chat)) for chat in (harness.home, bo_chat)] == [2, 2]
    cancel = waiting["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    # A user cannot cancel another user's request.
    query = harness.world.press(harness.ada, running, cancel)
    await harness.until(lambda: query in harness.world.query_answers)
    assert harness.world.query_answers[query]["text"] == EN["button_expired"]
    harness.world.press(bo, waiting, cancel)
    await harness.until(lambda: harness.texts(bo_chat)[-1] == EN["called_off"])
    cancel = running["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    harness.world.press(harness.ada, running, cancel)
    await harness.settled()
    assert harness.texts()[-1] == EN["called_off"]
    ends = [harness.answers(chat)[-1] for chat in (harness.home, bo_chat)]
    assert all("reply_markup" not in message for message in ends)
    assert harness.home.reactions == bo_chat.reactions == {}
    assert not any(text.startswith("Downloading") for text in harness.texts())
    assert list((harness.folder / "spool").glob("*/*")) == []


@pytest.mark.parametrize("data", ["cancel/", "cancel/x", "cancel/999", "cancel/-1"])
async def test_the_cancel_button_of_a_finished_request_is_expired(harness: BotHarness, data: str):
    await harness.start()
    await harness.say("hello")
    answer = await harness.press(harness.answers()[-1], data)
    assert answer["text"] == EN["button_expired"]
