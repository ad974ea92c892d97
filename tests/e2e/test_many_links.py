"""Many links at once: they are all served, in order, and nobody else waits for them."""

from collections.abc import Sequence

from misc.ui.texts import load_texts
from simulator.telegram.world import Chat, Json
from tests.e2e.bot_harness import PLATFORMS, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
ON = {"LIMITS_SPAM_GUARD": "true"}
ORIGIN = {"type": "hidden_user", "date": 1_790_000_000, "sender_user_name": "Ann"}


def post_id(number: int) -> str:
    return f"73000000000000004{number:02}"


def link(number: int) -> str:
    return f"https://www.tiktok.com/@a/video/{post_id(number)}"


def links(*numbers: int) -> str:
    return " ".join(map(link, numbers))


def posts(harness: BotHarness, number: int) -> None:
    for n in range(number):
        harness.video(post_id(n))


def answered(harness: BotHarness, chat: Chat | None = None) -> list[int]:
    """Return the ids of the messages that the videos answer, in order."""
    return [video["reply_to_message"]["message_id"] for video in harness.videos(chat)]


def ids(messages: Sequence[Json]) -> list[int]:
    return [message["message_id"] for message in messages]


def picture(harness: BotHarness, group: str, caption: str = "") -> Json:
    content: Json = {
        "photo": [{"file_id": "p", "file_unique_id": "p", "width": 90, "height": 90}],
        "media_group_id": group,
    }
    if caption:
        content["caption"] = caption
    return harness.world.post(harness.ada, harness.home, content)


def button(message: Json) -> Json:
    found: Json = message["reply_markup"]["inline_keyboard"][0][0]
    return found


async def test_ten_links_at_once_are_served_in_order_without_a_word(harness: BotHarness):
    posts(harness, 10)
    await harness.start(**ON)
    await harness.say("/start")
    sent = [harness.world.say(harness.ada, link(n)) for n in range(10)]
    await harness.settled()
    assert answered(harness) == ids(sent)
    assert len(harness.answers()) == 11
    await harness.say("/mode")
    assert len(harness.answers()) == 12


async def test_ten_forwards_are_served(harness: BotHarness):
    posts(harness, 10)
    await harness.start(**ON)
    await harness.say("/start")
    sent = [harness.world.say(harness.ada, link(n), forward_origin=ORIGIN) for n in range(10)]
    await harness.settled()
    assert answered(harness) == ids(sent)
    assert len(harness.answers()) == 11


async def test_an_album_without_links_gets_one_hint_and_no_time_out(harness: BotHarness):
    posts(harness, 2)
    await harness.start(**ON)
    await harness.say("/start")
    for _ in range(10):
        picture(harness, "g1")
    await harness.settled()
    hint = TEXTS("en", "links_only", platforms=PLATFORMS)
    assert harness.texts()[1:] == [hint]
    for n in range(2):
        await harness.say(link(n))
    assert len(harness.videos()) == 2
    assert harness.texts().count(hint) == 1


async def test_all_links_in_the_captions_of_an_album_are_served(harness: BotHarness):
    posts(harness, 3)
    await harness.start(**ON)
    await harness.say("/start")
    captions = ["", link(0), "", f"look: {links(1, 2)}", ""]
    sent = [picture(harness, "g1", caption) for caption in captions]
    await harness.settled()
    assert answered(harness) == [sent[n]["message_id"] for n in (1, 3, 3)]
    assert len(harness.answers()) == 4


async def test_sixty_links_of_one_person_do_not_delay_another(harness: BotHarness):
    posts(harness, 61)
    harness.site.latency_s = 0.05
    await harness.start(**ON, LIMITS_ACTIVE_REQUESTS="1")
    bo = harness.world.person(1002, "Bo")
    await harness.say("/start")
    await harness.say("/start", bo)
    sent = [harness.world.say(harness.ada, link(n)) for n in range(60)]
    await harness.until(harness.videos)
    harness.world.say(bo, link(60))
    await harness.until(lambda: harness.videos(harness.world.chats[bo.id]))
    assert len(harness.videos()) < 20
    await harness.settled()
    assert answered(harness) == ids(sent)
    assert harness.texts().count(EN["links_waiting"]) == 1
    assert len(harness.answers()) == 62


async def test_who_floods_a_group_delays_only_the_own_links(harness: BotHarness):
    posts(harness, 21)
    harness.site.latency_s = 0.05
    await harness.start(**ON)
    crew = harness.world.group(-1002)
    bo = harness.world.person(1002, "Bo")
    await harness.say(link(0), chat=crew)
    flood = [harness.world.say(harness.ada, link(n), crew) for n in range(1, 20)]
    other = harness.world.say(bo, link(20), crew)
    await harness.until(lambda: other["message_id"] in answered(harness, crew))
    assert len(harness.videos(crew)) < 10
    await harness.settled()
    assert [n for n in answered(harness, crew) if n != other["message_id"]][1:] == ids(flood)
    assert harness.texts(crew).count(EN["links_waiting"]) == 1


async def test_links_beyond_the_limit_are_counted_and_said_once(harness: BotHarness):
    posts(harness, 9)
    harness.site.serves_files.clear()
    await harness.start(**ON, LIMITS_WAITING_LINKS="4")
    await harness.say("/start")
    sent = [harness.world.say(harness.ada, link(n)) for n in range(9)]
    await harness.until(lambda: not harness.world.updates, "the links to be taken")
    harness.site.serves_files.set()
    await harness.settled()
    assert answered(harness) == ids(sent[:4])
    assert harness.texts().count(TEXTS("en", "links_left_out", count=5, limit=4)) == 1
    assert len(harness.answers()) == 6
    assert harness.home.reactions == dict.fromkeys(ids(sent[4:]), "😢")
    assert harness.application
    registry = harness.application.container.metrics.registry
    labels = {"reason": "waiting_links"}
    assert registry.get_sample_value("clipferry_dropped_total", labels) == 5
    await harness.say(link(4))
    assert len(harness.videos()) == 5


async def test_a_restart_in_the_middle_loses_no_link(harness: BotHarness):
    posts(harness, 30)
    harness.site.latency_s = 0.05
    await harness.start(**ON, RUN_DRAIN_S="0")
    await harness.say("/start")
    sent = [harness.world.say(harness.ada, link(n)) for n in range(30)]
    await harness.until(lambda: len(harness.videos()) > 2)
    await harness.stop()
    assert len(harness.videos()) < 30
    await harness.start(**ON)
    await harness.until(lambda: len(harness.videos()) == 30)
    await harness.settled()
    assert answered(harness) == ids(sent)


async def test_a_button_fetches_the_other_links_in_portions_and_once(harness: BotHarness):
    posts(harness, 12)
    await harness.start(**ON)
    await harness.say("/start")
    message = await harness.say(links(*range(12)))
    assert answered(harness) == [message["message_id"]] * 5
    (offer,) = [m for m in harness.answers() if "reply_markup" in m and "text" in m]
    assert offer["text"] == TEXTS("en", "links_left", count=7)
    assert button(offer)["text"] == "⬇️ Fetch the other 7"
    data = button(offer)["callback_data"]
    first, second = (harness.world.press(harness.ada, offer, data) for _ in range(2))
    await harness.settled()
    told = {harness.world.query_answers[query].get("text") for query in (first, second)}
    assert told == {None, EN["already_running"]}
    assert len(harness.videos()) == 10
    assert offer["text"] == TEXTS("en", "links_left", count=2)
    await harness.stop()
    await harness.start(**ON)
    await harness.press(offer, data)  # that portion was served before the restart
    assert len(harness.videos()) == 10
    await harness.press(offer, button(offer)["callback_data"])
    assert answered(harness) == [message["message_id"]] * 12
    assert offer["message_id"] not in harness.home.messages


async def test_only_the_sender_fetches_the_other_links_in_a_group(harness: BotHarness):
    posts(harness, 6)
    await harness.start(**ON)
    crew = harness.world.group(-1002)
    await harness.say("/help", chat=crew)
    before = len(harness.answers(crew))
    await harness.say(links(*range(6)), chat=crew)
    (offer,) = [m for m in harness.answers(crew)[before:] if "text" in m]
    assert button(offer)["text"] == "⬇️ Fetch the other one"
    bo = harness.world.person(1002, "Bo")
    answer = await harness.press(offer, button(offer)["callback_data"], bo)
    assert answer["text"] == EN["not_yours"]
    await harness.press(offer, button(offer)["callback_data"])
    assert len(harness.videos(crew)) == 6


async def test_who_asks_for_the_links_of_another_fetches_the_others_too(harness: BotHarness):
    posts(harness, 12)
    await harness.start(**ON)
    crew = harness.world.group(-1002)
    bo = harness.world.person(1002, "Bo")
    above = harness.world.post_unseen(bo.as_json(), crew, {"text": links(*range(12))})
    await harness.say("@clipferry_demo_bot 480p", chat=crew, reply_to_message=above)
    (offer,) = [m for m in harness.answers(crew) if "rest/" in str(m.get("reply_markup"))]
    assert offer["reply_to_message"]["message_id"] == above["message_id"]
    answer = await harness.press(offer, button(offer)["callback_data"], bo)
    # Bo has sent the links.
    assert answer["text"] == "Only the person who asked for this can do it."
    for fetched in (10, 12):
        await harness.press(offer, button(offer)["callback_data"])
        assert len(harness.videos(crew)) == fetched
    assert offer["message_id"] not in crew.messages


async def test_a_version_of_many_links_is_fetched_in_portions(harness: BotHarness):
    posts(harness, 6)
    await harness.start(**ON)
    await harness.say("/start")
    above = harness.world.post_unseen(
        harness.ada.as_json(), harness.home, {"text": links(*range(6))}
    )
    await harness.say("mp3", reply_to_message=above)
    (offer,) = [m for m in harness.answers() if "rest/" in str(m.get("reply_markup"))]
    await harness.press(offer, button(offer)["callback_data"])
    assert sum("audio" in message for message in harness.answers()) == 6


async def test_a_failed_link_of_several_is_repeated_alone(harness: BotHarness):
    posts(harness, 3)
    await harness.start(LIMITS_ATTEMPTS="1")
    await harness.say("/start")
    harness.site.posts[post_id(1)].status = 10101
    await harness.say(links(0, 1, 2))
    assert len(harness.videos()) == 2
    (failed,) = [m for m in harness.answers() if "text" in m and "reply_markup" in m]
    harness.site.posts[post_id(1)].status = 0
    await harness.press(failed, button(failed)["callback_data"])
    assert len(harness.videos()) == 3


async def test_the_same_post_by_two_links_is_sent_once(harness: BotHarness):
    posts(harness, 1)
    harness.site.short_links["ZMdemo001"] = link(0)
    harness.site.latency_s = 0.2
    await harness.start()
    await harness.say("/start")
    await harness.say(f"{link(0)} https://vm.tiktok.com/ZMdemo001/ {link(0)}?lang=en")
    assert len(harness.videos()) == 1
    harness.fail("sendVideo", "slow", seconds=1)
    for _ in range(2):
        harness.world.say(harness.ada, link(0))
    await harness.settled()
    # The second one was asked for when the first was still in work.
    assert len(harness.videos()) == 2
    assert harness.home.reactions == {}
    await harness.say(link(0))
    assert len(harness.videos()) == 3
