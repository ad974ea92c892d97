"""Telegram does not confirm an upload: one message, one button, and nothing arrives twice."""

from collections import Counter

import pytest

from core.request import Progress
from data.db_service import get_user_stats
from misc.ui.texts import load_texts
from simulator.telegram.world import Chat, Json
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.e2e.inline_harness import ON, InlineHarness
from tests.e2e.test_crash import (
    SLIDES,
    content,
    open_requests,
    pictures_of,
    sent_request,
    slideshow,
    start_and_finish,
    store_open,
)
from tests.e2e.test_live_photos import LINK as LIVE_PHOTOS
from tests.e2e.test_live_photos import add_post as add_live_photos
from tests.e2e.test_refusals import AS_IT_IS, kinds, pictures, reject

EN = load_texts()["en"]
UNCONFIRMED = EN["delivery_unknown"]


def button_of(message: Json) -> str:
    """Return the callback data of the only button below a message."""
    ((button,),) = message["reply_markup"]["inline_keyboard"]
    assert button["text"] == EN["resend_button"]
    data: str = button["callback_data"]
    return data


def explanation(harness: BotHarness, chat: Chat | None = None) -> Json:
    """Return the only message about an unconfirmed upload in a chat."""
    (message,) = [m for m in harness.answers(chat) if m.get("text") == UNCONFIRMED]
    return message


async def send_again(harness: BotHarness, chat: Chat | None = None) -> None:
    """Press the button below the explanation in a chat, Ada's by default."""
    message = explanation(harness, chat)
    answer = await harness.press(message, button_of(message))
    assert "text" not in answer


def downloads(harness: BotHarness) -> int:
    """Return how many files the sites have been asked for."""
    return sum(entry.host.startswith("v16") for entry in harness.simulator.log)


@pytest.mark.parametrize("kind", ["500", "502", "503", "504", "cut"])
async def test_the_kept_file_is_sent_without_a_second_download(harness: BotHarness, kind: str):
    harness.video()
    await harness.start()
    harness.fail("sendVideo", kind)
    request = await harness.say(VIDEO)
    assert len(harness.calls("sendVideo")) == 1
    message = explanation(harness)
    assert message["reply_to_message"]["message_id"] == request["message_id"]
    assert (await get_user_stats(1001))[1] == 0
    asked = len(harness.simulator.log)
    await send_again(harness)
    assert len(harness.simulator.log) == asked
    (video,) = harness.videos()
    assert video["reply_to_message"]["message_id"] == request["message_id"]
    assert UNCONFIRMED not in harness.texts()
    assert harness.home.reactions == {}
    assert (await get_user_stats(1001))[1] == 1
    assert await open_requests() == 0
    # It is known from now on.
    await harness.say(VIDEO)
    assert downloads(harness) == 1
    assert len(harness.videos()) == 2


async def test_a_known_file_is_sent_again_by_its_id(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    harness.fail("sendVideo", "500")
    await harness.say(VIDEO)
    await send_again(harness)
    assert len(harness.videos()) == 2
    assert downloads(harness) == 1


@pytest.mark.parametrize("presses", [1, 2])
async def test_an_answer_can_remain_unconfirmed_again(harness: BotHarness, presses: int):
    harness.video()
    await harness.start()
    harness.fail("sendVideo", "500", times=1 + presses)
    await harness.say(VIDEO)
    for _ in range(presses):
        await send_again(harness)
        assert harness.videos() == []
    await send_again(harness)
    assert len(harness.videos()) == 1
    assert downloads(harness) == 1


async def test_a_used_button_sends_nothing(harness: BotHarness):
    harness.video()
    await harness.start()
    harness.fail("sendVideo", "500", times=2)
    await harness.say(VIDEO)
    first = explanation(harness)
    await send_again(harness)
    assert len(harness.calls("sendVideo")) == 2
    for message in (first, {**first, "message_id": 999}):
        answer = await harness.press(message, button_of(first))
        assert answer["text"] == EN["button_expired"]
    await send_again(harness)
    assert len(harness.videos()) == 1
    answer = await harness.press(first, button_of(first))
    assert answer["text"] == EN["button_expired"]
    assert len(harness.calls("sendVideo")) == 3


@pytest.mark.parametrize("data", ["resend/", "resend/1", "resend/99999/0", "resend/²/1"])
async def test_a_forged_button_sends_nothing(harness: BotHarness, data: str):
    harness.video()
    await harness.start()
    harness.fail("sendVideo", "500")
    await harness.say(VIDEO)
    answer = await harness.press(explanation(harness), data)
    assert answer["text"] == EN["button_expired"]
    assert len(harness.calls("sendVideo")) == 1


async def test_two_presses_send_once(harness: BotHarness):
    harness.video()
    await harness.start()
    harness.fail("sendVideo", "500")
    await harness.say(VIDEO)
    message = explanation(harness)
    harness.fail("sendVideo", "slow", seconds=0.5)
    for _ in range(4):
        harness.world.press(harness.ada, message, button_of(message))
    await harness.settled()
    assert len(harness.videos()) == 1
    assert len(harness.calls("sendVideo")) == 2


async def test_in_a_group_who_asked_and_administrators_may_press(harness: BotHarness):
    harness.video()
    crew = harness.world.group(-5)
    bob, eve, kim = (
        harness.world.person(n, name) for n, name in ((2, "Bob"), (3, "Eve"), (4, "Kim"))
    )
    crew.members = {bob.id: "administrator", kim.id: "creator", eve.id: "member"}
    await harness.start()
    harness.fail("sendVideo", "500", times=2)
    await harness.say(VIDEO, chat=crew)
    message = explanation(harness, crew)
    assert (await harness.press(message, button_of(message), eve))["text"] == EN["not_yours"]
    # Who is an administrator elsewhere is none here.
    other = harness.world.group(-6)
    other.members = {eve.id: "creator"}
    elsewhere = {**message, "chat": other.as_json()}
    assert (await harness.press(elsewhere, button_of(message), eve))["text"] == EN["not_yours"]
    assert len(harness.calls("sendVideo")) == 1
    await harness.press(message, button_of(message))
    message = explanation(harness, crew)
    for admin in (bob, kim):
        harness.world.press(admin, message, button_of(message))
    await harness.settled()
    assert len(harness.videos(crew)) == 1
    assert len(harness.calls("sendVideo")) == 3


@pytest.mark.parametrize("kind", ["500", "cut"])
async def test_only_the_text_below_an_album_is_sent_again(harness: BotHarness, kind: str):
    slideshow(harness, SLIDES, 3)
    harness.site.posts[SLIDES].text = "A long way down the river. " * 30
    await harness.start()
    await harness.say("/start")
    harness.fail("sendMessage", kind)
    await harness.say(f"https://www.tiktok.com/@a/photo/{SLIDES}")
    before = harness.answers()
    assert not any("river" in shown for shown in harness.texts())
    asked = len(harness.simulator.log)
    await send_again(harness)
    (below,) = [m for m in harness.answers() if m not in before]
    assert "river" in below["text"]
    assert below["reply_to_message"]["message_id"] in {
        m["message_id"] for m in before if "photo" in m
    }
    assert below["reply_markup"]["inline_keyboard"]
    assert len(harness.simulator.log) == asked
    assert len(harness.calls("sendMediaGroup")) == 1
    assert UNCONFIRMED not in harness.texts()
    assert await open_requests() == 0


async def test_confirmed_parts_are_not_sent_again(harness: BotHarness):
    slideshow(harness, SLIDES, 25)
    await harness.start()
    harness.fail("sendMediaGroup", "500", skip=1)
    await harness.say(f"https://www.tiktok.com/@a/photo/{SLIDES}")
    photos = [m for m in harness.answers() if "photo" in m]
    assert len(photos) == 17
    assert any("ferry.demo · TikTok" in text for text in harness.texts())
    asked = len(harness.simulator.log)
    await send_again(harness)
    assert len(harness.simulator.log) == asked
    photos = [m for m in harness.answers() if "photo" in m]
    expected = Counter(pictures_of(harness, SLIDES, 25))
    assert Counter(content(harness, m) for m in photos) == expected
    assert len(harness.calls("sendMediaGroup")) == 4
    assert sum("ferry.demo · TikTok" in text for text in harness.texts()) == 1
    assert (await get_user_stats(1001))[1:] == (1, 1)


async def test_an_answer_that_was_unconfirmed_before_a_crash_has_the_same_button(
    harness: BotHarness,
):
    slideshow(harness, SLIDES, 14)
    progress = Progress((501,) * 7, 14).record_sending(7)
    await store_open(harness, [sent_request(harness, SLIDES)], progress)
    await start_and_finish(harness)
    await send_again(harness)
    photos = [m for m in harness.answers() if "photo" in m]
    assert [content(harness, m) for m in photos] == pictures_of(harness, SLIDES, 14)[7:]
    assert await open_requests() == 0


async def test_a_restart_before_the_press_changes_nothing(harness: BotHarness):
    harness.video()
    await harness.start()
    harness.fail("sendVideo", "500")
    await harness.say(VIDEO)
    await harness.stop()
    await harness.start()
    message = explanation(harness)
    for _ in range(2):
        harness.world.press(harness.ada, message, button_of(message))
    await harness.settled()
    assert len(harness.videos()) == 1
    assert downloads(harness) == 2  # the files were gone


async def test_a_restart_after_the_press_sends_once(harness: BotHarness):
    harness.video()
    await harness.start(RUN_DRAIN_S="0")
    harness.fail("sendVideo", "500")
    await harness.say(VIDEO)
    await harness.stop()
    await harness.start(RUN_DRAIN_S="0")
    harness.site.serves_files.clear()  # the second download is under way at the stop
    asked = len(harness.simulator.log)
    message = explanation(harness)
    harness.world.press(harness.ada, message, button_of(message))
    await harness.until(lambda: len(harness.simulator.log) > asked, "the second download")
    await harness.stop()
    harness.site.serves_files.set()
    assert harness.videos() == []
    await start_and_finish(harness)
    assert len(harness.videos()) == 1
    assert UNCONFIRMED not in harness.texts()


@pytest.mark.parametrize(
    ("command", "data", "method"),
    [
        ("/mode", "", "sendDocument"),
        ("", f"id/{SLIDES}", "sendAudio"),
        ("", f"slides/tiktok/{SLIDES}", "sendVideo"),
    ],
)
async def test_every_kind_of_answer_has_the_button(
    harness: BotHarness, command: str, data: str, method: str
):
    slideshow(harness, SLIDES, 1)
    await harness.start()
    if command:
        await harness.say(command)
    else:
        await harness.say(f"https://www.tiktok.com/@a/photo/{SLIDES}")
    harness.fail(method, "500")
    if data:
        await harness.press(harness.answers()[-1], data)
    else:
        await harness.say(f"https://www.tiktok.com/@a/photo/{SLIDES}")
    before = len(harness.simulator.log)
    keyboards = [m.get("reply_markup") for m in harness.answers()[:-1]]
    await send_again(harness)
    assert [call.status for call in harness.calls(method)] == [500, 200]
    assert len(harness.simulator.log) == before
    assert [m.get("reply_markup") for m in harness.answers()[: len(keyboards)]] == keyboards


async def test_kept_files_give_way_to_new_requests(harness: BotHarness):
    from simulator.samples import VideoSpec
    from simulator.sites.tiktok import Encoding

    for number in (1, 2):
        video = harness.samples.video(VideoSpec(padded_bytes=3_000_000))
        harness.video(f"{ID[:-1]}{number}", encodings=(Encoding(video),))
    await harness.start(FILES_SPOOL_MB="5")
    harness.fail("sendVideo", "500")
    await harness.say(f"https://www.tiktok.com/@a/video/{ID[:-1]}1")
    await harness.say(f"https://www.tiktok.com/@a/video/{ID[:-1]}2")
    assert len(harness.videos()) == 1
    await send_again(harness)
    assert len(harness.videos()) == 2
    assert downloads(harness) == 3


@pytest.mark.parametrize("kind", ["429", "torn", "unsent"])
async def test_what_telegram_never_had_is_not_lost(harness: BotHarness, kind: str):
    """It is repeated, or has the button if the last byte had left before the connection ended."""
    harness.video()
    await harness.start()
    await harness.say("hello")
    harness.fail("sendVideo", kind)
    await harness.say(VIDEO)
    if UNCONFIRMED in harness.texts():
        assert kind != "429"
        await send_again(harness)
    assert len(harness.videos()) == 1


async def test_telegram_that_stays_busy_has_the_button_as_well(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("hello")
    harness.fail("sendVideo", "429", seconds=120)
    await harness.say(VIDEO)
    message = harness.answers()[-1]
    assert message["text"] == EN["delivery_failed"]
    await harness.press(message, button_of(message))
    assert len(harness.videos()) == 1
    assert downloads(harness) == 1


async def test_a_business_chat_gets_the_button_on_behalf_of_the_account(harness: BotHarness):
    harness.video()
    await harness.start(BOT_BUSINESS="true")
    harness.fail("sendVideo", "500")
    harness.world.say_to_business(harness.ada, VIDEO)
    await harness.settled()
    message = explanation(harness)
    assert message["business_connection_id"] == "business-1"
    bob = harness.world.person(2, "Bob")
    assert (await harness.press(message, button_of(message), bob))["text"] == EN["not_yours"]
    await send_again(harness)
    (video,) = harness.videos()
    assert video["business_connection_id"] == "business-1"


@pytest.mark.parametrize("method", ["sendVideo", "editMessageMedia"])
@pytest.mark.parametrize("kind", ["500", "lost"])
async def test_an_inline_answer_is_simply_repeated(inline: InlineHarness, method: str, kind: str):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    harness.fail(method, kind)
    await inline.type(VIDEO)
    message = await inline.send("fetch/post")
    assert message["video"]["duration"] == 3
    assert message["caption"] == "ferry.demo · TikTok"


async def test_an_inline_answer_that_is_never_confirmed_has_the_button(
    inline: InlineHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("delivery.sender.REPEAT_SAFE_S", (0.01, 0.01))
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    harness.fail("sendVideo", "500", times=3)
    await inline.type(VIDEO)
    message = await inline.send("fetch/post")
    assert message["text"] == UNCONFIRMED
    bob = harness.world.person(2, "Bob")
    assert (await inline.press(message, button_of(message), bob))["text"] == EN["not_yours"]
    await inline.press(message, button_of(message))
    assert message["video"]["duration"] == 3
    assert downloads(harness) == 1


async def test_a_message_that_is_no_answer_to_a_link_has_no_button(harness: BotHarness):
    await harness.start()
    await harness.say("/start")
    answers = harness.answers()
    harness.fail("sendMessage", "500")
    await harness.say("/settings")
    assert harness.answers() == answers


async def test_files_that_were_made_anew_are_not_made_again(harness: BotHarness):
    harness.video(pictures=pictures(harness))
    await harness.start()
    reject(harness, "photo", AS_IT_IS, "PHOTO_INVALID_DIMENSIONS")
    harness.fail("sendMediaGroup", "500", skip=1)
    await harness.say(VIDEO)
    await send_again(harness)
    assert [call.status for call in harness.calls("sendMediaGroup")] == [400, 500, 200]
    assert len([m for m in harness.answers() if "photo" in m]) == 3


async def test_a_live_photo_that_was_split_stays_complete(harness: BotHarness):
    """An older server takes its still and its video; the file after it must not be skipped."""
    harness.api.methods.takes_live_photos = False
    add_live_photos(harness, True, True, False)
    await harness.start()
    await harness.say("/start")
    # The album is refused; the first live photo is split, and its parts get no response.
    harness.fail("sendMediaGroup", "500", skip=1)
    await harness.say(LIVE_PHOTOS)
    await send_again(harness)
    assert sorted(kinds(harness.answers())[1:]) == ["photo"] * 3 + ["text"] + ["video"] * 2
