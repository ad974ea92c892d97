"""A link in a chat comes back as a video, and what may happen on the way."""

import asyncio
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text

from data.db_service import create_user, get_user, get_user_stats, get_user_videos
from misc.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from tests.journeys.ferry import ID, PLATFORMS, VIDEO, Ferry

EN = load_texts()["en"]


async def test_a_link_comes_back_as_a_video(ferry: Ferry):
    ferry.video(likes=999, views=1_200_000)
    await ferry.start()
    request = await ferry.say(f"look {VIDEO}?is_from_webapp=1, nice")

    (message,) = ferry.videos()
    video = message["video"]
    assert (video["width"], video["height"], video["duration"]) == (576, 1024, 3)
    assert video["file_size"] == ferry.samples.video(VideoSpec()).stat().st_size
    assert max(video["thumbnail"]["width"], video["thumbnail"]["height"]) == 320
    assert video["cover"][0]["width"] == 576
    assert message["reply_to_message"]["message_id"] == request["message_id"]
    assert message["caption"] == "Source\n\n@clipferry_demo_bot"
    links = [e["url"] for e in message["caption_entities"] if e["type"] == "text_link"]
    assert links == [f"{VIDEO}?is_from_webapp=1", "https://t.me/clipferry_demo_bot"]
    stats, sound = message["reply_markup"]["inline_keyboard"]
    assert [button["text"] for button in stats] == ["❤️ 999", "👁 1.2M"]
    assert [button["callback_data"] for button in sound] == [f"id/{ID}"]
    (call,) = ferry.calls("sendVideo")
    assert call.params["supports_streaming"] is True

    reactions = [c.params["reaction"] for c in ferry.calls("setMessageReaction")]
    assert [r[0]["emoji"] if r else None for r in reactions] == ["👀", "👨‍💻", None]
    assert "upload_video" in {c.params["action"] for c in ferry.calls("sendChatAction")}
    user, videos, images = await get_user_stats(1001)
    assert user is not None
    assert (user.lang, user.link, videos, images, user.ad_count) == ("en", None, 1, 0, 1)
    assert (await get_user_videos(1001))[0][1] == f"{VIDEO}?is_from_webapp=1"
    assert list((ferry.folder / "spool").glob("*/*")) == []


async def test_the_buttons_of_likes_and_views_only_show(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say(VIDEO)
    for data in ("stats_noop", "loading", "slide:noop", "wait"):
        assert "text" not in await ferry.press(ferry.videos()[0], data)
    for data in ("images/all/7300", "ir:tt:old", "slide:next"):
        assert (await ferry.press(ferry.videos()[0], data))["text"] == EN["button_expired"]


async def test_a_short_link_works_like_a_long_one(ferry: Ferry):
    ferry.video()
    ferry.site.short_links["ZM1"] = VIDEO
    await ferry.start()
    await ferry.say("https://vm.tiktok.com/ZM1/")
    assert len(ferry.videos()) == 1


async def test_a_caption_a_hidden_and_a_schemeless_link_count(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    document = {"file_id": "x", "file_unique_id": "y"}
    ferry.world.post(ferry.ada, ferry.home, {"document": document, "caption": f"see {VIDEO}"})
    await ferry.settled()
    hidden = {"type": "text_link", "offset": 0, "length": 4, "url": VIDEO}
    await ferry.say("here", entities=[hidden])
    await ferry.say(VIDEO.removeprefix("https://www."))
    assert len(ferry.videos()) == 3


async def test_several_links_in_one_message_are_each_answered_once(ferry: Ferry):
    others = [f"730000000000000000{n}" for n in range(2, 8)]
    ferry.video()
    for post_id in others:
        ferry.video(post_id)
    await ferry.start(LIMITS_LINKS_PER_MESSAGE="3")
    await ferry.say("hello")
    links = [f"https://www.tiktok.com/@a/video/{post_id}" for post_id in others]
    request = await ferry.say(f"{VIDEO} and {VIDEO}?again=1 and {' '.join(links)}")
    assert len(ferry.videos()) == 3
    assert request["message_id"] not in ferry.home.reactions
    reactions = [c.params["reaction"] for c in ferry.calls("setMessageReaction")]
    assert sum(bool(r) and r[0]["emoji"] == "👀" for r in reactions) == 1
    assert reactions.count([]) == 1


async def test_of_several_links_one_failure_is_told_and_the_rest_arrives(ferry: Ferry):
    ferry.video()
    ferry.video("7300000000000000002")
    await ferry.start()
    await ferry.say("hello")
    gone, other = (VIDEO.replace(ID, post) for post in ("7399", "7300000000000000002"))
    request = await ferry.say(f"{gone} {VIDEO} {other}")
    assert len(ferry.videos()) == 2
    assert ferry.texts().count(EN["media_deleted"]) == 1
    assert ferry.home.reactions == {request["message_id"]: "😢"}


async def test_file_mode_sends_the_file_untouched(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say("/mode")
    await ferry.say(VIDEO)
    assert ferry.texts()[1] == "File mode is on: you get the untouched files as documents."
    document = ferry.answers()[-1]["document"]
    assert document["file_name"] == f"{ID}.mp4"
    assert document["file_size"] == ferry.samples.video(VideoSpec()).stat().st_size
    (call,) = ferry.calls("sendDocument")
    assert call.params["disable_content_type_detection"] is True
    await ferry.say("/mode")
    await ferry.say(VIDEO)
    assert len(ferry.videos()) == 1


async def test_without_a_usable_cover_a_frame_of_the_video_serves(ferry: Ferry):
    square = ferry.samples.picture(300, 300, "square")
    broken = ferry.folder / "broken.jpg"
    broken.write_bytes(b"no picture")
    for number, cover in enumerate((None, square, broken)):
        ferry.video(f"73000000000000000{number}0", cover=cover)
    await ferry.start()
    for number in range(3):
        await ferry.say(f"https://www.tiktok.com/@a/video/73000000000000000{number}0")
    for message in ferry.videos():
        still = ferry.api.files.by_id[message["video"]["cover"][0]["file_id"]]
        assert (still.width, still.height) == (576, 1024)
        with Image.open(still.path) as image:
            assert len(image.convert("RGB").getcolors(10_000_000) or ()) > 100
    assert len(ferry.videos()) == 3


async def test_h265_is_left_for_h264(ferry: Ferry):
    tall = ferry.samples.video(VideoSpec(encoder="libx265", seconds=1))
    ferry.video(
        encodings=(
            Encoding(tall, codec="h265", width=1080, height=1920),
            Encoding(ferry.samples.video(VideoSpec())),
        )
    )
    await ferry.start()
    await ferry.say(VIDEO)
    sent = ferry.api.files.by_id[ferry.videos()[0]["video"]["file_id"]]
    assert sent.codec == "h264"


# --- groups -----------------------------------------------------------------------------------


async def test_a_group_is_served_in_its_topic_and_talk_costs_nothing(ferry: Ferry):
    ferry.video()
    await ferry.start()
    crew = ferry.world.group(-1002, topics={7})
    extra: dict[str, Any] = {"message_thread_id": 7, "is_topic_message": True}
    await ferry.say("good morning", chat=crew, **extra)
    await ferry.say("/start", chat=crew, **extra)
    await ferry.say("https://example.com", chat=crew, **extra)
    assert await get_user(-1002) is None
    assert ferry.answers(crew) == []
    await ferry.say(VIDEO, chat=crew, **extra)
    welcome, video = ferry.answers(crew)
    assert "Welcome" in welcome["text"]
    assert video["message_thread_id"] == welcome["message_thread_id"] == 7
    assert "add me there" not in welcome["text"]
    _, videos, _ = await get_user_stats(-1002)
    assert videos == 1


async def test_in_a_group_a_failure_is_a_reaction_and_an_ad_never_comes(ferry: Ferry):
    ferry.video()
    await ferry.start(ADS_LINK="https://example.com/ad")
    crew = ferry.world.group(-1002)
    await ferry.say(VIDEO, chat=crew)
    failed = await ferry.say("https://www.tiktok.com/@a/video/1", chat=crew)
    assert [("text" in m) for m in ferry.answers(crew)] == [True, False]
    assert crew.reactions == {failed["message_id"]: "😢"}


# --- ads --------------------------------------------------------------------------------------


async def test_ads_come_with_the_first_and_then_every_third_download(ferry: Ferry):
    ferry.video()
    await ferry.start(ADS_LINK="https://example.com/ad")
    await ferry.say("hello")
    for _ in range(7):
        await ferry.say(VIDEO)
    kinds = ["ad" if m.get("text") == EN["ad_support"] else "video" for m in ferry.answers()[1:]]
    assert kinds == ["video", "ad", *["video"] * 3, "ad", *["video"] * 3, "ad"]
    ad = ferry.answers()[2]
    assert ad["reply_markup"]["inline_keyboard"][0][0]["url"] == "https://example.com/ad"


async def test_twenty_downloads_at_once_keep_the_cadence_of_ads(ferry: Ferry):
    ferry.video()
    await ferry.start(ADS_LINK="https://example.com/ad", LIMITS_PRIVATE_QUEUE="50")
    await ferry.say("hello")
    for _ in range(20):
        ferry.world.say(ferry.ada, VIDEO)
    await ferry.settled()
    assert len(ferry.videos()) == 20
    assert ferry.texts().count(EN["ad_support"]) == 7


async def test_a_failing_ad_touches_nothing(ferry: Ferry):
    ferry.video()
    await ferry.start(ADS_LINK="https://example.com/ad")
    await ferry.say("hello")
    ferry.fail("sendMessage", "400")
    request = await ferry.say(VIDEO)
    assert len(ferry.videos()) == 1
    assert request["message_id"] not in ferry.home.reactions


# --- Telegram's moods ---------------------------------------------------------------------------


async def test_a_deleted_request_is_answered_all_the_same(ferry: Ferry):
    ferry.video()
    ferry.site.latency_s = 0.2
    await ferry.start()
    message = ferry.world.say(ferry.ada, VIDEO)
    await ferry.until(lambda: ferry.home.reactions)
    ferry.world.delete(ferry.home, message["message_id"])
    await ferry.settled()
    (video,) = ferry.videos()
    assert "reply_to_message" not in video
    _, videos, _ = await get_user_stats(1001)
    assert videos == 1


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_a_reaction_that_fails_at_any_point_changes_nothing(ferry: Ferry, failing: int):
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    struck = []
    methods = ferry.api.methods

    class Moody(type(methods)):  # type: ignore[misc]
        async def do_setMessageReaction(self, params, uploads):
            struck.append(params)
            if len(struck) == failing + 1:
                from simulator.telegram.errors import bad_request

                raise bad_request("REACTION_INVALID")
            return await super().do_setMessageReaction(params, uploads)

    ferry.api.methods = Moody(methods.world, methods.files)
    await ferry.say(VIDEO)
    assert len(ferry.videos()) == 1
    assert len(struck) > failing
    _, videos, _ = await get_user_stats(1001)
    assert videos == 1
    assert "⏳" not in ferry.texts()


async def test_where_reactions_are_off_an_hourglass_comes_and_goes(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    ferry.home.reactions_allowed = False
    await ferry.say(VIDEO)
    assert [c.params["text"] for c in ferry.calls("sendMessage")][-1] == "⏳"
    assert len(ferry.calls("deleteMessage")) == 1
    assert "⏳" not in ferry.texts()
    await ferry.say("https://www.tiktok.com/@a/video/1")
    assert ferry.texts()[-1] == EN["media_deleted"]
    assert "⏳" not in ferry.texts()


@pytest.mark.parametrize("method", ["sendChatAction", "setMessageReaction"])
async def test_decoration_that_is_refused_or_cut_changes_nothing(ferry: Ferry, method: str):
    ferry.video()
    await ferry.start()
    for kind in ("400", "500", "cut"):
        ferry.fail(method, kind, times=20)
        await ferry.say(VIDEO)
        ferry.api.faults.clear()
    assert len(ferry.videos()) == 3


async def test_an_upload_whose_answer_is_lost_is_called_unknown_and_not_repeated(ferry: Ferry):
    ferry.video()
    await ferry.start()
    ferry.fail("sendVideo", "lost")
    request = await ferry.say(VIDEO)
    assert len(ferry.videos()) == 1  # it has arrived, which the bot cannot know
    assert len(ferry.calls("sendVideo")) == 1
    assert ferry.texts()[-1] == EN["delivery_unknown"]
    assert ferry.home.reactions[request["message_id"]] == "😢"


async def test_an_upload_that_takes_too_long_is_called_unknown(ferry: Ferry):
    ferry.video()
    await ferry.start(TELEGRAM_UPLOAD_TIMEOUT_S="10")
    assert ferry.application
    ferry.application.parts.sender._upload_timeout_s = 0.3  # type: ignore[assignment]
    ferry.fail("sendVideo", "slow", seconds=1)
    await ferry.say(VIDEO)
    assert ferry.texts()[-1] == EN["delivery_unknown"]
    assert len(ferry.calls("sendVideo")) <= 1


async def test_a_server_error_during_the_upload_is_called_unknown(ferry: Ferry):
    ferry.video()
    await ferry.start()
    ferry.fail("sendVideo", "500")
    await ferry.say(VIDEO)
    assert ferry.texts()[-1] == EN["delivery_unknown"]
    assert len(ferry.calls("sendVideo")) == 1


async def test_a_wish_for_a_pause_is_granted_once(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say("hello")
    ferry.fail("sendVideo", "429", seconds=1)
    await ferry.say(VIDEO)
    first, second = ferry.calls("sendVideo")
    assert second.at - first.at >= 1
    assert len(ferry.videos()) == 1
    ferry.fail("sendVideo", "429", seconds=1, times=2)
    await ferry.say(VIDEO)
    assert ferry.texts()[-1] == EN["delivery_failed"]


async def test_a_refused_file_is_said_to_be_refused(ferry: Ferry):
    ferry.video()
    await ferry.start()
    ferry.fail("sendVideo", "400", description="Bad Request: VIDEO_CONTENT_TYPE_INVALID")
    await ferry.say(VIDEO)
    assert ferry.texts()[-1] == EN["delivery_failed"]


async def test_who_blocks_the_bot_is_left_alone_until_he_writes_again(ferry: Ferry):
    ferry.video()
    ferry.site.latency_s = 0.2
    await ferry.start()
    await ferry.say("hello")
    ferry.world.say(ferry.ada, VIDEO)
    await ferry.until(lambda: ferry.home.reactions)
    ferry.world.block(ferry.ada)
    await ferry.settled()
    assert len(ferry.calls("sendVideo")) == 1
    assert not [c for c in ferry.calls("sendMessage") if c.status == 403]
    user = await get_user(1001)
    assert user is not None
    assert user.blocked_at is not None
    ferry.world.unblock(ferry.ada)
    await ferry.say(VIDEO)
    user = await get_user(1001)
    assert user is not None
    assert user.blocked_at is None
    assert len(ferry.videos()) == 1


async def test_a_group_where_the_bot_may_not_write_is_left_alone(ferry: Ferry):
    ferry.video()
    await ferry.start()
    crew = ferry.world.group(-1002)
    await create_user(-1002, "en")
    ferry.fail(
        "sendVideo", "400", description="Bad Request: not enough rights to send videos to the chat"
    )
    await ferry.say(VIDEO, chat=crew)
    group = await get_user(-1002)
    assert group is not None
    assert group.blocked_at is not None
    assert ferry.answers(crew) == []


# --- the site's moods ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"status": 10204, "status_message": "item doesn't exist"}, "media_deleted"),
        ({"status": 10222}, "media_private"),
        ({"status": 10231}, "media_region"),
        ({"status": 10204}, "media_unavailable"),
        ({"status": 10204, "status_message": "status_reviewing"}, "media_review"),
        ({"page_trouble": "age"}, "media_age"),
        ({"page_trouble": "503"}, "platform_trouble"),
        ({"page_trouble": "429"}, "platform_slow_down"),
        ({"page_trouble": "login"}, "platform_trouble"),
        ({"file_trouble": "truncated"}, "platform_trouble"),
        ({"file_trouble": "empty"}, "platform_trouble"),
    ],
)
async def test_every_failure_of_the_site_has_its_own_honest_sentence(
    ferry: Ferry, options: dict[str, Any], key: str
):
    ferry.video(**options)
    await ferry.start(LIMITS_ATTEMPTS="2")
    request = await ferry.say(VIDEO)
    assert ferry.texts()[-1] == EN[key]
    assert ferry.home.reactions[request["message_id"]] == "😢"
    assert ferry.videos() == []
    _, videos, _ = await get_user_stats(1001)
    assert videos == 0


async def test_what_one_exit_is_refused_the_next_one_gets(ferry: Ferry):
    await ferry.simulator.add_exit("exit-2")
    ferry.video(status=10204, status_message="item doesn't exist", status_for=frozenset({"exit-1"}))
    await ferry.start()
    await ferry.say(VIDEO)
    assert len(ferry.videos()) == 1
    assert len({e.exit for e in ferry.simulator.log if "/video/" in e.path}) == 2
    media = {e.exit for e in ferry.simulator.log if e.host.startswith("v16")}
    assert media == {"exit-2"}


async def test_a_dead_address_of_the_cdn_is_passed_over(ferry: Ferry):
    ferry.video(file_trouble="gone-first")
    await ferry.start()
    await ferry.say(VIDEO)
    assert len(ferry.videos()) == 1


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1/vm.tiktok.com/x",
        "https://evil.example/?u=tiktok.com/t/x",
        "https://tiktok.com@127.0.0.1/@a/video/1",
        "https://www.tiktok.com.evil.example/@a/video/1",
    ],
)
async def test_forged_links_are_never_fetched(ferry: Ferry, link: str):
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(link)
    assert ferry.simulator.log == []
    assert ferry.texts()[-1] == load_texts()("en", "foreign_link", platforms=PLATFORMS)


async def test_a_short_link_into_our_own_network_is_never_followed(ferry: Ferry):
    ferry.site.short_links["in"] = f"{ferry.simulator.address}/control/counts"
    await ferry.start()
    await ferry.say("https://vm.tiktok.com/in")
    assert {entry.host for entry in ferry.simulator.log} == {"vm.tiktok.com"}
    assert ferry.texts()[-1] == EN["link_broken"]


async def test_a_site_that_keeps_failing_is_left_in_peace_and_tried_again(ferry: Ferry):
    numbers = [f"73000000000000003{n:02}" for n in range(8)]
    posts = [ferry.video(number, page_trouble="503") for number in numbers]
    links = iter([VIDEO.replace(ID, number) for number in numbers])
    await ferry.start(
        LIMITS_ATTEMPTS="1", NETWORK_BREAKER_FAILURES="2", NETWORK_BREAKER_PAUSE_S="1"
    )
    await ferry.say("hello")

    def asked() -> int:
        return sum(post.page_requests for post in posts)

    for _ in range(4):
        await ferry.say(next(links))
        assert ferry.texts()[-1] == EN["platform_trouble"]
    assert asked() == 2  # open after two failures
    await asyncio.sleep(1)
    await ferry.say(next(links))
    await ferry.say(next(links))
    assert asked() == 3  # half open: one try, and it rests again
    for post in posts:
        post.page_trouble = ""
    await asyncio.sleep(1)
    await ferry.say(next(links))
    await ferry.say(next(links))
    assert len(ferry.videos()) == 2  # it works, and the way is open


async def test_a_single_broken_post_does_not_stop_its_site(ferry: Ferry):
    ferry.video(file_trouble="gone")
    other = "7300000000000000002"
    ferry.video(other)
    await ferry.start(NETWORK_BREAKER_FAILURES="2")
    await ferry.say("hello")
    for _ in range(3):
        await ferry.say(VIDEO)
    await ferry.say(VIDEO.replace(ID, other))
    assert len(ferry.videos()) == 1


async def test_an_open_way_leaves_the_others_alone(ferry: Ferry):
    """One exit is refused for good: after a while nobody waits for it any more."""
    await ferry.simulator.add_exit("exit-2")
    ferry.site.refused_exits.add("exit-1")
    await ferry.start(NETWORK_BREAKER_FAILURES="2")
    for number in range(8):
        post_id = f"73000000000000001{number:02}"
        ferry.video(post_id)
        await ferry.say(VIDEO.replace(ID, post_id))
    assert len(ferry.videos()) == 8
    asked = [e.exit for e in ferry.simulator.log if e.path.startswith("/@_/video")]
    assert asked.count("exit-1") == 2


# --- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("local", "arrives"), [("false", False), ("true", True)])
async def test_too_large_is_said_with_the_real_limit_before_any_upload(
    ferry: Ferry, local: str, arrives: bool
):
    large = ferry.samples.video(VideoSpec(padded_bytes=60_000_000))
    ferry.video(encodings=(Encoding(large),))
    ferry.api.upload_limit = 2_000_000_000
    await ferry.start(TELEGRAM_LOCAL=local, LIMITS_SHRINK_MB="0")
    await ferry.say(VIDEO)
    assert len(ferry.videos()) == arrives
    if not arrives:
        assert ferry.texts()[-1] == load_texts()("en", "too_large", size=60, limit=50)
        assert ferry.calls("sendVideo") == []
        assert not [e for e in ferry.simulator.log if e.host.startswith("v16")]


async def test_a_smaller_rendition_is_taken_when_the_best_is_too_large(ferry: Ferry):
    large = ferry.samples.video(VideoSpec(padded_bytes=60_000_000))
    small = ferry.samples.video(VideoSpec(width=288, height=512))
    ferry.video(encodings=(Encoding(large), Encoding(small, width=288, height=512)))
    await ferry.start()
    await ferry.say(VIDEO)
    assert ferry.videos()[0]["video"]["width"] == 288


async def test_a_lie_about_the_size_ends_at_the_limit(ferry: Ferry):
    large = ferry.samples.video(VideoSpec(padded_bytes=60_000_000))
    ferry.video(encodings=(Encoding(large, says_size=False),), file_trouble="chunked")
    await ferry.start(LIMITS_SHRINK_MB="0")
    await ferry.say(VIDEO)
    assert ferry.texts()[-1] == load_texts()("en", "too_large", size=51, limit=50)
    assert ferry.calls("sendVideo") == []


async def test_telegrams_own_413_is_explained(ferry: Ferry):
    ferry.video()
    ferry.api.upload_limit = 100_000
    await ferry.start()
    await ferry.say(VIDEO)
    assert "up to 50 MB" in ferry.texts()[-1]


async def test_too_long_is_said_with_the_real_limit(ferry: Ferry):
    ferry.video(duration_s=200)
    await ferry.start(LIMITS_MAX_DURATION_S="90")
    await ferry.say(VIDEO)
    assert ferry.texts()[-1] == "The video lasts 3:20. I bring videos of up to 1:30."


async def test_more_than_the_queue_holds_is_turned_away(ferry: Ferry):
    ferry.video()
    ferry.site.latency_s = 0.3
    await ferry.start(LIMITS_ACTIVE_REQUESTS="1", LIMITS_WAITING_REQUESTS="1")
    await ferry.say("hello")
    for _ in range(4):
        ferry.world.say(ferry.ada, VIDEO)
    await ferry.settled()
    assert len(ferry.videos()) == 2
    assert ferry.texts().count(EN["busy"]) == 2


async def test_fifty_chats_at_once_are_all_served(ferry: Ferry):
    ferry.video()
    await ferry.start()
    people = [ferry.world.person(2000 + n, f"P{n}") for n in range(50)]
    for person in people:
        ferry.world.say(person, VIDEO)
    await ferry.settled()
    assert all(len(ferry.videos(ferry.world.chats[p.id])) == 1 for p in people)


# --- when the house itself is in trouble --------------------------------------------------------


async def test_without_the_database_people_are_served_all_the_same(ferry: Ferry):
    ferry.video()
    await ferry.start()
    from data.database import get_session

    async with await get_session() as db:
        for table in ("music", "videos", "users"):
            await db.execute(text(f"DROP TABLE {table}"))
        await db.commit()
    request = await ferry.say(VIDEO)
    assert len(ferry.videos()) == 1
    assert request["message_id"] not in ferry.home.reactions


async def test_a_bug_is_confessed_under_the_code_that_stands_in_the_log(
    ferry: Ferry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    ferry.video()
    await ferry.start()

    def broken(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("services.downloads.choose_rendition", broken)
    await ferry.say(VIDEO)
    record = next(r for r in caplog.records if r.message.startswith("Bug "))
    code = record.message.split()[1]
    assert len(code) == 8
    assert code in ferry.texts()[-1]
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


async def test_a_bug_in_a_handler_is_confessed_too(ferry: Ferry, monkeypatch: pytest.MonkeyPatch):
    await ferry.start()
    await ferry.say("hello")

    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("misc.orders.OrderDesk.submit_links", broken)
    await ferry.say(VIDEO)
    assert "code" in ferry.texts()[-1]


async def test_requests_of_one_person_do_not_wait_for_anothers(ferry: Ferry):
    """A stalled download of one chat leaves the others alone."""
    ferry.video(file_trouble="stall")
    ferry.video("7300000000000000009")
    await ferry.start(LIMITS_ATTEMPTS="1", LIMITS_STALL_S="2")
    other = ferry.world.person(3000, "Bo")
    ferry.world.say(ferry.ada, VIDEO)
    ferry.world.say(other, "https://www.tiktok.com/@a/video/7300000000000000009")
    await ferry.until(lambda: ferry.videos(ferry.world.chats[3000]))
    assert EN["platform_trouble"] not in ferry.texts()
    await ferry.settled()
    assert ferry.texts()[-1] == EN["platform_trouble"]
