"""Queues: order inside a chat, turns between chats, a bound for each, and a way out for who waits."""

import pytest

from misc.texts import load_texts
from tests.journeys.ferry import VIDEO, Ferry

TEXTS = load_texts()
EN = TEXTS["en"]


def link(number: int) -> str:
    return f"https://www.tiktok.com/@a/video/73000000000000002{number:02}"


def posts(ferry: Ferry, number: int, **options) -> None:
    for n in range(number):
        ferry.video(f"73000000000000002{n:02}", **options)


async def test_a_chats_requests_are_served_in_order_one_at_a_time(ferry: Ferry):
    posts(ferry, 3)
    ferry.site.latency_s = 0.1
    await ferry.start()
    await ferry.say("hello")
    requests = [ferry.world.say(ferry.ada, link(n)) for n in range(3)]
    await ferry.settled()
    replies = [m["reply_to_message"]["message_id"] for m in ferry.videos()]
    assert replies == [m["message_id"] for m in requests]
    pages = [e.path for e in ferry.simulator.log if e.path.startswith("/@_/video")]
    files = [e.path for e in ferry.simulator.log if e.path.startswith("/video/")]
    log = [e.path for e in ferry.simulator.log if e.path in {*pages, *files}]
    assert log == [path for pair in zip(pages, files, strict=True) for path in pair]


@pytest.mark.parametrize(("place", "most"), [("private", 3), ("group", 10)])
async def test_a_full_queue_says_so_in_private_and_offers_another_try(
    ferry: Ferry, place: str, most: int
):
    posts(ferry, 12)
    ferry.site.latency_s = 0.3
    await ferry.start()
    chat = ferry.home if place == "private" else ferry.world.group(-1002)
    await ferry.say("/start")
    for n in range(most + 1):
        ferry.world.say(ferry.ada, link(n), chat)
    await ferry.settled()
    assert len(ferry.videos(chat)) == most
    told = [m for m in ferry.answers(chat) if m.get("text") == TEXTS("en", "queue_full", number=3)]
    if place == "group":
        assert told == []
        return
    (message,) = told
    await ferry.press(message, "retry_video")
    assert len(ferry.videos()) == most + 1


async def test_many_links_of_one_message_take_one_place(ferry: Ferry):
    posts(ferry, 9)
    ferry.site.latency_s = 0.1
    await ferry.start()
    await ferry.say("hello")
    for start in (0, 3, 6):
        ferry.world.say(ferry.ada, " ".join(link(n) for n in range(start, start + 3)))
    await ferry.settled()
    assert len(ferry.videos()) == 9


async def test_a_busy_chat_does_not_hold_up_another(ferry: Ferry):
    posts(ferry, 10)
    ferry.site.latency_s = 0.2
    await ferry.start(LIMITS_ACTIVE_REQUESTS="1")
    crew = ferry.world.group(-1002)
    await ferry.say("hello")
    for n in range(9):
        ferry.world.say(ferry.ada, link(n), crew)
    ferry.world.say(ferry.ada, link(9))
    await ferry.until(ferry.videos)
    assert len(ferry.videos(crew)) <= 2
    await ferry.settled()
    assert len(ferry.videos(crew)) == 9


async def test_who_waits_for_long_is_told_and_can_call_it_off(ferry: Ferry):
    posts(ferry, 2, file_trouble="stall")
    await ferry.start(LIMITS_ACTIVE_REQUESTS="1", LIMITS_PATIENCE_S="0.3", LIMITS_STALL_S="60")
    await ferry.say("hello")
    bo = ferry.world.person(1002, "Bo")
    await ferry.say("hello", bo)
    ferry.world.say(ferry.ada, link(0))
    await ferry.until(lambda: ferry.home.reactions)
    ferry.world.say(bo, link(1))
    his = ferry.world.chats[1002]
    await ferry.until(lambda: len(ferry.answers(his)) == 2 and len(ferry.answers()) == 2)
    waiting, running = ferry.answers(his)[-1], ferry.answers()[-1]
    assert running["text"] == EN["working"]
    assert waiting["text"] == TEXTS("en", "waiting", ahead=1)
    cancel = waiting["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    # Somebody else's number is nobody's.
    query = ferry.world.press(ferry.ada, running, cancel)
    await ferry.until(lambda: query in ferry.world.query_answers)
    assert ferry.world.query_answers[query]["text"] == EN["button_expired"]
    ferry.world.press(bo, waiting, cancel)
    await ferry.until(lambda: ferry.texts(his)[-1] == EN["called_off"])
    cancel = running["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    ferry.world.press(ferry.ada, running, cancel)
    await ferry.settled()
    assert ferry.texts()[-1] == EN["called_off"]
    assert ferry.home.reactions == his.reactions == {}
    assert EN["working"] not in ferry.texts()
    assert list((ferry.folder / "spool").glob("*/*")) == []


async def test_the_note_goes_away_when_the_video_comes(ferry: Ferry):
    ferry.video()
    ferry.site.file_latency_s = 0.6
    await ferry.start(LIMITS_PATIENCE_S="0.2")
    await ferry.say("hello")
    await ferry.say(VIDEO)
    assert len(ferry.videos()) == 1
    assert EN["working"] not in ferry.texts()
    assert [c.params["text"] for c in ferry.calls("sendMessage")][-1] == EN["working"]


@pytest.mark.parametrize("data", ["cancel/", "cancel/x", "cancel/999", "cancel/-1"])
async def test_a_button_of_a_request_that_has_ended_is_too_old(ferry: Ferry, data: str):
    await ferry.start()
    await ferry.say("hello")
    answer = await ferry.press(ferry.answers()[-1], data)
    assert answer["text"] == EN["button_expired"]
