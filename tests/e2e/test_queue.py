"""Queues: order inside a chat, turns between chats, a bound for each, and a way out for who waits."""

import pytest

from misc.ui.texts import load_texts
from tests.e2e.bot_harness import VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]


def link(number: int) -> str:
    return f"https://www.tiktok.com/@a/video/73000000000000002{number:02}"


def posts(harness: BotHarness, number: int, **options) -> None:
    for n in range(number):
        harness.video(f"73000000000000002{n:02}", **options)


async def test_a_chats_requests_are_served_in_order_one_at_a_time(harness: BotHarness):
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
async def test_a_full_queue_says_so_in_private_and_offers_another_try(
    harness: BotHarness, place: str, most: int
):
    posts(harness, 12)
    harness.site.latency_s = 0.3
    await harness.start()
    chat = harness.home if place == "private" else harness.world.group(-1002)
    await harness.say("/start")
    for n in range(most + 1):
        harness.world.say(harness.ada, link(n), chat)
    await harness.settled()
    assert len(harness.videos(chat)) == most
    told = [
        m for m in harness.answers(chat) if m.get("text") == TEXTS("en", "queue_full", number=3)
    ]
    if place == "group":
        assert told == []
        return
    (message,) = told
    await harness.press(message, "retry_video")
    assert len(harness.videos()) == most + 1


async def test_many_links_of_one_message_take_one_place(harness: BotHarness):
    posts(harness, 9)
    harness.site.latency_s = 0.1
    await harness.start()
    await harness.say("hello")
    for start in (0, 3, 6):
        harness.world.say(harness.ada, " ".join(link(n) for n in range(start, start + 3)))
    await harness.settled()
    assert len(harness.videos()) == 9


async def test_a_busy_chat_does_not_hold_up_another(harness: BotHarness):
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


async def test_who_waits_for_long_is_told_and_can_call_it_off(harness: BotHarness):
    posts(harness, 2, file_trouble="stall")
    await harness.start(LIMITS_ACTIVE_REQUESTS="1", LIMITS_PATIENCE_S="0.3", LIMITS_STALL_S="60")
    await harness.say("hello")
    bo = harness.world.person(1002, "Bo")
    await harness.say("hello", bo)
    harness.world.say(harness.ada, link(0))
    await harness.until(lambda: harness.home.reactions)
    harness.world.say(bo, link(1))
    his = harness.world.chats[1002]
    await harness.until(lambda: len(harness.answers(his)) == 2 and len(harness.answers()) == 2)
    waiting, running = harness.answers(his)[-1], harness.answers()[-1]
    assert running["text"] == EN["working"]
    assert waiting["text"] == TEXTS("en", "waiting", ahead=1)
    cancel = waiting["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    # Somebody else's number is nobody's.
    query = harness.world.press(harness.ada, running, cancel)
    await harness.until(lambda: query in harness.world.query_answers)
    assert harness.world.query_answers[query]["text"] == EN["button_expired"]
    harness.world.press(bo, waiting, cancel)
    await harness.until(lambda: harness.texts(his)[-1] == EN["called_off"])
    cancel = running["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    harness.world.press(harness.ada, running, cancel)
    await harness.settled()
    assert harness.texts()[-1] == EN["called_off"]
    assert harness.home.reactions == his.reactions == {}
    assert EN["working"] not in harness.texts()
    assert list((harness.folder / "spool").glob("*/*")) == []


async def test_the_note_goes_away_when_the_video_comes(harness: BotHarness):
    harness.video()
    harness.site.file_latency_s = 0.6
    await harness.start(LIMITS_PATIENCE_S="0.2")
    await harness.say("hello")
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    assert EN["working"] not in harness.texts()
    assert [c.params["text"] for c in harness.calls("sendMessage")][-1] == EN["working"]


@pytest.mark.parametrize("data", ["cancel/", "cancel/x", "cancel/999", "cancel/-1"])
async def test_a_button_of_a_request_that_has_ended_is_too_old(harness: BotHarness, data: str):
    await harness.start()
    await harness.say("hello")
    answer = await harness.press(harness.answers()[-1], data)
    assert answer["text"] == EN["button_expired"]
